"""Kinds of error between ERP and MES that reconciliation finds, one function each, with the rules that must fire.

Belongs here: which orders can carry an error, what is written wrong, which rules that must raise.
Does not belong here: errors that conforming finds (`drift_spine`).

Expected rules leave out those of severity INFO (QT-05, QT-09, QT-10, BF-01, BF-12), which describe rather than accuse.
"""

from __future__ import annotations

import polars as pl

from recon_platform.plantsim.clock import DAY_MIN
from recon_platform.plantsim.drift import DriftKind, Planting

CORRECTED_AFTER_MIN = 9 * DAY_MIN  # by then a clerk has put it right


def tolerance(orders: pl.DataFrame) -> pl.Series:
    """tau of the rule catalogue in pieces: the larger of one piece and half a percent of the order."""
    return (orders["qty"] * 0.005).clip(lower_bound=1)


def number(values: pl.Series) -> pl.Series:
    """A number as the files write it."""
    return values.cast(pl.Float64).round(4).cast(pl.String)


def _finished(p: Planting, hours: float) -> pl.DataFrame:
    now = p.state.now
    end = pl.col("last_end")
    return p.state.orders.filter(
        pl.col("status").is_in(["complete", "closed"])
        & (end <= now - int(hours * 60))
        & (end > now - CORRECTED_AFTER_MIN)
    )


def _running(p: Planting) -> pl.DataFrame:
    """Orders under way with units in process."""
    busy = p.state.operations.group_by("order").agg(w=pl.col("in_process").sum())
    return (
        p.state.orders.filter(pl.col("status") == "in_process")
        .join(busy.filter(pl.col("w") > 0), left_on="index", right_on="order")
        .sort("index")
    )


def _work_order_rows(p: Planting, chosen: pl.DataFrame) -> pl.DataFrame:
    return p.ids("work_orders", "work_order", chosen["work_order"])


def _set_order(
    p: Planting, kind: str, chosen: pl.DataFrame, column: str, values: pl.Series, rules: str | pl.Series
) -> None:
    rows = _work_order_rows(p, chosen)
    p.set(kind, "work_orders", rows, column, values, entity=pl.col("work_order"), rules=rules)


def open_though_complete(p: Planting, share: float) -> None:
    """Complete in MES with everything posted, still open in ERP."""
    chosen = p.pick("open_though_complete", share, _finished(p, 26))
    _set_order(
        p, "open_though_complete", chosen, "status", pl.Series(["in_process"] * len(chosen), dtype=pl.String), "ST-01"
    )


def receipt_missing(p: Planting, share: float) -> None:
    """Complete in MES, open in ERP, and part of the receipts never posted."""
    chosen = p.pick("receipt_missing", share, _finished(p, 26))
    part = 0.5 + 0.47 * p.draw("receipt_missing_part", chosen["index"].to_numpy())
    _set_order(
        p, "receipt_missing", chosen, "status", pl.Series(["in_process"] * len(chosen), dtype=pl.String), "QT-01,ST-02"
    )
    _set_order(
        p, "receipt_missing", chosen, "completed_qty", number((chosen["good"] * part).round(0) / 1000), "QT-01,ST-02"
    )


def under_reported(p: Planting, share: float) -> None:
    """The ERP shows less good than the floor made, the order is complete on both sides."""
    chosen = p.pick("under_reported", share, _finished(p, 4))
    part = 0.955 + 0.03 * p.draw("under_reported_part", chosen["index"].to_numpy())
    _set_order(p, "under_reported", chosen, "completed_qty", number((chosen["good"] * part).round(0) / 1000), "QT-01")


def over_reported(p: Planting, share: float) -> None:
    """The ERP shows more good than the floor made."""
    chosen = p.pick("over_reported", share, _finished(p, 4))
    part = 1.02 + 0.05 * p.draw("over_reported_part", chosen["index"].to_numpy())
    _set_order(p, "over_reported", chosen, "completed_qty", number((chosen["good"] * part).round(0) / 1000), "QT-02")


def scrap_missing(p: Planting, share: float) -> None:
    """Scrap of the floor never posted in the ERP."""
    orders = p.state.orders
    eligible = orders.filter(
        (orders["scrap"] > 1.3 * tolerance(orders)) & orders["status"].is_in(["complete", "closed"])
    )
    chosen = p.pick("scrap_missing", share, eligible)
    _set_order(p, "scrap_missing", chosen, "scrapped_qty", pl.Series(["0.0"] * len(chosen), dtype=pl.String), "QT-03")


def wrong_unit(p: Planting, share: float) -> None:
    """The good quantity posted in pieces where the order counts thousands."""
    chosen = p.pick("wrong_unit", share, _finished(p, 4))
    _set_order(p, "wrong_unit", chosen, "completed_qty", number(chosen["good"]), "UM-01")


def double_backflush(p: Planting, share: float) -> None:
    """A component posted twice."""
    _issue_factor(p, "double_backflush", share, 2.0, "BF-04")


def _issue_factor(p: Planting, kind: str, share: float, factor: float, rules: str) -> None:
    """Boxes of orders whose packing has begun, issued `factor` times what was used."""
    rows = p.frames["material_issues"].filter(
        pl.col("component_item").str.starts_with("BOX-") & (pl.col("issued_qty").cast(pl.Float64) >= 4)
    )
    eligible = p.state.orders.filter(pl.col("work_order").is_in(rows["work_order"].implode()))
    chosen = p.pick(kind, share, eligible)
    mine = rows.filter(pl.col("work_order").is_in(chosen["work_order"].implode()))
    values = number(mine["issued_qty"].cast(pl.Float64) * factor)
    p.set(kind, "material_issues", mine, "issued_qty", values, entity=pl.col("work_order"), rules=rules)


def duplicate_record(p: Planting, share: float) -> None:
    """A report of the floor sent twice, byte for byte."""
    eligible = p.state.orders.filter(pl.col("released"))
    chosen = p.pick("duplicate_record", share, eligible)
    rows = p.ids("operation_status", "order", chosen["work_order"]).unique("order", keep="first", maintain_order=True)
    new = p.add("operation_status", rows)
    p.note(
        "duplicate_record",
        "operation_status",
        new,
        "*",
        pl.Series([None] * len(new), dtype=pl.String),
        new["reported_at"],
        entity=pl.col("order"),
        rules="DUPLICATE",
        entity_type="row",
    )


def wrong_key_form(p: Planting, share: float) -> None:
    """The MES writes the order key in lower case, padded, or with a separator."""
    eligible = p.state.orders.filter(pl.col("released"))
    chosen = p.pick("wrong_key_form", share, eligible)
    rows = p.ids("operation_status", "order", chosen["work_order"])
    form = p.draw("wrong_key_form_which", rows["order"].str.slice(2).cast(pl.Int64).to_numpy())
    key = rows["order"]
    values = pl.select(
        pl.when(pl.Series(form < 0.4))
        .then(key.str.to_lowercase())
        .when(pl.Series(form < 0.7))
        .then(" " + key + " ")
        .otherwise(key.str.slice(0, 2) + "-" + key.str.slice(2))
    ).to_series()
    p.set(
        "wrong_key_form",
        "operation_status",
        rows,
        "order",
        values,
        entity=rows["order"],
        rules="KEY",
        entity_type="row",
    )


def missing_downtime(p: Planting, share: float) -> None:
    """Stops nobody logged: neither the event nor the state. What is not landed cannot be seen."""
    events = p.frames["downtime_events"]
    if events.height == 0:
        return
    draw = p.draw("missing_downtime", (events["event"].hash(seed=1) % (1 << 31)).cast(pl.Int64).to_numpy())
    gone = events.filter(pl.Series(draw < min(0.9, 4 * p.rate * share * 10)))
    if gone.height == 0:
        return
    p.note(
        "missing_downtime",
        "downtime_events",
        gone,
        "*",
        gone["started_at"],
        pl.Series([None] * len(gone), dtype=pl.String),
        entity=pl.col("machine"),
        rules="",
        entity_type="machine",
        observable=False,
        key="event",
    )
    states = p.frames["machine_states"]
    hidden = states.join(gone.select("machine", from_at="started_at"), on=["machine", "from_at"], how="semi")
    hidden = hidden.filter(pl.col("state") == "down")
    p.drop("machine_states", hidden)
    p.drop("downtime_events", gone)


ORDER_KINDS: tuple[DriftKind, ...] = (
    DriftKind("receipt_missing", "1 complete in MES, open in ERP", 0.16, receipt_missing),
    DriftKind("open_though_complete", "1 complete in MES, open in ERP", 0.12, open_though_complete),
    DriftKind("over_reported", "2 over-reported quantity", 0.10, over_reported),
    DriftKind("under_reported", "3 under-reported quantity", 0.12, under_reported),
    DriftKind("scrap_missing", "3 under-reported quantity", 0.06, scrap_missing),
    DriftKind("duplicate_record", "4 duplicate records", 0.10, duplicate_record),
    DriftKind("wrong_key_form", "19 key form", 0.12, wrong_key_form),
    DriftKind("wrong_unit", "18 unit mismatch", 0.06, wrong_unit),
    DriftKind("double_backflush", "15 backflush errors", 0.10, double_backflush),
    DriftKind("missing_downtime", "14 missing downtime", 0.06, missing_downtime),
)
