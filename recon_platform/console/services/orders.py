"""Evidence: everything stored about one work order, customer line or item, down to its source record and run."""

from __future__ import annotations

import polars as pl

from recon_platform.console.page import Column, Figure, Listing, Page, Show
from recon_platform.console.refusals import NotHereError
from recon_platform.console.services.nights import Night
from recon_platform.console.services.schedule import OPERATION_COLUMNS, operations
from recon_platform.console.words import CAUSE_WORDS, MESSAGE_WORDS, count, day, instant, number, words

ABOUT = {"work_order": "work-orders/{work_order}", "item": "items/{item}"}
PEGS = (
    Column("supply_type", "Supply"), Column("supply", "Which", Show.KEY, "work-orders/{supply}"),
    Column("demand_type", "Demand"), Column("demand", "Which", Show.KEY), Column("item", "Item", Show.KEY, "items/{item}"),
    Column("qty", "Quantity", Show.NUMBER), Column("need_date", "Needed", Show.DAY),
)  # fmt: skip


def work_order(night: Night, order: str) -> Page:
    """One work order or planned order; NotHereError where the night knows none of that name."""
    scheduled = operations(night).filter(pl.col("work_order") == order).sort("op_seq")
    known = night.read("reconciled_orders").filter(work_order=order)
    supply = night.read("supply_orders").filter(order=order)
    if scheduled.is_empty() and known.is_empty() and supply.is_empty():
        raise NotHereError(f"tonight's run knows no order {order}")
    pegs = night.read("pegging").filter((pl.col("supply") == order) | (pl.col("demand") == order))
    end = scheduled.select(pl.col("end").max()).item()
    need = supply.get_column("due_at")[0] if supply.height else None
    late = "" if end is None or need is None else (", late" if end > need else ", in time")
    bound = scheduled.get_column("why")[0] if scheduled.height else None
    said = (
        f"{order} is not scheduled tonight"
        if end is None
        else (f"{order} ends {instant(end, night.context.plant.zone)}{late}; its first operation {bound}")
    )
    return Page(
        f"Work order {order}", said + ".",
        figures=tuple(
            Figure(label, row[name], show) for row in known.iter_rows(named=True)
            for name, label, show in (
                ("qty", "Quantity", Show.NUMBER), ("remaining_qty", "Still to make", Show.NUMBER),
                ("status", "Status believed", Show.TEXT), ("erp_status", "Status in the ERP", Show.TEXT),
                ("due_date", "Due in the ERP", Show.DAY),
            )
        ),
        listings=(
            Listing("operations", "Operations and what decides their start", OPERATION_COLUMNS, scheduled, "No operation of it is scheduled."),
            _findings(night, (pl.col("work_order") == order) | (pl.col("entity") == order)),
            _messages(night, pl.col("order") == order),
            Listing("pegging", "What it serves and what serves it", PEGS, pegs, "Nothing is pegged to it."),
            Listing("links", "Orders it waits for or feeds", (
                Column("supply_order", "Feeds from", Show.KEY, "work-orders/{supply_order}"),
                Column("demand_order", "Into", Show.KEY, "work-orders/{demand_order}"), Column("item", "Component", Show.KEY),
                Column("qty", "Quantity", Show.NUMBER),
            ), night.read("order_links").filter((pl.col("supply_order") == order) | (pl.col("demand_order") == order)),
                "It neither feeds nor waits for another made order."),
            _source(night, "work_orders", pl.col("work_order") == order),
        ),
    )  # fmt: skip


def order_line(night: Night, sales_order: str, line: str) -> Page:
    """One customer order line; NotHereError where it is not open."""
    found = night.read("order_promises").filter(sales_order=sales_order, line=line)
    if found.is_empty():
        raise NotHereError(f"tonight's run knows no open order line {sales_order}/{line}")
    row = found.row(0, named=True)
    ships = (
        "has no date: nothing covers it yet" if row["projected_ship"] is None else f"ships {day(row['projected_ship'])}"
    )
    late = row["late_days"] or 0
    said = f"{sales_order}/{line} {ships}" + (f", {count(int(late), 'day')} late" if late > 0 else "")
    said += f"; it waits for {row['bound_by']}." if row["bound_by"] else "."
    demand = f"{sales_order}/{line}"
    return Page(
        f"Order line {demand}", said,
        figures=(
            Figure("Customer", row["customer"], Show.KEY, against=f"class {row['customer_class'] or 'none'}"),
            Figure("Quantity", row["qty"], Show.NUMBER, against=f"item {row['item']}", link=f"items/{row['item']}"),
            Figure("Asked for", row["requested"], Show.DAY), Figure("Promised first", row["first_promised"], Show.DAY),
            Figure("Promised last", row["promised"], Show.DAY), Figure("Last night's date", row["previous_projection"], Show.DAY),
        ),
        listings=(
            Listing("pegging", "What covers it", PEGS, night.read("pegging").filter(demand=demand), "No supply is pegged to it."),
            _messages(night, (pl.col("order") == sales_order) | (pl.col("order") == demand)),
            _source(night, "sales_orders", (pl.col("sales_order") == sales_order) & (pl.col("line") == line)),
        ),
    )  # fmt: skip


def item(night: Night, name: str) -> Page:
    """One item: its netting record, messages and pegging; NotHereError where nobody knows it."""
    found = night.read("items").filter(item=name)
    if found.is_empty():
        raise NotHereError(f"there is no item {name}")
    requirements = night.read("requirements").filter(item=name)
    short = night.read("shortages").filter(item=name)
    stock = night.read("inventory").filter(item=name, status="available").get_column("qty").sum()
    return Page(
        f"Item {name}",
        f"{name} has {number(float(stock))} in stock" + (f" and is short for {count(short.height, 'order')}." if short.height else " and is not short."),
        listings=(
            Listing("netting", "Netting record", (
                Column("date", "Day", Show.DAY), Column("gross", "Needed", Show.NUMBER), Column("receipts", "Open orders", Show.NUMBER),
                Column("planned_receipts", "Planned orders", Show.NUMBER), Column("projected_available", "Balance without plan", Show.NUMBER),
                Column("projected_with_planned", "Balance", Show.NUMBER), Column("net", "Lacking", Show.NUMBER),
            ), requirements, "Nothing happens to it within the horizon."),
            _messages(night, pl.col("item") == name),
            Listing("pegging", "Which supply serves which demand", PEGS, night.read("pegging").filter(item=name), "Nothing is pegged."),
            _source(night, "items", pl.col("item") == name),
        ),
    )  # fmt: skip


def _findings(night: Night, which: pl.Expr) -> Listing:
    return Listing("findings", "What ERP and MES disagree on", (
        Column("rule", "Rule", Show.KEY), Column("severity", "Severity"), Column("field", "Field"), Column("erp_value", "ERP says"),
        Column("mes_value", "MES says"), Column("correction", "Correction"), Column("state", "State"), Column("evidence", "Evidence"),
    ), night.read("findings").filter(which), "ERP and MES agree on it.")  # fmt: skip


def _messages(night: Night, which: pl.Expr) -> Listing:
    messages = night.read("action_messages").filter(which)
    causes = night.read("message_causes").filter(pl.col("message").is_in(messages.get_column("message").to_list()))
    rows = messages.join(causes, on="message", how="left", suffix="_cause").with_columns(
        pl.col("code").replace(MESSAGE_WORDS).alias("what"), pl.col("category").replace(CAUSE_WORDS)
    )
    return Listing("messages", "Messages and their causes", (
        Column("what", "What to do"), Column("from_date", "Now", Show.DAY), Column("to_date", "Needed", Show.DAY),
        Column("qty", "Quantity", Show.NUMBER), Column("visibility", "Shown"), Column("category", "Cause"),
        Column("contribution_days", "Share, days", Show.NUMBER), Column("detail_cause", "Event"),
    ), rows, "No message speaks of it.")  # fmt: skip


def _source(night: Night, table: str, which: pl.Expr) -> Listing:
    rows = night.read(table).filter(which)
    made = rows.with_columns(pl.lit(night.run_id).alias("run"), pl.lit(words(table)).alias("table"))
    return Listing("source", "Source record", (
        Column("table", "Table"), Column("source_file", "File", Show.KEY), Column("source_row", "Row", Show.WHOLE),
        Column("run", "Run", Show.KEY),
    ), made, "It has no source record: the plan made it.")  # fmt: skip


def run(night: Night) -> Page:
    """A night as it was: every table it wrote, at its version, with rows and digest."""
    rows = [
        (name, str(entry.layer), entry.version, entry.rows, entry.digest)
        for name, entry in sorted(night.manifest.outputs.items())
    ]
    schema = {"table": pl.String, "layer": pl.String, "version": pl.Int64, "rows": pl.Int64, "digest": pl.String}
    return Page(
        "A night as it was",
        f"Run {night.run_id} wrote {count(len(rows), 'table')}; all of them can be read as they were.",
        listings=(
            Listing("tables", "Tables", (
                Column("table", "Table", Show.KEY, f"nights/{night.run_id}/{{table}}"), Column("layer", "Layer"),
                Column("version", "Delta version", Show.WHOLE), Column("rows", "Rows", Show.WHOLE), Column("digest", "Digest", Show.KEY),
            ), pl.DataFrame(rows, schema=schema, orient="row"), "It wrote nothing."),
        ),
    )  # fmt: skip


def table(night: Night, name: str) -> Page:
    """One table of a night, every column of every row."""
    rows = night.read(name)
    if not rows.width:
        raise NotHereError(f"run {night.run_id} wrote no table {name}")
    kinds = {pl.Date: Show.DAY, pl.Float64: Show.NUMBER, pl.Int64: Show.WHOLE, pl.Boolean: Show.FLAG}
    columns = tuple(
        Column(
            column, words(column), Show.INSTANT if isinstance(kind, pl.Datetime) else kinds.get(type(kind), Show.TEXT)
        )
        for column, kind in rows.schema.items()
    )
    return Page(
        words(name).capitalize(), f"{count(rows.height, 'row')} of {name} as run {night.run_id} wrote them.",
        listings=(Listing(name, words(name).capitalize(), columns, rows, "The table was written empty."),),
    )  # fmt: skip
