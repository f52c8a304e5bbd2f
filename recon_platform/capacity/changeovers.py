"""Set-up families and matrices: what stands between two operations on one machine, as numbers.

Belongs here: the families of operations at each work center, the values of their attributes, and the matrices coded for
the kernel. The rule itself (the longest attribute that changes) stands in `placing.changeover` and, separately, in the
checker.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from recon_platform.capacity.problem import FAMILY, Array
from recon_platform.tables.model import Frames

FAMILY_ATTRIBUTE = "family"
"""The attribute that is filled from the routing's set-up family (else the item's family)."""


@dataclass(frozen=True, slots=True)
class Changeovers:
    """Families and matrices, and for each operation (in the order given) its family."""

    operation_family: Array
    families: int  # those of operations; what stands on machines follows
    family: Array
    value: Array
    code: Array
    matrix_at: Array
    matrix_size: Array
    matrix: Array
    machine_family: Array


def attribute_values(operations: pl.DataFrame, frames: Frames) -> pl.DataFrame:
    """row, attribute, value: what each operation sets up for (item attributes, its lot's heat and coil, its family)."""
    base = operations.select("row", "item", "lot", "setup_family")
    parts = []
    attributes = frames.get("setup_attributes")
    if attributes is not None and attributes.height:
        parts.append(
            base.join(attributes.select("item", "attribute", "value"), on="item").select("row", "attribute", "value")
        )
    lots = frames.get("lots")
    if lots is not None and lots.height:
        lot = lots.select("lot", "heat", "coil").unique("lot", keep="first", maintain_order=True)
        of_lot = base.join(lot, on="lot").select("row", "heat", "coil")
        parts += [
            of_lot.select("row", pl.lit(name).alias("attribute"), pl.col(name).alias("value"))
            for name in ("heat", "coil")
        ]
    items = frames.get("items")
    family = base.select("row", "item", pl.col("setup_family").alias("value"))
    if items is not None:
        family = family.join(items.select("item", "family"), on="item", how="left").with_columns(
            pl.coalesce("value", "family")
        )
    parts.append(family.select("row", pl.lit(FAMILY_ATTRIBUTE).alias("attribute"), "value"))
    return (
        pl.concat(parts)
        .filter(pl.col("value").is_not_null())
        .unique(["row", "attribute"], keep="last", maintain_order=True)
    )


def build_changeovers(operations: pl.DataFrame, machines: pl.DataFrame, centers: int, frames: Frames) -> Changeovers:
    """Number the families. `operations`: row, center, work_center, item, lot, setup_family, setup_min, kind, batch key,
    pinned (machine index, -1: none). Operations pinned to a machine are families of their own, which changes no set-up."""
    matrix_rows = frames.get("setup_matrix")
    rules = (
        matrix_rows.select("work_center", "attribute", "from_value", "to_value", "minutes")
        if matrix_rows is not None and matrix_rows.height
        else pl.DataFrame(
            schema={
                "work_center": pl.String, "attribute": pl.String, "from_value": pl.String, "to_value": pl.String,
                "minutes": pl.Float64,
            }
        )
    )  # fmt: skip
    center_of = machines.select("work_center", "center").unique().sort("center")
    rules = rules.join(center_of, on="work_center").sort("center", "attribute", "from_value", "to_value")
    names: list[str] = rules["attribute"].unique().sort().to_list()
    wide = operations.select("row", "center", "setup_min", "setup_family", "batch_key", "pinned")
    values = attribute_values(operations, frames)
    used = rules.select("center", "attribute").unique()
    for name in names:
        here = used.filter(pl.col("attribute") == name).select("center", pl.lit(True).alias("_used"))
        one = values.filter(pl.col("attribute") == name).select("row", pl.col("value").alias(f"a:{name}"))
        wide = (
            wide.join(one, on="row", how="left", maintain_order="left")
            .join(here, on="center", how="left", maintain_order="left")
            .with_columns(
                pl.when(pl.col("_used").fill_null(False)).then(f"a:{name}").otherwise(None).alias(f"a:{name}")
            )
            .drop("_used")
        )
    has_matrix = (
        wide["center"].is_in(rules["center"].unique().implode()) if names else pl.repeat(False, wide.height, eager=True)
    )
    wide = wide.with_columns(
        pl.when(has_matrix).then(None).otherwise("setup_family").alias("setup_family"),
        pl.col("setup_min").ceil(),
    )
    keys = ["center", "setup_family", *[f"a:{name}" for name in names], "setup_min", "batch_key", "pinned"]
    families = wide.select(keys).unique().sort(keys, nulls_last=False).with_row_index("number")
    numbered = wide.join(families, on=keys, how="left", nulls_equal=True, maintain_order="left")
    family = np.zeros(families.height, FAMILY)
    family["center"] = families["center"].to_numpy()
    family["pinned"] = families["pinned"].to_numpy()
    family["setup"] = families["setup_min"].fill_null(0.0).to_numpy()
    named = (
        families.select("center", "setup_family")
        .unique()
        .drop_nulls()
        .sort("center", "setup_family")
        .with_row_index("alike")
    )
    family["alike"] = (
        families.select("center", "setup_family")
        .join(named, on=["center", "setup_family"], how="left", maintain_order="left")["alike"]
        .cast(pl.Int64).fill_null(-1).to_numpy()
    )  # fmt: skip
    count = max(1, len(names))
    value = np.full((families.height, count), -1, np.int32)
    code = np.zeros((families.height, count), np.int32)
    matrix_at = np.full((centers, count), -1, np.int32)
    matrix_size = np.zeros((centers, count), np.int32)
    cells: list[Array] = [np.full(1, -1, np.int32)]
    offset = 1
    identities: list[dict[str, int]] = []
    codes: dict[tuple[int, int], dict[str, int]] = {}
    family_center = families["center"].to_numpy()
    for a, name in enumerate(names):
        column = families[f"a:{name}"]
        of_rules = rules.filter(pl.col("attribute") == name)
        everything = pl.concat([column, of_rules["from_value"], of_rules["to_value"]]).drop_nulls().unique().sort()
        identity = {text: k for k, text in enumerate(everything.to_list())}
        identities.append(identity)
        value[:, a] = column.replace_strict(identity, default=-1, return_dtype=pl.Int32).fill_null(-1).to_numpy()
        for (center,), part in rules.filter(pl.col("attribute") == name).group_by("center", maintain_order=True):
            named_values = sorted({*part["from_value"].to_list(), *part["to_value"].to_list()} - {"*"})
            number = {text: k + 1 for k, text in enumerate(named_values)}
            size = len(named_values) + 1
            cells.append(_matrix(part, number, size))
            c = int(center)
            matrix_at[c, a] = offset
            matrix_size[c, a] = size
            codes[c, a] = number
            offset += size * size
            mine = family_center == c
            code[mine, a] = (
                column.filter(pl.Series(mine))
                .replace_strict(number, default=0, return_dtype=pl.Int32)
                .fill_null(0)
                .to_numpy()
            )
    count_of_families = family.shape[0]
    family, value, code, standing = _with_standing(machines, family, value, code, named, names, identities, codes)
    return Changeovers(
        numbered["number"].cast(pl.Int32).to_numpy(), count_of_families, family, value, code, matrix_at, matrix_size,
        np.concatenate(cells), standing,
    )  # fmt: skip


def _matrix(part: pl.DataFrame, number: dict[str, int], size: int) -> Array:
    """Minutes by (from, to); an exact pair goes before (from, *), that before (*, to), that before (*, *)."""
    cells = np.full((size, size), -1, np.int32)
    rows = part.with_columns(
        pl.when(pl.col("from_value") == "*").then(0).otherwise(2).alias("f"),
        pl.when(pl.col("to_value") == "*").then(0).otherwise(1).alias("t"),
    ).sort(pl.col("f") + pl.col("t"), "from_value", "to_value")
    for source, target, minutes, f, t in rows.select("from_value", "to_value", "minutes", "f", "t").iter_rows():
        rows_of = slice(None) if f == 0 else number[source]
        columns_of = slice(None) if t == 0 else number[target]
        cells[rows_of, columns_of] = int(np.ceil(minutes))
    return cells.reshape(-1)


def _with_standing(
    machines: pl.DataFrame, family: Array, value: Array, code: Array, alike: pl.DataFrame, names: list[str],
    identities: list[dict[str, int]], codes: dict[tuple[int, int], dict[str, int]],
) -> tuple[Array, Array, Array, Array]:  # fmt: skip
    """Families for what stands on machines now, appended after the others, and the number each machine has.

    Of a machine only its current set-up is known: one set-up family or one attribute value. Attributes it says nothing
    about count as changed, from `*`.
    """
    known = machines.select("center", "current_setup").drop_nulls().unique().sort("center", "current_setup")
    number_of_alike = {(c, f): k for c, f, k in alike.select("center", "setup_family", "alike").iter_rows()}
    extra = np.zeros(known.height, FAMILY)
    extra["pinned"] = -1
    extra_value = np.full((known.height, value.shape[1]), -2, np.int32)
    extra_code = np.zeros((known.height, value.shape[1]), np.int32)
    numbers: dict[tuple[int, str], int] = {}
    for k, (center, current) in enumerate(known.iter_rows()):
        extra[k]["center"] = center
        extra[k]["alike"] = number_of_alike.get((center, current), -1)
        numbers[center, current] = family.shape[0] + k
        for a in range(len(names)):
            if (center, a) in codes and current in identities[a]:
                extra_value[k, a] = identities[a][current]
                extra_code[k, a] = codes[center, a].get(current, 0)
    standing = np.array(
        [numbers.get((center, current), -1) if current is not None else -1
         for center, current in machines.select("center", "current_setup").iter_rows()], np.int32,
    )  # fmt: skip
    return (
        np.concatenate([family, extra]), np.concatenate([value, extra_value]), np.concatenate([code, extra_code]), standing,
    )  # fmt: skip
