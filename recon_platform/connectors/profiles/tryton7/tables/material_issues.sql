select o.work_order, i.item as component_item, sum(m.qty) as required_qty, sum(case when m.state = 'done' then m.qty else 0 end) as issued_qty, i.uom
from stock_move m join production_order o on o.id = m.production_input join item i on i.id = m.product
where m.state <> 'cancelled' group by o.work_order, i.item, i.uom
