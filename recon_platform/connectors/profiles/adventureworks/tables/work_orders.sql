select
    'WO' || wo.WorkOrderID as work_order, p.ProductNumber as item, 'main' as routing, wo.OrderQty as qty, 'EA' as uom,
    case when wo.ends <= as_of then 'closed' when wo.starts <= as_of then 'in_process' else 'released' end as status,
    substr(wo.StartDate, 1, 10) as start_date, substr(wo.DueDate, 1, 10) as due_date
from wo join product p using (ProductID), moment
union all
select
    'WO' || d.WorkOrderID, coalesce(p.ProductNumber, d.ProductID), 'main', d.OrderQty, 'EA', 'released', d.StartDate, d.DueDate
from work_order_damaged d left join product p using (ProductID)
where getvariable('damaged_feed') and d.WorkOrderID not in (select WorkOrderID from work_order)
