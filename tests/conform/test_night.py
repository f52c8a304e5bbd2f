"""A night conformed: one key, one unit, every row either through or in quarantine, whatever order things come in."""

from __future__ import annotations

import random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon_platform.conform import ConformError, conform
from recon_platform.tables.model import Layer
from recon_platform.tables.registry import TABLES, output_table
from recon_platform.tables.validation import violations
from tests.conform.plant import context, landing, table

LANDING = [name for name, found in TABLES.items() if found.layer is Layer.LANDING]


def reasons(made: dict[str, pl.DataFrame], name: str) -> list[tuple[int, str | None, str]]:
    found = made["quarantine"].filter(pl.col("table") == name)
    return found.select("row", "column", "gate").rows()


def test_the_small_plant_comes_through_whole() -> None:
    made = conform(landing(), context())
    assert made["quarantine"].is_empty()
    assert made["work_orders"].select("work_order", "qty", "uom").rows() == [
        ("WO-1", 5000.0, "PCE"),
        ("WO-2", 1000.0, "PCE"),
    ]
    assert made["bom_lines"].select("qty_per", "uom").row(0) == (0.01, "KGM")
    assert made["purchase_orders"]["qty"].to_list() == [1000.0]
    assert made["operation_status"]["order"].to_list() == ["WO-1"]
    assert made["machines"]["machine"].to_list() == ["HD-01", "HD-02", "PK-01", "PLATE-01"]
    assert made["work_order_operations"].select("work_order", "op_seq", "work_center").rows() == [
        ("WO-1", 10, "HD"), ("WO-1", 20, "PK"),
    ]  # fmt: skip
    assert made["inventory"].filter(pl.col("item") == "42")["qty"].to_list() == [-5.0]


def test_every_table_is_what_its_schema_says() -> None:
    made = conform(landing(), context())
    assert [str(v) for name, frame in made.items() for v in violations(output_table(name), frame)] == []
    for name, frame in made.items():
        assert frame.schema == pl.Schema(output_table(name).schema), name


def test_keys_become_one_whatever_a_source_writes() -> None:
    status = table(
        "order op_seq status good_qty scrap_qty reported_at",
        "wo-1 10 running 1 0 2026-03-02T05:00:00", "WO_1 20 waiting 0 0 2026-03-02T05:00:00",
    )  # fmt: skip
    stock = table("item qty uom status", "~BOLT 1 PCE available", "bolt~ 2 PCE available", "0042 3 PCE available")
    made = conform(landing(operation_status=status, inventory=stock), context())
    assert made["operation_status"]["order"].to_list() == ["WO-1", "WO-1"]
    assert made["inventory"]["item"].to_list() == ["42", "BOLT", "BOLT"]
    rules = dict(made["key_map"].select("raw_key", "rule").rows())
    assert rules == {
        "wo-1": "case",
        "WO_1": "separators",
        " BOLT": "blanks",
        "bolt ": "case",
        "0042": "zeros",
        "00042": "zeros",
    }


def test_a_cross_reference_goes_first_and_has_its_dates() -> None:
    xref = table(
        "source source_key key valid_from valid_to",
        "mes SFC9 WO-1 - -",
        "mes OLD WO-1 - 2026-01-31",
        "erp SFC8 WO-1 - -",
    )
    status = table(
        "order op_seq status good_qty scrap_qty reported_at",
        *(f"{order} 10 waiting 0 0 2026-03-02T05:0{i}:00" for i, order in enumerate(["SFC9", "sfc-9", "OLD", "SFC8"])),
    )
    made = conform(landing(operation_status=status, order_xref=xref), context())
    assert made["operation_status"]["order"].to_list() == ["OLD", "SFC8", "WO-1", "WO-1"]


def test_colliding_master_keys_are_kept_apart_and_reported() -> None:
    items = table(
        "item make_buy uom lead_time_days lot_rule", "123 buy PCE 1 lot_for_lot", "00123 buy KGM 2 lot_for_lot",
        "BOLT make PCE 5 lot_for_lot", "WIRE buy KGM 5 lot_for_lot",
    )  # fmt: skip
    stock = table("item qty uom status", "123 1 PCE available", "00123 2 KGM available", "0123 3 KGM available")
    made = conform(landing(items=items, inventory=stock), context())
    assert made["items"]["item"].to_list() == ["00123", "123", "BOLT", "WIRE"]
    assert made["inventory"].select("item", "qty").rows() == [("00123", 2.0), ("123", 1.0)]
    assert reasons(made, "inventory") == [(3, "item", "key_ambiguous")]
    clash = made["data_findings"].filter(pl.col("rule") == "key_collision")
    assert clash.select("entity", "erp_value", "severity").rows() == [("items/123", "00123, 123", "high")]


def test_the_same_master_row_in_two_spellings_is_one_row() -> None:
    items = landing()["items"]
    again = items.filter(pl.col("item") == "BOLT").with_columns(item=pl.lit(" BOLT"))
    made = conform(landing(items=pl.concat([items, again])), context())
    assert made["items"]["item"].to_list() == ["42", "BOLT", "WIRE"]
    assert reasons(made, "items") == [(4, None, "duplicate_row")]


REFUSED = [
    ("work_orders", {"qty": "many"}, ("qty", "value_unreadable")),
    ("work_orders", {"qty": "-5"}, ("qty", "value_impossible")),
    ("work_orders", {"qty": None}, ("qty", "value_missing")),
    ("work_orders", {"qty": "1,5"}, ("qty", "value_unreadable")),
    ("work_orders", {"qty": "nan"}, ("qty", "value_unreadable")),
    ("work_orders", {"qty": "1e400"}, ("qty", "value_unreadable")),
    ("work_orders", {"status": "odd"}, ("status", "value_unreadable")),
    ("work_orders", {"due_date": "24:00.0"}, ("due_date", "time_damaged")),
    ("work_orders", {"due_date": "1900-01-01"}, ("due_date", "time_damaged")),
    ("work_orders", {"due_date": "10.03.2026"}, ("due_date", "value_unreadable")),
    ("work_orders", {"item": "NOBODY"}, ("item", "key_orphan")),
    ("work_orders", {"uom": "XCT"}, ("uom", "unit_missing")),
    ("work_orders", {"work_order": "=cmd|' /C calc'!A0"}, ("work_order", "key_unreadable")),
    ("routings", {"work_center": "NOWHERE"}, ("work_center", "key_orphan")),
    ("routings", {"run_min_per_unit": "-1"}, ("run_min_per_unit", "value_impossible")),
    ("bom_lines", {"component_item": "NOBODY"}, ("component_item", "key_orphan")),
    ("operation_status", {"reported_at": "soon"}, ("reported_at", "value_unreadable")),
    ("calendars", {"weekday": "8"}, ("weekday", "value_impossible")),
    ("items", {"lot_rule": "guess"}, ("lot_rule", "value_unreadable")),
]


@pytest.mark.parametrize(("name", "change", "expected"), REFUSED)
def test_a_bad_row_goes_to_quarantine_with_its_reason(
    name: str, change: dict[str, str | None], expected: tuple[str, str]
) -> None:
    good = landing()[name]
    bad = good.tail(1).with_columns(pl.lit(value, pl.String).alias(column) for column, value in change.items())
    made = conform(landing(**{name: pl.concat([good, bad])}), context())
    found = made["quarantine"].filter((pl.col("table") == name) & (pl.col("row") == good.height + 1)).row(0, named=True)
    assert (found["column"], found["gate"]) == expected
    assert found["value"] == next(iter(change.values()))
    assert found["reason"]


def test_a_row_is_refused_once_with_its_worst_reason_and_the_count_of_all() -> None:
    bad = table(
        "work_order item qty uom status start_date due_date _problem", "WO-9 BOLT x PCE odd 24:00.0 2026-03-10 torn"
    )
    orders = pl.concat([landing()["work_orders"], bad], how="diagonal")
    found = conform(landing(work_orders=orders), context())["quarantine"]
    assert found.select("row", "gate", "severity", "reasons").rows() == [(3, "row_malformed", "critical", 4)]


def test_a_routing_without_one_of_its_operations_is_refused_whole() -> None:
    routings = landing()["routings"].with_columns(
        work_center=pl.when(pl.col("op_seq") == "20").then(pl.lit("NOWHERE")).otherwise("work_center")
    )
    extra = routings.head(1).with_columns(item=pl.lit("42"))
    made = conform(landing(routings=pl.concat([routings, extra])), context())
    assert [gate for _, _, gate in reasons(made, "routings")] == ["routing_broken", "key_orphan"]
    missing = made["data_findings"].filter(pl.col("rule") == "routing_missing")
    assert missing["entity"].to_list() == ["WO-1"]
    assert made["work_order_operations"].is_empty()


def test_what_an_order_brings_is_kept_and_the_rest_comes_from_the_routing_valid_on_its_start() -> None:
    routings = table(
        "item routing op_seq operation_code work_center setup_min run_min_per_unit valid_from valid_to",
        "BOLT main 10 HEAD HD 30 0.01 - 2026-02-28", "BOLT main 10 HEAD HD 45 0.02 2026-03-01 -",
        "BOLT alt 10 HEAD PK 60 0.03 - -",
    )  # fmt: skip
    orders = table(
        "work_order item routing qty uom status start_date due_date",
        "A BOLT - 1 PCE released 2026-02-27 2026-03-10", "B BOLT main 1 PCE firm 2026-03-02 2026-03-10",
        "C BOLT alt 1 PCE released - 2026-03-10", "D BOLT - 1 PCE planned 2026-03-02 2026-03-10",
        "E BOLT - 1 PCE released 2026-03-02 2026-03-10",
    )  # fmt: skip
    own = table("work_order op_seq operation_code work_center setup_min run_min_per_unit", "E 5 SAW PK 1 1")
    made = conform(landing(routings=routings, work_orders=orders, work_order_operations=own), context())
    assert made["work_order_operations"].select("work_order", "op_seq", "work_center", "setup_min").rows() == [
        ("A", 10, "HD", 30.0), ("B", 10, "HD", 45.0), ("C", 10, "PK", 60.0), ("E", 5, "PK", 1.0),
    ]  # fmt: skip


def test_tables_that_stop_the_night_are_named_together() -> None:
    bad = landing()["work_orders"].with_columns(qty=pl.lit("?"))
    with pytest.raises(ConformError, match=r"work_orders: all 2 rows are refused.*qty is not a number"):
        conform(landing(work_orders=bad), context())
    with pytest.raises(ConformError, match="required tables are missing: items, routings"):
        conform(landing(items=None, routings=None), context())
    with pytest.raises(ConformError, match="no regular working day"):
        conform(landing(calendars=landing()["calendars"].with_columns(kind=pl.lit("overtime"))), context())


SPOIL = st.tuples(
    st.sampled_from(["work_orders", "items", "routings", "bom_lines", "operation_status", "inventory", "calendars"]),
    st.integers(0, 20),
    st.integers(0, 20),
    st.sampled_from(
        ["", "x", "-1", "0", "24:00.0", "=1+1", "2026-03-02", "BOLT", "999999999999999999999", "é\u0000", "XCT"]
    ),
)


def _spoilt(changes: list[tuple[str, int, int, str]]) -> dict[str, pl.DataFrame]:
    frames = landing()
    for name, row, column, value in changes:
        frame = frames[name]
        frame = pl.concat([frame, frame])
        target = frame.columns[column % frame.width]
        index = pl.int_range(pl.len()) == row % frame.height
        frames[name] = frame.with_columns(pl.when(index).then(pl.lit(value)).otherwise(target).alias(target))
    return frames


@settings(max_examples=8, deadline=None)
@given(st.lists(SPOIL, max_size=4))
def test_no_row_is_lost_and_no_row_appears(changes: list[tuple[str, int, int, str]]) -> None:
    frames = _spoilt(changes)
    try:
        made = conform(frames, context())
    except ConformError as error:
        assert "\n" not in str(error)
        return
    counts = made["row_counts"]
    assert (counts["rows_in"] == counts["rows_out"] + counts["rows_quarantined"]).all()
    refused = made["quarantine"].group_by("table").len()
    for name, rows_in, rows_out, rows_refused in counts.rows():
        assert rows_in == frames.get(name, pl.DataFrame()).height
        assert made[name].filter(pl.col("source_row").is_not_null()).height == rows_out
        listed = refused.filter(pl.col("table") == name)["len"].to_list()
        assert listed == ([rows_refused] if rows_refused else [])


def content(made: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The landing tables and what is compiled from them, without where a row stood."""
    names = [*LANDING, "working_time", "plant_days"]
    return {name: made[name].drop("source_file", "source_row", strict=False) for name in names}


@settings(max_examples=5, deadline=None)
@given(st.lists(SPOIL, max_size=3), st.integers(0, 10**6))
def test_the_order_of_rows_never_matters(changes: list[tuple[str, int, int, str]], seed: int) -> None:
    frames = _spoilt(changes)
    shuffled = {}
    for name, frame in frames.items():
        order = list(range(frame.height))
        random.Random(seed).shuffle(order)
        shuffled[name] = frame[order]
    try:
        one = content(conform(frames, context()))
    except ConformError:
        with pytest.raises(ConformError):
            conform(shuffled, context())
        return
    other = content(conform(shuffled, context()))
    for name, frame in one.items():
        assert frame.equals(other[name]), name


@settings(max_examples=4, deadline=None)
@given(st.lists(SPOIL, max_size=3))
def test_conforming_twice_is_conforming_once(changes: list[tuple[str, int, int, str]]) -> None:
    try:
        made = conform(_spoilt(changes), context())
    except ConformError:
        return
    once = content(made)
    made_again = conform({name: once[name] for name in LANDING}, context())
    again = content(made_again)
    assert made_again["quarantine"].is_empty()
    for name, frame in once.items():
        assert frame.equals(again[name]), name
