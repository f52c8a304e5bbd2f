-- One key per product: its internal reference where no other product has it, else reference and id, else the id.
-- One unit per product: its own; every quantity is turned into it by the factors of the two units (one category).
create view unit as
select id, cast(factor as double) as factor,
    case lower(name) when 'units' then 'C62' when 'unit' then 'C62' when 'dozens' then 'DZN' when 'kg' then 'KGM' when 'g' then 'GRM'
        when 't' then 'TNE' when 'lb' then 'LBR' when 'm' then 'MTR' when 'cm' then 'CMT' when 'mm' then 'MMT' when 'km' then 'KMT'
        when 'l' then 'LTR' when 'hours' then 'HUR' when 'days' then 'DAY' else upper(name) end as code
from units;

create view item as
select p.id, p.product_tmpl_id as template, t.name as description, u.id as unit, u.code as uom, u.factor, p.active, t.detailed_type, t.weight,
    t.sale_delay, coalesce(case when count(*) over (partition by p.default_code) > 1 then p.default_code || '#' || p.id else p.default_code end, 'P' || p.id) as item
from products p join templates t on t.id = p.product_tmpl_id join unit u on u.id = t.uom_id;

-- The bill of material that counts first for a product: its own before its template's, then sequence, then id.
create view item_bom as
select b.id as bom, i.id as product, i.item, b.type, cast(b.product_qty as double) / u.factor * i.factor as qty, i.uom,
    cast(coalesce(b.produce_delay, '0') as double) as lead_days,
    row_number() over (partition by i.id order by (b.product_id is null), cast(b.sequence as int), cast(b.id as int)) as rank
from boms b join item i on i.id = b.product_id or (b.product_id is null and i.template = b.product_tmpl_id)
join unit u on u.id = b.product_uom_id
where coalesce(b.active, 'true') = 'true' and b.type in ('normal', 'phantom');

-- Operations of a bill of material, numbered in tens by sequence and id: the write-back counts the same way.
create view step as
select id, bom_id, name, workcenter_id, cast(time_cycle_manual as double) as minutes,
    10 * row_number() over (partition by bom_id order by cast(sequence as int), cast(id as int)) as op_seq
from bom_operations;

create view center as
select id, case when count(*) over (partition by code) > 1 or code is null then 'WC' || id else code end as work_center, name, resource_id,
    coalesce('CAL' || resource_calendar_id, 'ALWAYS') as calendar, cast(time_efficiency as double) as efficiency,
    cast(default_capacity as double) as capacity, cast(time_start as double) + cast(time_stop as double) as setup,
    cast(coalesce(costs_hour, '0') as double) as cost, active
from workcenters;

create view stored_quant as
select q.*, l.usage, l.complete_name as place from quants q join locations l on l.id = q.location_id where l.usage = 'internal';

create view order_operation as
select w.*, p.name as work_order, c.work_center, coalesce(s.op_seq, 100000 + cast(w.id as int)) as op_seq, coalesce(s.name, w.name) as code
from workorders w join productions p on p.id = w.production_id join center c on c.id = w.workcenter_id left join step s on s.id = w.operation_id;

-- The version of an order: when it or any of its work orders was last written.
create view order_version as
select p.id, max(greatest(p.write_date, coalesce(w.write_date, p.write_date))) as row_version
from productions p left join workorders w on w.production_id = p.id group by p.id;
