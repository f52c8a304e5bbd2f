-- Losses of availability; time without a record is not known, neither running nor down.
select 'ODOO-' || s.id as event, c.work_center, s.date_start as started_at, s.date_end as ended_at, coalesce(s.description, s.loss_id__name) as reason, s.write_date as reported_at
from stops s join center c on c.id = s.workcenter_id where s.loss_type = 'availability'
