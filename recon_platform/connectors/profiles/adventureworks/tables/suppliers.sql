select AccountNumber as supplier, Name as name from vendor
