"""Tables of finite capacity: load, the schedule, what could not be scheduled, the dispatch list and its setting.

Belongs here: descriptions, and the one value that others than the scheduler read out of them. How a schedule is made and
checked lives in `recon_platform.capacity`.
"""

from __future__ import annotations

import polars as pl

from recon_platform.tables.model import Column, Kind, Layer, Table

BOUND_BY = (
    "now", "material", "predecessor", "component", "machine", "calendar", "labour", "tool", "fence", "batch",
    "continuity", "max_wait", "vendor", "stability", "running", "release",
)  # fmt: skip
"""What decided the start of an operation; see `docs/scheduling.md` for each."""

_LOAD = (
    Column("work_center", Kind.KEY, "Where.", refers_to="work_centers"),
    Column("bucket_start", Kind.DAY, "Day (plant time) the minutes fall on."),
    Column("basis", Kind.TEXT, "required: operations at their MRP dates; scheduled: as the schedule has them.",
           allowed=("required", "scheduled")),
    Column("available_min", Kind.NUMBER, "Regular working time of all machines.", unit="minutes", minimum=0),
    Column("loaded_min", Kind.NUMBER, "Run and set-up time asked for.", unit="minutes", minimum=0),
    Column("setup_min", Kind.NUMBER, "The set-up part of it.", unit="minutes", minimum=0),
    Column("overtime_min", Kind.NUMBER, "The part worked in overtime.", unit="minutes", minimum=0),
)  # fmt: skip

REQUIRED_LOAD = Table(
    name="required_load",
    layer=Layer.CAPACITY,
    meaning="What the material plan asks of each work center day by day, before any schedule: where the constraint is.",
    key=("work_center", "bucket_start", "basis"),
    columns=_LOAD,
)

CAPACITY_LOAD = Table(
    name="capacity_load",
    layer=Layer.CAPACITY,
    meaning="Load of each work center day by day, as required at MRP dates and as scheduled.",
    key=("work_center", "bucket_start", "basis"),
    columns=_LOAD,
)

SCHEDULE = Table(
    name="schedule",
    layer=Layer.CAPACITY,
    meaning="Every operation on a machine, in working time, with what bound its start and why it was chosen.",
    key=("work_order", "op_seq"),
    columns=(
        Column("work_order", Kind.KEY, "Work order or planned order."),
        Column("op_seq", Kind.WHOLE, "Place in the routing."),
        Column("work_center", Kind.KEY, "Where it runs.", refers_to="work_centers"),
        Column("machine", Kind.KEY, "Machine it runs on."),
        Column("setup_start", Kind.INSTANT, "Set-up begins; equals start where there is none."),
        Column("start", Kind.INSTANT, "Processing begins."),
        Column("end", Kind.INSTANT, "Processing ends; the machine is free."),
        Column("qty", Kind.NUMBER, "Units processed.", unit="base uom", minimum=0),
        Column("frozen", Kind.FLAG, "Running, or kept from the schedule in force inside the frozen horizon."),
        Column("forced", Kind.FLAG, "Frozen, yet later than in force: downtime, predecessor or material compels it."),
        Column("bound_by", Kind.TEXT, "What decided its start.", allowed=BOUND_BY),
        Column("terms", Kind.TEXT, "Index terms, runner-up and what it waited for, as JSON."),
        Column("previous_start", Kind.INSTANT, "Start of processing in the schedule in force.", nullable=True),
    ),
)  # fmt: skip

UNSCHEDULED = Table(
    name="unscheduled",
    layer=Layer.CAPACITY,
    meaning="Orders that could not be scheduled, wholly or to their end, each with its reason.",
    key=("work_order",),
    columns=(
        Column("work_order", Kind.KEY, "Work order or planned order."),
        Column("reason", Kind.TEXT, "Why, and what would help."),
    ),
)

DISPATCH_LIST = Table(
    name="dispatch_list",
    layer=Layer.CAPACITY,
    meaning="What each machine does next, in order: the list the shop floor works from.",
    key=("work_center", "machine", "position"),
    columns=(
        Column("work_center", Kind.KEY, "Where.", refers_to="work_centers"),
        Column("machine", Kind.KEY, "Machine; a vendor has one list.", nullable=True),
        Column("position", Kind.WHOLE, "Place in the list, 1 first.", minimum=1),
        Column("work_order", Kind.KEY, "Order."),
        Column("op_seq", Kind.WHOLE, "Operation."),
        Column("start", Kind.INSTANT, "When set-up or processing begins."),
        Column("qty", Kind.NUMBER, "Units.", unit="base uom"),
        Column("material_ready", Kind.FLAG, "Bought components and predecessors are there now."),
        Column("due", Kind.INSTANT, "When the order is due.", nullable=True),
        Column("note", Kind.TEXT, "What the shop floor should know.", nullable=True),
    ),
)  # fmt: skip

DISPATCH_SETTINGS = Table(
    name="dispatch_settings",
    layer=Layer.CAPACITY,
    meaning="Settings of the dispatch rule that were compared, and the one the schedule was made with.",
    key=("k1", "k2", "in_turn"),
    columns=(
        Column("k1", Kind.NUMBER, "Look-ahead: slack counts against k1 mean run times.", minimum=0),
        Column("k2", Kind.NUMBER, "Set-up sensitivity: a set-up counts against k2 mean set-ups.", minimum=0),
        Column(
            "lateness", Kind.NUMBER, "Weighted lateness of the plan this setting makes; empty where it was not compared.",
            unit="minutes × order weight", nullable=True, minimum=0,
        ),
        Column("taken", Kind.FLAG, "The schedule was made with it."),
        Column("in_turn", Kind.FLAG, "The sequence in force was held operation by operation, as a rerun after an event tries first."),
    ),
)  # fmt: skip

TABLES: tuple[Table, ...] = (REQUIRED_LOAD, CAPACITY_LOAD, SCHEDULE, UNSCHEDULED, DISPATCH_LIST, DISPATCH_SETTINGS)


def setting_taken(settings: pl.DataFrame) -> tuple[float, float]:
    """(k1, k2) of the row of `dispatch_settings` that the schedule was made with."""
    k1, k2 = settings.filter("taken").select("k1", "k2").row(0)
    return float(k1), float(k2)


def held_in_turn(settings: pl.DataFrame | None) -> bool:
    """Whether the schedule that `dispatch_settings` is of holds the sequence in force, operation by operation; never where
    its night was made before the column was written."""
    if settings is None or "in_turn" not in settings.columns:
        return False
    return bool(settings.filter("taken")["in_turn"].any())
