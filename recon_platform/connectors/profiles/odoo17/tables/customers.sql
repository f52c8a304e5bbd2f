select 'C' || id as customer, name, 'B' as class, email as contact from partners where id in (select partner_id from sales)
