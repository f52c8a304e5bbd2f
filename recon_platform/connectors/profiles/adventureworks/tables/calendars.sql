select 'THREE-SHIFT' as calendar, weekday, Name as shift, 'regular' as kind, substr(StartTime, 1, 5) as "start", substr(EndTime, 1, 5) as "end"
from shift, (values (1), (2), (3), (4), (5)) as d (weekday)
