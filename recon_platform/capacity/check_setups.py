"""Set-ups looked at again: the time between two occupations of a machine against the matrix, from the tables alone.

Part of the independent check: shares no code with the scheduler.
"""

from __future__ import annotations

import polars as pl

from recon_platform.capacity.check_grants import granted
from recon_platform.capacity.check_rows import problem
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames

_VALUE = {"like": pl.UInt32, "attribute": pl.String, "value": pl.String}
_LIKE = ["item", "lot", "setup_family"]
"""What tells the attributes of an operation: those alike in it are looked up once."""


def setup_problems(rows: pl.DataFrame, loads: pl.DataFrame, frames: Frames, context: PlanContext) -> pl.DataFrame:
    """Occupations whose set-up is shorter than what stood on the machine before asks for."""

    facts = rows.select(
        "work_order",
        "op_seq",
        "item",
        "lot",
        "setup_family",
        "setup_min",
        "work_center",
        "on_machine",
        "away",
        "status",
    )
    # An approved sibling move names its work center, so that center's own matrix holds there.
    redirected = granted(frames).filter(pl.col("kind") == "sibling").select("work_order", "op_seq").unique()
    facts = facts.join(
        redirected.with_columns(pl.lit(True).alias("sent")), on=["work_order", "op_seq"], how="left"
    ).with_columns(pl.col("away") & ~pl.col("sent").fill_null(False))
    steps = (
        loads.select("machine", "setup_start", "start", "end", "work_order", "op_seq")
        .join(facts, on=["work_order", "op_seq"], how="left")
        .sort("machine", "setup_start", "end", "work_order", "op_seq")
        .with_row_index("nr")
        .with_columns(
            pl.when(pl.col("machine") == pl.col("machine").shift(1)).then(pl.col("nr").shift(1)).alias("before"),
            pl.when(pl.col("machine") == pl.col("machine").shift(1))
            .then(pl.col("away").shift(1))
            .fill_null(False)
            .alias("was_away"),
        )
    )
    steps = steps.join(
        steps.select(pl.col("nr").alias("before"), pl.col("setup_family").alias("family_before")), on="before", how="left",
        maintain_order="left",
    ).join(frames["machines"].select("machine", "current_setup"), on="machine", how="left", maintain_order="left")  # fmt: skip
    rules = _rules(frames)
    with_matrix = rules.select("work_center").unique().with_columns(pl.lit(True).alias("matrix"))
    steps = steps.join(with_matrix, on="work_center", how="left", maintain_order="left").with_columns(
        pl.col("matrix").fill_null(False)
    )
    unknown = pl.col("away") | pl.col("was_away") | (pl.col("before").is_null() & pl.col("current_setup").is_null())
    stood = pl.when(pl.col("before").is_null()).then("current_setup").otherwise("family_before")
    plain = pl.when((stood == pl.col("setup_family")).fill_null(False)).then(0.0).otherwise("setup_min")
    changes = _changes(steps, rules, frames)
    needed = (
        steps.join(changes, on="nr", how="left", maintain_order="left")
        .with_columns(
            pl.when("on_machine").then(0.0).when(unknown).then("setup_min").when("matrix").then(pl.col("change").fill_null(0.0))
            .otherwise(plain).alias("needs")
        )
    )  # fmt: skip
    spent = (needed["start"] - needed["setup_start"]).dt.total_microseconds() / 60e6
    bad = needed.with_columns(spent.alias("spent")).filter(pl.col("spent") < pl.col("needs") - 0.01)
    return problem(bad, "setup", "set-up of ", pl.col("spent"), " min, needs ", pl.col("needs"))


def _rules(frames: Frames) -> pl.DataFrame:
    matrix = frames.get("setup_matrix")
    if matrix is None or matrix.is_empty():
        return pl.DataFrame(
            schema=dict.fromkeys(("work_center", "attribute", "from_value", "to_value"), pl.String)
            | {"minutes": pl.Float64}
        )
    return matrix.select("work_center", "attribute", "from_value", "to_value", "minutes")


def _values(steps: pl.DataFrame, frames: Frames) -> pl.DataFrame:
    """like, attribute, value; `steps`: like and the columns of `_LIKE`."""
    parts = [pl.DataFrame(schema=_VALUE)]
    attributes = frames.get("setup_attributes")
    if attributes is not None and attributes.height:
        parts.append(steps.select("like", "item").join(attributes, on="item").select("like", "attribute", "value"))
    lots = frames.get("lots")
    if lots is not None and lots.height:
        one = lots.group_by("lot", maintain_order=True).first()
        found = steps.select("like", "lot").join(one.select("lot", "heat", "coil"), on="lot")
        parts += [
            found.select("like", pl.lit(name).alias("attribute"), pl.col(name).alias("value"))
            for name in ("heat", "coil")
        ]
    items = frames.get("items")
    family = steps.select("like", "item", pl.col("setup_family").alias("value"))
    if items is not None:
        family = family.join(items.select("item", "family"), on="item", how="left").with_columns(
            pl.coalesce("value", "family")
        )
    parts.append(family.select("like", pl.lit("family").alias("attribute"), "value"))
    return pl.concat(parts).drop_nulls("value").group_by("like", "attribute", maintain_order=True).last()


def _changes(steps: pl.DataFrame, rules: pl.DataFrame, frames: Frames) -> pl.DataFrame:
    """nr, change: the longest change among the attributes that differ from what stood there before."""
    if rules.is_empty():
        return pl.DataFrame(schema={"nr": pl.UInt32, "change": pl.Float64})
    kinds = steps.select(_LIKE).unique().with_row_index("like")
    values = _values(kinds, frames)
    used = rules.select("work_center", "attribute").unique()
    known = steps.select("nr", "before", "work_center", "current_setup", "setup_min", *_LIKE).join(
        kinds, on=_LIKE, how="left", nulls_equal=True, maintain_order="left"
    )
    to = (
        known.with_columns(pl.when(pl.col("before").is_not_null()).then(pl.col("like").shift(1)).alias("like_before"))
        .join(used, on="work_center")
        .join(values, on=["like", "attribute"])
        .join(values.rename({"like": "like_before", "value": "from"}), on=["like_before", "attribute"], how="left")
    )
    # Of a machine that has done nothing yet only one thing is known, its current set-up; it may be a value of any attribute.
    named = pl.concat([values.select("attribute", pl.col("value").alias("current_setup")),
                       rules.select("attribute", pl.col("from_value").alias("current_setup")),
                       rules.select("attribute", pl.col("to_value").alias("current_setup"))]).unique()  # fmt: skip
    first = to.filter(pl.col("before").is_null()).join(
        named.with_columns(pl.lit(True).alias("is_value")), on=["attribute", "current_setup"], how="left"
    ).with_columns(pl.when("is_value").then("current_setup").alias("from")).drop("is_value")  # fmt: skip
    pairs = pl.concat([to.filter(pl.col("before").is_not_null()), first]).filter(
        pl.col("from").is_null() | (pl.col("from") != pl.col("value"))
    )
    for rank, (a, b) in enumerate((("from", "value"), ("from", None), (None, "value"), (None, None))):
        part = rules.filter((pl.col("from_value") == "*") == pl.lit(a is None)).filter(
            (pl.col("to_value") == "*") == pl.lit(b is None)
        )
        if part.is_empty():
            pairs = pairs.with_columns(pl.lit(None, pl.Float64).alias(f"m{rank}"))
            continue
        left = ["work_center", "attribute", *([a] if a else []), *([b] if b else [])]
        right = ["work_center", "attribute", *(["from_value"] if a else []), *(["to_value"] if b else [])]
        one = part.group_by(right).agg(pl.col("minutes").last().alias(f"m{rank}"))
        pairs = pairs.join(one, left_on=left, right_on=right, how="left")
    minutes = pl.coalesce("m0", "m1", "m2", "m3", "setup_min")
    return pairs.group_by("nr").agg(minutes.max().alias("change"))
