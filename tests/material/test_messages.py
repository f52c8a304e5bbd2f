"""Every message code: what triggers it, and that the documents know it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from recon_platform.material import plan_material
from recon_platform.material.codes import BY_CODE, CODES
from recon_platform.material.exceptions import overload_messages
from recon_platform.material.explain import VERBS
from recon_platform.tables.material import LIFECYCLES, MESSAGE_CODES
from tests.material.plant import MONDAY, context, day, frames

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_codes_are_the_same_in_tables_vocabulary_words_and_documents() -> None:
    assert tuple(entry.code for entry in CODES) == MESSAGE_CODES
    assert set(VERBS) == set(MESSAGE_CODES)
    text = (DOCS / "messages.md").read_text(encoding="utf-8")
    for entry in CODES:
        row = next(line for line in text.splitlines() if line.startswith(f"| `{entry.code}` |"))
        assert entry.meaning in row and entry.trigger in row
        assert all(code in row.rsplit("|", 2)[1] for code in entry.sap), entry.code
    assert all(f"| `{state}` |" in text for state in LIFECYCLES)


def messages(**tables: object) -> dict[str, dict[str, object]]:
    """Messages by code (the last of each) of a small plant."""
    made = plan_material(frames(MONDAY, **tables), context(MONDAY))  # type: ignore[arg-type]
    return {row["code"]: row for row in made["action_messages"].iter_rows(named=True)}


def buy(**more: object) -> dict[str, object]:
    return {"item": "B", "make_buy": "buy", "lead_time_days": 7.0, **more}


def po(due: int, qty: float, **more: object) -> dict[str, object]:
    return {"purchase_order": "PO", "item": "B", "qty": qty, "due_date": day(due), **more}


def need(bucket: int, qty: float, **more: object) -> dict[str, object]:
    return {"item": "B", "due_date": day(bucket), "qty": qty, **more}


def test_expedite_gives_the_part_needed_early_and_whether_it_is_feasible() -> None:
    found = messages(items=[buy()], purchase_orders=[po(5, 10)], master_schedule=[need(3, 4), need(6, 6)])
    row = found["EXPEDITE"]
    assert (row["from_date"], row["to_date"], row["qty"], row["qty_early"], row["feasible"]) == (
        day(5),
        day(3),
        10,
        4,
        True,
    )
    assert row["message"] == "EXPEDITE:purchase_order:PO/1" and row["resource"] == "VENDOR" and row["value"] == 10
    late = messages(items=[buy()], purchase_orders=[po(5, 10)], master_schedule=[need(-1, 10)])["EXPEDITE"]
    assert (late["feasible"], late["compressed_by"]) == (False, 14)


def test_delay_cancel_and_decrease() -> None:
    assert messages(items=[buy()], purchase_orders=[po(3, 10)], master_schedule=[need(5, 10)])["DELAY"][
        "to_date"
    ] == day(5)
    gone = messages(items=[buy()], purchase_orders=[po(3, 10)])["CANCEL"]
    assert (gone["to_date"], gone["need_date"]) == (None, None)
    assert messages(items=[buy()], purchase_orders=[po(3, 10)], master_schedule=[need(3, 4)])["DECREASE"]["qty"] == 6
    fixed = buy(lot_rule="fixed", lot_qty=10.0)
    assert "DECREASE" not in messages(items=[fixed], purchase_orders=[po(3, 10)], master_schedule=[need(3, 4)])


def test_release_inside_the_window_and_compressed() -> None:
    assert "RELEASE" not in messages(items=[buy()], master_schedule=[need(3, 5)])
    assert messages(items=[buy()], master_schedule=[need(2, 5)])["RELEASE"]["compressed_by"] == 0
    late = messages(items=[buy(lead_time_days=21.0)], master_schedule=[need(2, 5)])["RELEASE"]
    assert (late["compressed_by"], late["feasible"], late["from_date"]) == (14, False, day(-1))


def test_overdue_on_both_sides() -> None:
    found = messages(
        items=[buy()], purchase_orders=[po(0, 10)],
        sales_orders=[{"sales_order": "S", "item": "B", "qty": 10.0, "requested_date": day(0)}],
    )  # fmt: skip
    assert found["PAST_DUE_SUPPLY"]["compressed_by"] == 7
    assert found["PAST_DUE_DEMAND"]["order"] == "S/1"


def test_stock_that_runs_out_or_into_safety_stock_or_is_not_needed() -> None:
    short = messages(items=[buy()], purchase_orders=[po(5, 10)], master_schedule=[need(3, 4)])
    assert (short["UNCOVERED"]["need_date"], short["UNCOVERED"]["qty"]) == (day(3), 4)
    into = messages(
        items=[buy(safety_stock=6.0)],
        inventory=[{"item": "B", "qty": 8.0}],
        purchase_orders=[po(5, 10)],
        master_schedule=[need(3, 4)],
    )
    assert (into["BELOW_SS"]["need_date"], into["BELOW_SS"]["qty"]) == (day(3), 2)
    idle = messages(items=[buy()], inventory=[{"item": "B", "qty": 10.0}], master_schedule=[need(3, 4)])
    assert idle["EXCESS"]["qty"] == 6


def test_quantity_rules_increase_fence_and_phase_out() -> None:
    broken = messages(items=[buy(multiple_qty=4.0)], purchase_orders=[po(3, 10)], master_schedule=[need(3, 10)])
    assert broken["ORDER_QTY_RULE"]["detail"] == "not a multiple of 4.0"
    firm = {"work_order": "W", "item": "A", "qty": 5.0, "start_date": day(1), "due_date": day(2), "status": "firm"}
    more = messages(
        items=[{"item": "A", "lead_time_days": 15.0}],
        orders=[firm],
        master_schedule=[{"item": "A", "due_date": day(2), "qty": 9.0}],
    )
    assert (more["INCREASE"]["order"], more["INCREASE"]["qty"]) == ("W", 4)
    fenced = messages(items=[buy(planning_fence_days=10.0)], master_schedule=[need(2, 5)])
    assert "planning is barred before" in str(fenced["FENCE_CONFLICT"]["detail"])
    ended = messages(
        items=[{"item": "A"}, buy()],
        bom_lines=[{"parent_item": "A", "component_item": "B", "valid_to": day(2)}],
        purchase_orders=[po(3, 1)],
    )
    assert ended["PHASE_OUT"]["order"] == "PO/1"


def test_firm_orders_drift_and_stay() -> None:
    firm = {"work_order": "W", "item": "A", "qty": 5.0, "start_date": day(3), "due_date": day(4), "status": "firm"}
    found = messages(
        items=[{"item": "A"}], orders=[firm], master_schedule=[{"item": "A", "due_date": day(6), "qty": 5.0}]
    )
    assert "DELAY" not in found
    assert (found["FPO_DRIFT"]["from_date"], found["FPO_DRIFT"]["to_date"]) == (day(4), day(6))


def test_a_parent_that_waits_for_a_late_purchase_is_at_risk() -> None:
    found = messages(
        items=[{"item": "A", "lead_time_days": 5.0}, buy()],
        bom_lines=[{"parent_item": "A", "component_item": "B"}],
        purchase_orders=[po(4, 5)],
        sales_orders=[{"sales_order": "S", "item": "A", "qty": 5.0, "requested_date": day(3)}],
    )
    row = found["PARENT_AT_RISK"]
    assert (row["order_type"], row["compressed_by"]) == ("planned", 14)
    assert row["detail"] == "waits for B by purchase order PO/1"


def test_errors_in_data_are_messages() -> None:
    made = plan_material(
        frames(MONDAY, items=[{"item": "A"}, buy(lead_time_days=0.0)],
               master_schedule=[{"item": "A", "due_date": day(3), "qty": 1.0}, need(3, 1), {**need(3, 1), "item": "Z"}]),
        context(MONDAY),
    )  # fmt: skip
    errors = dict(made["action_messages"].filter(pl.col("code") == "DATA_ERROR").select("order", "detail").iter_rows())
    assert errors["A"] == "made, but no bill of material is valid"
    assert errors["B"] == "bought, but lead time is zero"
    assert errors["Z"].startswith("item unknown, named by interplant-Z")


def test_new_planned_orders_are_told_only_against_a_night_before() -> None:
    tables = frames(MONDAY, items=[buy()], master_schedule=[need(4, 5)])
    first = plan_material(tables, context(MONDAY))
    assert first["action_messages"].filter(pl.col("code") == "ORDER_NEW").is_empty()
    again = frames(MONDAY, items=[buy()], master_schedule=[need(4, 5), need(6, 5)])
    previous = {f"previous.{n}": f for n, f in {**tables, **first}.items()}
    made = plan_material({**again, **previous}, context(MONDAY))
    new = made["action_messages"].filter(pl.col("code") == "ORDER_NEW")
    assert new.get_column("from_date").to_list() == [day(5)]


def test_overload_speaks_of_the_first_week_in_which_more_is_asked_for() -> None:
    days = [MONDAY + timedelta(days=n) for n in (0, 1, 7, 8, 14)]
    over = [150, 40, 150, 60, 300]  # too much on the first day, not in its week
    load = pl.DataFrame(
        {"work_center": ["W1"] * 5 + ["W2"], "bucket_start": [*days, days[0]], "available_min": [100.0] * 6,
         "loaded_min": [*map(float, over), 100.0], "setup_min": [0.0] * 6}
    )  # fmt: skip
    rows = overload_messages(load)
    assert rows.select("order", "qty", "need_date").rows() == [("W1", 10.0, days[2])]
    assert rows["detail"].to_list() == ["10.0 minutes too many that week; 2 weeks over in all"]


@pytest.mark.parametrize("code", sorted(BY_CODE))
def test_information_is_marked(code: str) -> None:
    assert BY_CODE[code].information == (code in {"ORDER_NEW", "FPO_DRIFT"})


def test_weights_and_earliest_material_reach_the_scheduler() -> None:
    made = plan_material(
        frames(
            MONDAY,
            items=[{"item": "A", "lead_time_days": 5.0}, {"item": "M", "lead_time_days": 5.0}, buy()],
            bom_lines=[
                {"parent_item": "A", "component_item": "M", "op_seq": 20},
                {"parent_item": "M", "component_item": "B"},
            ],
            customers=[{"customer": "BIG", "class": "A"}, {"customer": "SMALL", "class": "C"}],
            purchase_orders=[po(4, 5)],
            sales_orders=[
                {"sales_order": "S1", "customer": "SMALL", "item": "A", "qty": 2.0, "requested_date": day(7)},
                {"sales_order": "S2", "customer": "BIG", "item": "A", "qty": 3.0, "requested_date": day(8)},
            ],
        ),
        context(MONDAY),
    )
    orders = {r["item"] + str(r["weight"]): r for r in made["supply_orders"].iter_rows(named=True)}
    big = orders["M4.0"]
    assert (big["customer_class"], big["sales_order"], big["line"]) == ("A", "S2", "1")
    assert big["earliest_at"].date() == day(4) and big["earliest_at"].hour == 6
    assert big["material_bound"] == "B by purchase order PO/1"
    assert big["due_at"].hour == 22 and big["due_at"].date() == big["need_date"]
    assert orders["A1.0"]["material_bound"] is None
    links = made["order_links"].rows(named=True)
    assert (
        all(link["item"] == "M" and link["op_seq"] == 20 for link in links) and sum(link["qty"] for link in links) == 5
    )
    assert big["need_date"] - big["start_date"] == timedelta(days=7)
