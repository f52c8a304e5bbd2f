"""Material: what is short, what planners are asked to do and what caused each message; hidden ones stay visible."""

from __future__ import annotations

import polars as pl

from recon_platform.console.charts import run_chart
from recon_platform.console.page import Column, Figure, Listing, Page, Show
from recon_platform.console.services.measures import last_runs
from recon_platform.console.services.nights import Night
from recon_platform.console.words import CAUSE_WORDS, MESSAGE_WORDS, count, number, short_day

MESSAGE_COLUMNS = (
    Column("what", "What to do"), Column("order", "Order", Show.KEY, "work-orders/{order}"),
    Column("item", "Item", Show.KEY, "items/{item}"), Column("from_date", "Now", Show.DAY),
    Column("to_date", "Needed", Show.DAY), Column("qty", "Quantity", Show.NUMBER), Column("causes", "Causes and their shares"),
    Column("feasible", "Feasible", Show.FLAG), Column("value", "Value", Show.MONEY), Column("age_nights", "Nights old", Show.WHOLE),
    Column("lifecycle", "Since last night"), Column("planner", "Planner"),
)  # fmt: skip


def material(night: Night, nights: list[Night]) -> Page:
    """Shortages first, then messages by value, then those that filters hide."""
    messages: pl.DataFrame = night.derived("messages", lambda: _messages(night), 4 << 20)
    shown = messages.filter(pl.col("visibility") == "SHOWN")
    hidden = messages.filter(pl.col("visibility") != "SHOWN")
    shortages = night.read("shortages").sort("needed_at", "days_short", descending=[False, True], nulls_last=True)
    trend = [(n, n.read("action_messages"), n.read("reconciled_orders").height) for n in last_runs(nights)[-30:]]
    open_orders = night.read("reconciled_orders").height
    return Page(
        "Material",
        f"{count(shortages.height, 'component')} will not be there in time; {count(shown.height, 'message')} "
        f"{'asks' if shown.height == 1 else 'ask'} for something, {number(hidden.height)} more {'is' if hidden.height == 1 else 'are'} kept back by filters.",
        figures=(
            Figure("Shortages", shortages.height, Show.WHOLE, "", "components of orders", attention=shortages.height > 0),
            Figure("Messages shown", shown.height, Show.WHOLE, "", f"{_per(shown.height, open_orders)} per 100 orders"),
            Figure("Kept back", hidden.height, Show.WHOLE, "", "small, far away or asleep; all listed below"),
            Figure("Not feasible", shown.filter(~pl.col("feasible").fill_null(True)).height, Show.WHOLE, "messages",
                   "the lead time that is left does not suffice"),
        ),
        charts=(
            run_chart(
                "Nervousness: messages shown per 100 orders", [short_day(n.context.planning_date) for n, _, _ in trend],
                [_per(frame.filter(pl.col("visibility") == "SHOWN").height, orders) for _, frame, orders in trend],
                "messages per 100 orders",
            ),
        ),
        listings=(
            Listing(
                "shortages", "Shortages, the soonest first",
                (
                    Column("item", "Component", Show.KEY, "items/{item}"),
                    Column("work_order", "Order that lacks it", Show.KEY, "work-orders/{work_order}"),
                    Column("short_qty", "Short", Show.NUMBER), Column("required_qty", "Needed", Show.NUMBER),
                    Column("needed_at", "Needed on", Show.DAY), Column("covered_at", "Covered on", Show.DAY),
                    Column("covered_by", "Covered by", Show.KEY), Column("days_short", "Days short", Show.WHOLE),
                    Column("op_seq", "At operation", Show.WHOLE), Column("customer_lines", "Customer lines", Show.WHOLE),
                    Column("named_lines", "The first of them"), Column("value", "Value", Show.MONEY),
                    Column("unusable_qty", "In stock, not usable", Show.NUMBER),
                    Column("remedy", "What could be done"),
                ),
                shortages, "Every component is there when its order starts.",
            ),
            Listing("messages", "Messages, the most valuable first", MESSAGE_COLUMNS, shown, "No order has to be moved, cut or cancelled."),
            Listing(
                "worklist", "Worklist by item",
                (
                    Column("item", "Item", Show.KEY, "items/{item}"), Column("planner", "Planner"),
                    Column("messages", "Messages", Show.WHOLE), Column("infeasible", "Not feasible", Show.WHOLE),
                    Column("value", "Value", Show.MONEY), Column("first", "First date", Show.DAY),
                ),
                _worklist(shown), "Nothing to work on.",
            ),
            Listing(
                "hidden", "Messages kept back by filters",
                (*MESSAGE_COLUMNS[:5], Column("suppressed_by", "Kept back by"), *MESSAGE_COLUMNS[6:]), hidden,
                "No message is kept back.",
            ),
        ),
    )  # fmt: skip


def _messages(night: Night) -> pl.DataFrame:
    causes = (
        night.read("message_causes").filter(~pl.col("masked"))
        .with_columns(pl.col("contribution_days").abs().alias("size"))
        .with_columns((100 * pl.col("size") / pl.col("size").sum().over("message")).round(0).fill_nan(0).alias("share"))
        .sort("size", "category", "event", descending=[True, False, False])
        .with_columns(
            pl.concat_str(
                pl.col("category").replace(CAUSE_WORDS), pl.lit(" "), pl.col("share").fill_null(0).cast(pl.Int64), pl.lit(" %"),
            ).alias("said")
        )
        .group_by("message", maintain_order=True)
        .agg(pl.col("said").head(3).str.join(", ").alias("causes"))
    )  # fmt: skip
    return (
        night.read("action_messages")
        .join(causes, on="message", how="left")
        .with_columns(
            pl.col("code").replace(MESSAGE_WORDS).alias("what"), pl.col("lifecycle").str.to_lowercase().str.replace_all("_", " ")
        )
        .sort("value", "message", descending=[True, False], nulls_last=True)
    )  # fmt: skip


def _worklist(shown: pl.DataFrame) -> pl.DataFrame:
    return (
        shown.filter(pl.col("item").is_not_null())
        .group_by("item")
        .agg(
            pl.col("planner").drop_nulls().first(), pl.len().alias("messages"),
            (~pl.col("feasible").fill_null(True)).sum().alias("infeasible"), pl.col("value").sum(),
            pl.min_horizontal("from_date", "to_date").min().alias("first"),
        )
        .sort("value", "item", descending=[True, False])
    )  # fmt: skip


def _per(messages: int, orders: int) -> float | None:
    return round(100 * messages / orders, 1) if orders else None
