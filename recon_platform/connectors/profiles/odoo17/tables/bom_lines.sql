select b.item as parent_item, c.item as component_item,
    cast(l.product_qty as double) / u.factor * c.factor / b.qty as qty_per, c.uom, s.op_seq
from bom_components l join item_bom b on b.bom = l.bom_id and b.rank = 1
join item c on c.id = l.product_id join unit u on u.id = l.product_uom_id left join step s on s.id = l.operation_id
where c.detailed_type <> 'service'
