-- Tryton names no delivery date once the day has passed: then it is the one that was entered.
select o.number as purchase_order, l.id as line, 'S' || o.party as supplier, i.item, cast(l.quantity as double) * u.factor / i.factor as qty,
    coalesce(m.received, 0) as received_qty, i.uom, o.purchase_date as ordered_on, coalesce(l.delivery_date, l.delivery_date_store, o.delivery_date, o.purchase_date) as due_date,
    case when o.state = 'cancelled' then 'cancelled'
        when o.state = 'done' or coalesce(m.received, 0) >= cast(l.quantity as double) * u.factor / i.factor then 'closed' else 'open' end as status
from purchase_lines l join purchases o on o.id = l.purchase join item i on i.id = l.product join unit u on u.id = l.unit
left join (select origin, sum(case from_type when 'supplier' then qty else -qty end) as received from stock_move
           where state = 'done' and origin like 'purchase.line,%' group by 1) m on m.origin = 'purchase.line,' || l.id
where o.state in ('confirmed', 'processing', 'done', 'cancelled') and l.type = 'line' and i.type = 'goods' and cast(l.quantity as double) > 0
    and coalesce(l.delivery_date, l.delivery_date_store, o.delivery_date, o.purchase_date) is not null
