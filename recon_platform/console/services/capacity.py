"""Capacity: what the plan asks of each work center against what there is, and where the constraint lies."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from recon_platform.console.charts import load_chart
from recon_platform.console.page import Chart, Column, Figure, Listing, Page, Show
from recon_platform.console.services.nights import Night
from recon_platform.console.services.today import report
from recon_platform.console.words import number, short_day
from recon_platform.material.exceptions import overload_messages
from recon_platform.nights.report import LOAD_DAYS

CHART_DAYS = 21


def capacity(night: Night, work_center: str | None) -> Page:
    """Load against capacity of the constraint or of `work_center`, and every work center ranked by load."""
    ranked = report(night).utilization
    constraint = ranked.get_column("work_center")[0] if ranked.height else None
    chosen = work_center if work_center in ranked.get_column("work_center").to_list() else constraint
    if constraint is None:
        said = "No load was computed tonight."
    else:
        asked = ranked.get_column("required_percent")[0]
        over = ranked.filter(pl.col("required_percent") > 100).height
        said = (
            f"{constraint} is the constraint of the next {LOAD_DAYS} days: {number(asked, 0)} % of its time is asked for; "
            f"{over} of {ranked.height} work centers are asked for more than they have."
        )
    adherence = night.read("metrics").filter(metric="capacity_clarity", scope="work_center")
    return Page(
        "Capacity", said,
        figures=tuple(
            Figure(
                row["work_center"], row["required_percent"], Show.NUMBER, "%", "asked for; "
                + ("not scheduled" if row["scheduled_percent"] is None else f"{number(row['scheduled_percent'], 0)} % scheduled"),
                f"capacity?work_center={row['work_center']}", attention=(row["required_percent"] or 0) > 100,
            )
            for row in ranked.head(5).iter_rows(named=True)
        ),
        charts=() if chosen is None else tuple(
            _chart(night, chosen, basis, words)
            for basis, words in (("required", "as material needs it"), ("scheduled", "as scheduled"))
        ),
        listings=(
            Listing(
                "work_centers", f"Work centers, the next {LOAD_DAYS} days",
                (
                    Column("work_center", "Work center", Show.KEY, "capacity?work_center={work_center}"),
                    Column("description", "What it is"), Column("line", "Line", Show.KEY),
                    Column("required_percent", "Asked for, %", Show.NUMBER),
                    Column("scheduled_percent", "Scheduled, %", Show.NUMBER),
                ),
                ranked.join(night.read("work_centers").select("work_center", "description", "line"), on="work_center", how="left"),
                "No load was computed tonight.",
            ),
            Listing(
                "overloaded", "Asked for more than there is, by week",
                (
                    Column("order", "Work center", Show.KEY, "capacity?work_center={order}"),
                    Column("need_date", "First week over, from", Show.DAY), Column("hours", "Hours too many", Show.NUMBER),
                    Column("detail", "Remark"),
                ),
                _overloaded(night), "No work center is asked for more than it has in any week.",
                "What material needs, before any schedule: the schedule moves such work, or it is late.",
            ),
            Listing(
                "actual", "Planned against actual hours",
                (
                    Column("subject", "Work center", Show.KEY), Column("numerator", "Difference, hours", Show.NUMBER),
                    Column("denominator", "Available, hours", Show.NUMBER), Column("value", "Difference", Show.SHARE),
                    Column("note", "Remark"),
                ),
                adherence, "Actual hours are not known yet: they come with the floor's hours of a night that was published before.",
            ),
        ),
    )  # fmt: skip


def _overloaded(night: Night) -> pl.DataFrame:
    """Messages of code OVERLOAD for work centers of the plant's own, the most hours first. A vendor has no working time."""
    own = night.read("work_centers").filter(~pl.col("external").fill_null(False)).select("work_center")
    messages = overload_messages(night.read("required_load").join(own, on="work_center", how="semi"))
    return messages.with_columns(hours=pl.col("qty") / 60).sort("hours", "order", descending=[True, False])


def _chart(night: Night, work_center: str, basis: str, said: str) -> Chart:
    start = night.context.planning_date
    load = (
        night.read("capacity_load")
        .filter(
            pl.col("work_center") == work_center, pl.col("basis") == basis,
            pl.col("bucket_start").is_between(start, start + timedelta(days=CHART_DAYS), closed="left"),
        )
        .sort("bucket_start")
    )  # fmt: skip
    return load_chart(
        f"{work_center}, load against capacity, {said}",
        [short_day(day) for day in load.get_column("bucket_start")],
        (load.get_column("loaded_min") / 60).to_list(),
        ((load.get_column("available_min") + load.get_column("overtime_min")) / 60).to_list(),
    )
