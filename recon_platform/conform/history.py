"""Type-2 history: what was valid on any date, from nightly snapshots and from sources with effectivity dates.

Belongs here: turning states over time into rows with a validity, and asking them. Two clocks are kept apart:
`known_from` … `known_to` is when the sources said so, `valid_from` … `valid_to` for which dates. Both ends are
inclusive dates; null means open. A backdated change changes what is valid on past dates from the night it became known.
Source: slowly changing dimensions of type 2 (Kimball), with the knowledge time of bitemporal tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

KNOWN_FROM, KNOWN_TO = "known_from", "known_to"
VALID_FROM, VALID_TO = "valid_from", "valid_to"
DAY = timedelta(days=1)
EARLIEST, LATEST = date(1, 1, 1), date(9999, 12, 31)


def build_history(snapshots: Sequence[tuple[date, pl.DataFrame]], keys: Sequence[str]) -> pl.DataFrame:
    """History of one table from its nightly snapshots (night, frame): its columns, `known_from`, `known_to`.

    `keys` identify a thing; several rows of one key and night are several validities of it. Snapshots may come in any
    order, late or twice: of two for one night the last in the list counts. A row is known from the first night of an
    unbroken run of nights that hold it, equal in every column, to the last; in the newest snapshot it is still known
    (null). Between two snapshots the earlier one holds.
    """
    newest = dict(snapshots)
    nights = sorted(newest)
    if not nights:
        raise ValueError("build_history needs at least one snapshot, found none")
    columns = newest[nights[0]].columns
    stacked = pl.concat(
        [newest[night].select(columns).unique().with_columns(pl.lit(i).alias("_n")) for i, night in enumerate(nights)]
    )
    calendar = pl.DataFrame({"_n": range(len(nights)), "_night": nights}, schema={"_n": pl.Int32, "_night": pl.Date})
    runs = (
        stacked.sort("_n")
        .with_columns((pl.col("_n") - pl.int_range(pl.len()).over(columns).cast(pl.Int32)).alias("_run"))
        .group_by(*columns, "_run")
        .agg(pl.col("_n").min().alias("_first"), pl.col("_n").max().alias("_last"))
    )
    following = calendar.select((pl.col("_n") - 1).alias("_last"), pl.col("_night").alias("_next"))
    made = (
        runs.join(calendar.rename({"_n": "_first", "_night": KNOWN_FROM}), on="_first")
        .join(following, on="_last", how="left").with_columns((pl.col("_next") - DAY).alias(KNOWN_TO))
    )  # fmt: skip
    return made.select(*columns, KNOWN_FROM, KNOWN_TO).sort(*keys, KNOWN_FROM, *columns, nulls_last=False)


def extend_history(history: pl.DataFrame, night: date, snapshot: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """`history` with one more, later snapshot; the same night again changes nothing, a corrected one replaces it.

    Raises ValueError where `night` is before what the history already knows: rebuild it from the snapshots then.
    """
    if history.is_empty():
        return build_history([(night, snapshot)], keys)
    known = history.select(pl.max_horizontal(pl.col(KNOWN_FROM).max(), (pl.col(KNOWN_TO) + DAY).max())).item()
    if night < known:
        raise ValueError(
            f"the history already knows {known}, the snapshot is of {night}; rebuild it from all snapshots"
        )
    columns = [name for name in history.columns if name not in (KNOWN_FROM, KNOWN_TO)]
    yesterday = _reopened(history, night)
    now = snapshot.select(columns).unique()
    still = pl.col(KNOWN_TO).is_null()
    open_rows = yesterday.filter(still)
    kept = open_rows.join(now, on=columns, how="semi", nulls_equal=True)
    ended = open_rows.join(now, on=columns, how="anti", nulls_equal=True).with_columns(
        pl.lit(night - DAY).alias(KNOWN_TO)
    )
    fresh = now.join(open_rows.select(columns), on=columns, how="anti", nulls_equal=True).with_columns(
        pl.lit(night).alias(KNOWN_FROM), pl.lit(None, pl.Date).alias(KNOWN_TO)
    )
    made = pl.concat(
        [
            yesterday.filter(~still),
            kept,
            ended.filter(pl.col(KNOWN_FROM) <= pl.col(KNOWN_TO)),
            fresh.select(history.columns),
        ]
    )
    return made.sort(*keys, KNOWN_FROM, *columns, nulls_last=False)


def _reopened(history: pl.DataFrame, night: date) -> pl.DataFrame:
    """`history` as it was before `night` was known: what began that night is gone, what it ended is open again."""
    before = history.filter(pl.col(KNOWN_FROM) < night)
    return before.with_columns(
        pl.when(pl.col(KNOWN_TO) == night - DAY).then(None).otherwise(pl.col(KNOWN_TO)).alias(KNOWN_TO)
    )


def valid_on(history: pl.DataFrame, day: date, *, known_on: date | None = None) -> pl.DataFrame:
    """The rows that hold for `day`, as known on `known_on` (default: as known now), without the history columns.

    A table without effectivity columns holds for the dates on which it was known: there `day` itself asks what was
    known then, unless `known_on` says otherwise.
    """
    effectivity = VALID_FROM in history.columns and VALID_TO in history.columns
    asked = known_on if known_on is not None or effectivity else day
    frame = history
    if KNOWN_FROM in history.columns:
        if asked is None:
            frame = frame.filter(pl.col(KNOWN_TO).is_null())
        else:
            frame = frame.filter(
                (pl.col(KNOWN_FROM) <= asked) & (pl.col(KNOWN_TO).is_null() | (pl.col(KNOWN_TO) >= asked))
            )
        frame = frame.drop(KNOWN_FROM, KNOWN_TO)
    if effectivity:
        from_ok = pl.col(VALID_FROM).is_null() | (pl.col(VALID_FROM) <= day)
        frame = frame.filter(from_ok & (pl.col(VALID_TO).is_null() | (pl.col(VALID_TO) >= day)))
    return frame


def changes(history: pl.DataFrame, keys: Sequence[str], night: date) -> pl.DataFrame:
    """What became known on `night`: `keys`, change (`new`/`changed`/`gone`), backdated (it reaches into the past)."""
    gone = (
        history.filter(pl.col(KNOWN_TO) == night - DAY)
        .select(keys)
        .unique()
        .with_columns(pl.lit(value=True).alias("_gone"))
    )
    came = history.filter(pl.col(KNOWN_FROM) == night)
    back = (pl.col(VALID_FROM) < night).fill_null(value=False) if VALID_FROM in history.columns else pl.lit(value=False)
    came = came.group_by(list(keys)).agg(back.any().alias("backdated")).with_columns(pl.lit(value=True).alias("_came"))
    both = came.join(gone, on=list(keys), how="full", coalesce=True, nulls_equal=True)
    change = (
        pl.when(pl.col("_gone").is_null())
        .then(pl.lit("new"))
        .when(pl.col("_came").is_null())
        .then(pl.lit("gone"))
        .otherwise(pl.lit("changed"))
    )
    return both.select(*keys, change.alias("change"), pl.col("backdated").fill_null(value=False)).sort(
        *keys, nulls_last=False
    )


def validity_breaks(frame: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Where validities of one key overlap or leave a gap: `keys`, break (`overlap`/`gap`), before_to, valid_from."""
    line = (
        frame.select(*keys, VALID_FROM, VALID_TO)
        .filter(pl.struct(*keys).is_duplicated())
        .with_columns(
            pl.col(VALID_FROM).fill_null(EARLIEST).alias("_from"), pl.col(VALID_TO).fill_null(LATEST).alias("_to")
        )
        .sort(*keys, "_from", "_to", nulls_last=False)
        .with_columns(pl.col("_to").cum_max().shift(1).over(list(keys)).alias("_before"))
        .filter(pl.col("_before").is_not_null())
    )
    overlap = pl.col("_from") <= pl.col("_before")
    gap = ~overlap & ((pl.col("_from") - pl.col("_before")).dt.total_days() > 1)
    return (
        line.with_columns(
            pl.when(overlap).then(pl.lit("overlap")).when(gap).then(pl.lit("gap")).alias("break"),
            pl.col("_before").alias("before_to"),
        )
        .filter(pl.col("break").is_not_null())
        .select(*keys, "break", "before_to", VALID_FROM)
    )


def cut_overlaps(frame: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """`frame` with every validity that reaches into a later one of its key ended the day before that begins."""
    later = (
        frame.select(*keys, VALID_FROM)
        .filter(pl.col(VALID_FROM).is_not_null())
        .unique()
        .sort(*keys, VALID_FROM, nulls_last=False)
        .with_columns(pl.col(VALID_FROM).alias("_start"))
    )
    if later.is_empty():
        return frame
    numbered = frame.with_row_index("_row")
    pairs = numbered.select("_row", *keys, VALID_FROM, VALID_TO).join(
        later.drop(VALID_FROM), on=list(keys), nulls_equal=True
    )
    begins = pl.col(VALID_FROM).fill_null(EARLIEST)
    reaches = (pl.col("_start") > begins) & (pl.col("_start") <= pl.col(VALID_TO).fill_null(LATEST))
    cut = pairs.filter(reaches).group_by("_row").agg((pl.col("_start").min() - DAY).alias("_cut"))
    joined = numbered.join(cut, on="_row", how="left", maintain_order="left")
    return joined.with_columns(pl.coalesce("_cut", VALID_TO).alias(VALID_TO)).drop("_row", "_cut")
