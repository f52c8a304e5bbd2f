"""Remedies, what-if, vendors, lead times, nervousness: known answers on small plants."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from recon_platform.material import find_shortages, plan_material
from recon_platform.material.balance import delay_candidates
from recon_platform.material.engineering import block_change, use_up_dates
from recon_platform.material.filters import with_filters
from recon_platform.material.lead_times import lead_time_stacks, unstable_lot_rules
from recon_platform.material.nervousness import nervousness
from recon_platform.material.remedies import compress, cycle_counts, split_parent
from recon_platform.material.snoozed import with_snoozed
from recon_platform.material.supply_dates import supply_days
from recon_platform.material.trial import withdrawal
from recon_platform.material.vendors import late_days_at, realistic_lead_times, vendor_dispatch, vendor_reliability
from recon_platform.material.what_if import what_if
from recon_platform.tables.governance import DECISIONS_IN_FORCE
from recon_platform.tables.material import MESSAGE_CAUSES
from recon_platform.tables.policy import MaterialPolicy
from tests.cases.material_scenarios import NOBODY, chain, message_rows, night
from tests.cases.material_support import neutral, number
from tests.material.plant import MONDAY, context, day, frames

Tables = dict[str, pl.DataFrame]


def test_compression_recovers_the_delay_from_the_lowest_level_up() -> None:
    """S05b: three weeks late are taken up by CP (3 → 1) and SSA (3 → 2); SA and FA stay."""
    made = night(chain(), 1, 18)
    found = compress(made, "work_order", "MAT-1", day(6), least={"CP": 5, "SSA": 5})
    rows = [
        (r["item"], r["start_date"], r["due_date"], r["recovered_days"]) for r in found.orders.iter_rows(named=True)
    ]
    assert rows == [("CP", day(6), day(7), 10), ("SSA", day(7), day(9), 5)]
    assert found.feasible and found.open_days == 0
    stiff = compress(made, "work_order", "MAT-1", day(6), least={"CP": 15, "SSA": 10, "SA": 15, "FA": 15})
    assert (stiff.feasible, stiff.open_days) == (False, 10)


def test_a_parent_lot_is_split_at_what_stock_covers() -> None:
    """Figure 8: 40 = 25 from stock, and 15 when the component's order is there."""
    for due, last in ((3, 5), (4, 6), (5, 7)):
        records = [
            neutral("P", {"on_hand": 21, "gross": {1: 3, 2: 7, 3: 10, 4: 6, 5: 8, 6: 10, 7: 14, 8: 10}, "lead_time": 2,
                          "lot": {"kind": "FOQ", "qty": 40}}),
            neutral("C", {"on_hand": 25, "lead_time": 3, "lot": {"kind": "FOQ", "qty": 50}, "parents": {"P": 1},
                          "open_orders": [{"id": "C-1", "qty": 50, "due": due}]}),
        ]  # fmt: skip
        made = night(records, 1, 8)
        split = split_parent(made, "EXPEDITE:work_order:C-1")
        assert split.select("qty", "due_date", "accepted").rows() == [(25.0, day(4), True), (15.0, day(last), True)]
    assert split_parent(made, "DELAY:work_order:C-1").is_empty()


def small(**more: Any) -> Tables:
    tables: dict[str, Any] = {
        "items": [{"item": "A", "lead_time_days": 5.0}, {"item": "B", "make_buy": "buy", "lead_time_days": 14.0, "cost": 3.0}],
        "bom_lines": [{"parent_item": "A", "component_item": "B", "qty_per": 2.0}],
        "inventory": [{"item": "B", "qty": 12.0}],
        "sales_orders": [{"sales_order": "S", "item": "A", "qty": 5.0, "requested_date": day(4)}],
        "routings": [{"item": "A", "routing": "main", "op_seq": 10, "work_center": "W", "setup_min": 30.0, "run_min_per_unit": 6.0}],
    }  # fmt: skip
    return frames(MONDAY, **{**tables, **more})


def test_what_if_shows_messages_orders_load_and_money_before_a_change() -> None:
    base = small()
    more = small(sales_orders=[{"sales_order": "S", "item": "A", "qty": 15.0, "requested_date": day(2)}])
    effects = what_if(base, more, context(MONDAY))
    assert effects.infeasible == 2  # B must be bought in less than its lead time, and A waits for it
    changes = {(r["item"], r["change"]) for r in effects.orders.iter_rows(named=True)}
    assert changes == {("A", -5.0), ("A", 15.0), ("B", 18.0)}
    assert effects.money == pytest.approx(10 * 1.0 + 18 * 3.0)
    assert effects.load_hours.rows() == [("W", 1.0)]  # ten more at six minutes; one set-up goes, one comes
    nothing = what_if(base, base, context(MONDAY))
    assert nothing.orders.is_empty() and nothing.messages.is_empty() and nothing.money == 0


def test_an_unplanned_withdrawal_is_shown_before_it_is_made() -> None:
    base = small()
    effects = what_if(base, withdrawal(base, "B", 6.0), context(MONDAY))
    assert [(r["item"], r["change"]) for r in effects.orders.iter_rows(named=True)] == [("B", 4.0)]
    with pytest.raises(ValueError, match="nothing can be withdrawn"):
        withdrawal(base, "A", 1.0)


def test_stacked_lead_times_name_the_component_that_decides() -> None:
    stacks = {r["item"]: r for r in lead_time_stacks(small(), context(MONDAY)).iter_rows(named=True)}
    assert stacks["A"]["stack_days"] == pytest.approx(14 + 5 * 7 / 5, abs=0.1)
    assert stacks["A"]["decided_by"] == "B" and stacks["B"]["decided_by"] is None
    assert stacks["A"]["least_lead_days"] == pytest.approx(36 / 1440)


def test_dynamic_lots_inside_the_stack_are_pointed_out() -> None:
    tables = small(
        items=[
            {"item": "A", "lead_time_days": 5.0, "lot_rule": "period", "lot_periods": 2.0},
            {"item": "B", "make_buy": "buy", "lead_time_days": 14.0},
        ]
    )
    tables.update(plan_material(tables, context(MONDAY)))
    assert unstable_lot_rules(tables, context(MONDAY)).select("item", "lot_rule", "planned_inside").rows() == [
        ("A", "period", 1)
    ]


def test_use_up_date_and_block_change() -> None:
    tables = small(
        bom_lines=[
            {"parent_item": "A", "component_item": "B", "qty_per": 2.0, "valid_to": day(9), "change_no": "E7"},
        ],
        engineering_changes=[{"change_no": "E7", "kind": "phase_in", "effective_date": day(9)}],
        sales_orders=[{"sales_order": f"S{b}", "item": "A", "qty": 5.0, "requested_date": day(b)} for b in (4, 6)],
    )
    tables.update(plan_material(tables, context(MONDAY)))
    dates = dict(use_up_dates(tables).iter_rows())
    assert dates["B"] == day(5)  # twelve cover the first five
    assert block_change(tables, "A") == day(5)
    assert block_change(tables, "B") is None


def test_vendor_dispatch_ranks_by_need_and_shows_the_commitment() -> None:
    tables = frames(
        MONDAY,
        items=[{"item": "B", "make_buy": "buy", "lead_time_days": 7.0}],
        purchase_orders=[
            {"purchase_order": "P1", "item": "B", "qty": 60.0, "due_date": day(3)},
            {"purchase_order": "P2", "item": "B", "qty": 85.0, "due_date": day(3), "promised_date": day(4)},
            {"purchase_order": "P3", "item": "B", "qty": 10.0, "due_date": day(5)},
        ],
        supplier_items=[
            {
                "supplier": "VENDOR",
                "item": "B",
                "lead_time_days": 7.0,
                "committed_qty_per_week": 100.0,
                "flexible_share": 0.1,
            }
        ],
        master_schedule=[{"item": "B", "due_date": day(3), "qty": 155.0}],
    )
    tables.update(plan_material(tables, context(MONDAY)))
    rows = vendor_dispatch(tables, context(MONDAY))
    assert rows.select("position", "purchase_order", "committed").rows() == [
        (1, "P3/1", "fixed"), (2, "P2/1", "flexible"), (3, "P1/1", "beyond"),
    ]  # fmt: skip
    assert rows.item(0, "critical_ratio") == 0.5


def test_vendor_reliability_and_realistic_lead_times_come_from_receipts() -> None:
    def line(name: str, due: int, **more: Any) -> dict[str, Any]:
        return {
            "purchase_order": name,
            "item": "B",
            "qty": 10.0,
            "due_date": day(due),
            "ordered_on": day(due - 3),
            "status": "closed",
            **more,
        }

    def receipt(name: str, on: Any, qty: float = 10.0) -> dict[str, Any]:
        return {"purchase_order": name, "line": "1", "received_on": on, "qty": qty, "uom": "pcs"}

    tables = frames(
        MONDAY,
        items=[{"item": "B", "make_buy": "buy"}],
        purchase_orders=[line("P1", 1), line("P2", 1), line("P3", 1), line("P4", 1, promised_date=day(3))],
        receipts=[receipt("P1", day(1)), receipt("P2", day(2)), receipt("P3", day(1), 8.0), receipt("P4", day(3))],
    )
    row = vendor_reliability(tables).row(0, named=True)
    assert (row["lines"], row["rescheduled_by_us"]) == (3, 1)
    assert row["in_full_in_time"] == pytest.approx(1 / 3)
    assert realistic_lead_times(tables, 1.0).item(0, "real_lead_days") == 35


def test_shortages_use_the_dates_supply_really_has() -> None:
    tables = small(
        orders=[{"work_order": "W", "item": "A", "qty": 5.0, "start_date": day(2), "due_date": day(3)}],
        inventory=[{"item": "B", "qty": 4.0}],
        purchase_orders=[{"purchase_order": "P", "item": "B", "qty": 6.0, "due_date": day(3), "promised_date": day(4)}],
    )
    tables.update(plan_material(tables, context(MONDAY)))
    row = find_shortages(tables, context(MONDAY))["shortages"].row(0, named=True)
    assert (row["item"], row["work_order"], row["short_qty"], row["needed_at"], row["covered_at"]) == (
        "B",
        "W",
        6.0,
        day(2),
        day(4),
    )
    assert (row["covered_by"], row["days_short"]) == ("purchase_order P/1", 14)
    assert row["remedy"] == "expedite purchase order P/1 by 14 days"
    tables["substitutes"] = frames(MONDAY, substitutes=[{"item": "B", "substitute_item": "C", "approved": True},
                                                        {"item": "B", "substitute_item": "D", "approved": False}])["substitutes"]  # fmt: skip
    more = frames(MONDAY, inventory=[{"item": "C", "qty": 7.0}, {"item": "D", "qty": 90.0}])["inventory"]
    tables["inventory"] = pl.concat([tables["inventory"], more])
    row = find_shortages(tables, context(MONDAY))["shortages"].row(0, named=True)
    assert row["remedy"] == "use approved substitute C (7.0 in stock)"


def test_a_shortage_names_the_operation_the_lines_that_wait_and_what_lies_unusable() -> None:
    tables = small(
        orders=[{"work_order": "W", "item": "A", "qty": 5.0, "start_date": day(2), "due_date": day(3)}],
        inventory=[{"item": "B", "qty": 7.0, "status": "hold"},
                   {"item": "B", "qty": 2.0, "status": "available", "expiry": MONDAY - timedelta(days=1)}],
        purchase_orders=[{"purchase_order": "P", "item": "B", "qty": 10.0, "due_date": day(3), "promised_date": day(4)}],
    )  # fmt: skip
    tables.update(plan_material(tables, context(MONDAY)))
    row = find_shortages(tables, context(MONDAY))["shortages"].filter(item="B", work_order="W").row(0, named=True)
    lines = tables["pegging"].filter(demand_type="sales_order", supply="W").get_column("demand").sort()
    assert row["op_seq"] == tables["bom_lines"].filter(parent_item="A", component_item="B").item(0, "op_seq")
    assert row["unusable_qty"] == 9.0
    assert row["value"] == row["short_qty"] * tables["items"].filter(item="B").item(0, "cost")
    assert row["customer_lines"] == lines.len() > 0 and row["named_lines"] == ", ".join(lines)


def test_an_open_purchase_comes_as_late_as_its_suppliers_lines_came() -> None:
    promised = {
        "purchase_order": "P",
        "item": "B",
        "qty": 10.0,
        "due_date": day(1),
        "promised_date": day(1),
        "supplier": "V",
    }
    closed = [
        {"purchase_order": f"C{n}", "item": "B", "qty": 1.0, "due_date": day(-9), "status": "closed", "supplier": "V"}
        for n in range(5)
    ]
    lateness = (0, 1, 2, 4, 9)
    came = [
        {
            "purchase_order": f"C{n}",
            "line": "1",
            "received_on": day(-9) + timedelta(days=late),
            "qty": 1.0,
            "uom": "pcs",
        }
        for n, late in enumerate(lateness)
    ]
    tables = small(purchase_orders=[promised, *closed], inventory=[])
    tables["receipts"] = frames(MONDAY, receipts=came)["receipts"]
    tables.update(plan_material(tables, context(MONDAY)))
    assert late_days_at(tables, 0.8).row(0) == ("V", 4, 5)
    ready = supply_days(tables, context(MONDAY)).filter(supply="P/1").item(0, "ready")
    assert ready == day(1) + timedelta(days=4)
    few = {**tables, "receipts": tables["receipts"].head(2)}
    assert supply_days(few, context(MONDAY)).filter(supply="P/1").item(0, "ready") == day(1)


def test_a_planned_purchase_takes_as_long_as_it_really_took() -> None:
    closed = [
        {
            "purchase_order": f"C{n}",
            "item": "B",
            "qty": 1.0,
            "due_date": day(-8),
            "ordered_on": day(-10),
            "status": "closed",
        }
        for n in range(3)
    ]
    came = [
        {"purchase_order": f"C{n}", "line": "1", "received_on": day(-6), "qty": 1.0, "uom": "pcs"} for n in range(3)
    ]
    ordered = small(purchase_orders=closed, inventory=[])
    ordered["receipts"] = frames(MONDAY, receipts=came)["receipts"]
    ordered.update(plan_material(ordered, context(MONDAY)))
    row = find_shortages(ordered, context(MONDAY))["shortages"].row(0, named=True)
    assert row["covered_at"] == MONDAY + timedelta(days=28)  # two weeks in the item's own record
    assert row["remedy"].startswith("order or start PL-B-")


def test_nervousness_is_measured_against_the_night_before() -> None:
    before = small()
    before.update(plan_material(before, context(MONDAY)))
    after = small(sales_orders=[{"sales_order": "S", "item": "A", "qty": 15.0, "requested_date": day(4)}])
    after.update({f"previous.{n}": f for n, f in before.items()})
    after.update(plan_material(after, context(MONDAY)))
    rows = {(r["level"], r["measure"]): r["value"] for r in nervousness(after, 180, MONDAY).iter_rows(named=True)}
    assert rows[0, "abs_qty_change"] == 10 and rows[0, "setup_changes"] == 0
    assert rows[0, "pull_in"] > 0 and rows[0, "push_out"] == 0
    assert rows[-1, "amplification"] is not None
    assert (-1, "messages_per_100_orders") in rows


def test_escape_hatches_are_never_dampened_and_drift_counts_from_the_first_date() -> None:
    rows = message_rows([{"type": "EXPEDITE", "order": name, "from": 5, "to": 4} for name in "abcd"])
    rows = rows.with_columns(
        pl.Series("value", [None, 1e6, None, None]), pl.Series("age_nights", [0, 0, 9, 0]),
        pl.when(pl.col("order") == "d").then(pl.lit(day(7))).otherwise(pl.col("original_date")).alias("original_date"),
    )  # fmt: skip
    late = pl.DataFrame({"order_type": ["work_order"], "order": ["x"]})
    shown = with_filters(rows, MaterialPolicy(dampen_expedite_days=7), number(1), NOBODY, late)
    assert shown.filter(pl.col("visibility") == "SHOWN").get_column("order").to_list() == ["b", "c", "d"]
    assert shown.row(0, named=True)["suppressed_by"] == "dampen_expedite_days=7"


def test_a_message_put_aside_is_hidden_while_it_asks_for_the_date_that_was_read() -> None:
    rows = message_rows([{"type": "DELAY", "order": name, "from": 3, "to": 5} for name in "abcd"])
    rows = rows.with_columns(
        pl.when(pl.col("order") == "d").then(pl.lit("SUPPRESSED")).otherwise("visibility").alias("visibility")
    )
    until = datetime(2026, 3, 6, 12, tzinfo=UTC)
    read = {"a": day(5), "b": day(4), "d": day(5)}
    decisions = DECISIONS_IN_FORCE.frame([
        {
            "decision": f"{number}", "kind": "lock", "subject": f"message:{rows.row(number, named=True)['message']}",
            "value": json.dumps({"to_date": read[order].isoformat(), "entered": True}), "valid_from": until - timedelta(days=5),
            "valid_until": until, "approved_by": "paula", "reason": "the vendor was called",
        }
        for number, order in ((0, "a"), (1, "b"), (3, "d"))
    ])  # fmt: skip
    seen = with_snoozed(rows, decisions)
    assert seen.get_column("visibility").to_list() == ["SNOOZED", "SHOWN", "SHOWN", "SUPPRESSED"]
    assert seen.row(0, named=True)["suppressed_by"] == "snoozed by paula until 2026-03-06 12:00 UTC"
    assert_frame_equal(seen.drop("visibility", "suppressed_by"), rows.drop("visibility", "suppressed_by"))


def test_delay_candidates_and_cycle_counts() -> None:
    rows = message_rows([{"type": "DELAY", "order": name, "from": 3, "to": 5} for name in "ab"])
    slack = pl.DataFrame({"order_type": ["work_order"] * 2, "order": ["a", "b"], "slack_days": [2, 9]})
    assert delay_candidates(rows, slack).get_column("order").to_list() == ["b", "a"]
    cause = {
        "order_type": "work_order",
        "order": "a",
        "need_days": 1.0,
        "method": "shapley",
        "masked": False,
        "carried": False,
    }
    causes = MESSAGE_CAUSES.frame(
        [{**cause, "message": "DELAY:work_order:a", "category": "RECORD_ERROR", "event": "RECORD_ERROR:T1", "contribution_days": 3.0},
         {**cause, "message": "DELAY:work_order:a", "category": "SCRAP", "event": "SCRAP:W", "contribution_days": 9.0}]
    )  # fmt: skip
    assert cycle_counts(rows, causes).select("event", "messages").rows() == [("RECORD_ERROR:T1", 1)]


def test_a_weekend_promise_is_usable_on_monday() -> None:
    saturday = day(3) + timedelta(days=5)
    tables = frames(
        MONDAY,
        items=[{"item": "B", "make_buy": "buy"}],
        purchase_orders=[{"purchase_order": "P", "item": "B", "qty": 5.0, "due_date": saturday}],
        master_schedule=[{"item": "B", "due_date": day(4), "qty": 5.0}],
    )
    made = plan_material(tables, context(MONDAY))
    assert made["action_messages"].filter(pl.col("order") == "P/1").is_empty()
