"""Causes through the tables: the baseline rolled forward, categories from evidence, a ledger that closes, lifecycle."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recon_platform.material import plan_material
from recon_platform.material.cause_shares import cause_shares, cause_summary
from recon_platform.material.causes import story
from recon_platform.material.explain import explain_message, path_down
from recon_platform.material.problem import assemble
from recon_platform.material.snapshot import snapshot
from recon_platform.material.solution import solve
from tests.cases.material_support import case_frames, neutral
from tests.material import reference
from tests.material.plant import MONDAY, context, day, frames

Tables = dict[str, pl.DataFrame]
TUESDAY = MONDAY + timedelta(days=1)

BASE: dict[str, list[dict[str, Any]]] = {
    "items": [
        {"item": "A", "lead_time_days": 5.0},
        {"item": "B", "make_buy": "buy", "lead_time_days": 7.0, "safety_stock": 2.0, "lot_rule": "fixed", "lot_qty": 10.0},
    ],
    "bom_lines": [{"parent_item": "A", "component_item": "B"}],
    "inventory": [{"item": "B", "qty": 12.0}],
    "master_schedule": [{"item": "A", "due_date": day(b), "qty": 10.0} for b in (3, 5, 7)],
    "purchase_orders": [
        {"purchase_order": "P1", "item": "B", "qty": 10.0, "due_date": day(4)},
        {"purchase_order": "P2", "item": "B", "qty": 10.0, "due_date": day(6)},
    ],
    "orders": [{"work_order": "W", "item": "A", "qty": 10.0, "start_date": day(2), "due_date": day(3)}],
}  # fmt: skip


def changed(name: str, at: int, **values: Any) -> dict[str, list[dict[str, Any]]]:
    rows = [dict(row) for row in BASE[name]]
    rows[at] |= values
    return {**BASE, name: rows}


def nights(after: dict[str, Any], today: Any = TUESDAY, **settings: Any) -> Tables:
    """Monday's plan of BASE, then `after` planned on it; the second night's inputs and outputs."""
    first = frames(MONDAY, **BASE)
    first.update(plan_material(first, context(MONDAY, **settings)))
    second = frames(today, **after)
    second.update({f"previous.{name}": frame for name, frame in first.items()})
    second.update(plan_material(second, context(today, horizon_days=180 - (today - MONDAY).days, **settings)))
    return second


def tonight(made: Tables, order: str) -> dict[str, float]:
    rows = made["message_causes"].filter((pl.col("order") == order) & ~pl.col("carried"))
    return dict(rows.group_by("category").agg(pl.col("contribution_days").sum()).iter_rows())


def lifecycles(made: Tables) -> set[str]:
    return set(made["action_messages"].get_column("lifecycle"))


def test_nothing_changed_means_no_new_message() -> None:
    made = nights(BASE)
    assert lifecycles(made) <= {"ON_PLAN", "CARRY_OVER"}
    assert made["message_causes"].filter(~pl.col("carried")).is_empty()


def test_a_week_that_went_to_plan_brings_nothing_new() -> None:
    """Receipts came, components were issued, the release was made as planned."""
    week = {
        **BASE,
        "inventory": [{"item": "B", "qty": 12.0 - 10.0}],
        "material_issues": [{"work_order": "W", "component_item": "B", "required_qty": 10.0, "issued_qty": 10.0}],
    }
    first = frames(MONDAY, **{**BASE, "material_issues": [{**week["material_issues"][0], "issued_qty": 0.0}]})
    first.update(plan_material(first, context(MONDAY)))
    today = day(2) + timedelta(days=1)
    second = frames(today, **week)
    second.update({f"previous.{n}": f for n, f in first.items()})
    made = plan_material(second, context(today, horizon_days=172))
    assert set(made["action_messages"].get_column("lifecycle")) <= {"ON_PLAN", "CARRY_OVER"}
    assert made["message_causes"].filter(~pl.col("carried")).is_empty()


CASES: list[tuple[str, dict[str, Any], str]] = [
    ("MPS_CHANGE", changed("master_schedule", 0, qty=20.0), "P1"),
    ("SAFETY_STOCK_CHANGE", changed("items", 1, safety_stock=4.0), "P1"),
    ("LEAD_TIME_CHANGE", changed("items", 0, lead_time_days=10.0), "P1"),
    ("ENGINEERING_CHANGE", changed("bom_lines", 0, qty_per=2.0, change_no="E1"), "P1"),
    ("RECORD_ERROR", changed("bom_lines", 0, qty_per=2.0), "P1"),
    ("VENDOR_FALLDOWN", changed("purchase_orders", 0, promised_date=day(5)), "P1"),
    ("PLANNER_ACTION", changed("purchase_orders", 0, due_date=day(5)), "P1"),
    ("UNEXPLAINED", changed("inventory", 0, qty=8.0), "P1"),
]  # fmt: skip


@pytest.mark.parametrize(("category", "after", "order"), CASES, ids=[c[0] + str(n) for n, c in enumerate(CASES)])
def test_each_change_is_called_what_it_is(category: str, after: dict[str, Any], order: str) -> None:
    made = nights(after)
    found = tonight(made, f"{order}/1")
    assert set(found) == {category}, made["message_causes"]
    labels = made["message_causes"].filter((pl.col("category") == category) & ~pl.col("carried")).get_column("label")
    assert "sole" in labels.to_list()


@pytest.mark.parametrize(
    ("kind", "values", "category"),
    [("count", {"qty": 8.0, "book_qty": 12.0}, "RECORD_ERROR"), ("adjust", {"qty": -4.0}, "RECORD_ERROR"),
     ("unplanned", {"qty": -4.0}, "UNPLANNED_TXN"), ("scrap", {"qty": 4.0}, "SCRAP")],
)  # fmt: skip
def test_stock_changes_take_their_category_from_the_transaction(
    kind: str, values: dict[str, Any], category: str
) -> None:
    at = datetime(TUESDAY.year, TUESDAY.month, TUESDAY.day, 1, tzinfo=UTC)
    row = {"transaction": "T1", "item": "B", "at": at, "kind": kind, "user": "kim", "uom": "pcs", **values}
    from recon_platform.tables.registry import conformed_table

    row = {k: v for k, v in row.items() if k in conformed_table("inventory_transactions").column_names}
    made = nights({**changed("inventory", 0, qty=8.0), "inventory_transactions": [row]})
    assert set(tonight(made, "P1/1")) == {category}
    event = made["message_causes"].filter(~pl.col("carried")).item(0, "event")
    assert event == f"{category}:T1"


def test_contributions_add_up_to_the_shift_night_after_night() -> None:
    made = nights(changed("master_schedule", 0, qty=20.0))
    third = frames(
        TUESDAY,
        **{
            **changed("items", 1, safety_stock=9.0),
            "master_schedule": changed("master_schedule", 0, qty=20.0)["master_schedule"],
        },
    )
    third.update({f"previous.{n}": f for n, f in made.items() if not n.startswith("previous.")})
    last = plan_material(third, context(TUESDAY, horizon_days=179))
    rows = last["message_causes"].group_by("message").agg(pl.col("contribution_days").sum().alias("days"))
    moved = last["action_messages"].filter(
        pl.col("to_date").is_not_null() & (pl.col("code").is_in(["EXPEDITE", "DELAY"]))
    )
    both = moved.filter(pl.col("lifecycle") != "CLEARED").join(rows, on="message")
    assert not both.is_empty()
    assert both.filter(
        ((pl.col("to_date") - pl.col("from_date")).dt.total_days() - pl.col("days")).abs() > 1e-9
    ).is_empty()


def test_an_order_nothing_needs_gains_no_unexplained_day_as_the_horizon_moves_on() -> None:
    """The horizon always ends 90 days ahead, so that “never” is a day later every night."""
    few = {**BASE, "master_schedule": BASE["master_schedule"][:1]}
    night = {**frames(MONDAY, **BASE)}
    night.update(plan_material(night, context(MONDAY, horizon_days=90)))
    days = []
    for ahead in (1, 2, 3):
        today = MONDAY + timedelta(days=ahead)
        inputs = frames(today, **few)
        inputs.update({f"previous.{n}": f for n, f in night.items() if not n.startswith("previous.")})
        inputs.update(plan_material(inputs, context(today, horizon_days=90)))
        message = inputs["action_messages"].row(
            by_predicate=pl.col("message") == "CANCEL:purchase_order:P2/1", named=True
        )
        rows = inputs["message_causes"].filter(pl.col("message") == message["message"])
        assert "UNEXPLAINED" not in set(rows["category"]), (ahead, rows)
        assert rows["contribution_days"].sum() == pytest.approx(
            (today + timedelta(days=91) - message["from_date"]).days
        )
        days.append(rows.sort("category", "event")["contribution_days"].to_list())
        night = inputs
    assert all(
        more > less for earlier, later in itertools.pairwise(days) for less, more in zip(earlier, later, strict=True)
    )


def rolled(seed: int, *, change: bool) -> tuple[Tables, Tables]:
    """A night planned on random facts, and the next one: the same facts a day later, some of them `change`d."""
    one, other = (reference.random_case(seed + n) for n in (0, 1))
    records = [neutral(name, item) for name, item in one["items"].items()]
    first = case_frames(records, 1)
    first.update(plan_material(first, context(MONDAY, horizon_days=97)))
    if change:
        for record in records:
            twin = other["items"].get(record["item"])
            if twin is not None:
                record.update(on_hand=twin["oh"], safety=twin["ss"], lead=twin["lt"], lot=twin["rule"])
                record["gross"] = {t: float(q) for t, q in twin["gross"].items() if q}
    second = case_frames(records, 1)
    second.update({f"previous.{n}": f for n, f in first.items()})
    return first, {**second, **plan_material(second, context(MONDAY, horizon_days=97))}


@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**30))
def test_what_has_not_changed_brings_nothing_but_on_plan_and_carry_over(seed: int) -> None:
    first, second = rolled(seed, change=False)
    assert lifecycles(second) <= {"ON_PLAN", "CARRY_OVER"}
    assert second["message_causes"].filter(~pl.col("carried")).is_empty()
    same = ["message", "from_date", "to_date", "qty"]
    assert second["action_messages"].select(same).equals(first["action_messages"].select(same))


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**30))
def test_contributions_sum_exactly_to_each_shift(seed: int) -> None:
    """Of every reschedule message: rows of its causes add up to its shift, that of an order nothing needs to the end of the
    horizon; and tonight's rows alone add up to what tonight moved."""
    first, second = rolled(seed, change=True)
    never = MONDAY + timedelta(days=98)
    shift = (pl.col("to_date").fill_null(never) - pl.col("from_date")).dt.total_days()
    moving = pl.col("code").is_in(["EXPEDITE", "DELAY", "CANCEL", "FPO_DRIFT"]) & (pl.col("lifecycle") != "CLEARED")
    key = ["order_type", "order"]
    then, now = (made["action_messages"].filter(moving).select(*key, shift.alias("days")) for made in (first, second))
    causes = second["message_causes"]
    every = causes.filter(~pl.col("masked")).group_by(key).agg(pl.col("contribution_days").sum().alias("sum"))
    both = now.join(every, on=key, how="left").with_columns(pl.col("sum").fill_null(0.0))
    assert both.filter((pl.col("days") - pl.col("sum")).abs() > 1e-9).is_empty()
    tonight = causes.filter(~pl.col("carried")).group_by(key).agg(pl.col("contribution_days").sum().alias("sum"))
    moved = (
        now.join(then, on=key, how="full", coalesce=True, suffix="_then").join(tonight, on=key, how="left").fill_null(0)
    )
    assert moved.filter((pl.col("days") - pl.col("days_then") - pl.col("sum")).abs() > 1e-9).is_empty()


def test_lifecycle_new_changed_flipped_cleared() -> None:
    made = nights(changed("master_schedule", 0, qty=20.0))
    first = (
        made["action_messages"].filter((pl.col("order") == "P1/1") & (pl.col("code") == "EXPEDITE")).row(0, named=True)
    )
    assert (first["lifecycle"], first["age_nights"]) == ("NEW", 0)

    def then(after: dict[str, Any]) -> dict[str, str]:
        third = frames(TUESDAY, **after)
        third.update({f"previous.{n}": f for n, f in made.items() if not n.startswith("previous.")})
        rows = plan_material(third, context(TUESDAY, horizon_days=179))["action_messages"]
        rows = rows.filter((pl.col("order") == "P1/1") & pl.col("code").is_in(["EXPEDITE", "DELAY", "CANCEL"]))
        return dict(rows.select("code", "lifecycle").iter_rows())

    assert then(changed("master_schedule", 0, qty=20.0)) == {"EXPEDITE": "CARRY_OVER"}
    assert then(BASE) in ({"EXPEDITE": "CLEARED"}, {"DELAY": "FLIPPED"})
    quiet = {**BASE, "master_schedule": [{"item": "A", "due_date": day(9), "qty": 10.0}]}
    assert set(then(quiet).values()) <= {"FLIPPED"}


def test_a_linked_decision_recodes_the_planners_action() -> None:
    link = pl.DataFrame({"decision": ["D"], "kind": ["pin"], "subject": ["P1/1"],
                         "value": ['{"because": {"category": "VENDOR_FALLDOWN", "event": "VENDOR_FALLDOWN:P9/1"}}']})  # fmt: skip
    first = frames(MONDAY, **BASE)
    first.update(plan_material(first, context(MONDAY)))
    second = frames(TUESDAY, **changed("purchase_orders", 0, due_date=day(5)))
    second.update({f"previous.{n}": f for n, f in first.items()})
    made = plan_material({**second, "decisions_in_force": link}, context(TUESDAY))
    assert set(tonight(made, "P1/1")) == {"VENDOR_FALLDOWN"}


def test_explanations_say_what_is_stored() -> None:
    made = nights(changed("master_schedule", 0, qty=20.0))
    told = explain_message(made, "EXPEDITE:purchase_order:P1/1")
    assert told.sentence.startswith("EXPEDITE P1/1 (B) 2026-03-23 → 2026-03-09 (14 days sooner)")
    assert "MPS_CHANGE" in told.text and "interplant" in told.text
    assert told.path[0].startswith("10 B for") and told.path[-1].endswith("2026-03-16")
    assert path_down(made["pegging"].pipe(lambda p: {"pegging": p}), "sales_order", "none") == []
    with pytest.raises(KeyError, match="messages of P1/1: EXPEDITE"):
        explain_message(made, "DELAY:purchase_order:P1/1")


def test_shares_by_cause_add_up_to_one_and_name_what_is_self_inflicted() -> None:
    made = nights(
        {
            **changed("items", 1, safety_stock=5.0),
            "master_schedule": changed("master_schedule", 1, qty=14.0)["master_schedule"],
        }
    )
    shares = cause_shares(made["action_messages"], made["message_causes"])
    assert shares.get_column("share").sum() == pytest.approx(1.0)
    summary = cause_summary(made["action_messages"], made["message_causes"])
    assert summary["self_inflicted_share"] is not None and 0 < summary["self_inflicted_share"] <= 1
    with pytest.raises(ValueError, match="count or value"):
        cause_shares(made["action_messages"], made["message_causes"], weight="hours")


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**30))
def test_the_ledger_closes(seed: int) -> None:
    """Baseline plus every event is tonight: netting after all changes equals netting tonight's own tables, order by order."""
    one, other = (reference.random_case(seed + n) for n in (0, 1))
    records = [neutral(name, item) for name, item in one["items"].items()]
    for record in records:  # tonight: some facts of another plant of the same items
        twin = other["items"].get(record["item"])
        if twin is not None:
            record["opens_now"] = twin
    first = case_frames(records, 1)
    first.update(plan_material(first, context(MONDAY, horizon_days=97)))
    for record in records:
        twin = record.pop("opens_now", None)
        if twin is None:
            continue
        record.update(on_hand=twin["oh"], safety=twin["ss"], lead=twin["lt"], lot=twin["rule"])
        record["gross"] = {t: float(q) for t, q in twin["gross"].items() if q}
        known = {o["id"] for o in record["orders"]}
        record["orders"] = [o for o in twin["opens"] if o["id"] in known] + [
            o for o in twin["opens"] if o["id"] not in known
        ]
    second = case_frames(records, 1)
    ctx = context(MONDAY, horizon_days=97)
    second.update({f"previous.{n}": f for n, f in first.items()})
    facts = snapshot(second, ctx)
    told = story(second, facts, ctx)
    assert told is not None
    real = solve(assemble(facts, ctx), ctx).orders.select("order", "need_day", "day")
    both = told.attribution.shifts.join(real, on="order")
    assert both.filter((pl.col("need_now") != pl.col("need_day")) | (pl.col("due_now") != pl.col("day"))).is_empty()
    sums = told.attribution.shares.group_by("order").agg(pl.col("contribution_days").sum().alias("days"))
    gap = (pl.col("need_now") - pl.col("due_now")) - (pl.col("need_before") - pl.col("due_before"))
    assert both.join(sums, on="order").filter((gap - pl.col("days")).abs() > 1e-6).is_empty()
