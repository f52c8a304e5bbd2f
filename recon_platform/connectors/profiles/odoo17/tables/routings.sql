select b.item, case b.rank when 1 then 'main' else 'bom-' || b.bom end as routing, s.op_seq, s.name as operation_code, c.work_center,
    c.setup as setup_min, s.minutes / c.capacity as run_min_per_unit
from step s join item_bom b on b.bom = s.bom_id join center c on c.id = s.workcenter_id where b.type = 'normal'
