"""Errors that conforming finds: duplicates, key forms, units without factor, damaged times, impossible values, orphans.

Belongs here: rows whose form is wrong. Does not belong here: quantities and states that disagree between systems.
`expected_rules` names the data gate, or `key_map` where a key is put right and only the map says so.
"""

from __future__ import annotations

import polars as pl

from recon_platform.plantsim.planting import DriftKind, Planting


def duplicate_record(p: Planting, share: float) -> None:
    """A report of the floor sent twice, byte for byte."""
    chosen = p.pick("duplicate_record", share, p.state.orders.filter(pl.col("released")))
    rows = p.ids("operation_status", "order", chosen["work_order"]).unique("order", keep="first", maintain_order=True)
    new = p.add("operation_status", rows)
    nothing = pl.Series([None] * len(new), dtype=pl.String)
    p.note(
        "duplicate_record", "operation_status", new, "*", nothing, new["reported_at"], entity=pl.col("order"),
        rules="duplicate_row", entity_type="row",
    )  # fmt: skip


def wrong_key_form(p: Planting, share: float) -> None:
    """The MES writes the order key in lower case, padded, or with a separator."""
    chosen = p.pick("wrong_key_form", share, p.state.orders.filter(pl.col("released")))
    rows = p.ids("operation_status", "order", chosen["work_order"])
    if rows.is_empty():
        return
    form = p.draw("wrong_key_form which", rows["order"].str.slice(2).cast(pl.Int64).to_numpy())
    key = rows["order"]
    values = rows.select(
        pl.when(pl.Series(form < 0.4)).then(key.str.to_lowercase())
        .when(pl.Series(form < 0.7)).then(pl.lit(" ") + key + pl.lit(" "))
        .otherwise(key.str.slice(0, 2) + pl.lit("-") + key.str.slice(2))
    ).to_series()  # fmt: skip
    p.set("wrong_key_form", "operation_status", rows, "order", values, entity=key, rules="key_map", entity_type="row")


def _some(p: Planting, kind: str, share: float, table: str, at_most: float = 0.2) -> pl.DataFrame:
    """Rows of a table that carry an error: about `rate × share` of the open orders, at least one."""
    rows = p.frames[table].filter(pl.col("_id") >= 0)
    wanted = max(1.0, p.rate * share * p.open_orders)
    draw = pl.Series(p.draw(kind, rows["_id"].to_numpy()))
    limit = min(at_most, wanted / max(1, len(rows)))
    chosen = rows.filter(draw < limit)
    return chosen if len(chosen) else rows.with_columns(_draw=draw).sort("_draw").head(1).drop("_draw")


def _spoil(  # noqa: PLR0917 - where it stands and what is written there
    p: Planting, kind: str, rows: pl.DataFrame, table: str, column: str, value: str, rules: str, key: str
) -> None:
    values = pl.Series([value] * len(rows), dtype=pl.String)
    p.set(kind, table, rows, column, values, entity=pl.col(key).fill_null(""), rules=rules, entity_type="row", key=key)


def unit_without_factor(p: Planting, share: float) -> None:
    """A purchase line in cartons, with no factor to pieces."""
    boxes = p.frames["purchase_orders"].filter(pl.col("item").str.starts_with("BOX-") & (pl.col("status") == "closed"))
    chosen = _some(p, "unit_without_factor", share, "purchase_orders").join(boxes.select("_id"), on="_id", how="semi")
    chosen = chosen if len(chosen) else boxes.head(1)
    _spoil(p, "unit_without_factor", chosen, "purchase_orders", "uom", "XCT", "unit_missing", "purchase_order")


def time_damaged(p: Planting, share: float) -> None:
    """A stamp cut to minutes by a spreadsheet."""
    chosen = _some(p, "time_damaged", share, "cycle_times")
    _spoil(p, "time_damaged", chosen, "cycle_times", "at", "24:00.0", "time_damaged", "order")


def negative_quantity(p: Planting, share: float) -> None:
    """A measured quantity below zero."""
    chosen = _some(p, "negative_quantity", share, "cycle_times").filter(~pl.col("at").str.starts_with("24:"))
    _spoil(p, "negative_quantity", chosen, "cycle_times", "qty", "-1.0", "value_impossible", "order")


def unknown_state(p: Planting, share: float) -> None:
    """A state code nobody documented."""
    chosen = _some(p, "unknown_state", share, "machine_states")
    _spoil(p, "unknown_state", chosen, "machine_states", "state", "S", "value_unreadable", "machine")


def header_repeated(p: Planting, share: float) -> None:
    """The header line once more among the data."""
    frame = p.frames["cycle_times"]
    names = [c for c in frame.columns if c != "_id" and frame[c].null_count() < frame.height]
    new = p.add("cycle_times", pl.DataFrame({name: [name] for name in names}))
    nothing = pl.Series([None], dtype=pl.String)
    p.note(
        "header_repeated", "cycle_times", new, "*", nothing, new["order"], entity=pl.col("order"),
        rules="value_unreadable", entity_type="row",
    )  # fmt: skip


def orphan_item(p: Planting, share: float) -> None:
    """Stock of an item that is no longer among the items."""
    row = p.frames["inventory"].head(1).with_columns(item=pl.lit("W-OLD-99"), lot=pl.lit("H1"), qty=pl.lit("12.5"))
    new = p.add("inventory", row)
    nothing = pl.Series([None], dtype=pl.String)
    p.note(
        "orphan_item", "inventory", new, "item", nothing, new["item"], entity=pl.col("item"), rules="key_orphan",
        entity_type="row",
    )  # fmt: skip


SPINE_KINDS: tuple[DriftKind, ...] = (
    DriftKind("duplicate_record", "4 duplicate records", 0.05, duplicate_record),
    DriftKind("wrong_key_form", "19 key form", 0.05, wrong_key_form),
    DriftKind("unit_without_factor", "18 unit mismatch", 0.01, unit_without_factor),
    DriftKind("time_damaged", "7 truncated time", 0.03, time_damaged),
    DriftKind("negative_quantity", "2 impossible quantity", 0.02, negative_quantity),
    DriftKind("unknown_state", "13 unknown codes", 0.02, unknown_state),
    DriftKind("header_repeated", "10 header as data", 0.01, header_repeated),
    DriftKind("orphan_item", "19 key form", 0.01, orphan_item),
)
