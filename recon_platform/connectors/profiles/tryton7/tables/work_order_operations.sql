-- Planned times come from the sidecar, as long as they lie within the days that Tryton keeps: a planner's own day wins.
select w.work_order, w.op_seq, w.code as operation_code, w.work_center, w.machine, t.planned_start, t.planned_end,
    case when w.state in ('finished', 'done') then w.qty else 0 end as completed_qty,
    case w.state when 'running' then 'running' when 'finished' then 'complete' when 'done' then 'complete' else 'waiting' end as status
from order_work w
left join times t on t.work_order = w.work_order and cast(t.op_seq as int) = w.op_seq
    and left(t.planned_start, 10) between strftime(cast(w.planned_start_date as date) - 1, '%Y-%m-%d') and strftime(cast(w.planned_date as date) + 1, '%Y-%m-%d')
    and left(t.planned_end, 10) between strftime(cast(w.planned_start_date as date) - 1, '%Y-%m-%d') and strftime(cast(w.planned_date as date) + 1, '%Y-%m-%d')
where w.work_center is not null
