-- Attendances of the whole calendar and of no period; two-week calendars are read as if every week were both.
select distinct 'CAL' || calendar_id as calendar, cast(dayofweek as int) + 1 as weekday, 'S' || hour_from as shift, 'regular' as kind,
    printf('%02d:%02d', cast(floor(cast(hour_from as double)) as int), cast(round(60 * (cast(hour_from as double) % 1)) as int)) as "start",
    printf('%02d:%02d', cast(floor(cast(hour_to as double)) as int) % 24, cast(round(60 * (cast(hour_to as double) % 1)) as int)) as "end"
from attendances
where resource_id is null and display_type is null and coalesce(day_period, '') <> 'lunch' and cast(hour_to as double) > cast(hour_from as double)
union all
select 'ALWAYS', d, 'S', 'regular', '00:00', '00:00' from (select unnest(range(1, 8)) as d) where exists (select 1 from center where calendar = 'ALWAYS')
