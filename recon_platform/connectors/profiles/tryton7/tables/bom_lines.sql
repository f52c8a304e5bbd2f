select b.item as parent_item, c.item as component_item, sum(cast(l.quantity as double) * u.factor / c.factor) / b.qty as qty_per, c.uom
from bom_inputs l join item_bom b on b.bom = l.bom and b.rank = 1 join item c on c.id = l.product join unit u on u.id = l.unit
where c.type = 'goods' group by b.item, c.item, c.uom, b.qty
