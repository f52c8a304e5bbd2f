select work_center, name as description, calendar, 1 as machines, efficiency / 100 as efficiency, cost as cost_per_hour from center where coalesce(active, 'true') = 'true'
