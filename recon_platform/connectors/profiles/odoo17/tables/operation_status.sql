select work_order as "order", op_seq, code as operation_code,
    case state when 'done' then 'complete' when 'progress' then 'running' when 'cancel' then 'terminated' else 'waiting' end as status,
    cast(qty_produced as double) as good_qty, 0 as scrap_qty, case when state in ('progress', 'done') then date_start end as started_at,
    case when state = 'done' then date_finished end as ended_at, write_date as reported_at
from order_operation
