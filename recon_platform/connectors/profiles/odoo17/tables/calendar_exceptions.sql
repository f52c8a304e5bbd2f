select distinct 'CAL' || k.id as calendar, strftime(d.day, '%Y-%m-%d') as "date", 'closed' as kind, l.name as reason
from leaves l join calendars_of k on k.id = l.calendar_id or l.calendar_id is null,
lateral (select unnest(generate_series(cast(l.date_from__day as date), cast(l.date_to__day as date), interval 1 day)) as day) d
where l.resource_id is null and l.time_type <> 'other'
