"""Errors in the ERP's order book against what the floor did: status, receipts, scrap, unit of the quantity.

Belongs here: which orders can carry an error, what is written wrong, which rules that must raise.
Does not belong here: errors in the MES's reports (`drift_floor`), components (`drift_components`).

Expected rules leave out those of severity INFO (QT-05, QT-09, QT-10, BF-01, BF-12), which describe rather than accuse.
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from recon_platform.plantsim.clock import DAY_MIN
from recon_platform.plantsim.planting import DriftKind, Planting

CORRECTED_AFTER_MIN = 9 * DAY_MIN  # by then a clerk has put it right
QUIET_H = 26  # an order is left alone by the rules for a day after its last report


def tolerance(orders: pl.DataFrame) -> pl.Series:
    """tau of the rule catalogue in pieces: the larger of one piece and half a percent of the order."""
    return (orders["qty"] * 0.005).clip(lower_bound=1)


def number(values: pl.Series) -> pl.Series:
    """A number as the files write it."""
    return values.cast(pl.Float64).round(4).cast(pl.String)


def finished(p: Planting, hours: float) -> pl.DataFrame:
    """Orders complete for at least `hours` and not yet put right by a clerk."""
    end = pl.col("last_end")
    ripe = (end <= p.state.now - int(hours * 60)) & (end > p.state.now - CORRECTED_AFTER_MIN)
    done = pl.col("status").is_in(["complete", "closed"])
    return p.once(("finished", hours), lambda: p.state.orders.filter(done & ripe))


def in_process(p: Planting) -> pl.DataFrame:
    """Orders under way with more than the tolerance in process (`w`)."""

    def made() -> pl.DataFrame:
        busy = p.state.operations.group_by("order").agg(w=pl.col("in_process").sum())
        orders = p.state.orders.filter(pl.col("status") == "in_process").join(busy, left_on="index", right_on="order")
        return orders.filter(orders["w"] > 2 * tolerance(orders)).sort("index")

    return p.once("in_process", made)


def set_order(
    p: Planting, kind: str, chosen: pl.DataFrame, *, rules: str | pl.Series, **values: str | pl.Series
) -> None:
    """Overwrite columns of the chosen work orders."""
    rows = p.ids("work_orders", "work_order", chosen["work_order"])
    for column, value in values.items():
        text = pl.Series([value] * len(chosen), dtype=pl.String) if isinstance(value, str) else value
        p.set(kind, "work_orders", rows, column, text, entity=pl.col("work_order"), rules=rules)


def _part(p: Planting, kind: str, chosen: pl.DataFrame, low: float, high: float) -> pl.Series:
    return pl.Series(low + (high - low) * p.draw(f"{kind} part", chosen["index"].to_numpy()))


def _good(chosen: pl.DataFrame, part: pl.Series) -> pl.Series:
    return number((chosen["good"] * part).round(0) / 1000)


def open_though_complete(p: Planting, share: float) -> None:
    """Complete in MES with everything posted, still open in ERP."""
    chosen = p.pick("open_though_complete", share, finished(p, QUIET_H))
    set_order(p, "open_though_complete", chosen, status="in_process", rules="ST-01")


def receipt_missing(p: Planting, share: float) -> None:
    """Complete in MES, open in ERP, and part of the receipts never posted."""
    chosen = p.pick("receipt_missing", share, finished(p, QUIET_H))
    posted = _good(chosen, _part(p, "receipt_missing", chosen, 0.5, 0.97))
    set_order(p, "receipt_missing", chosen, status="in_process", completed_qty=posted, rules="QT-01,ST-02")


def under_reported(p: Planting, share: float) -> None:
    """The ERP shows less good than the floor made, the order is complete on both sides."""
    chosen = p.pick("under_reported", share, finished(p, 4))
    posted = _good(chosen, _part(p, "under_reported", chosen, 0.955, 0.985))
    set_order(p, "under_reported", chosen, completed_qty=posted, rules="QT-01")


def over_reported(p: Planting, share: float) -> None:
    """The ERP shows more good than the floor made."""
    chosen = p.pick("over_reported", share, finished(p, 4))
    posted = _good(chosen, _part(p, "over_reported", chosen, 1.02, 1.07))
    set_order(p, "over_reported", chosen, completed_qty=posted, rules="QT-02")


def scrap_missing(p: Planting, share: float) -> None:
    """Scrap of the floor never posted in the ERP."""
    orders = finished(p, 4)
    chosen = p.pick("scrap_missing", share, orders.filter(orders["scrap"] > 1.3 * tolerance(orders)))
    set_order(p, "scrap_missing", chosen, scrapped_qty="0.0", rules="QT-03")


def scrap_reversed(p: Planting, share: float) -> None:
    """Scrap posted in the ERP that the floor never had."""
    chosen = p.pick("scrap_reversed", share, finished(p, 4))
    posted = number((chosen["scrap"] + 3 * tolerance(chosen)).round(0) / 1000)
    set_order(p, "scrap_reversed", chosen, scrapped_qty=posted, rules="QT-04")


def wrong_unit(p: Planting, share: float) -> None:
    """The good quantity posted in pieces where the order counts thousands."""
    chosen = p.pick("wrong_unit", share, finished(p, 4))
    set_order(p, "wrong_unit", chosen, completed_qty=number(chosen["good"]), rules="UM-01")


def closed_while_running(p: Planting, share: float) -> None:
    """Closed in the ERP with units still on the floor."""
    chosen = p.pick("closed_while_running", share, in_process(p))
    set_order(p, "closed_while_running", chosen, status="closed", rules="ST-04")


def cancelled_while_running(p: Planting, share: float) -> None:
    """Cancelled in the ERP, running on the floor."""
    chosen = p.pick("cancelled_while_running", share, in_process(p))
    set_order(p, "cancelled_while_running", chosen, status="cancelled", rules="ST-05")


def started_unreleased(p: Planting, share: float) -> None:
    """Started on the floor, never released in the ERP."""
    chosen = p.pick("started_unreleased", share, in_process(p))
    set_order(p, "started_unreleased", chosen, status="firm", rules="ST-06")


def complete_unreleased(p: Planting, share: float) -> None:
    """Made from first to last operation without a release."""
    chosen = p.pick("complete_unreleased", share, finished(p, 4))
    much_scrap = chosen["scrap"] > tolerance(chosen)
    rules = pl.Series(["QT-01,QT-03,ST-06b"] * len(chosen), dtype=pl.String).zip_with(
        much_scrap, pl.Series(["QT-01,ST-06b"] * len(chosen), dtype=pl.String)
    )
    set_order(p, "complete_unreleased", chosen, status="firm", completed_qty="0.0", scrapped_qty="0.0", rules=rules)


def forgotten_order(p: Planting, share: float) -> None:
    """Work orders of long ago that nobody closed: no demand behind them, nothing on the floor."""
    count = max(1, round(p.rate * share * p.open_orders))
    rows = p.frames["work_orders"].filter(pl.col("status") == "firm").head(count)
    if rows.is_empty():
        return
    back = pl.Series([100 + 7 * (i % 12) for i in range(len(rows))])
    due = pl.Series([p.night - timedelta(days=int(days)) for days in back])
    new = rows.with_columns(
        work_order=pl.Series([f"WO09{i:05d}" for i in range(1, len(rows) + 1)]),
        due_date=due.dt.strftime("%Y-%m-%d"),
        start_date=due.dt.offset_by("-10d").dt.strftime("%Y-%m-%d"),
        completed_qty=pl.lit("0.0"),
        scrapped_qty=pl.lit("0.0"),
        sales_order=pl.lit(None, pl.String),
        line=pl.lit(None, pl.String),
        lot=pl.lit(None, pl.String),
    )
    new = p.add("work_orders", new)
    nothing = pl.Series([None] * len(new), dtype=pl.String)
    p.note(
        "forgotten_order", "work_orders", new, "*", nothing, new["due_date"], entity=pl.col("work_order"), rules="ST-10"
    )


_COMPLETE = "1 complete in MES, open in ERP"
ORDER_KINDS: tuple[DriftKind, ...] = (
    DriftKind("receipt_missing", _COMPLETE, 0.11, receipt_missing),
    DriftKind("open_though_complete", _COMPLETE, 0.10, open_though_complete),
    DriftKind("over_reported", "2 over-reported quantity", 0.06, over_reported),
    DriftKind("under_reported", "3 under-reported quantity", 0.08, under_reported),
    DriftKind("scrap_missing", "3 under-reported quantity", 0.05, scrap_missing),
    DriftKind("scrap_reversed", "2 over-reported quantity", 0.02, scrap_reversed),
    DriftKind("wrong_unit", "18 unit mismatch", 0.04, wrong_unit),
    DriftKind("closed_while_running", "1 status of ERP against MES", 0.03, closed_while_running),
    DriftKind("cancelled_while_running", "1 status of ERP against MES", 0.01, cancelled_while_running),
    DriftKind("started_unreleased", "1 status of ERP against MES", 0.03, started_unreleased),
    DriftKind("complete_unreleased", "1 status of ERP against MES", 0.02, complete_unreleased),
    DriftKind("forgotten_order", "1 status of ERP against MES", 0.01, forgotten_order),
)
