"""Changes: what tonight's plan does differently from the schedule in force, by order, customer, work center and cause."""

from __future__ import annotations

import polars as pl

from recon_platform.console.page import Column, Figure, Listing, Page, Show
from recon_platform.console.services.nights import Night
from recon_platform.console.words import CAUSE_WORDS, count

WHAT = {
    "added": "added", "removed": "removed", "finished": "finished", "start": "starts at another time",
    "machine": "runs on another machine", "start_and_machine": "another time and machine",
}  # fmt: skip


def changes(night: Night) -> Page:
    """The delta view, the most consequential change first."""
    rows: pl.DataFrame = night.derived("changes", lambda: _rows(night), 8 << 20)
    won, lost, frozen, orders = night.derived("changes_counted", lambda: _counted(rows))
    said = (
        f"{count(rows.height, 'change')} in {count(orders, 'order')} against the schedule in force, "
        f"{frozen or 'none'} of them inside the frozen fence."
        if rows.height
        else "Nothing changes against the schedule in force."
    )
    return Page(
        "Changes", said[:1].upper() + said[1:],
        figures=(
            Figure("Changes", rows.height, Show.WHOLE, "", f"in {count(orders, 'order')}"),
            Figure("Order lines won", won, Show.WHOLE, "lines", "by orders that end earlier"),
            Figure("Order lines lost", abs(lost), Show.WHOLE, "lines", "by orders that end later", attention=lost < 0),
            Figure("Inside the frozen fence", frozen, Show.WHOLE, "", "changes", attention=frozen > 0),
        ),
        listings=(
            Listing(
                "changes", "Every change, the most consequential first",
                (
                    Column("work_order", "Work order", Show.KEY, "work-orders/{work_order}"),
                    Column("op_seq", "Operation", Show.WHOLE), Column("work_center", "Work center", Show.KEY),
                    Column("customer", "Customer", Show.KEY), Column("what", "What"),
                    Column("from", "In force"), Column("to", "Tonight's plan"),
                    Column("shift_hours", "Later by, hours", Show.NUMBER), Column("reason", "Why"),
                    Column("cause", "Cause"), Column("otif_effect", "Lines won", Show.WHOLE),
                    Column("labour_effect", "Machine hours", Show.NUMBER), Column("frozen", "Frozen", Show.FLAG),
                ),
                rows, "Nothing changes: tonight's plan is the schedule in force, or there is none yet.",
            ),
            _summary(night, rows, "work_order", "by_order", "By work order", "Work order"),
            _summary(night, rows, "work_center", "by_work_center", "By work center", "Work center"),
            _summary(night, rows, "customer", "by_customer", "By customer", "Customer"),
            _summary(night, rows, "cause", "by_cause", "By cause", "Cause"),
        ),
    )  # fmt: skip


def _rows(night: Night) -> pl.DataFrame:
    centers = pl.concat([
        night.read("schedule").select("work_order", "op_seq", "work_center"),
        night.read("reconciled_operations").select("work_order", "op_seq", "work_center"),
    ]).unique(["work_order", "op_seq"], keep="first", maintain_order=True)  # fmt: skip
    customers = (
        night.read("supply_orders")
        .select(pl.col("order").alias("work_order"), "sales_order", "line")
        .join(
            night.read("order_promises").select("sales_order", "line", "customer"),
            on=["sales_order", "line"],
            how="left",
        )
        .select("work_order", "customer")
    )
    return (
        night.read("proposal_changes")
        .join(centers, on=["work_order", "op_seq"], how="left")
        .join(customers, on="work_order", how="left")
        .with_columns(
            pl.col("what").replace(WHAT), pl.col("cause").replace(CAUSE_WORDS),
            (pl.col("shift_minutes") / 60).alias("shift_hours"),
        )
        .sort(
            pl.col("frozen"), pl.col("otif_effect").abs(), pl.col("shift_hours").abs().fill_null(0), "work_order", "op_seq",
            descending=[True, True, True, False, False], nulls_last=True,
        )
    )  # fmt: skip


def _counted(rows: pl.DataFrame) -> tuple[int, int, int, int]:
    """Lines won and lost, changes inside the fence, orders that change."""
    return (
        _sum(rows, pl.col("otif_effect") > 0), _sum(rows, pl.col("otif_effect") < 0),
        rows.filter(pl.col("frozen")).height, rows.get_column("work_order").n_unique() if rows.height else 0,
    )  # fmt: skip


def _sum(rows: pl.DataFrame, which: pl.Expr) -> int:
    """Lines won or lost, each order counted once."""
    return int(rows.filter(which).unique("work_order").get_column("otif_effect").sum()) if rows.height else 0


def _summary(night: Night, rows: pl.DataFrame, column: str, name: str, title: str, label: str) -> Listing:
    made: pl.DataFrame = night.derived(f"changes_{name}", lambda: _grouped(rows, column), 1 << 20)
    return Listing(
        name, title,
        (
            Column(column, label, Show.TEXT, f"changes?changes.q={{{column}}}"), Column("changes", "Changes", Show.WHOLE),
            Column("orders", "Orders", Show.WHOLE), Column("frozen", "Frozen", Show.WHOLE),
            Column("hours", "Median shift, hours", Show.NUMBER),
        ),
        made, "Nothing changes.",
    )  # fmt: skip


def _grouped(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    return (
        rows.group_by(column)
        .agg(
            pl.len().alias("changes"), pl.col("work_order").n_unique().alias("orders"),
            pl.col("frozen").sum().alias("frozen"), pl.col("shift_hours").abs().median().alias("hours"),
        )
        .sort("changes", column, descending=[True, False])
    )  # fmt: skip
