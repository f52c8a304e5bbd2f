select
    h.SalesOrderNumber as sales_order, l.SalesOrderDetailID as line, h.CustomerID as customer, p.ProductNumber as item,
    cast(l.OrderQty as double) as qty, 'EA' as uom,
    case when cast(h.ShipDate as timestamp) <= as_of then cast(l.OrderQty as double) else 0 end as shipped_qty,
    cast(cast(h.DueDate as timestamp) as date) as requested_date,
    case when cast(h.ShipDate as timestamp) <= as_of then 'shipped' else 'open' end as status,
    cast(l.UnitPrice as double) as unit_price
from so_line l join so_header h using (SalesOrderID) join product p using (ProductID), moment
where cast(h.OrderDate as timestamp) <= as_of
