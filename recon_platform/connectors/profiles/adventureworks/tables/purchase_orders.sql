-- Rewound: lines ordered later do not exist yet; those that arrived later are open.
select
    po.PurchaseOrderID as purchase_order, po.PurchaseOrderDetailID as line, v.AccountNumber as supplier, p.ProductNumber as item,
    po.qty, case when po.arrived_on <= cast(as_of as date) then po.received else 0 end as received_qty,
    coalesce(pv.UnitMeasureCode, 'EA') as uom, po.ordered_on, po.due_date,
    case when po.Status = '3' then 'cancelled' when po.arrived_on <= cast(as_of as date) then 'closed' else 'open' end as status
from po join product p using (ProductID) join vendor v on v.BusinessEntityID = po.VendorID
left join product_vendor pv on pv.ProductID = po.ProductID and pv.BusinessEntityID = po.VendorID, moment
where po.ordered_on <= cast(as_of as date)
