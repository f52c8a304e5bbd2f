select i.item, i.description, case when b.bom is null then 'buy' else 'make' end as make_buy, i.uom,
    coalesce(case when b.bom is null then o.days else l.days end, 0) as lead_time_days, 'lot_for_lot' as lot_rule, p.safety_stock, i.cost
from item i
left join item_bom b on b.product = i.id and b.rank = 1
left join (select product, bom, min(cast(lead_time as double)) / 86400 as days from lead_times group by all) l
    on l.product = i.id and (l.bom = b.bom or l.bom is null)
left join (select product, template, min(cast(lead_time as double)) / 86400 as days from offers group by all) o
    on o.product = i.id or (o.product is null and o.template = i.template)
left join (select product, max(cast(min_quantity as double)) as safety_stock from order_points group by 1) p on p.product = i.id
where i.type = 'goods' and i.active
qualify row_number() over (partition by i.id order by l.bom nulls last, o.days nulls last) = 1
