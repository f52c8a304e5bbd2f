-- One row per report, typed; what an activity and a resource call the same machine gets one name.
create temp table event as
select
    row_number() over () as row_id,
    trim("Case ID") as work_order,
    strptime("Start Timestamp", '%Y/%m/%d %H:%M:%S') as started_at,
    strptime("Complete Timestamp", '%Y/%m/%d %H:%M:%S') as ended_at,
    regexp_replace(trim(Activity), '\s+', ' ', 'g') as activity,
    regexp_replace(trim(Resource), '\s+', ' ', 'g') as resource,
    regexp_extract(Activity, 'Machine\s*(\d+)', 1) as activity_machine,
    regexp_extract(Resource, 'Machine\s*(\d+)', 1) as resource_machine,
    cast("Work Order  Qty" as double) as order_qty,
    trim("Part Desc.") as part,
    "Report Type" as report,
    coalesce(try_cast("Qty Completed" as double), 0) as good,
    coalesce(try_cast("Qty Rejected" as double), 0) as rejected,
    hash(log) as content
from log;

create temp view placed as
select
    *,
    case when resource_machine <> '' then 'Machine ' || resource_machine else resource end as machine,
    cast(getvariable('as_of') as timestamp) as as_of
from event;

-- The operations of an order: its activities in the order in which they first began.
create temp table operation as
with activity as (
    select
        work_order,
        activity,
        min(started_at) as first_start,
        max(ended_at) as last_end,
        mode(machine order by machine) as usual_machine,
        max(activity_machine) as named_machine,
        sum(case when report = 'S' then date_diff('minute', started_at, ended_at) else 0 end) as setup_min,
        sum(case when report = 'D' then date_diff('minute', started_at, ended_at) else 0 end) as run_min
    from placed
    group by work_order, activity
)
select
    *,
    case when named_machine <> '' then 'Machine ' || named_machine else usual_machine end as work_center,
    10 * row_number() over (partition by work_order order by first_start, last_end, activity) as op_seq
from activity;

create temp table shop_order as
select
    work_order,
    min(part) as part,
    max(order_qty) as qty,
    min(started_at) as first_start,
    max(ended_at) as last_end,
    any_value(as_of) as as_of
from placed
group by work_order
having min(started_at) <= any_value(as_of) + to_days(cast(getvariable('known_days') as integer));
