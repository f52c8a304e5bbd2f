-- A row without a parent only says that its product is sold: it consumes nothing.
select
    parent.ProductNumber as parent_item, part.ProductNumber as component_item, cast(b.PerAssemblyQty as double) as qty_per,
    b.UnitMeasureCode as uom,
    cast(cast(b.StartDate as timestamp) as date) - cast(getvariable('shift_days') as integer) as valid_from,
    cast(cast(b.EndDate as timestamp) as date) - cast(getvariable('shift_days') as integer) as valid_to
from bom b join product parent on parent.ProductID = b.ProductAssemblyID join product part on part.ProductID = b.ComponentID
