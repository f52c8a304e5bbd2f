"""Only an approved, in-date, fitting substitute is ever offered, and never more than there is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from recon_platform.planning.decisions import apply_changes
from recon_platform.proposal.substitution import qualified_substitutes
from recon_platform.tables.context import PlanContext, Plant
from recon_platform.tables.registry import conformed_table, table

TODAY = date(2026, 3, 2)
CONTEXT = PlanContext(Plant("P"), TODAY, datetime(2026, 3, 2, tzinfo=UTC))
DAYS = st.one_of(st.none(), st.integers(-3, 3).map(lambda days: TODAY + timedelta(days=days)))


def item(name: str, tensile: float | None, corrosion: str, grade: str) -> dict[str, Any]:
    return {
        "item": name, "make_buy": "buy", "uom": "KGM", "lead_time_days": 5, "lot_rule": "lot_for_lot", "grade": grade,
        "tensile_mpa": tensile, "corrosion_class": corrosion,
    }  # fmt: skip


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "tensile": draw(st.sampled_from([None, 700.0, 800.0, 900.0])),
        "corrosion": draw(st.sampled_from(["plain", "A2"])),
        "approved": draw(st.booleans()), "from": draw(DAYS), "to": draw(DAYS),
        "certificate_required": draw(st.sampled_from([None, "3.1"])), "certificate": draw(st.sampled_from([None, "2.2", "3.1"])),
        "status": draw(st.sampled_from(["available", "hold"])), "expiry": draw(DAYS),
        "qty": draw(st.floats(0, 100)), "allocated": draw(st.floats(0, 60)), "ratio": draw(st.sampled_from([None, 1.0, 1.25])),
        "heat": draw(st.sampled_from(["H1", "H2"])), "kept_together": draw(st.booleans()), "more": draw(st.floats(0.5, 60)),
        "requirement": draw(st.sampled_from([None, ("exclude_grade", "G2"), ("exclude_grade", "G1"), ("no_substitute", "yes"), ("certificate", "3.1")])),
    }  # fmt: skip


def frames_of(case: dict[str, Any]) -> dict[str, pl.DataFrame]:
    rows: dict[str, list[dict[str, Any]]] = {
        "items": [item("A", 800.0, "plain", "G1"), item("B", case["tensile"], case["corrosion"], "G2")],
        "substitutes": [
            {"item": "A", "substitute_item": "B", "ratio": case["ratio"] or 1.0, "approved": case["approved"],
             "approval_ref": "QA-1", "valid_from": case["from"], "valid_to": case["to"],
             "certificate_required": case["certificate_required"]}
        ],
        "inventory": [
            {"item": "B", "lot": "L1", "location": "W", "qty": case["qty"], "uom": "KGM", "status": case["status"],
             "certificate": case["certificate"], "expiry": case["expiry"], "heat": "H1"},
            {"item": "B", "lot": "L2", "location": "W", "qty": case["more"], "uom": "KGM", "status": case["status"],
             "certificate": case["certificate"], "expiry": case["expiry"], "heat": case["heat"]},
        ],
        "work_centers": [
            {"work_center": "DRAW", "calendar": "C", "machines": 1, "continuity": "coil" if case["kept_together"] else None}
        ],
        "allocations": [{"item": "B", "lot": "L1", "qty": case["allocated"], "uom": "KGM", "for_order": "X"}],
        "customer_requirements": [
            {"customer": "C", "requirement": case["requirement"][0], "value": case["requirement"][1]}
        ] if case["requirement"] else [],
        "sales_orders": [
            {"sales_order": "S", "line": "1", "customer": "C", "item": "F", "qty": 1.0, "uom": "H87",
             "requested_date": TODAY, "status": "open"}
        ],
    }  # fmt: skip
    frames = {
        name: conformed_table(name).frame(part) if part else conformed_table(name).empty()
        for name, part in rows.items()
    }
    at = datetime(2026, 3, 2, tzinfo=UTC)
    frames["reconciled_operations"] = table("reconciled_operations").frame([
        {"work_order": "W1", "op_seq": 10, "work_center": "DRAW", "status": "waiting", "qty": 1.0, "good_qty": 0.0,
         "scrap_qty": 0.0, "in_process_qty": 0.0, "remaining_qty": 1.0, "setup_min": 0.0, "run_min_per_unit": 1.0,
         "queue_min": 0.0, "move_min": 0.0, "yield": 1.0, "pausable": True}
    ])  # fmt: skip
    frames["supply_orders"] = table("supply_orders").frame([
        {"order": "W1", "kind": "work_order", "item": "F", "qty": 1.0, "need_date": TODAY, "due_at": at, "weight": 1.0,
         "sales_order": "S", "line": "1", "earliest_at": at}
    ])  # fmt: skip
    return frames


def fits(case: dict[str, Any]) -> bool:
    """The rule, stated once more and in another way than the product does."""
    in_date = (case["from"] is None or case["from"] <= TODAY) and (case["to"] is None or case["to"] >= TODAY)
    as_strong = case["tensile"] in (800.0, 900.0)
    certified = case["certificate_required"] in (None, case["certificate"])
    certified = certified and (case["requirement"] != ("certificate", "3.1") or case["certificate"] == "3.1")
    usable = case["status"] == "available" and (case["expiry"] is None or case["expiry"] > TODAY)
    taken_by_customer = case["requirement"] in (None, ("exclude_grade", "G1"), ("certificate", "3.1"))
    free = case["qty"] > case["allocated"] or case["more"] > 0
    return bool(
        case["approved"] and in_date and as_strong and case["corrosion"] == "plain" and certified and usable
        and taken_by_customer and free
    )  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(cases())
def test_only_what_fits_is_offered(case: dict[str, Any]) -> None:
    frames = frames_of(case)
    offered = qualified_substitutes(frames, CONTEXT, "A", 50.0, ["W1"])
    assert bool(offered) == fits(case)
    for option in offered:
        stock = apply_changes(frames, option.changes)["inventory"]
        there = case["qty"] + case["more"]
        taken = there - stock.filter(pl.col("item") == "B")["qty"].sum()
        given_ = stock.filter(pl.col("item") == "A")["qty"].sum()
        ratio = case["ratio"] or 1.0
        assert 0 < taken <= max(case["qty"] - case["allocated"], 0.0) + case["more"] + 1e-9
        if case["kept_together"]:
            assert stock.filter(pl.col("item") == "A")["heat"].n_unique() == 1, (
                "heats are not mixed where coils stay together"
            )
        assert abs(taken - given_ * ratio) < 1e-9 and given_ <= 50.0 + 1e-9
        assert abs(option.evidence["covers"] - given_) < 1e-9
