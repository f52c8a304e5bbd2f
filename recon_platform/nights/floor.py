"""What the floor has begun since a run was made, and the approved moves that come back to people because of it.

A move was decided on for operations that had not begun. The newest extract that the lake holds says which have by now,
whether the night that brought it is planned already, is still planning, or failed. Nothing here shares code with the scheduler.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from recon_platform.connectors import read_landing
from recon_platform.lake import Lake, MissingTableError
from recon_platform.lake.raw import packed, raw_text, unpacked
from recon_platform.nights import records
from recon_platform.nights.night import read_input
from recon_platform.nights.records import Manifest, TableVersion
from recon_platform.planning import run_stage, stage

if TYPE_CHECKING:
    from recon_platform.governance.requests import Request

TABLE = "operation_status"
INPUT = f"raw.{TABLE}"
KEYS = ("work_order", "op_seq")
BEGUN: dict[str, pl.DataType | type[pl.DataType]] = {
    "work_order": pl.String,
    "op_seq": pl.Int64,
    "started_at": pl.Datetime("us", "UTC"),
}
SAME = timedelta(minutes=1)
Operation = tuple[str, int]


def land(lake: Lake, manifest: Manifest, folder: Path) -> TableVersion | None:
    """Bring the floor's word from a newer extract in `folder` into the lake; None where it holds no `operation_status`."""
    frame = read_landing(folder).frames.get(TABLE)
    if frame is None:
        return None
    pins = manifest.pins
    table, rows = packed(TABLE, raw_text(TABLE, frame))
    plant, day = str(pins.plant["code"]), pins.context.planning_date
    written = lake.write(
        "raw", table, rows, plant=plant, planning_date=day, sequence=pins.sequence, run_id=manifest.run_id,
        metadata={"why": "read before publishing"},
    )  # fmt: skip
    return TableVersion("raw", TABLE, plant, pins.planning_date, written.version, written.rows, written.digest)


def begun_since(lake: Lake, manifest: Manifest, now: datetime) -> pl.DataFrame:
    """Columns work_order, op_seq, started_at: operations that waited when the run was made and have begun by now.

    Read from the newest extract of the plant in the lake, brought to the plant's keys, units and clock as a night does.
    """
    newest = _newest(lake, manifest)
    if newest is None:
        return pl.DataFrame(schema=BEGUN)
    conforming, pins = stage("conform"), manifest.pins
    frames = {name: read_input(lake, name, pins.inputs[name]) for name in conforming.reads if name in pins.inputs}
    frames[INPUT] = unpacked(TABLE, newest.read(lake))
    context = replace(pins.context, as_of=max(pins.context.as_of, now))
    reported = run_stage(conforming, frames, context)[TABLE].filter(pl.col("status") != "waiting")
    waited = manifest.read(lake, "reconciled_operations").filter(pl.col("status") == "waiting").select(KEYS)
    begun = reported.rename({"order": "work_order"}).select(list(BEGUN))
    return begun.join(waited, on=KEYS, how="semi").unique(KEYS, keep="first", maintain_order=True).sort(KEYS)


def overtaken(
    moves: Mapping[int, Mapping[str, Any]], begun: pl.DataFrame, base: pl.DataFrame, solved: pl.DataFrame
) -> dict[int, list[str]]:
    """Of `moves` (content by request) those that the floor has overtaken, each with the operations that have begun.

    A move is overtaken when an operation of an order that it names has begun, or, where it names none, one that the plan
    with all of `moves` (`solved`) puts elsewhere than the plan without (`base`). What helps only together with an
    overtaken move comes back with it. Operations that whoever decided knew to have begun do not count again.
    """
    here: set[Operation] = set(begun.select(KEYS).iter_rows())
    named = {number: set(_named(content, here)) for number, content in moves.items()}
    rest = (_moved(base, solved) & here).difference(*named.values())
    found = {}
    for number, content in moves.items():
        known = set(content.get("begun", ()))
        about = named[number] or ({} if _orders(content) & set(base["work_order"]) else rest)
        words = sorted(f"{order}/{op_seq}" for order, op_seq in about)
        if set(words) - known:
            found[number] = words
    return _together(moves, found)


def said(returned: Sequence[Request]) -> str:
    """In words: what came back, because of what."""
    return "; ".join(
        f"{request.content['move']} is request {request.request} again"
        + (f" ({', '.join(request.content['begun'])} has begun)" if request.content["begun"] else "")
        for request in returned
    )


def _newest(lake: Lake, manifest: Manifest) -> TableVersion | None:
    """The newest extract of the plant, of the run's date or later, unless it is what the run itself read."""
    read, plant = manifest.pins.inputs.get(INPUT), str(manifest.pins.plant["code"])
    try:
        for commit in lake.commits("raw", TABLE):  # newest first
            if read is not None and int(commit["version"]) <= read.version:
                return None
            code, day = records.night_of(commit["run"])
            if code == plant and day >= manifest.pins.context.planning_date:
                if read is not None and commit["digest"] == read.digest:
                    return None
                version, rows = int(commit["version"]), int(commit["rows"])
                return TableVersion("raw", TABLE, plant, day.isoformat(), version, rows, commit["digest"])
    except MissingTableError:
        pass  # a plant without an MES
    return None


def _named(content: Mapping[str, Any], begun: set[Operation]) -> Iterator[Operation]:
    """Of `begun` the operations that a move names: one operation, or every one of its orders."""
    order, _, op_seq = str(content["subject"]).partition("/")
    if op_seq.isdigit():
        yield from begun & {(order, int(op_seq))}
        return
    orders = _orders(content)
    yield from (operation for operation in begun if operation[0] in orders)


def _orders(content: Mapping[str, Any]) -> set[str]:
    """What a move may call a work order: its subject, and every text in the rows it changes."""
    found = {str(content["subject"]).partition("/")[0]}
    for change in json.loads(content.get("change") or "[]"):
        for part in ("where", "values", "grant"):
            found.update(value for value in dict(change.get(part) or {}).values() if isinstance(value, str))
    return found


def _moved(base: pl.DataFrame, solved: pl.DataFrame) -> set[Operation]:
    """Operations on another machine, or at another time, or in one of the two plans only."""
    columns = [*KEYS, "machine", "start"]
    both = base.select(columns).join(solved.select(columns), on=KEYS, how="full", suffix="_new", coalesce=True)
    same = pl.col("machine").eq_missing(pl.col("machine_new")) & ((pl.col("start") - pl.col("start_new")).abs() <= SAME)
    return set(both.filter(~same.fill_null(False)).select(KEYS).iter_rows())


def _together(moves: Mapping[int, Mapping[str, Any]], found: Mapping[int, list[str]]) -> dict[int, list[str]]:
    """`found`, and every move that is in one bundle with one of them, at any remove."""
    groups = {n: {str(c["move"]), *json.loads(c.get("needs") or "[]")} for n, c in moves.items()}
    returned, names = dict(found), set().union(*(groups[number] for number in found))
    while True:
        more = {number for number, group in groups.items() if number not in returned and group & names}
        if not more:
            return returned
        returned |= {number: [] for number in sorted(more)}
        names.update(*(groups[number] for number in more))
