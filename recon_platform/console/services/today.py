"""Today: does tonight's plan help, what needs a person, and where is the constraint."""

from __future__ import annotations

import polars as pl

from recon_platform.console.page import Column, Figure, Listing, Page, Show
from recon_platform.console.services.nights import Night
from recon_platform.console.words import CAUSE_WORDS, count, number, words
from recon_platform.material.causes import BEFORE
from recon_platform.nights.report import Report, moved_lines, night_report

ORDER = "orders/{sales_order}/{line}"


def report(night: Night) -> Report:
    """What the night's report says, made once per run."""

    def make() -> Report:
        return night_report({name: night.read(name) for name in night.manifest.outputs}, night.context)

    made: Report = night.derived("report", make)
    return made


def today(night: Night, waiting: int, decided: int) -> Page:
    """The page for the first look of the morning. `waiting`: requests that somebody has to decide."""
    impact = {row["measure"]: row for row in night.read("expected_impact").iter_rows(named=True)}
    said = report(night)
    (won, lost), moved = night.derived("today_lines", lambda: _lines(night), 4 << 20)
    constraint = said.utilization.head(1)
    busiest = constraint.get_column("work_center")[0] if constraint.height else None
    parts = [f"Tonight's plan wins {count(won, 'order line')} and loses {count(lost, 'order line')} against last night"]
    parts.append(f"{count(waiting, 'decision')} {'wait' if waiting != 1 else 'waits'} for somebody")
    if busiest is not None:
        parts.append(f"{busiest} is the constraint")
    return Page(
        title="Today",
        answer="; ".join(parts) + ".",
        figures=(
            _before_after("Expected on time in full", impact.get("expected_otif"), "%", "changes"),
            _before_after("Late order lines", impact.get("late_lines"), "lines", "changes"),
            _before_after("Lines without a date", impact.get("lines_without_date"), "lines", "changes"),
            Figure("Decisions waiting", waiting, Show.WHOLE, "", f"{decided} decided for this run", "decisions", waiting > 0),
            Figure("Shortages", said.shortages_total, Show.WHOLE, "", "components not there in time", "material"),
        ),
        why=tuple(reasons(night)),
        listings=(
            Listing(
                "lines", "Order lines that move, the worst first",
                (
                    Column("sales_order", "Order", Show.KEY, ORDER), Column("line", "Line", Show.KEY),
                    Column("customer", "Customer", Show.KEY), Column("customer_class", "Class"),
                    Column("item", "Item", Show.KEY), Column("qty", "Quantity", Show.NUMBER),
                    Column("promised", "Promised", Show.DAY), Column("before", "Last night", Show.DAY),
                    Column("projected_ship", "Ships", Show.DAY), Column("late_days", "Late by, days", Show.NUMBER),
                    Column("bound_by", "Waits for", Show.KEY, "work-orders/{bound_by}"),
                ),
                moved, "No customer line moves against last night's plan.",
            ),
        ),
    )  # fmt: skip


def _lines(night: Night) -> tuple[tuple[int, int], pl.DataFrame]:
    """Order lines won and lost, and those that move."""
    promises = night.read("order_promises")
    return won_and_lost(promises, night.previous("order_promises")), moved_lines(promises)


def won_and_lost(promises: pl.DataFrame, before: pl.DataFrame | None) -> tuple[int, int]:
    """Lines late last night and on time now, and the other way round."""
    if before is None or before.is_empty():
        return 0, 0
    late = pl.col("projected_ship").is_null() | (pl.col("late_days") > 0)
    both = promises.select("sales_order", "line", late.alias("now")).join(
        before.select("sales_order", "line", late.alias("then")), on=["sales_order", "line"]
    )
    return both.filter(pl.col("then") & ~pl.col("now")).height, both.filter(~pl.col("then") & pl.col("now")).height


def reasons(night: Night) -> list[str]:
    """Up to three lines of why: the causes that moved most orders, from stored facts."""
    return why(night.read("message_causes"))


def why(causes: pl.DataFrame) -> list[str]:
    """Rows of `message_causes` in words. What stood before the first night compared has not moved since: it is counted
    apart, so that it does not drown what did move."""
    if causes.is_empty():
        return ["Nothing is known that changed since the night before; this is the first night."]
    seen = causes.filter(~pl.col("masked"))
    older = seen.filter(pl.col("event") == BEFORE).get_column("order").n_unique()
    standing = [f"{count(older, 'order')} stood like that before the first night that was compared."] if older else []
    ranked = (
        seen.filter(pl.col("event").ne_missing(BEFORE))
        .group_by("category")
        .agg(pl.col("contribution_days").abs().sum().alias("days"), pl.col("order").n_unique().alias("orders"))
        .sort("days", "category", descending=[True, False])
    )
    total = float(ranked.get_column("days").sum()) or 1.0
    return [
        f"{CAUSE_WORDS.get(row['category'], words(row['category'])).capitalize()} moved {count(row['orders'], 'order')} "
        f"by {number(row['days'], 0)} days in all ({number(100 * row['days'] / total, 0)} % of the movement)."
        for row in ranked.head(3 - len(standing)).iter_rows(named=True)
    ] + standing


def _before_after(label: str, row: dict[str, float | None] | None, unit: str, link: str) -> Figure:
    if row is None:
        return Figure(label, None, unit=unit, against="not computed tonight", link=link)
    before = row["in_force"]
    against = (
        "nothing in force to compare with" if before is None else f"{number(before)} if the schedule in force stayed"
    )
    return Figure(label, row["proposed"], Show.NUMBER, unit, against, link)
