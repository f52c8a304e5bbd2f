select p.name as work_order, i.item as component_item, sum(cast(m.product_qty as double)) as required_qty,
    sum(case when m.state = 'done' then cast(m.product_qty as double) else 0 end) as issued_qty, i.uom
from moves m join productions p on p.id = m.raw_material_production_id join item i on i.id = m.product_id
where m.state <> 'cancel' group by all
