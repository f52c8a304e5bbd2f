"""What approved moves were signed for, beside what came of it: the scoreboard of the agents with its measured half.

A move is signed for customer lines that are late without it and on time with it. A week later the first finished night says
which of them were kept: the line is still to be shipped by the day that was promised when the move was signed, or its last
shipment went out by then. Never the promise of the later night: one that moves with the delay is always kept. What would have
become of a line without the move cannot be measured; `value` compares whole plants for that.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl

from recon_platform.governance.scoreboard import scores
from recon_platform.lake import MissingTableError
from recon_platform.nights import records
from recon_platform.tables.governance import AGENT_SCORES
from recon_platform.tables.lines import CUSTOMER_LINE

if TYPE_CHECKING:
    from recon_platform.governance import Actor, Store
    from recon_platform.governance.requests import Request
    from recon_platform.lake import Lake
    from recon_platform.nights.records import Manifest

MEASURED_AFTER = timedelta(days=7)
MEASURED_BACK = timedelta(days=90)  # older moves are not measured again: each reads two nights
SHIPPED = ("shipped", "closed")
MOVE_EFFECTS: dict[str, pl.DataType] = {
    "request": pl.Int64(), "subject": pl.String(), "title": pl.String(), "decided_by": pl.String(), "planning_date": pl.Date(),
    "agent_version": pl.String(), "promised_lines": pl.Int64(), "measured_on": pl.Date(), "kept_lines": pl.Int64(),
}  # fmt: skip


def board(lake: Lake, store: Store, actor: Actor, plant: str) -> pl.DataFrame:
    """Table `agent_scores`: how each agent of the registry did by people's decisions and by what came of its moves."""
    found = effects(lake, store, actor, plant)
    over = found.filter(pl.col("measured_on").is_not_null())
    sums = {"measured_lines": over["promised_lines"].sum(), "kept_lines": over["kept_lines"].sum()}
    return AGENT_SCORES.frame(
        scores(store, actor, plant).with_columns(
            pl.when(pl.col("agent") == "replanner").then(pl.lit(value)).otherwise(0).cast(pl.Int64).alias(name)
            for name, value in sums.items()
        )
    )


def effects(lake: Lake, store: Store, actor: Actor, plant: str) -> pl.DataFrame:
    """One row per approved move, oldest first: columns of `MOVE_EFFECTS`, `measured_on` and `kept_lines` null while its week
    runs, once it is older than `MEASURED_BACK`, and where a night of it was removed.

    Takes the right to read.
    """
    moves = store.requests.find(actor, plant=plant, state="approved", kind="move")
    runs: dict[tuple[str, date], tuple[Manifest, Manifest] | None] = {}
    oldest = store.clock().date() - MEASURED_BACK
    rows = []
    for request in moves:
        run_id, day = str(request.run_id), date.fromisoformat(str(request.planning_date))
        if (run_id, day) not in runs:
            later = None if day < oldest else records.first_from(lake, plant, day + MEASURED_AFTER)
            runs[run_id, day] = None if later is None else (records.manifest(lake, run_id), later)
        lines, nights = _promised(request), runs[run_id, day]
        kept = None if nights is None else _kept(lake, *nights, lines)
        rows.append({
            "request": request.request, "subject": request.subject, "title": request.title, "decided_by": request.decided_by,
            "planning_date": day, "agent_version": request.proposer_version, "promised_lines": len(lines),
            "measured_on": None if nights is None or kept is None else nights[1].pins.context.planning_date,
            "kept_lines": kept,
        })  # fmt: skip
    return pl.DataFrame(rows, schema=MOVE_EFFECTS)


def _promised(request: Request) -> list[str]:
    return list(json.loads(request.content["lines"])["won"])


def _kept(lake: Lake, then: Manifest, later: Manifest, lines: list[str]) -> int | None:
    """How many of `lines` (order/line) are kept as `later` knows them, by the day promised as `then` knew it.

    None where maintenance has removed a table of either night.
    """
    try:
        promises = then.read(lake, "order_promises")
        open_, orders, shipments = (later.read(lake, name) for name in ("order_promises", "sales_orders", "shipments"))
    except MissingTableError:
        return None
    promised = promises.select(line=CUSTOMER_LINE, day="promised").filter(pl.col("line").is_in(lines))
    waiting = open_.select("projected_ship", "short_qty", line=CUSTOMER_LINE)
    gone = orders.filter(pl.col("status").is_in(SHIPPED)).select(line=CUSTOMER_LINE)
    last = shipments.group_by(line=CUSTOMER_LINE).agg(pl.col("shipped_on").max())
    in_time = pl.col("projected_ship") <= pl.col("day")
    to_come = promised.join(waiting, on="line").filter(in_time, pl.col("short_qty") == 0)
    shipped = promised.join(gone, on="line", how="semi").join(last, on="line")
    sent = shipped.filter(pl.col("shipped_on") <= pl.col("day"))
    return pl.concat([to_come["line"], sent["line"]]).n_unique()
