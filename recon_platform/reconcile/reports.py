"""What the MES says about each operation and order: the latest report counts, parts of a split are added up.

A late or repeated report changes nothing twice: per part and operation only the newest one is read. A part is an order
of the MES that the ERP does not know but whose lot descends from the lot of an order it knows, or one of several MES
names that the cross-reference leads to one order.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from recon_platform.tables.model import Frames

QUANTITIES = ("good_qty", "scrap_qty", "in_process_qty", "rework_qty")
MAX_GENERATIONS = 12  # a lot split more often than this is a loop in the data
PARTS_SCHEMA = {"order": pl.String(), "part": pl.String(), "good_qty": pl.Float64(), "started_qty": pl.Float64()}


@dataclass(frozen=True, slots=True)
class Reports:
    """`operations`: one row per order and operation; `orders`: one per order; `parts`: what was added up;
    `roots`: part → order."""

    operations: pl.DataFrame
    orders: pl.DataFrame
    parts: pl.DataFrame
    roots: pl.DataFrame


def latest_reports(frames: Frames) -> Reports:
    """The MES's present word, from conformed `operation_status`, `order_status`, `lots` and `key_map`."""
    status = frames["operation_status"].drop("source_file", "source_row", "uom", strict=False)
    roots = split_roots(frames, status)
    named_twice = _named_twice(frames)
    parts = pl.DataFrame(schema=PARTS_SCHEMA)
    if roots.is_empty() and named_twice.is_empty():
        operations = _newest(status, ["order", "op_seq"])
    else:
        status = status.join(roots, left_on="order", right_on="part", how="left").with_columns(
            part=pl.col("order"), order=pl.coalesce("root", "order")
        )
        split = pl.col("order").is_in(roots.get_column("root").implode()) | pl.col("order").is_in(named_twice.implode())
        plain = _newest(status.filter(~split), ["order", "op_seq"])
        pieces = _newest(status.filter(split), ["order", "op_seq", "part", "machine", "started_at"])
        parts = _parts(pieces)
        operations = pl.concat(
            [plain.drop("root", "part"), _added_up(pieces).select(plain.drop("root", "part").columns)]
        )
    return Reports(operations, _orders(frames, roots), parts, roots)


def _newest(status: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    if status.select(pl.struct(keys).hash(seed=0).n_unique()).item() == status.height:
        return status  # no two reports of one operation: equal keys would have equal hashes
    tie = ["status", "good_qty", "scrap_qty"]
    order = [*keys, "reported_at", *tie]
    newest_first = [*([False] * len(keys)), True, False, True, True]
    return status.sort(order, descending=newest_first, nulls_last=True).unique(keys, keep="first", maintain_order=True)


def split_roots(frames: Frames, status: pl.DataFrame) -> pl.DataFrame:
    """`part` → `root`: MES orders unknown to the ERP whose lot descends from a lot of an order it knows."""
    known = frames["work_orders"].select("work_order", "lot")
    strangers = status.select(part=pl.col("order").unique()).join(
        known, left_on="part", right_on="work_order", how="anti"
    )
    none = pl.DataFrame(schema={"part": pl.String(), "root": pl.String()})
    if strangers.is_empty():
        return none
    lots = frames["lots"].select("lot", "parent_lot", "order")
    by_lot = known.drop_nulls("lot").select("lot", root="work_order").unique("lot", keep="none")
    made_by = lots.join(known, left_on="order", right_on="work_order", how="semi").select("lot", root="order")
    owner = pl.concat([by_lot, made_by]).unique("lot", keep="first", maintain_order=True)
    parents = lots.select("lot", "parent_lot").unique("lot", keep="first", maintain_order=True)
    climbing = strangers.join(lots.select(part="order", at="lot"), on="part", how="inner")
    found = [none]
    for _ in range(MAX_GENERATIONS):
        if climbing.is_empty():
            break
        here = climbing.join(owner, left_on="at", right_on="lot", how="left")
        found.append(here.filter(pl.col("root").is_not_null()).select("part", "root"))
        climbing = (
            here.filter(pl.col("root").is_null())
            .join(parents, left_on="at", right_on="lot", how="inner")
            .filter(pl.col("parent_lot").is_not_null())
            .select("part", at="parent_lot")
        )
    return pl.concat(found).sort("part", "root").unique("part", keep="first", maintain_order=True)


def _named_twice(frames: Frames) -> pl.Series:
    """Orders to which several different MES names lead: parts that the cross-reference already put together."""
    names = frames["key_map"].filter(
        (pl.col("table") == "operation_status")
        & (pl.col("column") == "order")
        & pl.col("rule").is_in(["xref", "split"])
    )
    return (
        names.group_by("key").agg(pl.col("raw_key").n_unique()).filter(pl.col("raw_key") > 1).get_column("key").sort()
    )


def _parts(pieces: pl.DataFrame) -> pl.DataFrame:
    first = pl.col("op_seq") == pl.col("op_seq").min().over("order")
    last = pl.col("op_seq") == pl.col("op_seq").max().over("order")
    started = pl.sum_horizontal(pl.col(*QUANTITIES).fill_null(0.0))
    return (
        pieces.group_by("order", part=pl.coalesce("part", "machine"))
        .agg(
            good_qty=pl.col("good_qty").filter(last).sum(),
            started_qty=started.filter(first).sum(),
        )
        .select(*PARTS_SCHEMA)
        .sort("order", "part")
    )


def _added_up(pieces: pl.DataFrame) -> pl.DataFrame:
    states = pl.col("status")
    ended = states.is_in(["complete", "terminated"])
    state = (
        pl.when(ended.all() & (states == "terminated").any()).then(pl.lit("terminated"))
        .when(ended.all()).then(pl.lit("complete"))
        .when((states == "hold").any()).then(pl.lit("hold"))
        .when((states == "running").any() | ended.any()).then(pl.lit("running"))
        .otherwise(states.sort().first())
    )  # fmt: skip
    return (
        pieces.group_by("order", "op_seq")
        .agg(
            pl.col("operation_code", "routing").drop_nulls().first(),
            pl.col("machine").sort_by("reported_at", "machine").last(),
            state.alias("status"),
            pl.col("good_qty", "scrap_qty").sum(),
            *(
                pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum()).alias(name)
                for name in ("in_process_qty", "rework_qty")
            ),
            pl.col("started_at").min(),
            pl.when(ended.all()).then(pl.col("ended_at").max()).alias("ended_at"),
            pl.col("reported_at").max(),
        )
        .sort("order", "op_seq")
    )


def _orders(frames: Frames, roots: pl.DataFrame) -> pl.DataFrame:
    status = frames["order_status"].join(roots, left_on="order", right_on="part", how="left")
    newest = status.sort(["order", "reported_at", "status"], descending=[False, True, False])
    newest = newest.unique("order", keep="first", maintain_order=True)
    # a part that ended says nothing about the order as a whole; one that runs or is held does
    newest = newest.filter(pl.col("root").is_null() | pl.col("status").is_in(["running", "hold"]))
    named = newest.with_columns(order=pl.coalesce("root", "order"))
    return (
        named.sort(["order", "reported_at", "status"], descending=[False, True, False])
        .unique("order", keep="first", maintain_order=True)
        .drop("root")
    )
