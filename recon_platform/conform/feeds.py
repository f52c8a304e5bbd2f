"""Is what came tonight what was sent, whole and fresh: checks of feeds as a whole.

Belongs here: freshness, row counts against what the source says and against nights before, clocks that run apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

import polars as pl

from recon_platform.conform.findings import found
from recon_platform.tables.policy import Policy, SpinePolicy

LEAST_MATCHES = 20
OFFSET_SHARE = 0.8
OFFSET_STEP_MIN = 15
NIGHTS = 7
LEAST_USUAL = 20
SWINGING = frozenset({
    "machine_states", "downtime_events", "planned_downtime", "calendar_exceptions", "labour_exceptions",
    "material_consumption", "cycle_times", "allocations", "engineering_changes",
})  # fmt: skip
"""Tables of the last hours or of exceptions: a quiet day has few rows, and nothing was lost."""
LEAST_DATED = 20
EPOCH_DAYS = 730
REPORTED = (
    ("operation_status", "reported_at"), ("order_status", "reported_at"), ("material_consumption", "at"),
    ("cycle_times", "at"), ("downtime_events", "reported_at"), ("machine_states", "from_at"),
    ("inventory_transactions", "at"),
)  # fmt: skip
"""Instants of what happened: none lies after the as-of instant."""
POSTED = (("shipments", "shipped_on"), ("receipts", "received_on"), ("labour_hours", "date"))
"""Dates of what happened."""


def feed_findings(
    feeds: pl.DataFrame,
    rows: Mapping[str, int],
    as_of: datetime,
    policy: Policy,
    before: pl.DataFrame | None,
) -> list[pl.DataFrame]:
    """Stale feeds, feeds with other rows than announced, and feeds shrunken against the nights `before`.

    `rows` is what was delivered per table; `before` holds the deliveries of earlier nights (night, table, rows).
    """
    delivered = pl.DataFrame(
        {"table": list(rows), "delivered": list(rows.values())}, schema={"table": pl.String, "delivered": pl.Int64}
    )
    known = feeds.join(delivered, on="table", how="left")
    limit = pl.lit(as_of) - pl.duration(minutes=round(policy.spine.feed_stale_hours * 60))
    newest = pl.coalesce("watermark", "extracted_at")
    stale = known.filter(newest < limit)
    missing = known.filter(pl.col("rows").is_not_null() & (pl.col("delivered").fill_null(0) != pl.col("rows")))
    entity = pl.format("{}/{}", "source", "table")
    made = [
        found(
            stale,
            "feed_stale",
            entity=entity,
            field="watermark",
            erp_value=newest,
            evidence=pl.struct("table", "source", "watermark", "extracted_at"),
        ),
        found(
            missing,
            "feed_rows",
            entity=entity,
            field="rows",
            erp_value=pl.col("rows"),
            mes_value=pl.col("delivered").fill_null(0),
            evidence=pl.struct("table", "source", "rows", "delivered"),
        ),
    ]
    if before is not None and not before.is_empty():
        usual = (
            before.sort("night", descending=True)
            .group_by("table", maintain_order=True)
            .head(NIGHTS)
            .group_by("table")
            .agg(pl.col("rows").median().alias("usual"))
        )
        shrunk = delivered.join(usual, on="table").filter(
            (pl.col("delivered") < pl.col("usual") * policy.reconciliation.feed_shrink_share)
            & (pl.col("usual") >= LEAST_USUAL)
            & ~pl.col("table").is_in(sorted(SWINGING))
        )
        made.append(
            found(
                shrunk.sort("table"), "feed_shrunk", entity=pl.col("table"), field="rows", erp_value=pl.col("usual"),
                mes_value=pl.col("delivered"), evidence=pl.struct("table", "delivered", "usual"),
            )
        )  # fmt: skip
    return made


def constant_offset(
    left: pl.DataFrame, right: pl.DataFrame, on: list[str], at: str = "at"
) -> tuple[timedelta, int, int] | None:
    """How far the clock of `right` runs ahead of that of `left`, by the events both report.

    Events are matched where `on` is unique on both sides. Returns (offset, matches that agree, all matches) where at
    least 20 events match and 80 % of them lie at one offset (to 15 minutes) other than none; else None.
    """
    single = [frame.select(*on, at).drop_nulls().filter(pl.struct(on).is_unique()) for frame in (left, right)]
    pairs = single[0].join(single[1], on=on, how="inner", suffix="_right")
    if pairs.height < LEAST_MATCHES:
        return None
    minutes = (pl.col(f"{at}_right") - pl.col(at)).dt.total_seconds() / 60 / OFFSET_STEP_MIN
    steps = (
        pairs.select(minutes.round(0).cast(pl.Int64).alias("steps"))["steps"]
        .value_counts()
        .sort("count", "steps", descending=[True, False])
    )
    step, count = steps.row(0)
    if step == 0 or count < OFFSET_SHARE * pairs.height:
        return None
    return timedelta(minutes=step * OFFSET_STEP_MIN), count, pairs.height


def clock_findings(made: Mapping[str, pl.DataFrame], as_of: datetime, spine: SpinePolicy) -> list[pl.DataFrame]:
    """Clocks of whole feeds: reports from the future, dates of another epoch, constant offsets between feeds."""
    return [*dated_findings(made, as_of, spine), *_offset_findings(made)]


def dated_findings(made: Mapping[str, pl.DataFrame], as_of: datetime, spine: SpinePolicy) -> list[pl.DataFrame]:
    """Of the tables in `made`, those with reports from the future or with dates of another epoch."""
    return [*_future_findings(made, as_of, spine), *_epoch_findings(made, as_of)]


def _future_findings(made: Mapping[str, pl.DataFrame], as_of: datetime, spine: SpinePolicy) -> list[pl.DataFrame]:
    findings: list[pl.DataFrame] = []
    limit = as_of + timedelta(minutes=spine.future_minutes)
    for table, column in _among(REPORTED, made):
        newest = made[table][column].max()
        if newest is None or newest <= limit:  # type: ignore[operator]
            continue
        late = made[table].filter(pl.col(column) > limit)
        summary = late.select(
            pl.lit(table).alias("table"), pl.len().alias("rows"), pl.col(column).max().alias("newest"),
            pl.col(column).min().alias("oldest"),
        )  # fmt: skip
        ahead = (summary["newest"][0] - as_of).total_seconds() / 3600
        findings.append(
            found(
                summary, "time_future", entity=pl.col("table"), field=column, mes_value=pl.col("newest"),
                correction=f"its clock may run {-(-ahead // 0.5) * 0.5:g} h ahead",
                evidence=pl.struct("table", "rows", "oldest", "newest"),
            )
        )  # fmt: skip
    return findings


def _epoch_findings(made: Mapping[str, pl.DataFrame], as_of: datetime) -> list[pl.DataFrame]:
    """Tables of what happened whose dates lie years away from tonight: the rest of the landing speaks of another time."""
    findings: list[pl.DataFrame] = []
    for table, column in _among((*REPORTED, *POSTED), made):
        dates = made[table][column].drop_nulls().cast(pl.Date)
        near = timedelta(days=EPOCH_DAYS)
        oldest, newest = dates.min(), dates.max()
        if dates.len() < LEAST_DATED or not isinstance(oldest, date) or not isinstance(newest, date):
            continue
        if as_of.date() - near <= oldest and newest <= as_of.date() + near:
            continue  # nearly always
        away = (pl.Series([as_of.date()]) - dates).dt.total_days()
        if away.abs().median() <= EPOCH_DAYS:  # type: ignore[operator]
            continue
        row = pl.DataFrame({
            "table": [table], "rows": [dates.len()], "oldest": [oldest], "newest": [newest],
            "days": [away.min()],
        })  # fmt: skip
        findings.append(
            found(
                row, "feed_epoch", entity=pl.col("table"), field=column, mes_value=pl.col("newest"),
                correction=pl.format("its dates may lie {} days off; deliver it again from the live system", "days"),
                evidence=pl.struct("table", "rows", "oldest", "newest", "days"),
            )
        )  # fmt: skip
    return findings


def _among(dated: tuple[tuple[str, str], ...], made: Mapping[str, pl.DataFrame]) -> list[tuple[str, str]]:
    return [(table, column) for table, column in dated if table in made]


def _offset_findings(made: Mapping[str, pl.DataFrame]) -> list[pl.DataFrame]:
    """A constant time between what two feeds report of the same event: material postings, and ends of operations."""
    events = ["order", "item", "qty"]
    postings = made["inventory_transactions"].filter(pl.col("kind") == "issue").select(
        "order", "item", pl.col("qty").abs().round(6), "at"
    )  # fmt: skip
    consumed = made["material_consumption"].select(
        "order", pl.col("component_item").alias("item"), pl.col("qty").abs().round(6), "at"
    )
    ended = made["operation_status"].select("order", "op_seq", pl.col("ended_at").alias("at"))
    measured = made["cycle_times"].select("order", "op_seq", "at")
    findings: list[pl.DataFrame] = []
    for feed, left, right, on in (
        ("mes/material_consumption", postings, consumed, events),
        ("mes/cycle_times", ended, measured, ["order", "op_seq"]),
    ):
        offset = constant_offset(left, right, on)
        if offset is None:
            continue
        shift, agree, matches = offset
        row = pl.DataFrame({"offset_min": [int(shift.total_seconds() // 60)], "agree": [agree], "matches": [matches]})
        findings.append(
            found(
                row, "feed_offset", entity=pl.lit(feed), field="at", mes_value=pl.col("offset_min"),
                correction=pl.format("take {} minutes off the times of this feed", "offset_min"),
                evidence=pl.struct("offset_min", "agree", "matches"),
            )
        )  # fmt: skip
    return findings
