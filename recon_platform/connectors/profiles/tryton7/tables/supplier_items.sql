select 'S' || o.party as supplier, i.item, coalesce(cast(o.lead_time as double) / 86400, 0) as lead_time_days,
    nullif(p.min_qty, 0) as min_qty, p.price
from offers o join item i on i.id = o.product or (o.product is null and i.template = o.template)
left join (select product_supplier, min(cast(quantity as double)) as min_qty, min_by(cast(unit_price as double), cast(quantity as double)) as price
           from offer_prices group by 1) p on p.product_supplier = o.id
where i.type = 'goods'
qualify row_number() over (partition by o.party, i.id order by coalesce(cast(o.sequence as int), 0), cast(o.id as int)) = 1
