-- One row per report that had ended at the rewind, so that no row of the log is lost on the way.
select
    p.work_order as "order", o.op_seq, p.resource as machine, p.good + p.rejected as qty,
    case when p.report = 'S' then 0 else date_diff('minute', p.started_at, p.ended_at) end as run_min,
    case when p.report = 'S' then date_diff('minute', p.started_at, p.ended_at) end as setup_min,
    p.report as to_value, p.ended_at as "at"
from placed p
join operation o on o.work_order = p.work_order and o.activity = p.activity
where p.ended_at <= p.as_of
