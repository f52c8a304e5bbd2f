-- What moved in less what moved out, by lot and place. Every place of type storage counts; a negative one is kept.
select i.item, l.number as lot, s.place as location, sum(s.qty) as qty, i.uom, 'available' as status
from (select product, lot, to_location as at, to_name as place, qty from stock_move where state = 'done' and to_type = 'storage'
      union all
      select product, lot, from_location, from_name, -qty from stock_move where state = 'done' and from_type = 'storage') s
join item i on i.id = s.product left join lots l on l.id = s.lot
where i.type = 'goods' group by i.item, l.number, s.place, s.at, i.uom having abs(sum(s.qty)) > 1e-9
