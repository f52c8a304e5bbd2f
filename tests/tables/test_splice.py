"""Rows of a few keys in the place of those that stood there."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from recon_platform.tables.reuse import Reuse
from recon_platform.tables.splice import FEW, keys_that_differ, rows_of_many

KEYS = st.sampled_from(["", "A", "B1", "B10", "B2", "b", "ß", "樱"])
ROWS = st.lists(st.tuples(KEYS, st.one_of(st.none(), st.integers(0, 2))), max_size=12)


def table(rows: list[tuple[str, int | None]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"key": pl.String, "x": pl.Int64}, orient="row")


def doubled(tables: dict[str, pl.DataFrame], by: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Two tables by key: rows of both tables given, and how many there are."""
    rows = pl.concat([tables["one"], tables["two"]]).with_columns(pl.col("x") * by).sort("key", "x")
    return rows, rows.group_by("key").len().sort("key")


@settings(max_examples=40, deadline=None)
@given(ROWS, ROWS, ROWS, ROWS)
def test_what_is_made_again_by_key_is_what_is_made_from_nothing(
    one: list[tuple[str, int | None]],
    two: list[tuple[str, int | None]],
    other: list[tuple[str, int | None]],
    more: list[tuple[str, int | None]],
) -> None:
    reuse = Reuse()
    for first, second in ((one, two), (other, two), ([*one, *more], two), (one, [*more, *two])):
        keyed = {"one": (table(first), "key"), "two": (table(second), "key")}
        differing = reuse.differing(keyed)
        again = reuse.by_key(doubled, keyed, 2, differing=differing)
        whole = doubled({name: frame for name, (frame, _) in keyed.items()}, 2)
        assert all(a.equals(b) for a, b in zip(again, whole, strict=True)), (first, second)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(ROWS, ROWS), min_size=1, max_size=4))
def test_rows_of_many_made_together_are_those_of_each_made_alone(
    many: list[tuple[list[tuple[str, int | None]], list[tuple[str, int | None]]]],
) -> None:
    keyed = [{"one": (table(one), "key"), "two": (table(two), "key")} for one, two in many]
    for tables, together in zip(keyed, rows_of_many(doubled, keyed, 3), strict=True):
        alone = doubled({name: frame for name, (frame, _) in tables.items()}, 3)
        assert all(a.equals(b) for a, b in zip(together, alone, strict=True))


def test_only_rows_of_keys_that_differ_are_made_again() -> None:
    reuse, asked = Reuse(), []

    def seen(tables: dict[str, pl.DataFrame]) -> tuple[pl.DataFrame]:
        asked.append(tables["one"]["key"].to_list())
        return (tables["one"],)

    names = [f"{k:05d}" for k in range(10 * FEW)]
    frame = pl.DataFrame({"key": names, "x": range(len(names))})
    changed = frame.with_columns(pl.when(pl.col("key") == names[7]).then(-1).otherwise("x").alias("x"))
    inserted = pl.concat([frame.head(3), pl.DataFrame({"key": ["00002a"], "x": [5]}), frame.slice(3)])
    for now, expected in ((frame, names), (frame.clone(), None), (changed, [names[7]]), (inserted, ["00002a"])):
        asked.clear()
        keyed = {"one": (now, "key")}
        made = reuse.by_key(seen, keyed, differing=reuse.differing(keyed))
        assert made[0].equals(now)
        assert asked == ([] if expected is None else [expected])
    shuffled = frame.sample(fraction=1.0, shuffle=True, seed=1)
    assert keys_that_differ({"one": (frame, "key")}, {"one": (shuffled, "key")}).is_empty()  # type: ignore[union-attr]
    assert keys_that_differ({"one": (frame, "key")}, {"one": (frame.with_columns(x=pl.lit(1)), "key")}) is None
