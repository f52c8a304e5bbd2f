"""The properties that concern plans, by their numbers in the design: 17, 18 and 20."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon_platform.capacity import gave_way
from recon_platform.connectors import read_landing
from recon_platform.metrics.bias import disadvantage, tardiness_by_revenue
from recon_platform.nights.context import landing_context
from recon_platform.nights.fairness import trend
from recon_platform.nights.fence import fence_breaks
from recon_platform.planning import plan
from recon_platform.plantsim import generate
from recon_platform.proposal.substitution import qualified_substitutes
from recon_platform.tables.context import PlanContext, Plant
from recon_platform.tables.governance import DECISIONS_IN_FORCE
from recon_platform.tables.policy import CapacityPolicy
from recon_platform.tables.registry import conformed_table, table

DAY = date(2026, 3, 2)
AS_OF = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
CONTEXT = PlanContext(Plant("P1"), DAY, AS_OF)


def conformed(name: str, *rows: dict[str, Any]) -> pl.DataFrame:
    return conformed_table(name).frame(list(rows)) if rows else conformed_table(name).empty()


def item(name: str, **values: Any) -> dict[str, Any]:
    return {"item": name, "make_buy": "buy", "uom": "KG", "lead_time_days": 5, "lot_rule": "lot_for_lot", **values}


candidate = st.fixed_dictionaries({
    "approved": st.sampled_from([True, True, False, None]),
    "valid_from": st.sampled_from([None, DAY, DAY + timedelta(days=1)]),
    "valid_to": st.sampled_from([None, DAY, DAY - timedelta(days=1)]),
    "certificate_required": st.sampled_from([None, "3.1"]),
    "grade": st.sampled_from(["23MnB4", "34Cr4", None]),
    "corrosion_class": st.sampled_from(["none", "A4"]),
    "tensile_mpa": st.sampled_from([None, 790.0, 800.0, 900.0]),
    "certificate": st.sampled_from([None, "2.2", "3.1"]),
    "status": st.sampled_from(["available", "hold"]),
    "expiry": st.sampled_from([None, DAY, DAY + timedelta(days=30)]),
})  # fmt: skip
wish = st.sampled_from([
    ("exclude_grade", "23MnB4"), ("certificate", "3.1"), ("no_substitute", None), ("paper_label", "yes"),
])  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(candidate=candidate, wishes=st.lists(wish, max_size=2))
def test_17_only_an_approved_in_date_fitting_substitute_is_ever_offered(
    candidate: dict[str, Any], wishes: list[tuple[str, str | None]]
) -> None:
    c = candidate
    properties = {name: c[name] for name in ("grade", "corrosion_class", "tensile_mpa")}
    frames = {
        "items": conformed(
            "items", item("W-1", grade="10B21", corrosion_class="none", tensile_mpa=800.0), item("W-2", **properties)
        ),
        "substitutes": conformed(
            "substitutes",
            {
                "item": "W-1", "substitute_item": "W-2", "ratio": 1.0,
                **{name: c[name] for name in ("approved", "valid_from", "valid_to", "certificate_required")},
            },
        ),
        "inventory": conformed(
            "inventory",
            {
                "item": "W-2", "lot": "L1", "qty": 500.0, "uom": "KG",
                **{name: c[name] for name in ("status", "certificate", "expiry")},
            },
        ),
        "allocations": conformed("allocations"),
        "work_centers": conformed("work_centers"),
        "reconciled_operations": table("reconciled_operations").empty(),
        "customer_requirements": conformed(
            "customer_requirements",
            *({"customer": "C1", "requirement": requirement, "value": value} for requirement, value in wishes),
        ),
        "sales_orders": conformed(
            "sales_orders",
            {
                "sales_order": "S1", "line": "1", "customer": "C1", "item": "B-1", "qty": 10.0, "uom": "PC",
                "requested_date": DAY, "status": "open",
            },
        ),
        "supply_orders": table("supply_orders").empty().clear(1).with_columns(
            pl.lit("WO-1").alias("order"), pl.lit("S1").alias("sales_order"), pl.lit("1").alias("line")
        ),
    }  # fmt: skip
    offered = bool(qualified_substitutes(frames, CONTEXT, "W-1", 100.0, ["WO-1"]))
    wanted = dict(wishes)
    certificates = {c["certificate_required"], wanted.get("certificate")} - {None}
    allowed = (
        c["approved"] is True
        and (c["valid_from"] is None or c["valid_from"] <= DAY)
        and (c["valid_to"] is None or c["valid_to"] >= DAY)
        and c["corrosion_class"] == "none"
        and c["tensile_mpa"] is not None
        and c["tensile_mpa"] >= 800.0
        and c["status"] == "available"
        and (c["expiry"] is None or c["expiry"] > DAY)
        and all(c["certificate"] == certificate for certificate in certificates)
        and "no_substitute" not in wanted
        and not ("exclude_grade" in wanted and c["grade"] == wanted["exclude_grade"])
    )
    assert offered == allowed


def schedule(*operations: tuple[str, str, str, float], setup: float = 0.0) -> pl.DataFrame:
    """Rows (work order, work center, machine, start in hours after `AS_OF`), an hour each, `setup` hours of it set-up."""
    return pl.DataFrame(
        [
            {
                "work_order": order, "op_seq": 10, "work_center": center, "machine": machine,
                "setup_start": AS_OF + timedelta(hours=start), "start": AS_OF + timedelta(hours=start + setup),
                "end": AS_OF + timedelta(hours=start + 1),
            }
            for order, center, machine, start in operations
        ]
    )  # fmt: skip


IN_FORCE = schedule(("A", "HD", "HD-1", 2), ("B", "HD", "HD-1", 4), ("C", "HD", "HD-2", 3), ("D", "HD", "HD-1", 30))


def breaks(
    proposed: pl.DataFrame,
    decisions: pl.DataFrame | None = None,
    *,
    done: tuple[str, ...] = (),
    status: dict[str, str] = {},  # noqa: B006
    routed: dict[str, str] = {},  # noqa: B006
    in_force: pl.DataFrame = IN_FORCE,
) -> list[tuple[str, str]]:
    to_do = IN_FORCE.filter(~pl.col("work_order").is_in(done)).with_columns(
        pl.col("work_order").replace_strict(status, default="waiting", return_dtype=pl.String).alias("status"),
        pl.col("work_order")
        .replace_strict(routed, default=pl.col("work_center"), return_dtype=pl.String)
        .alias("work_center"),
    )
    found = fence_breaks(
        in_force, proposed, to_do,
        DECISIONS_IN_FORCE.empty() if decisions is None else decisions, as_of=AS_OF, policy=CapacityPolicy(),
    )  # fmt: skip
    return found.select("work_order", "what").rows()


def approved(kind: str, subject: str) -> pl.DataFrame:
    return DECISIONS_IN_FORCE.frame([{
        "decision": "D1", "kind": "approved_move", "subject": f"{kind}:{subject}:abc",
        "value": json.dumps({"kind": kind, "change": []}), "valid_from": AS_OF, "approved_by": "sam", "reason": "ok",
    }])  # fmt: skip


def test_18_what_keeps_the_fence_is_no_break() -> None:
    assert breaks(IN_FORCE) == []
    later = schedule(("A", "HD", "HD-1", 5), ("B", "HD", "HD-1", 7), ("C", "HD", "HD-2", 3), ("D", "XX", "XX-1", 1))
    assert breaks(later) == []  # forced later in the same order; D lies outside the fence


@pytest.mark.parametrize(
    ("proposed", "found"),
    [
        (
            schedule(("A", "HD", "HD-1", 6), ("B", "HD", "HD-1", 4.5), ("C", "HD", "HD-2", 3)),
            [("A", "sequence"), ("B", "sequence")],
        ),
        (schedule(("A", "HD", "HD-1", 1), ("B", "HD", "HD-1", 4), ("C", "HD", "HD-2", 3)), [("A", "earlier")]),
        (schedule(("A", "TR", "TR-1", 2), ("B", "HD", "HD-1", 4), ("C", "HD", "HD-2", 3)), [("A", "work center")]),
        (schedule(("B", "HD", "HD-1", 4), ("C", "HD", "HD-2", 3)), [("A", "left out")]),
    ],
)  # fmt: skip
def test_18_every_kind_of_fence_break_is_found(proposed: pl.DataFrame, found: list[tuple[str, str]]) -> None:
    assert breaks(proposed) == found
    assert breaks(proposed, approved("frozen_break", "A"), done=("B",)) == []
    assert breaks(proposed, approved("overtime", "A")) == found  # an approved move of another kind excuses nothing


def test_18_what_the_floor_has_begun_is_a_fact_and_shifts_nobodys_place() -> None:
    begun_late = schedule(("A", "HD", "HD-1", 6), ("B", "HD", "HD-1", 4.5), ("C", "HD", "HD-2", 3))
    assert breaks(begun_late, status={"A": "running"}) == []
    assert breaks(begun_late, status={"C": "running"}) == [("A", "sequence"), ("B", "sequence")]
    begun_elsewhere = schedule(("A", "TR", "TR-1", 1), ("B", "HD", "HD-1", 4), ("C", "HD", "HD-2", 3))
    assert breaks(begun_elsewhere, status={"A": "setup"}) == []


def test_18_a_night_whose_floor_went_its_own_way_keeps_the_fence(tmp_path: Path) -> None:
    first, second = (read_landing(night) for night in generate(tmp_path, orders=300, nights=2, seed=2).nights)
    in_force = plan(first.frames, landing_context(first))["schedule"]
    context = landing_context(second)
    planned = plan(second.frames, context, published={"schedule": in_force})
    operations = planned["reconciled_operations"].filter(pl.col("status") != "complete")
    assert operations.filter(pl.col("status") == "running").height > 0
    excused = gave_way({**planned, "published.schedule": in_force}, context)
    assert 0 < excused.height < in_force.height / 50  # stock that was not there: their material comes after the fence
    found = fence_breaks(
        in_force, planned["schedule"], operations.join(planned["unscheduled"], on="work_order", how="anti"),
        DECISIONS_IN_FORCE.empty(), as_of=context.as_of, policy=context.policy.capacity, gave_way=excused,
    )  # fmt: skip
    assert found.is_empty(), found


def test_18_loads_that_became_one_are_in_no_order() -> None:
    together = schedule(("A", "HD", "HD-1", 5), ("B", "HD", "HD-1", 5), ("C", "HD", "HD-2", 3))
    assert breaks(together) == []


def test_18_a_shorter_set_up_and_a_changed_routing_are_no_breaks() -> None:
    begins = ("A", "HD", "HD-1", 2), ("B", "HD", "HD-1", 4), ("C", "HD", "HD-2", 3)
    assert breaks(schedule(*begins), in_force=schedule(*begins, setup=0.5)) == []
    rerouted = schedule(("A", "TR", "TR-1", 20), ("B", "HD", "HD-1", 4), ("C", "HD", "HD-2", 3))
    assert breaks(rerouted, routed={"A": "TR"}) == []
    assert breaks(rerouted) == [("A", "work center")]


def test_18_what_is_finished_may_be_gone() -> None:
    assert breaks(schedule(("B", "HD", "HD-1", 4), ("C", "HD", "HD-2", 3)), done=("A",)) == []


def test_20_swapping_only_the_size_of_customers_never_changes_the_order_of_their_jobs(tmp_path: Path) -> None:
    received = read_landing(generate(tmp_path, orders=30).nights[0])
    context = landing_context(received)
    swapped = received.frames["customers"].with_columns(pl.col("annual_revenue").reverse().over("class"))
    assert not swapped.equals(received.frames["customers"])
    small = plan(received.frames, context)
    large = plan({**received.frames, "customers": swapped}, context)
    for name in ("schedule", "planned_orders", "order_promises", "dispatch_list"):
        assert small[name].equals(large[name]), name


def test_20_lateness_by_size_within_a_class_is_measured_and_raised() -> None:
    customers = pl.DataFrame({
        "customer": [f"C{n}" for n in range(8)], "class": ["A"] * 8, "annual_revenue": [float(n) for n in range(8)]
    })  # fmt: skip
    promises = pl.DataFrame({"customer": [f"C{n}" for n in range(8)], "late_days": [6.0, 4, 3, 3, 0, 0, -2, None]})
    found = tardiness_by_revenue(promises, customers)
    assert found.select("revenue", "lines", "mean_late_days").rows() == [
        ("smallest", 2, 5.0), ("small", 2, 3.0), ("large", 2, 0.0), ("largest", 1, 0.0)
    ]  # fmt: skip
    assert disadvantage(found).rows() == [("A", 5.0, True)]
    even = promises.with_columns(pl.lit(2.0).alias("late_days"))
    assert disadvantage(tardiness_by_revenue(even, customers)).rows() == [("A", 0.0, False)]
    assert tardiness_by_revenue(promises, customers.head(3)).is_empty()  # too few to tell quarters apart


def test_20_the_trend_over_nights_is_raised_while_it_stands_above_a_day() -> None:
    nights = pl.DataFrame({
        "night": ["n1", "n2", "n3", "n1", "n2"], "customer_class": ["A", "A", "A", "B", "B"],
        "days": [0.5, 1.0, 1.5, 0.2, 0.1], "alert": [False, False, True, False, False],
    })  # fmt: skip
    assert trend(nights).rows() == [("A", 3, 1.5, pytest.approx(0.5), True), ("B", 2, 0.1, None, False)]
    assert trend(nights.clear()).is_empty()
