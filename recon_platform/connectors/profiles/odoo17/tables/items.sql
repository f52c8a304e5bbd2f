select i.item, i.description, case b.type when 'normal' then 'make' when 'phantom' then 'phantom' else 'buy' end as make_buy, i.uom,
    coalesce(case when b.type is null then s.delay else b.lead_days end, 0) as lead_time_days, 'lot_for_lot' as lot_rule,
    r.safety_stock, r.multiple_qty, case when cast(i.weight as double) > 0 then i.weight end as weight_kg
from item i
left join item_bom b on b.product = i.id and b.rank = 1
left join (select coalesce(product_id, 't' || product_tmpl_id) as of, min(cast(delay as double)) as delay from supplier_infos group by 1) s
    on s.of = i.id or s.of = 't' || i.template
left join (select product_id, max(cast(product_min_qty as double)) as safety_stock, max(cast(qty_multiple as double)) as multiple_qty
           from reorder_rules group by 1) r on r.product_id = i.id
where i.detailed_type <> 'service'
qualify row_number() over (partition by i.id order by s.delay) = 1
