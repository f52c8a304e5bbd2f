select work_center, any_value(group_name) as description, 'PLANT' as calendar, count(*) as machines, avg(cost) as cost_per_hour from center group by work_center
