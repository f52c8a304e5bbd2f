select
    'WO' || s.WorkOrderID as work_order, s.op_seq * 10 as op_seq, l.Name as operation_code, l.Name as work_center,
    0 as setup_min, s.run_min_per_unit
from step s join location l using (LocationID)
