select distinct 'S' || s.partner_id as supplier, i.item, cast(s.delay as double) as lead_time_days, nullif(cast(s.min_qty as double), 0) as min_qty, cast(s.price as double) as price
from supplier_infos s join item i on i.id = s.product_id or (s.product_id is null and i.template = s.product_tmpl_id)
where i.detailed_type <> 'service' qualify row_number() over (partition by s.partner_id, i.id order by cast(s.sequence as int), cast(s.min_qty as double), cast(s.id as int)) = 1
