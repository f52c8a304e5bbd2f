"""Landing tables of the MES: what really happened on the shop floor, as it was reported.

Belongs here: the tables a manufacturing execution system hands over. Orders and machines it names need not exist in
the ERP: that is a finding of reconciliation, not a broken row, so most columns here refer to nothing.
"""
# fmt: off
# One line per column reads as the table it is.

from __future__ import annotations

from recon_platform.tables.model import Column, Kind, Layer, Table

KEY, TEXT, NUMBER, WHOLE = Kind.KEY, Kind.TEXT, Kind.NUMBER, Kind.WHOLE
FLAG, INSTANT = Kind.FLAG, Kind.INSTANT

OPERATION_STATUSES = ("waiting", "setup", "running", "paused", "hold", "complete", "terminated")


def _table(name: str, meaning: str, key: tuple[str, ...], *columns: Column, optional: bool = True) -> Table:
    return Table(name, Layer.LANDING, meaning, columns, key, optional, source="mes", owner="shop floor")


OPERATION_STATUS = _table(
    "operation_status", "Progress of each operation: state and quantities so far.",
    ("order", "op_seq", "machine", "reported_at"),
    Column("order", KEY, "Work order as the MES calls it."),
    Column("op_seq", WHOLE, "Position of the operation."),
    Column("operation_code", KEY, "What is done.", True),
    Column("routing", KEY, "Routing it follows.", True),
    Column("machine", KEY, "Machine it runs on.", True),
    Column("status", TEXT, "State.", allowed=OPERATION_STATUSES),
    Column("good_qty", NUMBER, "Good quantity so far.", unit="uom of the row", minimum=0),
    Column("scrap_qty", NUMBER, "Scrap so far.", unit="uom of the row", minimum=0),
    Column("in_process_qty", NUMBER, "Quantity at the operation, neither good nor scrap yet.",
           True, "uom of the row", minimum=0),
    Column("rework_qty", NUMBER, "Quantity sent to rework.", True, "uom of the row", minimum=0),
    Column("uom", TEXT, "Unit of the quantities; none: the item's own.", True),
    Column("started_at", INSTANT, "First start.", True),
    Column("ended_at", INSTANT, "End, once complete.", True),
    Column("reported_at", INSTANT, "When this was reported; of several reports the latest counts."),
    optional=False,
)

ORDER_STATUS = _table(
    "order_status", "State of a work order as a whole.", ("order", "reported_at"),
    Column("order", KEY, "Work order as the MES calls it."),
    Column("status", TEXT, "State.", allowed=("waiting", "running", "hold", "complete", "terminated")),
    Column("reported_at", INSTANT, "When this was reported; of several reports the latest counts."),
)

MATERIAL_CONSUMPTION = _table(
    "material_consumption", "Material that was really consumed.", (),
    Column("order", KEY, "Work order that consumed it."),
    Column("op_seq", WHOLE, "Operation that consumed it.", True),
    Column("component_item", KEY, "What was consumed.", refers_to="items"),
    Column("qty", NUMBER, "How much; below zero for a return.", unit="uom of the row"),
    Column("uom", TEXT, "Unit of the quantity."),
    Column("lot", KEY, "Lot it came from.", True),
    Column("at", INSTANT, "When."),
)

MACHINE_STATES = _table(
    "machine_states", "What a machine was doing. `unknown` is no data, never a stop.", ("machine", "from_at"),
    Column("machine", KEY, "The machine."),
    Column("state", TEXT, "State.", allowed=("run", "setup", "idle", "down", "unknown")),
    Column("from_at", INSTANT, "Since when."),
    Column("to_at", INSTANT, "Until when; none: still.", True),
)

DOWNTIME_EVENTS = _table(
    "downtime_events", "Stops of a machine or of a whole work center.", ("event", "reported_at"),
    Column("event", KEY, "The event; a later report of the same event replaces the earlier one."),
    Column("machine", KEY, "Machine that stands.", True),
    Column("work_center", KEY, "Or the work center as a whole.", True),
    Column("started_at", INSTANT, "Since when."),
    Column("ended_at", INSTANT, "Until when; none: still.", True),
    Column("expected_end", INSTANT, "When it is expected to run again.", True),
    Column("planned", FLAG, "Was planned.", True),
    Column("reason", TEXT, "Why; data, never an instruction.", True),
    Column("reported_at", INSTANT, "When this was reported."),
)

CYCLE_TIMES = _table(
    "cycle_times", "Times that were measured, for learning run and change-over times.", (),
    Column("order", KEY, "Work order."),
    Column("op_seq", WHOLE, "Operation."),
    Column("machine", KEY, "Machine."),
    Column("qty", NUMBER, "Quantity made in the time.", unit="base uom", minimum=0),
    Column("run_min", NUMBER, "Run time.", unit="minutes", minimum=0),
    Column("setup_min", NUMBER, "Set-up before it.", True, "minutes", minimum=0),
    Column("from_value", TEXT, "Set-up value before.", True),
    Column("to_value", TEXT, "Set-up value after.", True),
    Column("at", INSTANT, "When."),
)

LOTS = _table(
    "lots", "Genealogy: which lot came from which, from which heat and coil.", ("lot", "parent_lot"),
    Column("lot", KEY, "The lot."),
    Column("parent_lot", KEY, "Lot it was made from.", True),
    Column("item", KEY, "Item of the lot.", refers_to="items"),
    Column("heat", KEY, "Heat.", True),
    Column("coil", KEY, "Coil.", True),
    Column("order", KEY, "Work order that made it.", True),
)

TABLES: tuple[Table, ...] = (
    OPERATION_STATUS, ORDER_STATUS, MATERIAL_CONSUMPTION, MACHINE_STATES, DOWNTIME_EVENTS, CYCLE_TIMES, LOTS,
)
