"""Planting one night's errors into its text frames, with the truth beside them.

Belongs here: choosing who errs, editing text frames, writing down the truth. Does not belong here: the single kinds
(`drift_orders`, `drift_floor`, `drift_components`, `drift_routing`, `drift_spine`).

Who errs is decided by a draw that belongs to the order (or row) and the kind, not to the night: an error stays until
its precondition is gone, so consecutive nights tell one story.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from recon_platform.plantsim.demand import hash_uniform
from recon_platform.plantsim.state import State
from recon_platform.tables.truth import TRUTH

Ids = npt.NDArray[np.int64]


@dataclass
class Planting:
    """The text frames of one night while errors are planted into them.

    Every frame carries `_id`, its row number before any edit; truth is written down against it and turned into row
    numbers of the final files at the end.
    """

    state: State
    frames: dict[str, pl.DataFrame]
    night: date
    seed: int
    rate: float
    feed_share: float | None = None  # of nights on which a feed errs as a whole; none: as often as the kind says
    number: str = ""
    taken: set[int] = field(default_factory=set)
    truth: list[pl.DataFrame] = field(default_factory=list)
    asked: dict[object, pl.DataFrame] = field(default_factory=dict)

    @cached_property
    def open_orders(self) -> int:
        return int(self.state.orders["status"].is_in(["closed", "complete"]).not_().sum())

    def once(self, what: object, make: Callable[[], pl.DataFrame]) -> pl.DataFrame:
        """What several kinds ask of the state, which no kind changes: made the first time."""
        if what not in self.asked:
            self.asked[what] = make()
        return self.asked[what]

    def draw(self, kind: str, index: Ids) -> npt.NDArray[np.float64]:
        """The draw of each order (or row) for this kind of error."""
        return hash_uniform(self.seed + 7919 * (zlib.crc32(kind.encode()) % 65_537), index, 1)[0]

    def errs(self, kind: str, times_rate: float) -> bool:
        """Whether a feed errs as a whole tonight: on `rate × times_rate` of the nights, unless `feed_share` says more."""
        share = self.rate * times_rate if self.feed_share is None else self.feed_share
        return bool(self.draw(kind, np.array([self.night.toordinal()], dtype=np.int64))[0] < min(1.0, share))

    def pick(self, kind: str, share: float, orders: pl.DataFrame) -> pl.DataFrame:
        """Of the eligible orders (column `index`) those that carry this error: about `rate × share` of the open
        orders, none that carries another; they are marked as taken."""
        index = orders["index"].to_numpy()
        free = np.flatnonzero(~np.isin(index, list(self.taken)))
        wanted = self.rate * share * self.open_orders
        threshold = min(0.5, wanted / max(1, len(free)))
        chosen = orders[free[self.draw(kind, index[free]) < threshold]]
        self.taken.update(chosen["index"].to_list())
        return chosen

    def ids(self, table: str, column: str, keys: pl.Series) -> pl.DataFrame:
        """Rows of `table` whose `column` is among `keys`, in the order of the table."""
        if table not in self.frames:
            return pl.DataFrame(schema={"_id": pl.Int64})
        frame = self.frames[table]
        return frame.clear() if keys.is_empty() else frame.filter(pl.col(column).is_in(keys.implode()))

    def set(
        self,
        kind: str,
        table: str,
        rows: pl.DataFrame,
        column: str,
        values: pl.Series,
        *,
        entity: pl.Series | pl.Expr,
        rules: str | pl.Series,
        entity_type: str = "work_order",
        observable: bool = True,
        key: str | None = None,
    ) -> None:
        """Overwrite `column` of `rows` with `values` and write down what was true."""
        if rows.height == 0:
            return
        frame = self.frames[table]
        at = frame["_id"].search_sorted(rows["_id"])
        edited = frame[column].clone().scatter(at, values.cast(pl.String))
        self.frames[table] = frame.clone().replace_column(frame.columns.index(column), edited)
        changed = rows[column].ne_missing(values.cast(pl.String))
        named = rows.with_columns(_entity=entity).filter(changed)
        said = rules if isinstance(rules, str) else rules.filter(changed)
        self.note(
            kind, table, named, column, named[column], values.filter(changed), entity=named["_entity"], rules=said,
            entity_type=entity_type, observable=observable, key=key,
        )  # fmt: skip

    def note(  # noqa: PLR0917 - where it stands, what is true, what is said
        self,
        kind: str,
        table: str,
        rows: pl.DataFrame,
        column: str,
        true: pl.Series,
        reported: pl.Series,
        *,
        entity: pl.Series | pl.Expr,
        rules: str | pl.Series,
        entity_type: str = "work_order",
        observable: bool = True,
        key: str | None = None,
    ) -> None:
        """Write down an error without editing."""
        name = key or rows.columns[0]
        if rows.is_empty():
            return
        frame = rows.select(
            kind=pl.lit(kind),
            table=pl.lit(table),
            row=pl.col("_id"),
            key=pl.col(name),
            field=pl.lit(column),
            true_value=true.cast(pl.String),
            reported_value=reported.cast(pl.String),
            night=pl.lit(self.night),
            observable=pl.lit(observable),
            expected_rules=pl.lit(rules) if isinstance(rules, str) else rules,
            entity_type=pl.lit(entity_type),
            entity=entity,
            drift_kind=pl.lit(self.number),
        )
        self.truth.append(frame)

    def drop(self, table: str, rows: pl.DataFrame) -> None:
        """Take rows away."""
        self.frames[table] = self.frames[table].filter(~pl.col("_id").is_in(rows["_id"].implode()))

    def add(self, table: str, rows: pl.DataFrame) -> pl.DataFrame:
        """Append rows (with the table's columns); returns them with their new `_id`."""
        frame = self.frames[table]
        top = int(frame["_id"].max() or 0) + 1  # type: ignore[arg-type]
        new = rows.drop("_id", strict=False).with_columns(
            pl.int_range(top, top + rows.height, dtype=pl.Int64).alias("_id")
        )
        new = new.select(
            [pl.col(c) if c in new.columns else pl.lit(None, dtype=frame.schema[c]).alias(c) for c in frame.columns]
        )
        self.frames[table] = pl.concat([frame, new])
        return new

    def finish(self) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
        """The edited frames without `_id`, and the truth with final row numbers."""
        frames = {name: frame[[c for c in frame.columns if c != "_id"]] for name, frame in self.frames.items()}
        if not self.truth:
            return frames, TRUTH.empty()
        planted = pl.concat(self.truth)
        places = pl.concat(
            [self.frames[name].select(pl.lit(name).alias("table"), row="_id", place=pl.int_range(1, pl.len() + 1))
             for name in planted["table"].unique()]
        )  # fmt: skip
        truth = planted.join(places, on=["table", "row"], how="left", maintain_order="left")
        return frames, TRUTH.frame(truth.with_columns(row=pl.col("place").cast(pl.Int64)).drop("place")).sort(
            "night", "kind", "table", "entity", "key", "field", "row"
        )


@dataclass(frozen=True, slots=True)
class DriftKind:
    """A kind of error: its name, the number in the list of drift kinds it belongs to, its share of all errors."""

    name: str
    number: str
    share: float
    plant: Callable[[Planting, float], None]
