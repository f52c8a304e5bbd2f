-- What the MES would have said at the rewind: the operations that had begun, with what was reported until then.
with past as (
    select distinct on (work_order, activity, content) *
    from placed
    where started_at <= as_of
    order by work_order, activity, content, row_id
)
select
    p.work_order as "order", o.op_seq, p.activity as operation_code, arg_max(p.resource, p.started_at) as machine,
    case
        when o.last_end <= any_value(p.as_of) then 'complete'
        when max(p.ended_at) <= any_value(p.as_of) then 'paused'
        when arg_max(p.report, p.started_at) = 'S' then 'setup'
        when arg_max(p.report, p.started_at) = 'B' then 'paused'
        else 'running'
    end as status,
    coalesce(sum(p.good) filter (where p.report = 'D' and p.ended_at <= p.as_of), 0) as good_qty,
    coalesce(sum(p.rejected) filter (where p.report = 'D' and p.ended_at <= p.as_of), 0) as scrap_qty,
    'PCE' as uom,
    min(p.started_at) as started_at,
    case when o.last_end <= any_value(p.as_of) then o.last_end end as ended_at,
    least(max(p.ended_at), any_value(p.as_of)) as reported_at
from past p
join operation o on o.work_order = p.work_order and o.activity = p.activity
join shop_order s on s.work_order = p.work_order
group by p.work_order, o.op_seq, p.activity, o.last_end
