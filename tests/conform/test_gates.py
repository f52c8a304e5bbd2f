"""Every data gate fires on what it is about, and stays silent on the plant that is in order."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from recon_platform.conform import conform
from recon_platform.conform.feeds import constant_offset
from recon_platform.conform.gates import GATES
from recon_platform.conform.lots import looping_lots, lot_roots
from recon_platform.tables.context import Plant
from recon_platform.tables.policy import policy_from_dict
from recon_platform.tables.reconciled import FINDING_COLUMNS
from recon_platform.tables.registry import conformed_table
from tests.conform.plant import context, landing, table


def fired(made: dict[str, pl.DataFrame], gate: str) -> list[str]:
    return made["data_findings"].filter(pl.col("rule") == gate)["entity"].to_list()


def test_the_plant_in_order_has_no_finding() -> None:
    assert conform(landing(), context())["data_findings"].rows() == []


def test_gates_speak_the_language_of_findings() -> None:
    allowed = {column.name: column.allowed for column in FINDING_COLUMNS}
    for gate in GATES.values():
        assert gate.severity in (allowed["severity"] or ())
        assert gate.entity_type in (allowed["entity_type"] or ())
        assert gate.mode in (allowed["mode"] or ())
        assert gate.action in ("quarantine", "report", "stop")
        assert gate.meaning
        assert gate.owner


STATUS = "order op_seq machine status good_qty scrap_qty started_at ended_at reported_at"
AT = "2026-03-02T05:30:00"


def test_stale_feeds_and_missing_rows() -> None:
    feeds = table(
        "table source extracted_at watermark rows", "work_orders erp 2026-02-27T05:00:00Z 2026-02-27T05:00:00Z 2",
        "items erp 2026-03-02T05:00:00Z 2026-03-02T05:00:00Z 9",
    )  # fmt: skip
    made = conform(landing(feeds=feeds), context())
    assert fired(made, "feed_stale") == ["erp/work_orders"]
    assert fired(made, "feed_rows") == ["erp/items"]


def test_a_feed_shrunken_against_the_nights_before() -> None:
    nights = [date(2026, 2, 20) + timedelta(days=n) for n in range(8)]
    before = pl.DataFrame(
        {"night": nights * 2, "table": ["items"] * 8 + ["work_orders"] * 8, "rows": [3] * 8 + [40] * 8}
    )
    made = conform(landing() | {"row_counts_before": before}, context())
    assert fired(made, "feed_shrunk") == ["work_orders"]


def test_calendars_that_overlap_or_have_no_time() -> None:
    shifts = landing()["calendars"]
    more = table(
        "calendar weekday shift kind start end", "DAY 1 extra regular 13:00 15:00", "NONE 1 x overtime 06:00 06:00"
    )
    centers = table("work_center calendar machines", "HD DAY 1", "PK DAY 1", "LONE DAY 0")
    made = conform(landing(calendars=pl.concat([shifts, more]), work_centers=centers), context())
    assert fired(made, "calendar_overlap") == ["DAY/1/extra"]
    assert fired(made, "work_center_empty") == ["LONE"]
    closed = table("calendar date kind", *(f"DAY {date(2026, 1, 1) + timedelta(days=n)} closed" for n in range(400)))
    other = table("calendar weekday shift kind start end", "OPEN 1 day regular 06:00 14:00")
    open_plant = context(plant=Plant("T", "UTC", "EUR", "OPEN"))
    made = conform(landing(calendars=pl.concat([shifts, other]), calendar_exceptions=closed), open_plant)
    assert fired(made, "calendar_empty") == ["HD", "PK"]


def test_a_plant_calendar_that_does_not_exist_is_replaced_and_said() -> None:
    made = conform(landing(), context(plant=Plant("T", "UTC", "EUR", "NOWHERE")))
    found = made["data_findings"].filter(pl.col("rule") == "plant_calendar").row(0, named=True)
    assert (found["erp_value"], found["correction"], found["applied"]) == ("NOWHERE", "taken: DAY", True)


def test_an_item_that_contains_itself_is_cut_out_and_its_neighbours_stay() -> None:
    items = table(
        "item make_buy uom lead_time_days lot_rule",
        *(f"{i} make PCE 1 lot_for_lot" for i in ["BOLT", "A", "B", "C", "D"]),
        "WIRE buy KGM 1 lot_for_lot", "00042 buy PCE 1 lot_for_lot",
    )  # fmt: skip
    lines = table(
        "parent_item component_item qty_per uom",
        "A B 1 PCE",
        "B C 1 PCE",
        "C A 1 PCE",
        "BOLT A 1 PCE",
        "C D 1 PCE",
        "D D 1 PCE",
    )
    made = conform(landing(items=items, bom_lines=lines), context())
    assert made["bom_lines"].select("parent_item", "component_item").rows() == [("BOLT", "A"), ("C", "D")]
    assert made["quarantine"].filter(pl.col("gate") == "bom_loop")["row"].to_list() == [1, 2, 3, 6]


def test_a_row_that_names_a_refused_row_says_so() -> None:
    items = landing()["items"].with_columns(
        lead_time_days=pl.when(pl.col("item") == "WIRE").then(pl.lit("soon")).otherwise("lead_time_days")
    )
    more = table(
        "purchase_order line supplier item qty uom due_date status", "PO2 1 S1 00042 1 PCE 2026-03-10 open",
        "PO3 1 S1 NIX 1 PCE 2026-03-10 open",
    )  # fmt: skip
    changes = {
        "items": items,
        "bom_lines": table("parent_item component_item qty_per uom", "BOLT 00042 1 PCE"),
        "purchase_orders": pl.concat([landing()["purchase_orders"], more]),
    }
    made = conform(landing(**changes), context())
    gates = made["quarantine"].filter(pl.col("table") == "purchase_orders").select("row", "gate").rows()
    assert gates == [(1, "key_refused"), (3, "key_orphan")]


def test_unknown_keys_get_a_proposal_that_is_not_applied() -> None:
    status = table(
        "order op_seq status good_qty scrap_qty reported_at",
        f"WO-1000007 10 waiting 0 0 {AT}",
        f"QQ 10 waiting 0 0 {AT}",
    )
    orders = table(
        "work_order item qty uom status start_date due_date",
        *(f"WO-{n} BOLT 5 MIL released 2026-03-02 2026-03-10" for n in (1000017, 2000008, 3000009)),
    )
    made = conform(landing(operation_status=status, work_orders=orders), context())
    assert made["operation_status"]["order"].to_list() == ["QQ", "WO-1000007"]
    proposal = made["key_proposals"].row(0, named=True)
    assert (proposal["raw_key"], proposal["proposed_key"], proposal["rows"]) == ("WO-1000007", "WO-1000017", 1)
    assert 85 <= proposal["score"] < 100
    assert made["key_proposals"].height == 1


def test_unknown_customers_are_kept_and_reported() -> None:
    orders = landing()["sales_orders"].with_columns(customer=pl.lit("C7"))
    made = conform(landing(sales_orders=orders), context())
    assert made["sales_orders"].height == 1
    assert fired(made, "key_unknown") == ["sales_orders.customer/C7"]


def test_prefixes_are_taken_off_only_where_the_policy_says_so() -> None:
    status = table("order op_seq status good_qty scrap_qty reported_at", f"SFC-WO-1 10 waiting 0 0 {AT}")
    plain = conform(landing(operation_status=status), context())
    assert plain["operation_status"]["order"].to_list() == ["SFC-WO-1"]
    policy = policy_from_dict({"spine": {"key_prefixes": {"mes.work_order": ["SFC-"]}}})
    made = conform(landing(operation_status=status), context(policy=policy))
    assert made["operation_status"]["order"].to_list() == ["WO-1"]
    assert made["key_map"].filter(pl.col("source") == "mes")["rule"].to_list() == ["prefix"]


@pytest.mark.parametrize(
    ("start", "end", "expected", "gate"),
    [
        ("2026-03-01T23:30:00", "1900-01-01T01:05:00", datetime(2026, 3, 2, 0, 5, tzinfo=UTC), "time_mended"),
        ("2026-03-01T22:00:00", "22:30:00", datetime(2026, 3, 1, 21, 30, tzinfo=UTC), "time_mended"),
        ("2026-03-01T23:30:00", "2026-03-01T01:05:00", datetime(2026, 3, 2, 0, 5, tzinfo=UTC), "time_mended"),
        ("2026-03-01T23:30:00Z", "1899-12-30 01:05", datetime(2026, 3, 2, 1, 5, tzinfo=UTC), "time_mended"),
    ],
)  # fmt: skip
def test_ends_without_date_or_before_their_start_are_mended_and_reported(
    start: str, end: str, expected: datetime, gate: str
) -> None:
    status = table(STATUS, f"WO-1 10 HD-01 complete 1 0 {start} {end.replace(' ', '~')} {AT}")
    made = conform(landing(operation_status=status), context())
    assert made["operation_status"]["ended_at"].to_list() == [expected]
    assert fired(made, gate) == ["operation_status/operation_status/1"]


def test_an_end_days_before_its_start_or_without_anything_to_lean_on_is_refused() -> None:
    status = table(
        STATUS, f"WO-1 10 HD-01 complete 1 0 2026-03-01T06:00:00 2026-02-20T06:00:00 {AT}",
        f"WO-1 20 PK-01 complete 1 0 2026-03-01T06:00:00 24:00.0 {AT}",
        f"WO-2 20 PK-01 complete 1 0 - 1900-01-01T01:05:00 {AT}",
        f"WO-2 10 PK-01 waiting 1 0 - - {AT}",
    )  # fmt: skip
    made = conform(landing(operation_status=status), context())
    gates = made["quarantine"].select("row", "gate").rows()
    assert gates == [(1, "value_impossible"), (2, "time_damaged"), (3, "time_damaged")]


def test_doubtful_local_times_are_reported() -> None:
    status = table(
        STATUS, "WO-1 10 HD-01 complete 1 0 2025-10-26T01:30:00 2025-10-26T02:30:00 2025-10-26T02:30:00",
        "WO-1 20 HD-01 complete 1 0 - - 2025-03-30T02:30:00",
    )  # fmt: skip
    made = conform(landing(operation_status=status), context())
    assert fired(made, "time_ambiguous") == ["operation_status/operation_status/1"] * 2
    assert fired(made, "time_nonexistent") == ["operation_status/operation_status/2"]


def test_reports_from_the_future_are_another_clock() -> None:
    status = table(STATUS, "WO-1 10 HD-01 running 1 0 - - 2026-03-02T08:45:00")
    made = conform(landing(operation_status=status), context())
    found = made["data_findings"].filter(pl.col("rule") == "time_future").row(0, named=True)
    assert found["correction"] == "its clock may run 3 h ahead"


def _events(minutes: int, count: int, odd: int = 0) -> tuple[pl.DataFrame, pl.DataFrame]:
    at = [datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=7 * n) for n in range(count)]
    left = pl.DataFrame({"order": [str(n) for n in range(count)], "at": at})
    shift = [timedelta(minutes=minutes + (n % 5) - 2 if n >= odd else 37 * n) for n in range(count)]
    return left, left.with_columns(at=pl.Series([moment + by for moment, by in zip(at, shift, strict=True)]))


def test_a_constant_offset_between_two_feeds_is_found_and_others_are_not() -> None:
    assert constant_offset(*_events(420, 60), ["order"]) == (timedelta(minutes=420), 60, 60)
    assert constant_offset(*_events(-60, 60, odd=5), ["order"]) == (timedelta(minutes=-60), 55, 60)
    assert constant_offset(*_events(0, 60), ["order"]) is None
    assert constant_offset(*_events(420, 60, odd=30), ["order"]) is None
    assert constant_offset(*_events(420, 10), ["order"]) is None


def test_the_offset_between_postings_and_consumption_is_proposed() -> None:
    moments = [datetime(2026, 3, 1, 6, tzinfo=UTC) + timedelta(minutes=11 * n) for n in range(30)]
    posted = table(
        "transaction item at kind qty uom order",
        *(f"T{n} WIRE {m:%Y-%m-%dT%H:%M:%SZ} issue -{n + 1} KGM WO-1" for n, m in enumerate(moments)),
    )
    used = table(
        "order component_item qty uom at",
        *(f"WO-1 WIRE {n + 1} KGM {m + timedelta(hours=-7):%Y-%m-%dT%H:%M:%SZ}" for n, m in enumerate(moments)),
    )
    made = conform(landing(inventory_transactions=posted, material_consumption=used), context())
    found = made["data_findings"].filter(pl.col("rule") == "feed_offset").row(0, named=True)
    assert found["correction"] == "take -420 minutes off the times of this feed"


def test_a_feed_of_another_epoch_and_a_collector_whose_clock_runs_behind() -> None:
    moments = [datetime(2026, 2, 20, 6, tzinfo=UTC) + timedelta(minutes=11 * n) for n in range(30)]
    status = table(
        "order op_seq status good_qty scrap_qty ended_at reported_at",
        *(f"WO-1 {n + 1} complete 1 0 {m:%Y-%m-%dT%H:%M:%SZ} {m:%Y-%m-%dT%H:%M:%SZ}" for n, m in enumerate(moments)),
    )
    cycles = table(
        "order op_seq machine qty run_min at",
        *(f"WO-1 {n + 1} M1 1 1 {m - timedelta(hours=2):%Y-%m-%dT%H:%M:%SZ}" for n, m in enumerate(moments)),
    )
    hours = table(
        "date work_center regular_hours overtime_hours",
        *(f"{m - timedelta(days=4_017 + n):%Y-%m-%d} WC1 8 0" for n, m in enumerate(moments)),
    )
    made = conform(landing(operation_status=status, cycle_times=cycles, labour_hours=hours), context())
    assert fired(made, "feed_offset") == ["mes/cycle_times"]
    assert fired(made, "feed_epoch") == ["labour_hours"]


def test_quantities_off_by_a_known_factor() -> None:
    orders = table(
        "purchase_order line supplier item qty received_qty uom due_date status",
        "P1 1 S 00042 5 5000 PCE 2026-03-10 open", "P2 1 S 00042 5 4.9 PCE 2026-03-10 open",
        "P3 1 S 00042 24 2 PCE 2026-03-10 open", "P4 1 S 00042 100 7 PCE 2026-03-10 open",
    )  # fmt: skip
    made = conform(landing(purchase_orders=orders), context())
    assert fired(made, "quantity_factor") == ["purchase_orders/P1/1", "purchase_orders/P3/1"]


def test_machines_that_run_twice_at_once_or_elsewhere() -> None:
    cycles = table(
        "order op_seq machine qty run_min setup_min at", "WO-1 10 HD-01 5 60 - 2026-03-02T04:00:00",
        "WO-1 10 HD-01 5 60 30 2026-03-02T05:00:00", "WO-2 10 HD-02 5 60 - 2026-03-02T04:00:00",
        "WO-2 10 HD-02 5 60 - 2026-03-02T05:00:00", "WO-1 20 HD-02 1 1 - 2026-03-01T05:00:00",
    )  # fmt: skip
    made = conform(landing(cycle_times=cycles), context())
    assert fired(made, "machine_overlap") == ["HD-01"]
    assert fired(made, "machine_elsewhere") == ["WO-1/20"]


def test_equal_postings_stay_and_equal_messages_do_not() -> None:
    issues = table("work_order component_item required_qty issued_qty uom", *["WO-1 WIRE 50 10 KGM"] * 2)
    used = table("order component_item qty uom at", *[f"WO-1 WIRE 10 KGM {AT}"] * 3)
    made = conform(landing(material_issues=issues, material_consumption=used), context())
    assert made["material_issues"].height == 2
    assert fired(made, "posting_repeated") == ["material_issues"]
    assert made["material_consumption"].height == 1
    assert made["quarantine"]["gate"].to_list() == ["duplicate_row"] * 2


def test_lead_times_and_standard_times_that_what_happened_contradicts() -> None:
    lines = [f"P{n} 1 S WIRE 10 KGM 2026-01-0{n} 2026-01-20 closed" for n in range(1, 6)]
    orders = table("purchase_order line supplier item qty uom ordered_on due_date status", *lines)
    receipts = table("purchase_order line received_on qty uom", *(f"P{n} 1 2026-02-0{n} 10 KGM" for n in range(1, 6)))
    cycles = table(
        "order op_seq machine qty run_min at", *(f"WO-1 10 HD-01 100 {n} 2026-03-01T0{n}:00:00" for n in range(1, 8))
    )
    made = conform(landing(purchase_orders=orders, receipts=receipts, cycle_times=cycles), context())
    lead, run = made["parameter_proposals"].rows(named=True)
    assert (lead["kind"], lead["subject"], lead["current"], lead["proposed"], lead["samples"]) == (
        "lead_time",
        "S/WIRE",
        10.0,
        31.0,
        5,
    )
    assert (run["subject"], run["current"], run["p50"], run["p80"]) == (
        "BOLT/main/10",
        0.01,
        0.04,
        pytest.approx(0.058),
    )
    assert fired(made, "lead_time_stale") == ["S/WIRE"]
    assert fired(made, "standard_time_stale") == ["BOLT/main/10"]


def test_lots_lead_to_their_roots() -> None:
    rows = [("A", None), ("B", "A"), ("C", "B"), ("C", "X"), ("L1", "L2"), ("L2", "L1"), ("Y", "Y")]
    lots = conformed_table("lots").frame([{"lot": lot, "parent_lot": parent, "item": "I"} for lot, parent in rows])
    roots = lot_roots(lots)
    assert roots.rows() == [("A", "A", 0), ("B", "A", 1), ("C", "A", 2), ("C", "X", 1), ("X", "X", 0)]
    assert looping_lots(lots, roots)["lot"].to_list() == ["L1", "L2", "Y"]
