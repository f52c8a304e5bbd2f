select work_order as "order", op_seq, code as operation_code, machine,
    case state when 'running' then 'running' when 'finished' then 'complete' when 'done' then 'complete' else 'waiting' end as status,
    case when state in ('finished', 'done') then qty else 0 end as good_qty, 0 as scrap_qty, reported_at
from order_work
