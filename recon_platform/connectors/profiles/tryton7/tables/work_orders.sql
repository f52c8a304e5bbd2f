select o.work_order, o.item, case when b.rank > 1 then 'bom-' || b.bom else 'main' end as routing, o.qty, coalesce(d.done, 0) as completed_qty, o.uom,
    case o.state when 'request' then 'planned' when 'draft' then 'firm' when 'waiting' then 'released' when 'assigned' then 'released'
        when 'running' then 'in_process' when 'done' then 'closed' else 'cancelled' end as status,
    o.planned_start_date as start_date, coalesce(o.planned_date, o.planned_start_date) as due_date, o.row_version
from production_order o
left join item_bom b on b.bom = o.bom and b.product = o.product
left join (select production_output, product, sum(qty) as done from stock_move where state = 'done' and production_output is not null group by all) d
    on d.production_output = o.id and d.product = o.product
where coalesce(o.planned_date, o.planned_start_date) is not null
