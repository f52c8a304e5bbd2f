select 'C' || id as customer, name, 'B' as class from parties where id in (select party from sales)
