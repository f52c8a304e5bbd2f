select
    p.ProductNumber as item, 'main' as routing, s.op_seq * 10 as op_seq, l.Name as operation_code, l.Name as work_center,
    0 as setup_min, avg(s.run_min_per_unit) as run_min_per_unit
from step s join product p using (ProductID) join location l using (LocationID)
group by all
