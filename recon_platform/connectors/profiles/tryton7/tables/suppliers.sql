select 'S' || id as supplier, name from parties where id in (select party from offers) or id in (select party from purchases)
