"""Revisions of the forecast: too small ones change nothing, those that add up do, and nothing is lost on the way."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl

from recon_platform.material import plan_material
from tests.material.plant import MONDAY, context, day, frames

Tables = dict[str, pl.DataFrame]
ITEMS = [{"item": "A", "lead_time_days": 5.0}, {"item": "B", "make_buy": "buy", "lead_time_days": 7.0}]
SHARE = {"forecast_significance_share": 0.1}


def night(forecast: dict[date, float], today: date = MONDAY, before: Tables | None = None, **settings: Any) -> Tables:
    """A night that plans A, made of B, to `forecast`, with an open purchase of B for what week 5 asks of 100."""
    tables = frames(
        today,
        items=ITEMS,
        bom_lines=[{"parent_item": "A", "component_item": "B"}],
        purchase_orders=[
            {"purchase_order": f"P{n}", "item": "B", "qty": 50.0, "due_date": day(4), "firm": True} for n in (1, 2)
        ],
        master_schedule=[
            {"item": "A", "due_date": on, "qty": qty, "source": "forecast"} for on, qty in forecast.items()
        ],
    )
    for name, frame in (before or {}).items():
        if not name.startswith("previous."):
            tables[f"previous.{name}"] = frame
    horizon = 180 - (today - MONDAY).days
    return {**tables, **plan_material(tables, context(today, horizon_days=horizon, **{**SHARE, **settings}))}


def week_after_week(*qty: float, **settings: Any) -> list[Tables]:
    """One night per figure, a day apart, with the forecast of week 5 revised to it."""
    made: list[Tables] = []
    for n, figure in enumerate(qty):
        today = MONDAY + timedelta(days=n)
        made.append(night({day(5): figure}, today, made[-1] if made else None, **settings))
    return made


def planned_with(made: Tables) -> list[tuple[Any, ...]]:
    return made["planned_forecast"].select("qty", "landed_qty", "absorbed").rows()


def asked(made: Tables) -> float:
    return float(made["requirements"].filter(pl.col("item") == "A").get_column("gross").sum())


def test_a_small_revision_changes_nothing_and_is_shown_as_absorbed() -> None:
    first, second = week_after_week(100.0, 108.0)
    assert planned_with(first) == [(100.0, 100.0, False)]
    assert planned_with(second) == [(100.0, 108.0, True)]
    assert asked(second) == 100.0
    assert second["message_causes"].filter(~pl.col("carried")).is_empty()
    assert set(second["action_messages"]["lifecycle"]) <= {"ON_PLAN", "CARRY_OVER"}


def test_small_revisions_count_once_they_add_up() -> None:
    nights = week_after_week(100.0, 104.0, 108.0, 112.0, 112.0)
    assert [asked(made) for made in nights] == [100.0, 100.0, 100.0, 112.0, 112.0]
    assert not any(flag for *_, flag in planned_with(nights[3]))
    last = nights[4]  # nothing changed since: what was held back earlier is no event of tonight
    assert last["message_causes"].filter(~pl.col("carried")).is_empty()


def test_a_significant_revision_is_a_cause_and_counts_from_what_was_planned_with() -> None:
    """Down by 8 % (absorbed), then by 60 in all: the event is 100 to 40, so one purchase is no longer needed."""
    made = week_after_week(100.0, 92.0, 40.0)[2]
    assert asked(made) == 40.0
    causes = made["message_causes"].filter(~pl.col("carried") & (pl.col("order") == "P2/1"))
    assert set(causes["category"]) == {"MPS_CHANGE"}
    assert "100.0 on 2026-03-30 to 40.0 on 2026-03-30" in causes.item(0, "detail")
    shift = made["action_messages"].filter(order="P2/1", code="CANCEL")
    assert shift["lifecycle"].to_list() == ["NEW"]


def test_new_and_cancelled_lines_are_never_too_small() -> None:
    first = night({day(5): 100.0, day(6): 50.0})
    second = night({day(5): 100.0, day(7): 1.0}, MONDAY + timedelta(days=1), first)
    assert second["planned_forecast"].select("due_date", "qty").rows() == [(day(5), 100.0), (day(7), 1.0)]


def test_a_share_of_nothing_takes_every_revision() -> None:
    second = week_after_week(100.0, 101.0, forecast_significance_share=0.0)[1]
    assert planned_with(second) == [(101.0, 101.0, False)]
    assert set(second["message_causes"].filter(~pl.col("carried"))["category"]) <= {"MPS_CHANGE"}


def test_a_line_whose_day_has_passed_is_dropped() -> None:
    first = night({day(1): 10.0, day(5): 100.0})
    second = night({day(1): 10.0, day(5): 100.0}, MONDAY + timedelta(days=1), first)
    assert second["planned_forecast"].get_column("due_date").to_list() == [day(5)]
