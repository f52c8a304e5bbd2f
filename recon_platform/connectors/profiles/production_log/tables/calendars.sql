select 'SHOP' as calendar, weekday, shift, 'regular' as kind, "start", "end"
from (values ('early', '06:00', '14:00'), ('late', '14:00', '22:00')) as s (shift, "start", "end"),
     (values (7), (1), (2), (3), (4)) as d (weekday)
union all
select 'SHOP', 5, 'early', 'regular', '06:00', '14:00'
