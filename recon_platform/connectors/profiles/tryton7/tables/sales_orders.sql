select o.number as sales_order, l.id as line, 'C' || o.party as customer, i.item, cast(l.quantity as double) * u.factor / i.factor as qty, i.uom,
    coalesce(m.shipped, 0) as shipped_qty, coalesce(o.shipping_date, l.shipping_date, o.sale_date) as requested_date, coalesce(l.shipping_date, o.shipping_date) as promised_date,
    case when o.state = 'cancelled' then 'cancelled' when o.state = 'done' then 'closed'
        when coalesce(m.shipped, 0) >= cast(l.quantity as double) * u.factor / i.factor then 'shipped' else 'open' end as status,
    cast(l.unit_price as double) / (u.factor / i.factor) as unit_price
from sale_lines l join sales o on o.id = l.sale join item i on i.id = l.product join unit u on u.id = l.unit
left join (select origin, sum(case to_type when 'customer' then qty else -qty end) as shipped from stock_move
           where state = 'done' and origin like 'sale.line,%' group by 1) m on m.origin = 'sale.line,' || l.id
where o.state in ('confirmed', 'processing', 'done', 'cancelled') and l.type = 'line' and i.type = 'goods' and cast(l.quantity as double) > 0
    and coalesce(o.shipping_date, l.shipping_date, o.sale_date) is not null
