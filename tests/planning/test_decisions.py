"""Changes that people decided on, applied to tables."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import polars as pl
import pytest

from recon_platform.planning.decisions import ChangeError, apply_changes, changes_in_force, in_frozen_schedule
from recon_platform.tables.context import PlanContext, Plant
from recon_platform.tables.policy import MaterialPolicy, Policy

PURCHASES = pl.DataFrame(
    {"purchase_order": ["P1", "P1", "P2"], "line": ["1", "2", "1"], "promised_date": [date(2026, 3, 2)] * 3}
)
SHIFTS = pl.DataFrame(
    {
        "machine": ["H1", "H1"],
        "start": [datetime(2026, 3, 2, 6, tzinfo=UTC), datetime(2026, 3, 7, 6, tzinfo=UTC)],
        "kind": ["overtime", "overtime"],
    },
    schema_overrides={"start": pl.Datetime("us", "UTC")},
)


def test_set_changes_only_the_rows_that_match() -> None:
    change = {
        "verb": "set", "table": "purchase_orders", "where": {"purchase_order": "P1", "line": "2"},
        "values": {"promised_date": "2026-02-27"},
    }  # fmt: skip
    frames = {"purchase_orders": PURCHASES, "items": pl.DataFrame({"item": ["a"]})}
    changed = apply_changes(frames, [change])
    assert changed["purchase_orders"].get_column("promised_date").to_list() == [
        date(2026, 3, 2), date(2026, 2, 27), date(2026, 3, 2),
    ]  # fmt: skip
    assert changed["items"] is frames["items"]
    assert frames["purchase_orders"] is PURCHASES and PURCHASES.item(1, "promised_date") == date(2026, 3, 2)


def test_range_matches_from_inclusive_to_exclusive() -> None:
    window = {"from": "2026-03-02T06:00:00+00:00", "to": "2026-03-07T06:00:00+00:00"}
    change = {"verb": "set", "table": "working_time", "where": {"start": window}, "values": {"kind": "regular"}}
    changed = apply_changes({"working_time": SHIFTS}, [change])["working_time"]
    assert changed.get_column("kind").to_list() == ["regular", "overtime"]


def test_add_and_remove_keep_types_and_fill_the_rest_with_null() -> None:
    added = apply_changes(
        {"purchase_orders": PURCHASES},
        [{"verb": "add", "table": "purchase_orders", "values": {"purchase_order": "P3", "line": "1"}}],
    )["purchase_orders"]
    assert added.schema == PURCHASES.schema
    assert added.row(3) == ("P3", "1", None)
    removed = apply_changes(
        {"purchase_orders": added}, [{"verb": "remove", "table": "purchase_orders", "where": {"promised_date": None}}]
    )["purchase_orders"]
    assert removed.equals(PURCHASES)


def test_rows_added_one_after_the_other_are_of_the_types_of_their_table_and_open_to_later_changes() -> None:
    start = "2026-03-04T06:00:00+00:00"
    rows = [
        {"verb": "add", "table": "working_time", "values": values}
        for values in ({"machine": "H2", "start": start}, {"machine": "H3", "kind": "regular"})
    ]
    later = {"verb": "set", "table": "working_time", "where": {"machine": "H3"}, "values": {"start": start}}
    made = apply_changes({"working_time": SHIFTS}, [*rows, later])["working_time"]
    instant = datetime(2026, 3, 4, 6, tzinfo=UTC)
    assert made.schema == SHIFTS.schema
    assert made.rows()[2:] == [("H2", instant, None), ("H3", instant, "regular")]
    whole = pl.DataFrame({"qty": [1.5], "pieces": [2]})
    values = {"qty": 3, "pieces": 4.0}
    added = apply_changes({"lots": whole}, [{"verb": "add", "table": "lots", "values": values}])["lots"]
    assert added.schema == whole.schema and added.row(1) == (3.0, 4)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"verb": "set", "where": {"supplier": "x"}, "values": {}}, "no column 'supplier'"),
        ({"verb": "set", "where": {}, "values": {"promised_date": "tomorrow"}}, "found 'tomorrow'"),
        ({"verb": "add", "values": {"supplier": "x"}}, "no column 'supplier'"),
        ({"verb": "add", "values": {"line": 5}}, "expected String, found"),
        ({"verb": "swap", "where": {}, "values": {}}, "expected verb set, add, remove or grant"),
    ],
)
def test_a_change_that_cannot_be_made_says_why(change: dict[str, object], says: str) -> None:
    with pytest.raises(ChangeError, match=says):
        apply_changes({"purchase_orders": PURCHASES}, [{"table": "purchase_orders", **change}])


def test_only_decisions_that_change_a_plan_are_applied() -> None:
    change = {"verb": "remove", "table": "purchase_orders", "where": {"purchase_order": "P1"}}
    decisions = pl.DataFrame(
        {
            "decision": ["2", "1", "3"],
            "kind": ["approved_move", "approved_move", "lock"],
            "value": [json.dumps({"change": [change]}), json.dumps({"change": []}), json.dumps({"change": [change]})],
        }
    )
    assert changes_in_force(decisions) == [change]
    assert changes_in_force(None) == []


@pytest.mark.parametrize(
    ("change", "inside"),
    [
        ({"verb": "add", "values": {"due_date": "2026-03-11"}}, True),
        ({"verb": "add", "values": {"due_date": "2026-03-12"}}, False),
        ({"verb": "remove", "where": {"due_date": "2026-03-04"}}, True),
        ({"verb": "set", "where": {"due_date": "2026-03-20"}, "values": {"due_date": "2026-03-09"}}, True),
        ({"verb": "set", "where": {"due_date": "2026-03-20"}, "values": {"qty": 5.0}}, False),
        (
            {"verb": "set", "where": {"due_date": {"from": "2026-03-05", "to": "2026-04-01"}}, "values": {"qty": 1.0}},
            True,
        ),
        ({"verb": "set", "where": {"item": "A"}, "values": {"qty": 1.0}}, True),  # any day may be meant
        ({"verb": "set", "table": "items", "where": {"item": "A"}, "values": {"yield": 0.9}}, False),
    ],
)
def test_changes_of_the_master_schedule_inside_its_frozen_days_are_known(
    change: dict[str, object], inside: bool
) -> None:
    def tonight(days: int) -> PlanContext:
        policy = Policy(material=MaterialPolicy(master_schedule_frozen_days=days))
        return PlanContext(Plant("P"), date(2026, 3, 2), datetime(2026, 3, 2, 4, tzinfo=UTC), policy=policy)

    stated = [{"verb": "grant", "grant": {"kind": "fence"}}, {"table": "master_schedule", **change}]
    assert in_frozen_schedule(stated, tonight(10)) is inside
    assert not in_frozen_schedule(stated, tonight(0))
