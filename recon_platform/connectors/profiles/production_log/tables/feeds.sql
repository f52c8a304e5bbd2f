select
    'work_orders' as "table", 'erp' as source, cast(getvariable('as_of') as timestamp) as extracted_at,
    cast(getvariable('as_of') as timestamp) as watermark, (select count(*) from shop_order) as "rows"
union all
select
    'cycle_times', 'mes', cast(getvariable('as_of') as timestamp), cast(getvariable('as_of') as timestamp),
    (select count(*) from placed where ended_at <= as_of)
