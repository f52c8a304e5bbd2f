select 'S' || id as supplier, name from partners
where id in (select partner_id from supplier_infos) or id in (select partner_id from purchases)
