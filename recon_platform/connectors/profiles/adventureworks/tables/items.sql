with fastest as (select ProductID, min(cast(AverageLeadTime as integer)) as days from product_vendor group by ProductID)
select
    p.ProductNumber as item, p.Name as description, case when p.MakeFlag = '1' then 'make' else 'buy' end as make_buy, 'EA' as uom,
    case when p.MakeFlag = '1' then greatest(1, cast(p.DaysToManufacture as integer))
         else coalesce(f.days, cast(getvariable('default_lead_time_days') as integer)) end as lead_time_days,
    'lot_for_lot' as lot_rule, cast(p.SafetyStockLevel as double) as safety_stock,
    cast(p.StandardCost as double) as cost, trim(p.ProductLine) as family,
    case trim(p.WeightUnitMeasureCode) when 'LB' then round(cast(p.Weight as double) * 0.45359237, 6)
         when 'G' then cast(p.Weight as double) / 1000 end as weight_kg
from product p left join fastest f using (ProductID)
