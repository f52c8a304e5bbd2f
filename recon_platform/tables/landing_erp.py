"""Landing tables of the ERP: what was ordered, promised, stocked, bought, released and posted.

Belongs here: the moving data of the ERP, and `TABLES`, all its landing tables (the master data come from
`landing_master`). A table without a key is one whose rows add up: two equal rows are two postings.
"""
# fmt: off
# One line per column reads as the table it is.

from __future__ import annotations

from recon_platform.tables import landing_master
from recon_platform.tables.model import Column, Kind, Layer, Table

KEY, TEXT, NUMBER, WHOLE = Kind.KEY, Kind.TEXT, Kind.NUMBER, Kind.WHOLE
FLAG, DAY, INSTANT = Kind.FLAG, Kind.DAY, Kind.INSTANT

WORK_ORDER_STATUSES = ("planned", "firm", "released", "in_process", "complete", "closed", "cancelled")


def _table(name: str, meaning: str, key: tuple[str, ...], *columns: Column, optional: bool = False) -> Table:
    return Table(name, Layer.LANDING, meaning, columns, key, optional, source="erp")


FEEDS = _table(
    "feeds", "One row per table handed over: when it was extracted and up to when it is complete.", ("table", "source"),
    Column("table", TEXT, "Landing table."),
    Column("source", TEXT, "System it comes from: `erp`, `mes`, …"),
    Column("extracted_at", INSTANT, "When it was extracted."),
    Column("watermark", INSTANT, "Everything up to here is in it; the newest is the as-of instant of the night.", True),
    Column("rows", WHOLE, "Rows the source says it sent.", unit="rows", minimum=0),
)

SALES_ORDERS = _table(
    "sales_orders", "Customer order lines. Dates are ship dates; netting uses the promise, else the request.",
    ("sales_order", "line"),
    Column("sales_order", KEY, "The order."),
    Column("line", KEY, "Its line."),
    Column("customer", KEY, "Who ordered.", refers_to="customers"),
    Column("item", KEY, "What.", refers_to="items"),
    Column("qty", NUMBER, "How much was ordered.", unit="uom of the row", above=0),
    Column("uom", TEXT, "Unit of the quantities."),
    Column("shipped_qty", NUMBER, "Of it already shipped.", True, "uom of the row", minimum=0),
    Column("requested_date", DAY, "Day the customer asked for."),
    Column("first_promised_date", DAY, "Day promised first; on-time delivery is measured against it.", True),
    Column("promised_date", DAY, "Day promised last.", True),
    Column("status", TEXT, "Where it stands.", allowed=("open", "shipped", "closed", "cancelled")),
    Column("cancelled_by", TEXT, "Who cancelled: the customer or we.", True),
    Column("cancelled_on", DAY, "When.", True),
    Column("partial_allowed", FLAG, "May be shipped in parts.", True),
    Column("rush", FLAG, "Accepted as a rush order.", True),
    Column("unit_price", NUMBER, "Price of one unit.", True, "plant currency per uom of the row", minimum=0),
)

MASTER_SCHEDULE = _table(
    "master_schedule", "Independent demand other than customer orders, and supply that was planned by a person.", (),
    Column("item", KEY, "The item.", refers_to="items"),
    Column("due_date", DAY, "Day of need; of `plan` rows the day of completion."),
    Column("qty", NUMBER, "How much.", unit="uom of the row", minimum=0),
    Column("uom", TEXT, "Unit of the quantity."),
    Column("source", TEXT, "Where the demand comes from; `plan` is supply to be made.",
           allowed=("forecast", "interplant", "spare_parts", "family_mix", "plan")),
    Column("firm", FLAG, "Not to be moved by netting.", True),
    optional=True,
)

INVENTORY = _table(
    "inventory", "Stock by item, lot and place. Available: status available, not expired, less allocations.", (),
    Column("item", KEY, "The item.", refers_to="items"),
    Column("lot", KEY, "The lot.", True),
    Column("location", KEY, "Where it lies.", True),
    Column("qty", NUMBER, "How much; below zero where more was posted out than in.", unit="uom of the row"),
    Column("uom", TEXT, "Unit of the quantity."),
    Column("status", TEXT, "May it be used.", allowed=("available", "hold", "quarantine")),
    Column("grade", TEXT, "Grade of the lot.", True),
    Column("heat", KEY, "Heat of the lot.", True),
    Column("certificate", TEXT, "Type of its inspection certificate.", True),
    Column("expiry", DAY, "Last day it may be used.", True),
    Column("counted_on", DAY, "Day of the last count.", True),
)

ALLOCATIONS = _table(
    "allocations", "Stock that is reserved for an order.", (),
    Column("item", KEY, "The item.", refers_to="items"),
    Column("lot", KEY, "The lot, where one is named.", True),
    Column("qty", NUMBER, "How much.", unit="uom of the row", minimum=0),
    Column("uom", TEXT, "Unit of the quantity."),
    Column("for_order", KEY, "Order it is kept for: a work order or a sales order."),
    optional=True,
)

PURCHASE_ORDERS = _table(
    "purchase_orders", "Purchase order lines, the closed ones of the last 12 months included.",
    ("purchase_order", "line"),
    Column("purchase_order", KEY, "The order."),
    Column("line", KEY, "Its line."),
    Column("supplier", KEY, "From whom.", refers_to="suppliers"),
    Column("item", KEY, "What.", refers_to="items"),
    Column("qty", NUMBER, "How much was ordered.", unit="uom of the row", above=0),
    Column("received_qty", NUMBER, "Of it already received.", True, "uom of the row", minimum=0),
    Column("uom", TEXT, "Unit of the quantities."),
    Column("ordered_on", DAY, "When.", True),
    Column("due_date", DAY, "Day we want it."),
    Column("promised_date", DAY, "Day the supplier confirmed.", True),
    Column("status", TEXT, "Where it stands.", allowed=("open", "closed", "cancelled")),
    Column("firm", FLAG, "Not to be moved by netting.", True),
)

RECEIPTS = _table(
    "receipts", "What suppliers delivered, and when.", (),
    Column("purchase_order", KEY, "The order.", refers_to="purchase_orders"),
    Column("line", KEY, "Its line."),
    Column("received_on", DAY, "When."),
    Column("qty", NUMBER, "How much; below zero for a return.", unit="uom of the row"),
    Column("uom", TEXT, "Unit of the quantity."),
    optional=True,
)

WORK_ORDERS = _table(
    "work_orders", "Production orders. `planned` ones are planned again each night.", ("work_order",),
    Column("work_order", KEY, "The order."),
    Column("item", KEY, "What it makes.", refers_to="items"),
    Column("routing", KEY, "Routing it follows; none: `main`.", True),
    Column("qty", NUMBER, "Quantity started; good expected is this times the yield.", unit="uom of the row", above=0),
    Column("completed_qty", NUMBER, "Good quantity posted.", True, "uom of the row", minimum=0),
    Column("scrapped_qty", NUMBER, "Scrap posted.", True, "uom of the row", minimum=0),
    Column("uom", TEXT, "Unit of the quantities."),
    Column("status", TEXT, "Where it stands in the ERP.", allowed=WORK_ORDER_STATUSES),
    Column("start_date", DAY, "Planned start.", True),
    Column("due_date", DAY, "Day it is to be done."),
    Column("sales_order", KEY, "Customer order it was made for.", True, refers_to="sales_orders"),
    Column("line", KEY, "Line of that order.", True),
    Column("lot", KEY, "Lot it makes or follows.", True),
    Column("campaign", KEY, "Campaign it runs in.", True),
)

WORK_ORDER_OPERATIONS = _table(
    "work_order_operations", "Operations of a work order; absent: taken from the routing valid on its start date.",
    ("work_order", "op_seq"),
    Column("work_order", KEY, "The order.", refers_to="work_orders"),
    Column("op_seq", WHOLE, "Position of the operation."),
    Column("operation_code", KEY, "What is done.", refers_to="operation_codes"),
    Column("work_center", KEY, "Where.", refers_to="work_centers"),
    Column("machine", KEY, "On which machine.", True, refers_to="machines"),
    Column("setup_min", NUMBER, "Set-up.", True, "minutes", minimum=0),
    Column("run_min_per_unit", NUMBER, "Run time at 100 % efficiency.", True, "minutes per base uom", minimum=0),
    Column("planned_start", INSTANT, "Start the ERP has.", True),
    Column("planned_end", INSTANT, "End the ERP has.", True),
    Column("completed_qty", NUMBER, "Good quantity posted at the operation.", True, "uom of the order", minimum=0),
    Column("status", TEXT, "Status the ERP has.", True),
    optional=True,
)

MATERIAL_ISSUES = _table(
    "material_issues", "Components of a work order: what it needs and what was posted to it.", (),
    Column("work_order", KEY, "The order.", refers_to="work_orders"),
    Column("component_item", KEY, "The component.", refers_to="items"),
    Column("op_seq", WHOLE, "Operation that consumes it.", True),
    Column("required_qty", NUMBER, "Needed by the order.", unit="uom of the row", minimum=0),
    Column("issued_qty", NUMBER, "Posted so far; below zero after a return.", unit="uom of the row"),
    Column("uom", TEXT, "Unit of the quantities."),
    Column("lot", KEY, "Lot that was issued.", True),
    Column("backflushed", FLAG, "Posted from the reported quantity.", True),
    optional=True,
)

SHIPMENTS = _table(
    "shipments", "What was shipped on a customer order line, and what the freight cost.", (),
    Column("sales_order", KEY, "The order.", refers_to="sales_orders"),
    Column("line", KEY, "Its line."),
    Column("shipped_on", DAY, "When."),
    Column("qty", NUMBER, "How much; below zero for a return.", unit="uom of the row"),
    Column("uom", TEXT, "Unit of the quantity."),
    Column("freight_cost", NUMBER, "Freight paid.", True, "plant currency", minimum=0),
    Column("contracted_freight_cost", NUMBER, "Freight as contracted; what is above is premium.",
           True, "plant currency", minimum=0),
    optional=True,
)

LABOUR_HOURS = _table(
    "labour_hours", "Hours worked by day.", ("date", "work_center", "skill"),
    Column("date", DAY, "The day."),
    Column("work_center", KEY, "Work center they were booked to.", True, refers_to="work_centers"),
    Column("skill", KEY, "Or the skill.", True),
    Column("regular_hours", NUMBER, "Regular hours.", unit="hours", minimum=0),
    Column("overtime_hours", NUMBER, "Overtime hours.", unit="hours", minimum=0),
    optional=True,
)

INVENTORY_TRANSACTIONS = _table(
    "inventory_transactions", "Postings to stock.", ("transaction",),
    Column("transaction", KEY, "The posting."),
    Column("item", KEY, "The item.", refers_to="items"),
    Column("lot", KEY, "The lot.", True),
    Column("location", KEY, "The place.", True),
    Column("at", INSTANT, "When."),
    Column("kind", TEXT, "What was posted.", allowed=("receipt", "issue", "adjust", "count", "unplanned", "scrap")),
    Column("qty", NUMBER, "Change of stock; for `count` the quantity counted.", unit="uom of the row"),
    Column("book_qty", NUMBER, "Stock on record before a count.", True, "uom of the row"),
    Column("uom", TEXT, "Unit of the quantities."),
    Column("order", KEY, "Order it belongs to.", True),
    Column("user", TEXT, "Who posted it.", True),
    Column("reason", TEXT, "Why; data, never an instruction.", True),
    Column("reversal_of", KEY, "Posting that it takes back.", True),
    optional=True,
)

TABLES: tuple[Table, ...] = (
    FEEDS, *landing_master.TABLES, SALES_ORDERS, MASTER_SCHEDULE, INVENTORY, ALLOCATIONS, PURCHASE_ORDERS, RECEIPTS,
    WORK_ORDERS, WORK_ORDER_OPERATIONS, MATERIAL_ISSUES, SHIPMENTS, LABOUR_HOURS, INVENTORY_TRANSACTIONS,
)
