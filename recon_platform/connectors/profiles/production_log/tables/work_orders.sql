select
    s.work_order, s.part as item, 'main' as routing, s.qty, 'PCE' as uom,
    case when s.last_end <= s.as_of then 'complete' when s.first_start <= s.as_of then 'in_process' else 'released' end as status,
    cast(s.first_start as date) as start_date,
    cast(s.first_start as date) + cast(getvariable('due_days') as integer) as due_date
from shop_order s
