select work_order, op_seq, code as operation_code, work_center, date_start as planned_start, date_finished as planned_end,
    cast(qty_produced as double) as completed_qty, case state when 'done' then 'complete' when 'progress' then 'running' when 'cancel' then 'terminated' else 'waiting' end as status
from order_operation
