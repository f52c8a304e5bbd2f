select 'PLANT' as calendar, unnest(range(1, 6)) as weekday, 'day' as shift, 'regular' as kind, getvariable('shift_start') as "start", getvariable('shift_end') as "end"
