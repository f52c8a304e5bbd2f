select distinct
    part as item, 'make' as make_buy, 'PCE' as uom,
    cast(getvariable('due_days') as integer) as lead_time_days, 'lot_for_lot' as lot_rule
from placed
