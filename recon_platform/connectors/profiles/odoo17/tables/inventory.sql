-- Negative quants exist by design and are kept: only their sum is stock.
select i.item, q.lot_id__name as lot, q.place as location, cast(q.quantity as double) as qty, i.uom, 'available' as status
from stored_quant q join item i on i.id = q.product_id where i.detailed_type <> 'service'
