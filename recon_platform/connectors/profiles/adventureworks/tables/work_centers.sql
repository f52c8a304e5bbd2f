select
    Name as work_center, Name as line, 'THREE-SHIFT' as calendar, 1 as machines,
    cast(Availability as double) / 120 as efficiency, cast(CostRate as double) as cost_per_hour
from location
where cast(Availability as double) > 0
