select
    'WO' || s.WorkOrderID as "order", s.op_seq * 10 as op_seq, l.Name as operation_code,
    case when s.ends <= as_of then 'complete'
         when s.starts <= as_of and s.op_seq = min(s.op_seq) over (partition by s.WorkOrderID) then 'running'
         else 'waiting' end as status,
    case when s.ends <= as_of then cast(wo.OrderQty as double) else 0 end as good_qty, 0 as scrap_qty, 'EA' as uom,
    case when s.starts <= as_of and s.op_seq = min(s.op_seq) over (partition by s.WorkOrderID) then s.starts end as started_at,
    case when s.ends <= as_of then s.ends end as ended_at,
    as_of as reported_at
from step s join location l using (LocationID) join wo using (WorkOrderID), moment
