select distinct name as operation_code, name as description from operations
