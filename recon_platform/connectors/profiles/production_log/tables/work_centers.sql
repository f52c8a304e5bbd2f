select work_center, work_center as line, 'SHOP' as calendar, 1 as machines
from (select work_center from operation union select machine from placed)
