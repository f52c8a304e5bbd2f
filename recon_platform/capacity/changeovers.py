"""Set-up families and matrices: what stands between two operations on one machine, as numbers.

Belongs here: the families of operations at each work center, the values of their attributes, and the matrices coded for
the kernel. The rule itself (the longest attribute that changes) stands in `placing.changeover` and, separately, in the
checker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from recon_platform.capacity.problem import FAMILY, Array
from recon_platform.tables.model import Frames

FAMILY_ATTRIBUTE = "family"
"""The attribute that is filled from the routing's set-up family (else the item's family)."""


@dataclass(frozen=True, slots=True)
class Changeovers:
    """Families and matrices in numbers."""

    families: int  # those of operations; what stands on machines follows
    family: Array
    value: Array
    code: Array
    matrix_at: Array
    matrix_size: Array
    matrix: Array
    machine_family: Array


SETUP = ("setup_matrix", "setup_attributes", "lots", "items")
"""Tables that set-ups are read from."""
SETTING_UP = ("center", "item", "lot", "setup_family", "setup_min", "batch_key", "pinned")
"""Columns of operations that a set-up depends on (pinned: machine index, -1: none)."""


def family_columns(rules: pl.DataFrame) -> list[str]:
    """Columns of `what_sets_up`: operations alike in all of them are one family."""
    return ["center", "setup_family", *_attribute_columns(rules), "setup_min", "batch_key", "pinned"]


def _attributes(rules: pl.DataFrame) -> list[str]:
    return rules["attribute"].unique().sort().to_list()


def _attribute_columns(rules: pl.DataFrame) -> list[str]:
    return [f"a:{name}" for name in _attributes(rules)]


def code_families(families: pl.DataFrame, rules: pl.DataFrame, machines: pl.DataFrame, centers: int) -> Changeovers:
    """The numbers of `families` (`family_columns`, by number) and of what stands on `machines`.

    Operations pinned to a machine are families of their own, which changes no set-up.
    """
    names, columns = _attributes(rules), _attribute_columns(rules)
    named = (
        families.lazy().select("center", "setup_family").unique().drop_nulls().sort("center", "setup_family")
        .with_row_index("alike").collect()
    )  # fmt: skip
    family = np.zeros(families.height, FAMILY)
    family["center"] = families["center"].to_numpy()
    family["pinned"] = families["pinned"].to_numpy()
    family["setup"] = families["setup_min"].fill_null(0.0).to_numpy()
    family["alike"] = (
        families.lazy().select("center", "setup_family")
        .join(named.lazy(), on=["center", "setup_family"], how="left", maintain_order="left")
        .select(pl.col("alike").cast(pl.Int64).fill_null(-1)).collect()["alike"].to_numpy()
    )  # fmt: skip
    matrices = _matrices(rules, names, centers)
    identities = [_identity(families[column], rules, name) for name, column in zip(names, columns, strict=True)]
    value = np.full((families.height, max(1, len(names))), -1, np.int32)
    code = np.zeros_like(value)
    for a, (name, column) in enumerate(zip(names, columns, strict=True)):
        read = (
            families.lazy().select("center", pl.col(column).alias("value"))
            .join(matrices.codes.lazy().filter(pl.col("attribute") == name), on=["center", "value"], how="left", maintain_order="left")
            .select(
                pl.col("value").replace_strict(identities[a], default=-1, return_dtype=pl.Int32).fill_null(-1),
                pl.col("code").fill_null(0),
            ).collect()
        )  # fmt: skip
        value[:, a], code[:, a] = read["value"].to_numpy(), read["code"].to_numpy()
    with_standing = _with_standing(machines, family, value, code, named, identities, matrices.by_place(names))
    return Changeovers(
        families.height, *with_standing[:3], matrices.at, matrices.size, matrices.cells, with_standing[3]
    )


def changeover_rules(machines: pl.DataFrame, frames: Frames) -> pl.DataFrame:
    """center, attribute, from_value, to_value, minutes: the changeover matrices of work centers with a machine."""
    rules = frames.get("setup_matrix")
    if rules is None or rules.is_empty():
        return pl.DataFrame(schema=_RULES)
    center_of = machines.lazy().select("work_center", "center").unique()
    return (
        rules.lazy().select("work_center", "attribute", "from_value", "to_value", "minutes")
        .join(center_of, on="work_center").sort("center", "attribute", "from_value", "to_value")
        .select(*_RULES).collect()
    )  # fmt: skip


_RULES = {
    "center": pl.Int32, "attribute": pl.String, "from_value": pl.String, "to_value": pl.String, "minutes": pl.Float64,
}  # fmt: skip


def what_sets_up(operations: pl.DataFrame, rules: pl.DataFrame, frames: Frames) -> pl.DataFrame:
    """Per operation (`SETTING_UP`, in their order) what its family consists of (`family_columns`); `a:NAME` is the value of an
    attribute that has a matrix at its center.

    A center with matrices goes by them alone: its operations have no set-up family besides.
    """
    names = _attributes(rules)
    center = pl.col("center")
    used = {name: rules.filter(pl.col("attribute") == name)["center"].unique().implode() for name in names}
    rows, value = _attribute_values(operations.lazy(), names, frames)
    has_matrix = center.is_in(rules["center"].unique().implode()) if names else pl.lit(value=False)
    return rows.select(
        "center",
        pl.when(has_matrix).then(None).otherwise("setup_family").alias("setup_family"),
        *(pl.when(center.is_in(used[name])).then(value[name]).alias(f"a:{name}") for name in names),
        pl.col("setup_min").ceil(),
        "batch_key",
        "pinned",
    ).collect()


def _attribute_values(
    operations: pl.LazyFrame, names: Sequence[str], frames: Frames
) -> tuple[pl.LazyFrame, dict[str, pl.Expr]]:
    """`operations` with what is known of their items and lots, and by name the value of each attribute they set up for: the
    operation's family else the item's, the heat and coil of its lot, and else what the item says."""
    sources: dict[str, list[pl.Expr]] = {name: [] for name in names}
    items, lots, attributes = (frames.get(name) for name in ("items", "lots", "setup_attributes"))
    if FAMILY_ATTRIBUTE in sources:
        sources[FAMILY_ATTRIBUTE].append(pl.col("setup_family"))
        if items is not None:
            of_item = items.lazy().select("item", pl.col("family").alias("item:family"))
            operations = operations.join(of_item, on="item", how="left", maintain_order="left")
            sources[FAMILY_ATTRIBUTE].append(pl.col("item:family"))
    of_lots: list[str] = [name for name in ("heat", "coil") if name in sources]
    if lots is not None and of_lots:
        of_lot = lots.lazy().select("lot", *(pl.col(name).alias(f"lot:{name}") for name in of_lots))
        of_lot = of_lot.unique("lot", keep="first", maintain_order=True)
        operations = operations.join(of_lot, on="lot", how="left", maintain_order="left")
        for name in of_lots:
            sources[name].append(pl.col(f"lot:{name}"))
    if attributes is not None and names:
        said = attributes.lazy().group_by("item").agg(
            pl.col("value").filter(pl.col("attribute") == name).drop_nulls().last().alias(f"says:{name}") for name in names
        )  # fmt: skip
        operations = operations.join(said, on="item", how="left", maintain_order="left")
        for name in names:
            sources[name].append(pl.col(f"says:{name}"))
    return operations, {name: pl.coalesce(*of, pl.lit(None, pl.String)) for name, of in sources.items()}


def _identity(values: pl.Series, rules: pl.DataFrame, name: str) -> dict[str, int]:
    """Value → number, of every value of an attribute that an operation has or a matrix names."""
    of_rules = rules.lazy().filter(pl.col("attribute") == name)
    everything = pl.concat(
        [
            values.to_frame("value").lazy(), of_rules.select(pl.col("from_value").alias("value")),
            of_rules.select(pl.col("to_value").alias("value")),
        ]
    )  # fmt: skip
    known = everything.drop_nulls().unique().sort("value").collect()["value"]
    return {text: k for k, text in enumerate(known.to_list())}


ANY = "*"


@dataclass(frozen=True, slots=True)
class _Matrices:
    """Square matrices of minutes, row by row in `cells`: where that of (center, attribute) begins, and its side.

    `codes` (center, attribute, value, code) numbers the values a matrix names from 1; 0 is `*`, any other.
    """

    cells: Array
    at: Array
    size: Array
    codes: pl.DataFrame

    def by_place(self, names: list[str]) -> dict[tuple[int, int], dict[str, int]]:
        """`codes` by (center, number of the attribute); an entry for every matrix, also one that names `*` alone."""
        number = {name: a for a, name in enumerate(names)}
        made: dict[tuple[int, int], dict[str, int]] = {(int(c), int(a)): {} for c, a in np.argwhere(self.size > 0)}
        for center, name, value, code in self.codes.iter_rows():
            made[center, number[name]][value] = code
        return made


def _matrices(rules: pl.DataFrame, names: list[str], centers: int) -> _Matrices:
    """The matrices that `rules` fill; an exact pair goes before (from, *), that before (*, to), that before (*, *)."""
    at = np.full((centers, max(1, len(names))), -1, np.int32)
    size = np.zeros_like(at)
    place = ["center", "attribute"]
    named = pl.concat([rules.lazy().select(*place, pl.col(name).alias("value")) for name in ("from_value", "to_value")])
    codes = (
        named.filter(pl.col("value") != ANY).unique().sort(*place, "value")
        .with_columns((pl.int_range(pl.len(), dtype=pl.Int32).over(place) + 1).alias("code")).collect()
    )  # fmt: skip
    number = {name: a for a, name in enumerate(names)}
    sides = (
        rules.lazy().select(place).unique()
        .join(codes.lazy().group_by(place).agg(pl.len().alias("named")), on=place, how="left")
        .select("center", pl.col("attribute").replace_strict(number, default=-1, return_dtype=pl.Int32).alias("number"), pl.col("named").fill_null(0).cast(pl.Int32) + 1)
        .sort("number", "center").collect()
    )  # fmt: skip
    center, attribute, side = (sides[name].to_numpy() for name in sides.columns)
    ends = np.cumsum(side.astype(np.int64) ** 2) + 1  # the first cell belongs to no matrix
    at[center, attribute], size[center, attribute] = ends - side.astype(np.int64) ** 2, side
    cells = np.full(int(ends[-1]) if ends.size else 1, -1, np.int32)
    rows = _coded(rules, codes, number)
    for from_any, to_any in ((True, True), (True, False), (False, True), (False, False)):
        part = rows.filter(pl.col("from").eq(0) == from_any, pl.col("to").eq(0) == to_any)
        c, a, source, target = (part[name].to_numpy() for name in ("center", "number", "from", "to"))
        side, minutes = size[c, a], part["minutes"].to_numpy()
        many = (side if from_any else 1) * (side if to_any else 1) * np.ones_like(side)
        nth = np.arange(int(many.sum())) - np.repeat(np.cumsum(many) - many, many)
        wide = np.repeat(side if to_any else np.ones_like(side), many)
        row = nth // wide if from_any else np.repeat(source, many)
        column = nth % wide if to_any else np.repeat(target, many)
        cells[np.repeat(at[c, a], many) + row * np.repeat(side, many) + column] = np.repeat(minutes, many)
    return _Matrices(cells, at, size, codes)


def _coded(rules: pl.DataFrame, codes: pl.DataFrame, number: dict[str, int]) -> pl.DataFrame:
    """`rules` by numbers: center, number (of the attribute), from, to (0: any), minutes; in the order of the rules."""
    coded = rules.lazy()
    for written, column in (("from_value", "from"), ("to_value", "to")):
        coded = coded.join(
            codes.lazy().rename({"value": written, "code": column}), on=["center", "attribute", written], how="left",
            maintain_order="left",
        )  # fmt: skip
    return coded.select(
        "center", pl.col("attribute").replace_strict(number, default=-1, return_dtype=pl.Int32).alias("number"),
        pl.col("from", "to").fill_null(0), pl.col("minutes").ceil().cast(pl.Int32),
    ).collect()  # fmt: skip


def _with_standing(
    machines: pl.DataFrame, family: Array, value: Array, code: Array, alike: pl.DataFrame,
    identities: list[dict[str, int]], codes: dict[tuple[int, int], dict[str, int]],
) -> tuple[Array, Array, Array, Array]:  # fmt: skip
    """Families for what stands on machines now, appended after the others, and the number each machine has.

    Of a machine only its current set-up is known: one set-up family or one attribute value. Attributes it says nothing
    about count as changed, from `*`.
    """
    setups = list(machines.select("center", "current_setup").iter_rows())
    known = sorted({setup for setup in setups if None not in setup})
    number_of_alike = {(c, f): k for c, f, k in alike.select("center", "setup_family", "alike").iter_rows()}
    extra = np.zeros(len(known), FAMILY)
    extra["pinned"] = -1
    extra_value = np.full((len(known), value.shape[1]), -2, np.int32)
    extra_code = np.zeros((len(known), value.shape[1]), np.int32)
    numbers: dict[tuple[int, str], int] = {}
    for k, (center, current) in enumerate(known):
        extra[k]["center"] = center
        extra[k]["alike"] = number_of_alike.get((center, current), -1)
        numbers[center, current] = family.shape[0] + k
        for a, identity in enumerate(identities):
            if (center, a) in codes and current in identity:
                extra_value[k, a] = identity[current]
                extra_code[k, a] = codes[center, a].get(current, 0)
    standing = np.array([numbers.get(setup, -1) for setup in setups], np.int32)
    return (
        np.concatenate([family, extra]), np.concatenate([value, extra_value]), np.concatenate([code, extra_code]), standing,
    )  # fmt: skip
