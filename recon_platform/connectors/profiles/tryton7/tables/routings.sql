select b.item, case b.rank when 1 then 'main' else 'bom-' || b.bom end as routing, s.op_seq, s.code as operation_code, s.work_center,
    0 as setup_min, r.minutes as run_min_per_unit
from step s join item_bom b on b.routing = s.routing join run_time r on r.operation = s.operation and r.product = b.product
where s.work_center is not null
