"""History answers what a replay of all snapshots answers, whatever order they came in."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon_platform.conform.history import (
    build_history,
    changes,
    cut_overlaps,
    extend_history,
    valid_on,
    validity_breaks,
)  # fmt: skip

START = date(2026, 3, 2)
SCHEMA = {"item": pl.String, "op": pl.Int64, "minutes": pl.Float64, "valid_from": pl.Date, "valid_to": pl.Date}
KEYS = ["item", "op"]


def frame(*rows: tuple[str, int, float, date | None, date | None]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


DAYS = st.one_of(st.none(), st.integers(-5, 12).map(lambda n: START + timedelta(days=n)))
ROWS = st.tuples(st.sampled_from("AB"), st.integers(1, 2), st.sampled_from([1.0, 2.0]), DAYS, DAYS)
SNAPSHOT = st.lists(ROWS, max_size=4).map(lambda rows: frame(*rows))
NIGHTS = st.dictionaries(st.integers(0, 9), SNAPSHOT, min_size=1, max_size=6)


def replay(snapshots: dict[date, pl.DataFrame], day: date, known_on: date) -> set[tuple[object, ...]]:
    """By brute force: the newest snapshot not after `known_on`, its rows that hold on `day`."""
    nights = [night for night in snapshots if night <= known_on]
    if not nights:
        return set()
    rows = snapshots[max(nights)].rows()
    return {
        row for row in rows if (row[3] is None or row[3] <= day) and (row[4] is None or row[4] >= day)
    }  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(NIGHTS, st.integers(-6, 14), st.integers(0, 12), st.randoms())
def test_history_answers_equal_a_replay_of_all_snapshots(
    nights: dict[int, pl.DataFrame], day: int, known: int, order: object
) -> None:
    snapshots = {START + timedelta(days=n): snapshot for n, snapshot in nights.items()}
    delivered = list(snapshots.items())
    order.shuffle(delivered)  # type: ignore[attr-defined]
    asked, known_on = START + timedelta(days=day), START + timedelta(days=known)
    history = build_history([*delivered, *delivered[:1]], KEYS)
    assert set(valid_on(history, asked, known_on=known_on).rows()) == replay(snapshots, asked, known_on)
    assert set(valid_on(history, asked).rows()) == replay(snapshots, asked, max(snapshots))


@settings(max_examples=20, deadline=None)
@given(NIGHTS)
def test_a_history_grown_night_by_night_is_the_one_built_at_once(nights: dict[int, pl.DataFrame]) -> None:
    snapshots = sorted(((START + timedelta(days=n), s) for n, s in nights.items()), key=lambda pair: pair[0])
    grown = build_history(snapshots[:1], KEYS)
    for night, snapshot in snapshots[1:]:
        grown = extend_history(grown, night, snapshot, KEYS)
        grown = extend_history(grown, night, snapshot, KEYS)  # a repeated delivery changes nothing twice
    built = build_history(snapshots, KEYS)
    for day in (-6, -1, 0, 3, 5, 8, 13):
        for known in (0, 2, 5, 9, 10):
            asked, known_on = START + timedelta(days=day), START + timedelta(days=known)
            assert set(valid_on(grown, asked, known_on=known_on).rows()) == set(
                valid_on(built, asked, known_on=known_on).rows()
            )


def test_a_corrected_delivery_of_the_same_night_replaces_it() -> None:
    first, second = frame(("A", 1, 1.0, None, None)), frame(("A", 1, 2.0, None, None))
    history = build_history([(START, first)], KEYS)
    night = START + timedelta(days=1)
    history = extend_history(history, night, second, KEYS)
    history = extend_history(history, night, first, KEYS)
    assert valid_on(history, night)["minutes"].to_list() == [1.0]
    assert history.height == 1
    with pytest.raises(ValueError, match="rebuild"):
        extend_history(extend_history(history, night, second, KEYS), START, first, KEYS)


def test_a_backdated_change_holds_for_past_dates_from_the_night_it_was_known() -> None:
    old = frame(("A", 1, 1.0, None, None))
    new = frame(("A", 1, 1.0, None, date(2026, 2, 14)), ("A", 1, 3.0, date(2026, 2, 15), None))
    night = START + timedelta(days=3)
    history = build_history([(START, old), (night, new)], KEYS)
    past = date(2026, 2, 20)
    assert valid_on(history, past, known_on=START)["minutes"].to_list() == [1.0]
    assert valid_on(history, past, known_on=night)["minutes"].to_list() == [3.0]
    assert changes(history, KEYS, night).rows() == [("A", 1, "changed", True)]
    assert changes(history, KEYS, START).rows() == [("A", 1, "new", False)]


def test_a_table_without_effectivity_holds_while_it_is_known() -> None:
    items = [pl.DataFrame({"item": ["A"], "lead_time_days": [days]}) for days in (5, 8)]
    history = build_history([(START, items[0]), (START + timedelta(days=2), items[1])], ["item"])
    answers = [valid_on(history, START + timedelta(days=n))["lead_time_days"].to_list() for n in (-1, 0, 1, 2, 9)]
    assert answers == [[], [5], [5], [8], [8]]


def test_overlaps_and_gaps_between_validities() -> None:
    day = START
    rows = frame(
        ("A", 1, 1.0, None, day), ("A", 1, 2.0, day, None),
        ("B", 1, 1.0, None, day), ("B", 1, 2.0, day + timedelta(days=3), None),
        ("B", 2, 1.0, None, day), ("B", 2, 2.0, day + timedelta(days=1), None),
    )  # fmt: skip
    breaks = validity_breaks(rows, KEYS)
    assert breaks.select("item", "op", "break").rows() == [("A", 1, "overlap"), ("B", 1, "gap")]
    cut = cut_overlaps(rows, KEYS)
    assert cut.filter(pl.col("item") == "A")["valid_to"].to_list() == [day - timedelta(days=1), None]
    assert validity_breaks(cut, KEYS)["break"].to_list() == ["gap"]


@settings(max_examples=20, deadline=None)
@given(SNAPSHOT)
def test_after_cutting_one_validity_at_most_holds_per_start(snapshot: pl.DataFrame) -> None:
    snapshot = snapshot.filter((pl.col("valid_from") <= pl.col("valid_to")).fill_null(value=True)).unique(
        ["item", "op", "valid_from"]
    )
    cut = cut_overlaps(snapshot, KEYS)
    assert cut.height == snapshot.height
    assert validity_breaks(cut, KEYS).filter(pl.col("break") == "overlap").is_empty()
