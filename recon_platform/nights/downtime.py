"""Downtime reported between two nights: read what was dropped, judge it, lay it over a landing.

Events arrive as files `downtime_events*.csv` (columns of the contract's `downtime_events`) in the folder `events/` of a
plant's landing. They come twice, late, out of order, and corrected; what counts is the newest report of each event,
compared with what the latest plan already knows. Nothing here knows Dagster: the sensor and the command line share it.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from recon_platform.nights.stakes import Interval, Stakes
from recon_platform.tables.policy import CapacityPolicy

NOTHING_AT_STAKE = Stakes()
TABLE = "downtime_events"
BLOCKED = "planned_downtime"
EVENTS_FOLDER = "events"
EVENT_FILES = "downtime_events*.csv"
REQUIRED = ("event", "started_at", "reported_at")
TRUE_WORDS = frozenset({"true", "t", "yes", "y", "1"})


@dataclass(frozen=True, slots=True)
class DowntimeEvent:
    """One report of one stop. Instants are UTC; `fields` keeps the row as it came."""

    event: str
    machine: str | None
    work_center: str | None
    started_at: datetime
    ended_at: datetime | None
    expected_end: datetime | None
    planned: bool
    reported_at: datetime
    fields: Mapping[str, str]
    file: str = field(default="", compare=False)
    row: int = field(default=0, compare=False)

    @property
    def end(self) -> datetime | None:
        """The end as known: reported, else expected; None while nobody knows."""
        return self.ended_at or self.expected_end

    @property
    def revision(self) -> str:
        """Digest of the report's content: two deliveries of one report have the same."""
        return hashlib.sha256(json.dumps(sorted(self.fields.items())).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class EventFolder:
    """All that lies in an events folder: the newest report per event, rows that could not be read, a fingerprint."""

    events: tuple[DowntimeEvent, ...]
    problems: tuple[str, ...]
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """Why an event leads to a rerun, or why not. `minutes` is the change against what the plan knows."""

    event: DowntimeEvent
    major: bool
    minutes: float
    reason: str


def fingerprint(folder: Path) -> str:
    """Names, sizes and change times of the event files: equal when nothing was dropped since the last look."""
    digest = hashlib.sha256()
    for path in _files(folder):
        status = path.stat()
        digest.update(f"{path.name}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def read_events(folder: Path, zone: ZoneInfo) -> EventFolder:
    """The events of `folder` (which may not exist); local times without an offset are in `zone`.

    A row that cannot be read is reported with file and row and left out; the others count. Of several reports of one
    event the newest `reported_at` counts, whatever the order of delivery.
    """
    mark = fingerprint(folder)
    newest: dict[str, DowntimeEvent] = {}
    problems: list[str] = []
    for path in _files(folder):
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{path.name}: cannot be read as UTF-8 text ({error}); write it again")
            continue
        rows = csv.DictReader(text.splitlines())
        missing = [name for name in REQUIRED if name not in (rows.fieldnames or ())]
        if missing:
            problems.append(
                f"{path.name}: column {', '.join(missing)} missing; the columns are those of downtime_events"
            )
            continue
        for number, row in enumerate(rows, start=1):
            try:
                event = _event(row, zone, f"{EVENTS_FOLDER}/{path.name}", number)
            except ValueError as error:
                problems.append(f"{path.name}, row {number}: {error}")
                continue
            known = newest.get(event.event)
            if known is None or (event.reported_at, event.revision) > (known.reported_at, known.revision):
                newest[event.event] = event
    ordered = tuple(newest[name] for name in sorted(newest))
    return EventFolder(ordered, tuple(problems), mark)


def judge(
    event: DowntimeEvent,
    known: DowntimeEvent | None,
    *,
    as_of: datetime,
    now: datetime,
    policy: CapacityPolicy,
    stakes: Stakes = NOTHING_AT_STAKE,
) -> Judgement:
    """Whether `event` changes the plan of `as_of` by so much that it is made again.

    `known` is the event as the latest plan read it (None: it did not). What counts is the change of the time the
    machine stands still after the plan's `as_of`: a stop that was over before the plan, a second delivery, a
    correction of the reason alone change nothing. A stop without an end lasts at least until `now`. Less is needed at
    a constraint, and where frozen work stands in the time that is newly lost.
    """
    no_reason = _no_reason(event, known)
    if no_reason is not None:
        return Judgement(event, False, 0.0, no_reason)
    same_place = known is not None and (known.machine, known.work_center) == (event.machine, event.work_center)
    before = _interval(known, as_of, now) if known is not None else None
    after = _interval(event, as_of, now)
    minutes = _difference(before, after) if same_place or known is None else _minutes(before) + _minutes(after)
    if known is not None and minutes == 0:
        return Judgement(event, False, 0.0, "the plan knows it")
    lost = _newly_lost(before if same_place else None, after)
    major, reason = _weighed(event, minutes, lost, policy, stakes)
    return Judgement(event, major, minutes, reason)


def _no_reason(event: DowntimeEvent, known: DowntimeEvent | None) -> str | None:
    if event.planned:
        return "planned downtime is no event"
    if event.machine is None and event.work_center is None:
        return "names neither machine nor work center"
    if known is not None and known.reported_at > event.reported_at:
        return "the plan knows a newer report"
    return None


def _weighed(
    event: DowntimeEvent, minutes: float, lost: Sequence[Interval], policy: CapacityPolicy, stakes: Stakes
) -> tuple[bool, str]:
    """Whether a change by `minutes`, of which the time `lost` is new, is major, and why."""
    limit = policy.major_downtime_minutes
    if minutes >= limit:
        return True, f"{minutes:.0f} min of machine time change; {limit:.0f} are major"
    center = stakes.center(event.machine, event.work_center)
    load, limit_there = stakes.load_share.get(center or "", 0.0), policy.major_constraint_minutes
    if load >= policy.constraint_load_share and minutes >= limit_there:
        return True, f"{minutes:.0f} min at constraint {center} (load {load:.0%}); {limit_there:.0f} are major there"
    frozen = stakes.frozen_minutes(event.machine, center, lost)
    if frozen >= policy.major_frozen_minutes:
        return True, f"{frozen:.0f} min of frozen work stand in it; {policy.major_frozen_minutes:.0f} are major"
    return False, f"{minutes:.0f} min of machine time change; below {limit:.0f}"


def laid_over(known: pl.DataFrame | None, events: Sequence[DowntimeEvent]) -> pl.DataFrame | None:
    """Raw rows of `downtime_events` with `events` laid over them: one row per event, the newest report of each.

    Cells stay text, and each row says which file it came from. None where there are neither.
    """
    if not events:
        return known
    rows = _raw_rows([(event, dict(event.fields)) for event in events])
    if known is None:
        return rows
    return _appended(known.filter(~pl.col("event").cast(pl.String).is_in([event.event for event in events])), rows)


def blocked(
    known: pl.DataFrame | None, events: Sequence[DowntimeEvent], *, as_of: datetime, assumed_minutes: float
) -> pl.DataFrame | None:
    """Raw rows of `planned_downtime` with the part of each event that lies after `as_of`, as kind `breakdown`.

    To a plan as of the night a stop of the following morning is time known to be lost, like any planned stop; a stop
    already under way at `as_of` is left to the scheduler. Where no end is known, `assumed_minutes` after the start is.
    """
    rows = []
    for event in events:
        end = event.end or max(event.started_at + timedelta(minutes=assumed_minutes), event.reported_at)
        if event.planned or event.started_at <= as_of or end <= event.started_at:
            continue
        place = {"machine": event.machine} if event.machine is not None else {"work_center": event.work_center or ""}
        times = {"start": event.started_at.isoformat(), "end": end.isoformat()}
        rows.append((event, {**place, **times, "kind": "breakdown", "reason": f"event {event.event}"}))
    if known is not None:
        known = _without(known, events)
    if not rows:
        return known
    return _raw_rows(rows) if known is None else _appended(known, _raw_rows(rows))


def _without(known: pl.DataFrame, events: Sequence[DowntimeEvent]) -> pl.DataFrame:
    """`known` less what an earlier rerun wrote of `events`; the same frame where there is nothing of it."""
    if "reason" not in known.columns:
        return known
    ours = pl.col("_file").cast(pl.String).str.starts_with(f"{EVENTS_FOLDER}/") & pl.col("reason").cast(
        pl.String
    ).is_in([f"event {event.event}" for event in events])
    kept = known.filter(~ours.fill_null(False))
    return known if kept.height == known.height else kept


def _raw_rows(rows: Sequence[tuple[DowntimeEvent, dict[str, str]]]) -> pl.DataFrame:
    """Raw rows made of events, each with the file and row it came from."""
    return pl.DataFrame(
        [
            {**fields, "_source": "mes", "_file": event.file, "_row": event.row,
             "_extracted_at": event.fields["reported_at"], "_problem": None}
            for event, fields in rows
        ],
        infer_schema_length=None,
    ).with_columns(pl.col("_row").cast(pl.Int64), pl.col("_problem").cast(pl.String))  # fmt: skip


def _appended(known: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    texts = [pl.col(name).cast(pl.String) for name in known.columns if not name.startswith("_")]
    return pl.concat([known.with_columns(*texts, pl.col("_row").cast(pl.Int64)), rows], how="diagonal_relaxed")


def known_events(frame: pl.DataFrame, zone: ZoneInfo) -> dict[str, DowntimeEvent]:
    """The events that a plan read, from its raw table `downtime_events`; rows that cannot be read are left out."""
    found: dict[str, DowntimeEvent] = {}
    for row in frame.with_columns(pl.exclude("_row").cast(pl.String)).iter_rows(named=True):
        cells: dict[str | None, str | None] = {name: value for name, value in row.items() if not name.startswith("_")}
        try:
            event = _event(cells, zone, str(row.get("_file") or ""), int(row.get("_row") or 0))
        except ValueError:
            continue  # conform quarantined it with its reason; a plan did not know it
        found[event.event] = event
    return found


def _files(folder: Path) -> list[Path]:
    # A name that starts with a dot is a file still being written: the dropper renames it when it is whole.
    return sorted(path for path in folder.glob(EVENT_FILES) if path.is_file() and not path.name.startswith("."))


def _event(row: Mapping[str | None, str | None], zone: ZoneInfo, file: str, number: int) -> DowntimeEvent:
    cells = {name: (value or "").strip() for name, value in row.items() if name and isinstance(value, str | None)}
    fields = {name: value for name, value in cells.items() if value}
    for name in REQUIRED:
        if not fields.get(name):
            raise ValueError(f"column {name} is empty; it must be given")
    started = _instant("started_at", fields["started_at"], zone)
    ended = _optional_instant("ended_at", fields, zone)
    expected = _optional_instant("expected_end", fields, zone)
    for name, end in (("ended_at", ended), ("expected_end", expected)):
        if end is not None and end < started:
            raise ValueError(f"column {name} is {end.isoformat()}, before started_at {started.isoformat()}")
    return DowntimeEvent(
        event=fields["event"], machine=fields.get("machine") or None, work_center=fields.get("work_center") or None,
        started_at=started, ended_at=ended, expected_end=expected,
        planned=fields.get("planned", "").lower() in TRUE_WORDS,
        reported_at=_instant("reported_at", fields["reported_at"], zone), fields=fields,
        file=file, row=number,
    )  # fmt: skip


def _optional_instant(name: str, fields: Mapping[str, str], zone: ZoneInfo) -> datetime | None:
    return _instant(name, fields[name], zone) if fields.get(name) else None


def _instant(name: str, text: str, zone: ZoneInfo) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"column {name} is {text!r}; expected an ISO 8601 instant") from None
    return (instant if instant.tzinfo else instant.replace(tzinfo=zone)).astimezone(UTC)


def _interval(event: DowntimeEvent, as_of: datetime, now: datetime) -> tuple[datetime, datetime] | None:
    start = max(event.started_at, as_of)
    end = event.end or max(now, event.reported_at)
    return (start, end) if end > start else None


def _minutes(interval: tuple[datetime, datetime] | None) -> float:
    return 0.0 if interval is None else (interval[1] - interval[0]).total_seconds() / 60


def _difference(before: tuple[datetime, datetime] | None, after: tuple[datetime, datetime] | None) -> float:
    """Minutes that belong to exactly one of two intervals."""
    common = 0.0
    if before is not None and after is not None:
        common = max(0.0, (min(before[1], after[1]) - max(before[0], after[0])).total_seconds() / 60)
    return _minutes(before) + _minutes(after) - 2 * common


def _newly_lost(before: Interval | None, after: Interval | None) -> list[Interval]:
    """The parts of `after` that are not in `before`."""
    if after is None:
        return []
    if before is None:
        return [after]
    parts = [(after[0], min(after[1], before[0])), (max(after[0], before[1]), after[1])]
    return [(start, end) for start, end in parts if end > start]


def coalesced_key(plant: str, judgements: Iterable[Judgement]) -> str:
    """The run key of a burst: the events of it and their revisions, so that no set of reports reruns twice."""
    parts = sorted(f"{judgement.event.event}@{judgement.event.revision}" for judgement in judgements)
    return f"downtime:{plant}:" + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
