-- Planned work orders are stored as leaves, too (time_type other, named by a work order's leave_id): they are no downtime.
select c.work_center, l.date_from as "start", l.date_to as "end", 'maintenance' as kind, l.name as reason
from leaves l join center c on c.resource_id = l.resource_id
where l.id not in (select leave_id from workorders where leave_id is not null) and l.time_type <> 'other'
