select 'work_orders' as "table", 'erp' as source, as_of as extracted_at, as_of as watermark,
       (select count(*) from work_order) + case when getvariable('damaged_feed')
           then (select count(*) from work_order_damaged d where d.WorkOrderID not in (select WorkOrderID from work_order)) else 0 end as "rows"
from moment
