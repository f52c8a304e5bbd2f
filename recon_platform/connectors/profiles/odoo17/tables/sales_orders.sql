select o.name as sales_order, l.id as line, 'C' || o.partner_id as customer, i.item,
    cast(l.product_uom_qty as double) / u.factor * i.factor as qty, i.uom, cast(l.qty_delivered as double) / u.factor * i.factor as shipped_qty,
    strftime(cast(coalesce(o.commitment_date__day, o.date_order__day) as date)
        + case when o.commitment_date__day is null then cast(round(cast(l.customer_lead as double)) as int) else 0 end, '%Y-%m-%d') as requested_date,
    o.commitment_date__day as promised_date,
    case when o.state = 'cancel' then 'cancelled' when cast(l.qty_delivered as double) >= cast(l.product_uom_qty as double) then 'shipped' else 'open' end as status,
    l.price_unit as unit_price
from sale_lines l join sales o on o.id = l.order_id join item i on i.id = l.product_id join unit u on u.id = l.product_uom
where o.state in ('sale', 'done', 'cancel') and l.display_type is null and i.detailed_type <> 'service' and cast(l.product_uom_qty as double) > 0
