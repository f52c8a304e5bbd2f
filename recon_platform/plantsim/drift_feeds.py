"""Errors of clocks, machine codes and master keys that only the data gates find.

Belongs here: an end that lost its date, runs that overlap, a machine of another work center, a feed whose clock runs ahead,
a receipt entered in another unit, a master key twice. Does not belong here: rows whose form is wrong (`drift_spine`).
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from recon_platform.plantsim.planting import DriftKind, Planting

STAMP = "%Y-%m-%dT%H:%M:%SZ"
CLOCK_AHEAD_H = 7
FEED_SHARE = 4  # a feed errs as a whole on `rate × 4` of the nights


def _limited(p: Planting, kind: str, share: float, rows: pl.DataFrame) -> pl.DataFrame:
    """Of the eligible `rows` (with `_id`) those that carry this error: about `rate × share` of the open orders."""
    wanted = max(1.0, p.rate * share * p.open_orders)
    draw = pl.Series("_draw", p.draw(kind, rows["_id"].to_numpy()))
    chosen = rows.filter(draw < min(0.2, wanted / max(1, rows.height)))
    return chosen if chosen.height else rows.with_columns(draw).sort("_draw").head(1).drop("_draw")


def free(p: Planting, table: str, key: str = "order") -> pl.DataFrame:
    """Rows of `table` that no other kind has touched: their order carries no error and their cells are readable."""
    taken = p.state.orders.filter(pl.col("index").is_in(list(p.taken)))["work_order"]
    marked = [part for part in p.truth if part["table"][0] == table]
    touched = pl.concat([part.select("row") for part in marked])["row"] if marked else pl.Series([], dtype=pl.Int64)
    frame = p.frames[table].filter(~pl.col(key).is_in(taken.implode()) & ~pl.col("_id").is_in(touched.implode()))
    return frame.filter(pl.col(key).is_in(p.state.orders["work_order"].implode())) if key == "order" else frame


def midnight_end(p: Planting, share: float) -> None:
    """An end after midnight that a spreadsheet stored as a time of day on its day zero."""
    rows = free(p, "operation_status").filter(pl.col("status") == "complete").with_columns(
        _start=pl.col("started_at").str.to_datetime(STAMP), _end=pl.col("ended_at").str.to_datetime(STAMP)
    )  # fmt: skip
    rows = rows.filter((pl.col("_end") - pl.col("_start")).dt.total_minutes().is_between(1, 1439))
    if rows.is_empty():
        return
    chosen = _limited(p, "midnight_end", share, rows)
    written = chosen["_end"].dt.strftime("1900-01-01 %H:%M:%S")
    p.set(
        "midnight_end", "operation_status", chosen.drop("_start", "_end"), "ended_at", written, entity=pl.col("order"),
        rules="time_mended", entity_type="row",
    )  # fmt: skip


def overlapping_runs(p: Planting, share: float) -> None:
    """A set-up reported far too long, so that the run begins before the one before it on its machine ended."""
    batch = p.frames["routings"].filter(pl.col("batch_max").is_not_null() | pl.col("batch_minutes").is_not_null())
    single = p.frames["machines"].join(batch, on="work_center", how="anti")
    minutes = pl.col("run_min").cast(pl.Float64) + pl.col("setup_min").cast(pl.Float64).fill_null(0.0)
    rows = (
        free(p, "cycle_times").filter(pl.col("machine").is_in(single["mes_machine"].implode()))
        .with_columns(_at=pl.col("at").str.to_datetime(STAMP), _minutes=minutes).sort("machine", "_at", "_id")
        .with_columns(_before=pl.col("_at").shift(1).over("machine"))
        .with_columns(_gap=(pl.col("_at") - pl.col("_before")).dt.total_minutes() - pl.col("_minutes"))
        .filter(pl.col("_gap").is_between(0, 480)).sort("_id")
    )  # fmt: skip
    if rows.is_empty():
        return
    chosen = _limited(p, "overlapping_runs", share, rows)
    longer = (chosen["setup_min"].cast(pl.Float64).fill_null(0.0) + chosen["_gap"] + 45).cast(pl.String)
    names = dict(p.frames["machines"].select("mes_machine", "machine").rows())
    entity = chosen["machine"].replace_strict(names)
    p.set(
        "overlapping_runs", "cycle_times", chosen.select(p.frames["cycle_times"].columns), "setup_min", longer, entity=entity,
        rules="machine_overlap", entity_type="machine",
    )  # fmt: skip


def wrong_machine(p: Planting, share: float) -> None:
    """A report booked on a machine of an unrelated work center: two codes exchanged."""
    centers = p.frames["work_centers"].select("work_center", group=pl.coalesce("sibling_group", "work_center"))
    machines = p.frames["machines"].join(centers, on="work_center").sort("mes_machine").select("mes_machine", "group")
    rows = free(p, "operation_status").filter(pl.col("status") == "complete").join(
        machines, left_on="machine", right_on="mes_machine", how="inner", maintain_order="left"
    )  # fmt: skip
    if rows.is_empty() or machines["group"].n_unique() < 2:
        return
    chosen = _limited(p, "wrong_machine", share, rows)
    first = machines.group_by("group", maintain_order=True).agg(pl.col("mes_machine").first()).sort("group")
    following = dict(zip(first["group"], [*first["mes_machine"][1:], first["mes_machine"][0]], strict=True))
    other = chosen["group"].replace_strict(following)
    chosen = chosen.drop("group")
    p.set(
        "wrong_machine", "operation_status", chosen, "machine", other, entity=pl.format("{}/{}", "order", "op_seq"),
        rules="machine_elsewhere", entity_type="row",
    )  # fmt: skip


def clock_ahead(p: Planting, share: float) -> None:
    """The feed of machine states in the time of another zone, on some nights."""
    del share
    rows = p.frames["machine_states"]
    if rows.is_empty() or not p.errs("clock_ahead", FEED_SHARE):
        return
    shifted = rows.select(pl.col("from_at", "to_at").str.to_datetime(STAMP).dt.offset_by(f"{CLOCK_AHEAD_H}h"))
    as_of = p.state.history.world.clock.instant(p.state.now).replace(tzinfo=None)
    seen = bool((shifted["from_at"] > as_of + timedelta(minutes=5)).any())  # else all of it may have happened
    for column in ("from_at", "to_at"):
        later = shifted[column].dt.strftime(STAMP)
        p.set(
            "clock_ahead", "machine_states", rows, column, later, entity=pl.lit("machine_states"), rules="time_future",
            entity_type="feed", key="machine", observable=seen,
        )  # fmt: skip


def entered_by_factor(p: Planting, share: float) -> None:
    """A receipt posted in dozens where the line counts pieces."""
    in_full = pl.col("received_qty").cast(pl.Float64) == pl.col("qty").cast(pl.Float64)
    rows = free(p, "purchase_orders", "purchase_order").filter(
        (pl.col("status") == "closed") & (pl.col("uom") == "H87") & in_full
    )
    if rows.is_empty():
        return
    chosen = _limited(p, "entered_by_factor", share, rows)
    dozens = (chosen["received_qty"].cast(pl.Float64) / 12).cast(pl.String)
    entity = pl.format("purchase_orders/{}/{}", "purchase_order", "line")
    p.set(
        "entered_by_factor", "purchase_orders", chosen, "received_qty", dozens, entity=entity, rules="quantity_factor",
        entity_type="row",
    )  # fmt: skip


def colliding_key(p: Planting, share: float) -> None:
    """An item entered a second time under a key that differs by a hyphen, with another description."""
    del share
    row = p.frames["items"].filter(pl.col("make_buy") == "buy").sort("item").head(1)
    if row.is_empty():
        return
    key = pl.col("item").str.slice(0, 1) + "_" + pl.col("item").str.slice(1)
    new = p.add("items", row.with_columns(item=key, description=pl.lit("entered twice"), safety_stock=pl.lit("0.0")))
    bare = row["item"].str.to_uppercase().str.replace_all(r"[^0-9A-Z]", "")
    p.note(
        "colliding_key", "items", new, "item", row["item"], new["item"], entity="items/" + bare, rules="key_collision",
        entity_type="row",
    )  # fmt: skip


FEED_KINDS: tuple[DriftKind, ...] = (
    DriftKind("midnight_end", "9 midnight rollover", 0.03, midnight_end),
    DriftKind("overlapping_runs", "5 overlapping runs", 0.03, overlapping_runs),
    DriftKind("wrong_machine", "6 wrong machine key", 0.03, wrong_machine),
    DriftKind("clock_ahead", "8 time zone", 0.01, clock_ahead),
    DriftKind("entered_by_factor", "18 unit mismatch", 0.02, entered_by_factor),
    DriftKind("colliding_key", "19 key form", 0.01, colliding_key),
)
