"""Calendar and policy as causes: a closed day and a changed setting move dates, and are named with exact sums."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from recon_platform.material import plan_material, regime
from recon_platform.material.causes import BEFORE, RESCHEDULE_CODES
from tests.material.plant import MONDAY, context, day, frames
from tests.material.test_causes import BASE, TUESDAY, Tables, lifecycles, tonight


def plain(tables: Tables) -> Tables:
    return {f"previous.{name}": frame for name, frame in tables.items()}


def with_closed(tables: Tables, *closed: Any) -> Tables:
    days = tables["plant_days"].filter(~pl.col("day").is_in(list(closed)))
    zero = days.filter(pl.col("day") < TUESDAY).height
    return {**tables, "plant_days": days.with_columns((pl.int_range(pl.len(), dtype=pl.Int64) - zero).alias("ordinal"))}


def two_nights(closed: tuple[Any, ...] = (), before: dict[str, Any] | None = None, **now: Any) -> Tables:
    first = frames(MONDAY, **BASE)
    first.update(plan_material(first, context(MONDAY, **(before or {}))))
    second = with_closed(frames(TUESDAY, **BASE), *closed)
    second.update(plain(first))
    second.update(plan_material(second, context(TUESDAY, **{"horizon_days": 179, **now})))
    return second


def assert_sums_close(made: Tables) -> None:
    causes = made["message_causes"].group_by("order").agg(pl.col("contribution_days").sum().alias("days"))
    moved = made["action_messages"].filter(
        pl.col("code").is_in(RESCHEDULE_CODES) & (pl.col("lifecycle") != "CLEARED") & pl.col("to_date").is_not_null()
    )
    rows = moved.select("order", (pl.col("to_date") - pl.col("from_date")).dt.total_days().alias("shift")).join(
        causes, on="order"
    )
    assert rows.height
    assert rows.filter((pl.col("days") - pl.col("shift")).abs() > 1e-6).is_empty()
    unknown = [
        table.filter(pl.col("event") == BEFORE).group_by("order").agg(pl.col("contribution_days").sum()).sort("order")
        for table in (made["previous.message_causes"], made["message_causes"])
    ]
    assert unknown[0].equals(unknown[1])  # nothing of tonight was put down as known before


def test_a_week_that_closes_is_a_calendar_cause() -> None:
    """A takes five working days: with the week before its start closed, its components are needed a week sooner."""
    closed = tuple(day(4) + timedelta(days=n) for n in range(5))
    made = two_nights(closed)
    found = tonight(made, "P1/1")
    assert set(found) == {"CALENDAR"} and found["CALENDAR"] != 0
    row = made["message_causes"].filter(pl.col("category") == "CALENDAR").row(0, named=True)
    assert row["event"] == "CALENDAR:plant_days" and row["method"] == "sequential"
    assert row["detail"] == f"no longer worked: {', '.join(str(d) for d in closed)}"
    assert_sums_close(made)


def test_the_same_calendar_a_day_longer_is_no_cause() -> None:
    made = two_nights()
    assert lifecycles(made) <= {"ON_PLAN", "CARRY_OVER"}
    assert made["message_causes"].filter(~pl.col("carried")).is_empty()


def test_a_changed_setting_is_a_policy_cause() -> None:
    """A horizon of three weeks sees no need for P2; a longer one does."""
    made = two_nights(before={"horizon_days": 20})
    found = tonight(made, "P2/1")
    assert set(found) == {"POLICY_VERSION"} and found["POLICY_VERSION"] < 0
    policy = made["message_causes"].filter((pl.col("category") == "POLICY_VERSION") & ~pl.col("carried"))
    assert set(policy.get_column("detail")) == {"horizon_days 20 to 179"}


def test_events_beside_a_calendar_change_keep_their_own_shares() -> None:
    closed = tuple(day(4) + timedelta(days=n) for n in range(5))
    first = frames(MONDAY, **BASE)
    first.update(plan_material(first, context(MONDAY)))
    stock = [{"item": "B", "qty": 8.0}]
    second = with_closed(frames(TUESDAY, **{**BASE, "inventory": stock}), *closed)
    second.update(plain(first))
    second.update(plan_material(second, context(TUESDAY, horizon_days=179)))
    categories = set(second["message_causes"].filter(~pl.col("carried")).get_column("category"))
    assert categories == {"CALENDAR", "UNEXPLAINED"}
    assert_sums_close(second)


def test_without_such_a_change_nothing_is_netted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any) -> pl.DataFrame:
        raise AssertionError("netted again")

    monkeypatch.setattr(regime, "gaps", refused)
    two_nights(horizon_days=180)
