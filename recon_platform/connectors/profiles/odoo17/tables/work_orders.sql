select p.name as work_order, i.item, case when b.rank > 1 then 'bom-' || b.bom else 'main' end as routing,
    cast(p.product_qty as double) / u.factor * i.factor as qty, coalesce(d.done, 0) as completed_qty, i.uom,
    case p.state when 'draft' then 'planned' when 'confirmed' then 'released' when 'progress' then 'in_process' when 'to_close' then 'in_process'
        when 'done' then 'closed' else 'cancelled' end as status,
    p.date_start__day as start_date, coalesce(p.date_deadline__day, p.date_finished__day, p.date_start__day) as due_date, v.row_version
from productions p join item i on i.id = p.product_id join unit u on u.id = p.product_uom_id join order_version v on v.id = p.id
left join item_bom b on b.bom = p.bom_id and b.product = p.product_id
left join (select production_id, product_id, sum(cast(product_qty as double)) as done from moves where state = 'done' and production_id is not null group by all) d
    on d.production_id = p.id and d.product_id = p.product_id
