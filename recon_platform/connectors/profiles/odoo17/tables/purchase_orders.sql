select o.name as purchase_order, l.id as line, 'S' || o.partner_id as supplier, i.item, cast(l.product_qty as double) / u.factor * i.factor as qty,
    cast(l.qty_received as double) / u.factor * i.factor as received_qty, i.uom, o.date_order__day as ordered_on,
    coalesce(l.date_planned__day, o.date_planned__day, o.date_order__day) as due_date,
    case when o.state = 'cancel' then 'cancelled' when o.state = 'done' or cast(l.qty_received as double) >= cast(l.product_qty as double) then 'closed' else 'open' end as status
from purchase_lines l join purchases o on o.id = l.order_id join item i on i.id = l.product_id join unit u on u.id = l.product_uom
where o.state in ('purchase', 'done', 'cancel') and l.display_type is null and i.detailed_type <> 'service' and cast(l.product_qty as double) > 0
