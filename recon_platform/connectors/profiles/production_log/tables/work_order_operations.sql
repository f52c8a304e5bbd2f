select
    o.work_order, o.op_seq, o.activity as operation_code, o.work_center, o.work_center as machine, o.setup_min,
    o.run_min / s.qty as run_min_per_unit
from operation o join shop_order s using (work_order)
