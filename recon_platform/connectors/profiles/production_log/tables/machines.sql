select machine, machine as work_center, min(resource) as mes_machine
from (select machine, resource from placed union all select work_center, null from operation)
group by machine
