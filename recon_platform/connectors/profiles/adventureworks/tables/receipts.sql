select
    po.PurchaseOrderID as purchase_order, po.PurchaseOrderDetailID as line, po.arrived_on as received_on, po.received as qty,
    coalesce(pv.UnitMeasureCode, 'EA') as uom
from po left join product_vendor pv on pv.ProductID = po.ProductID and pv.BusinessEntityID = po.VendorID, moment
where po.arrived_on <= cast(as_of as date) and po.received > 0
