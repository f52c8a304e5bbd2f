create temp view moment as select cast(getvariable('as_of') as timestamp) as as_of;

create temp table wo as
select
    w.WorkOrderID, w.ProductID, coalesce(d.OrderQty, w.OrderQty) as OrderQty, w.StartDate, w.EndDate, w.DueDate,
    cast(w.StartDate as timestamp) as starts, cast(w.EndDate as timestamp) as ends
from work_order w left join work_order_damaged d using (WorkOrderID);

create temp table step as
select
    r.WorkOrderID, r.ProductID, cast(r.OperationSequence as integer) as op_seq, r.LocationID,
    cast(r.ActualResourceHrs as double) * 60 / cast(wo.OrderQty as double) as run_min_per_unit,
    cast(r.ActualStartDate as timestamp) as starts, cast(r.ActualEndDate as timestamp) as ends
from work_order_routing r join wo using (WorkOrderID);

create temp table po as
select
    l.PurchaseOrderID, l.PurchaseOrderDetailID, h.VendorID, l.ProductID, h.Status,
    cast(l.OrderQty as double) as qty, cast(l.ReceivedQty as double) as received,
    cast(cast(h.OrderDate as timestamp) as date) - cast(getvariable('shift_days') as integer) as ordered_on,
    cast(cast(h.ShipDate as timestamp) as date) - cast(getvariable('shift_days') as integer) as arrived_on,
    cast(cast(l.DueDate as timestamp) as date) - cast(getvariable('shift_days') as integer) as due_date
from po_line l join po_header h using (PurchaseOrderID);
