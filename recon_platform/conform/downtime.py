"""Conform again after downtime was reported: only what those reports can change is made, the rest stays the night's.

Belongs here: which of the conformed tables that is, and how the night's part and the new part become one table. Rows are
read by the same steps as in a whole night (`night`); a report that those refuse, or that names what nobody knows, leaves
the whole night to be conformed again, because then tables as a whole are judged anew.
"""

from __future__ import annotations

import polars as pl

from recon_platform.conform import outcome
from recon_platform.conform.calendars import working_time
from recon_platform.conform.checks_master import calendar_findings
from recon_platform.conform.feeds import dated_findings, feed_findings
from recon_platform.conform.findings import together
from recon_platform.conform.keys import MAP_SCHEMA, valid_xref
from recon_platform.conform.night import BEFORE, NightTables
from recon_platform.conform.stops import Days
from recon_platform.tables.conformed import DATA_FINDINGS, QUARANTINE
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames
from recon_platform.tables.registry import TABLES, conformed_table

REPORTED: tuple[str, ...] = ("planned_downtime", "downtime_events")
"""Landing tables that a report of downtime changes."""
_WHOLE_FEEDS = ("feed_stale", "feed_rows", "feed_shrunk", "calendar_overlap", "calendar_empty")
_OF_A_TABLE = ("time_future", "feed_epoch")
_OF_A_ROW = ("time_ambiguous", "time_nonexistent", "time_mended")


def conform_downtime(raw: Frames, night: Frames, context: PlanContext) -> dict[str, pl.DataFrame] | None:
    """The tables that downtime changes, as `conform` makes them from the night's landing with `raw` in place of its
    reports: those of `REPORTED`, working_time, key_map, quarantine, row_counts, availability, data_findings.

    `raw` holds the landing tables of `REPORTED` that were delivered, and `row_counts_before` where there are earlier
    nights; `night` its machines, work_centers, work_center_xref, calendars, calendar_exceptions, feeds, and of the tables
    made here those that are not of `REPORTED`. None where a report is refused or names what nobody knows, then or now: the
    whole night has to be conformed again; and where they change the working time of days that are over.
    """
    if not night["quarantine"].filter(pl.col("table").is_in(REPORTED)).is_empty() or _unknown_then(night):
        return None
    delivered = {*night["availability"].filter("present")["table"], *(name for name in REPORTED if name in raw)}
    tables = NightTables({name: TABLES[name] for name in REPORTED}, raw, context, frozenset(delivered))
    for name, column in (("machines", "machine"), ("work_centers", "work_center")):
        tables.registers[name].add(night[name][column])
    tables.add_names("work_centers", valid_xref(night["work_center_xref"], context.planning_date))
    tables.add_machine_names(night["machines"])
    for name in REPORTED:
        tables.read(name)
    if any(not unknown.is_empty() for unknown in tables.unknown) or any(s.refused for s in tables.sheets.values()):
        return None
    made = {name: sheet.result().cast(pl.Schema(conformed_table(name).schema)) for name, sheet in tables.sheets.items()}
    made["working_time"] = working_time(
        night["machines"], night["work_centers"], night["calendars"], night["calendar_exceptions"],
        made["planned_downtime"], as_of=context.as_of, horizon_days=context.policy.capacity.horizon_days,
        timezone=context.plant.timezone,
    )  # fmt: skip
    if not _before(made["working_time"], context).equals(_before(night["working_time"], context)):
        return None  # the night learned from what the days behind had been
    made["key_map"] = outcome.key_map([_others(night["key_map"]).select(list(MAP_SCHEMA)), *tables.key_map])
    made["quarantine"] = night["quarantine"].select(QUARANTINE.column_names)
    made["row_counts"] = _with(night["row_counts"], outcome.row_counts(tables.sheets))
    made["availability"] = _with(night["availability"], outcome.availability(tables.sheets, made))
    made["data_findings"] = together(
        [_untouched(night["data_findings"]), *tables.found, *_judged(made, night, raw, context)]
    )
    return made


def _before(working_time: pl.DataFrame, context: PlanContext) -> pl.DataFrame:
    """Working time of the days that downtime is learned from."""
    days = Days.before(context.planning_date, context.plant.timezone)
    inside = working_time.select(
        "machine", pl.max_horizontal("start", pl.lit(days.since)).alias("start"),
        pl.min_horizontal("end", pl.lit(days.until)).alias("end"), "kind",
    )  # fmt: skip
    return inside.filter(pl.col("start") < pl.col("end")).sort("machine", "start")


def _unknown_then(night: Frames) -> bool:
    names = [f"{name}." for name in REPORTED]
    unknown = night["data_findings"].filter(pl.col("rule") == "key_unknown")["entity"]
    return any(unknown.str.starts_with(name).any() for name in names)


def _others(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.filter(~pl.col("table").is_in(REPORTED))


def _with(night: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """Rows of all other tables as they were, those of the reports as they are now."""
    return pl.concat([_others(night).select(new.columns), new]).sort("table")


def _untouched(findings: pl.DataFrame) -> pl.DataFrame:
    """The night's findings less those that are made again."""
    table = pl.col("entity").str.extract(r"^([^/]*)", 1)
    again = (
        pl.col("rule").is_in(_WHOLE_FEEDS)
        | (pl.col("rule").is_in(_OF_A_TABLE) & pl.col("entity").is_in(REPORTED))
        | (pl.col("rule").is_in(_OF_A_ROW) & table.is_in(REPORTED))
    )
    return findings.filter(~again).select(DATA_FINDINGS.column_names)


def _judged(made: Frames, night: Frames, raw: Frames, context: PlanContext) -> list[pl.DataFrame]:
    """Findings on feeds as a whole and on calendars, which see the reports too."""
    rows = dict(made["row_counts"].select("table", "rows_in").iter_rows())
    reported = {name: made[name] for name in REPORTED}
    return [
        *feed_findings(night["feeds"], rows, context.as_of, context.policy, raw.get(BEFORE)),
        *dated_findings(reported, context.as_of, context.policy.spine),
        *calendar_findings({**night, "working_time": made["working_time"]}),
    ]
