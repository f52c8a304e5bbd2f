-- One key per product: its code where no other product has it, else code and id, else the id. Unit: the template's own;
-- every quantity is turned into it by the factors of the two units (one category).
create view unit as
select id, cast(factor as double) as factor,
    case name when 'Unit' then 'C62' when 'Kilogram' then 'KGM' when 'Gram' then 'GRM' when 'Pound' then 'LBR' when 'Ounce' then 'ONZ'
        when 'Second' then 'SEC' when 'Minute' then 'MIN' when 'Hour' then 'HUR' when 'Day' then 'DAY' when 'Meter' then 'MTR'
        when 'Kilometer' then 'KMT' when 'Centimeter' then 'CMT' when 'Millimeter' then 'MMT' when 'Foot' then 'FOT' when 'Yard' then 'YRD'
        when 'Inch' then 'INH' when 'Liter' then 'LTR' when 'Square meter' then 'MTK' when 'Cubic meter' then 'MTQ' else upper(name) end as code
from units;

create view item as
select p.id, t.id as template, t.name as description, u.id as unit, u.code as uom, u.factor, t.type, t.producible = 'true' as producible,
    coalesce(p.active, 'true') = 'true' and coalesce(t.active, 'true') = 'true' as active, p.cost_price as cost,
    coalesce(case when count(*) over (partition by p.code) > 1 then p.code || '#' || p.id else nullif(p.code, '') end, 'P' || p.id) as item
from products p join templates t on t.id = p.template join unit u on u.id = t.default_uom;

-- The bills of material of a product in its own order; the first is `main`.
create view item_bom as
select l.bom, l.routing, i.id as product, i.item, i.uom, cast(o.quantity as double) * u.factor / i.factor as qty,
    row_number() over (partition by i.id order by coalesce(cast(l.sequence as int), 0), cast(l.id as int)) as rank
from product_boms l join item i on i.id = l.product join boms b on b.id = l.bom and coalesce(b.active, 'true') = 'true'
join bom_outputs o on o.bom = l.bom and o.product = l.product join unit u on u.id = o.unit
where i.producible;

-- Work centers of one category stand in for each other: the category is the work center, they are its machines. One without
-- category stands alone; one that only holds others is none.
create view center as
select c.id, c.name as machine, c.category, coalesce(g.name, c.name) as group_name,
    case when count(*) over (partition by c.name) > 1 then c.name || '#' || c.id else c.name end as machine_key,
    coalesce(g.name, case when count(*) over (partition by c.name) > 1 then c.name || '#' || c.id else c.name end) as work_center,
    case when c.cost_method = 'hour' then cast(c.cost_price as double) end as cost
from centers c left join center_groups g on g.id = c.category
where coalesce(c.active, 'true') = 'true'
    and (c.category is not null or c.id in (select work_center from works) or c.id not in (select parent from centers where parent is not null));

-- Steps of a routing, numbered in tens by sequence and id; works of an order the same way, and the write-back counts so too.
create view step as
select s.id, s.routing, o.id as operation, o.name as code, g.name as work_center,
    10 * row_number() over (partition by s.routing order by coalesce(cast(s.sequence as int), 0), cast(s.id as int)) as op_seq
from steps s join operations o on o.id = s.operation left join center_groups g on g.id = o.work_center_category;

create view production_order as
select p.id, p.number as work_order, i.id as product, i.item, i.uom, cast(p.quantity as double) * u.factor / i.factor as qty, p.state,
    p.planned_start_date, p.planned_date, p.bom, p.routing, p._timestamp as row_version
from productions p join item i on i.id = p.product join unit u on u.id = p.unit
where p.number is not null;

create view order_work as
select w.id, o.work_order, o.id as production, o.product, o.qty, o.planned_start_date, o.planned_date, s.id as operation, s.name as code,
    coalesce(c.work_center, g.name) as work_center, c.machine_key as machine, w.state, coalesce(w.write_date, w.create_date) as reported_at,
    10 * row_number() over (partition by w.production order by coalesce(cast(w.sequence as int), 0), cast(w.id as int)) as op_seq
from works w join production_order o on o.id = w.production join operations s on s.id = w.operation
left join center c on c.id = w.work_center left join center_groups g on g.id = s.work_center_category;

-- Minutes per unit that finished works of an operation took, for one product and for all.
create view measured as
select w.operation, w.product, sum(cast(y.duration as double)) / 60 as minutes, any_value(w.qty) as qty
from order_work w join cycles y on y.work = w.id and y.state = 'done' where w.state in ('finished', 'done') group by w.id, w.operation, w.product;

create view run_time as
select s.operation, b.product,
    coalesce((select sum(minutes) / sum(qty) from measured m where m.operation = s.operation and m.product = b.product),
             (select sum(minutes) / sum(qty) from measured m where m.operation = s.operation), getvariable('run_minutes_per_unit')) as minutes
from (select distinct routing, operation from step) s join item_bom b on b.routing = s.routing group by all;

create view stock_move as
select m.*, cast(m.internal_quantity as double) as qty, f.type as from_type, t.type as to_type, f.name as from_name, t.name as to_name
from moves m join locations f on f.id = m.from_location join locations t on t.id = m.to_location;
