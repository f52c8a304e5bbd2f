select
    s.AccountNumber as supplier, p.ProductNumber as item, cast(v.AverageLeadTime as integer) as lead_time_days,
    case when trim(v.UnitMeasureCode) = 'EA' then cast(v.MinOrderQty as double) end as min_qty,
    case when trim(v.UnitMeasureCode) = 'EA' then cast(v.StandardPrice as double) end as price
from product_vendor v join vendor s using (BusinessEntityID) join product p using (ProductID)
