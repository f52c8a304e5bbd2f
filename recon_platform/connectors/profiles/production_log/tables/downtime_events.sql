select
    'B' || row_id as event, resource as machine, started_at, case when ended_at <= as_of then ended_at end as ended_at,
    false as planned, 'breakdown report' as reason, least(ended_at, as_of) as reported_at
from placed
where report = 'B' and started_at <= as_of
