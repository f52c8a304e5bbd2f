-- The routing of a part is that of its order with the most operations; orders carry their own operations besides.
with longest as (
    select part, work_order
    from (
        select s.part, o.work_order, row_number() over (partition by s.part order by count(*) desc, o.work_order) as place
        from operation o join (select work_order, min(part) as part from placed group by work_order) s using (work_order)
        group by s.part, o.work_order
    )
    where place = 1
)
select
    l.part as item, 'main' as routing, o.op_seq, o.activity as operation_code, o.work_center, o.setup_min,
    o.run_min / q.qty as run_min_per_unit
from longest l
join operation o using (work_order)
join (select work_order, max(order_qty) as qty from placed group by work_order) q using (work_order)
