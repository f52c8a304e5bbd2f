select distinct CustomerID as customer, 'B' as class from so_header
