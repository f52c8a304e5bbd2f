"""The schedule as lists: every operation with what decided its start, dispatch lists, and what goes to the ERP."""

from __future__ import annotations

import polars as pl

from recon_platform.console.page import Column, Figure, Listing, Page, Show
from recon_platform.console.services.nights import Night, Nights
from recon_platform.console.words import BOUND_WORDS, count, number
from recon_platform.governance import Store

MESSAGES = 500  # of each kind on one page; the rest is older
OPERATION_COLUMNS = (
    Column("work_order", "Work order", Show.KEY, "work-orders/{work_order}"), Column("op_seq", "Operation", Show.WHOLE),
    Column("work_center", "Work center", Show.KEY), Column("machine", "Machine", Show.KEY), Column("item", "Item", Show.KEY),
    Column("start", "Starts", Show.INSTANT), Column("end", "Ends", Show.INSTANT), Column("qty", "Quantity", Show.NUMBER),
    Column("late_hours", "Late by, hours", Show.NUMBER), Column("why", "What decides its start"), Column("frozen", "Frozen", Show.FLAG),
)  # fmt: skip


def operations(night: Night) -> pl.DataFrame:
    """Every operation of tonight's plan, by start, with item, class, lateness, and why it starts when it does."""

    def make() -> pl.DataFrame:
        orders = night.read("supply_orders").select(
            pl.col("order").alias("work_order"), "item", "customer_class", "due_at", "sales_order", "line"
        )
        ends = night.read("schedule").group_by("work_order").agg(pl.col("end").max().alias("order_end"))
        late = (pl.col("order_end") - pl.col("due_at")).dt.total_minutes() / 60
        return (
            night.read("schedule")
            .join(orders, on="work_order", how="left")
            .join(ends, on="work_order", how="left")
            .with_columns(
                pl.col("bound_by").replace(BOUND_WORDS).alias("why"), pl.when(late > 0).then(late).otherwise(0.0).alias("late_hours")
            )
            .sort("start", "machine", "work_order", "op_seq")
        )  # fmt: skip

    made: pl.DataFrame = night.derived("operations", make, 16 << 20)
    return made


def schedule(night: Night, nights: Nights) -> Page:
    """Tonight's plan, and whether it is the schedule in force."""
    rows = operations(night)
    in_force = nights.in_force(night.context.plant.code)
    same = in_force is not None and in_force.run_id == night.run_id
    late = rows.filter(pl.col("late_hours") > 0).get_column("work_order").n_unique()
    said = "This is the schedule in force" if same else "This is tonight's plan, not in force yet"
    return Page(
        "Schedule",
        f"{said}: {count(rows.height, 'operation')} on {count(rows.get_column('machine').n_unique(), 'machine')}, "
        f"{count(late, 'order')} late.",
        listings=(
            Listing("operations", "The same as a table", OPERATION_COLUMNS, rows, "No operation is scheduled."),
            Listing(
                "unscheduled", "Orders that could not be scheduled",
                (Column("work_order", "Order", Show.KEY, "work-orders/{work_order}"), Column("reason", "Why, and what would help")),
                night.read("unscheduled"), "Every order is scheduled.",
            ),
        ),
    )  # fmt: skip


def delivery(store: Store, night: Night) -> Page:
    """What has to reach ERP and people, and what they answered."""
    plant = night.context.plant.code
    counts = store.outbox.counts(plant)
    refusals = store.outbox.find(plant=plant, state="refused", limit=MESSAGES, newest=True)
    others = (m for m in store.outbox.find(plant=plant, limit=MESSAGES, newest=True) if m.state != "refused")
    rows = [
        {
            "kind": m.kind.replace("_", " "), "target": m.target, "subject": m.subject, "version": m.schedule_version,
            "what": ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in m.content.items() if k not in {"idempotency_key", "work_order", "attachment"}),
            "state": m.state, "attempts": m.attempts, "answer": m.answer, "key": m.key, "created_at": m.created_at,
        }
        for m in (*refusals, *others)
    ]  # fmt: skip
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "kind": pl.String, "target": pl.String, "subject": pl.String, "version": pl.Int64, "what": pl.String, "state": pl.String,
        "attempts": pl.Int64, "answer": pl.String, "key": pl.String, "created_at": pl.Datetime("us", "UTC"),
    }  # fmt: skip
    refused = counts.get("refused", 0)
    return Page(
        "Delivery",
        f"{count(counts.get('waiting', 0), 'message')} on the way, {number(counts.get('delivered', 0))} delivered, {refused or 'none'} refused.",
        figures=(
            Figure("On the way", counts.get("waiting", 0), Show.WHOLE), Figure("Delivered", counts.get("delivered", 0), Show.WHOLE),
            Figure("Refused", refused, Show.WHOLE, attention=refused > 0, against="changed in the ERP meanwhile; never overwritten"),
        ),
        listings=(
            Listing(
                "outbox", "Messages to the ERP and to people, refused ones first, then the newest",
                (
                    Column("subject", "Order", Show.KEY, "work-orders/{subject}"), Column("kind", "What"), Column("target", "To"),
                    Column("version", "Schedule version", Show.WHOLE), Column("what", "Content"), Column("state", "State"),
                    Column("attempts", "Attempts", Show.WHOLE), Column("answer", "Answer"), Column("created_at", "Queued", Show.INSTANT),
                    Column("key", "Key", Show.KEY),
                ),
                pl.DataFrame(rows, schema=schema),
                "Nothing has to be delivered: no schedule was published, or it changed nothing.",
                note=f"The newest {number(MESSAGES)} of {number(sum(counts.values()))}." if sum(counts.values()) > MESSAGES else None,
            ),
        ),
    )  # fmt: skip


def dispatch(night: Night, work_center: str | None) -> Page:
    """The dispatch list of one work center or vendor, in the order in which the floor works."""
    rows = night.read("dispatch_list")
    centers = (
        night.read("work_centers").select("work_center", "description", "external", "supplier").sort("work_center")
    )
    known = centers.get_column("work_center").to_list()
    chosen = work_center if work_center in known else (known[0] if known else None)
    mine = (
        rows.filter(pl.col("work_center") == chosen)
        .join(
            night.read("supply_orders").select(pl.col("order").alias("work_order"), "item"), on="work_order", how="left"
        )
        .sort("machine", "position")
    )
    ready = mine.filter(pl.col("material_ready")).height
    return Page(
        "Dispatch lists",
        f"{chosen}: {count(mine.height, 'operation')} in line, material is there for {ready or 'none'}." if chosen else "No work center is known.",
        listings=(
            Listing(
                "dispatch", f"Next at {chosen}",
                (
                    Column("machine", "Machine", Show.KEY), Column("position", "Place", Show.WHOLE),
                    Column("work_order", "Work order", Show.KEY, "work-orders/{work_order}"), Column("op_seq", "Operation", Show.WHOLE),
                    Column("item", "Item", Show.KEY), Column("qty", "Quantity", Show.NUMBER), Column("start", "Starts", Show.INSTANT),
                    Column("due", "Due", Show.INSTANT), Column("material_ready", "Material there", Show.FLAG), Column("note", "Note"),
                ),
                mine, "Nothing is in line here.",
            ),
        ),
        extra={"centers": centers.to_dicts(), "chosen": chosen},
    )  # fmt: skip
