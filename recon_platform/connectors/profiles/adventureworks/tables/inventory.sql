select p.ProductNumber as item, l.Name as location, cast(s.Quantity as double) as qty, 'EA' as uom, 'available' as status
from stock s join product p using (ProductID) join location l using (LocationID)
