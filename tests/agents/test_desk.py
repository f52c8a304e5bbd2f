"""What an agent may do, whatever it asks and whatever the plant's systems wrote."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon_platform.agents.changes import CHANGEABLE, ChangeRefusedError, change
from recon_platform.agents.desk import READABLE, Desk
from recon_platform.agents.marking import LONGEST, MARK, marked
from recon_platform.governance.errors import PermissionDeniedError, SignInError
from recon_platform.nights.records import newest_manifest
from recon_platform.tables.model import Column, Kind
from recon_platform.tables.registry import TABLES
from tests.agents.conftest import Counter
from tests.governance.plant import PEOPLE


def first_late_purchase(counter: Counter) -> dict[str, Any]:
    """A change that the newest night can be planned with: a purchase that arrives later."""
    row = (
        newest_manifest(counter.night.lake)
        .read(counter.night.lake, "purchase_orders")
        .filter(pl.col("status") == "open")
        .sort("purchase_order", "line")
        .row(0, named=True)
    )
    return {
        "table": "purchase_orders", "where": {"purchase_order": row["purchase_order"], "line": row["line"]},
        "values": {"promised_date": "2026-06-01"},
    }  # fmt: skip


CALLS: dict[str, Callable[[Desk, Any, str], Any]] = {
    "stands": lambda desk, actor, plant: desk.stands(actor, plant),
    "read": lambda desk, actor, plant: desk.read(actor, plant, "schedule"),
    "published": lambda desk, actor, plant: desk.published(actor, plant),
    "what_if": lambda desk, actor, plant: desk.what_if(actor, plant, []),
    "propose": lambda desk, actor, plant: desk.propose(actor, plant, [], "why"),
    "proposals": lambda desk, actor, plant: desk.proposals(actor, plant),
}


def test_the_desk_has_nothing_but_what_is_tested_here() -> None:
    doing = {name for name in vars(Desk) if not name.startswith("_") and callable(getattr(Desk, name))} - {"enter"}
    assert doing == set(CALLS)


def test_no_person_comes_through_the_door_for_agents(counter: Counter) -> None:
    for person in PEOPLE:
        for call in CALLS.values():
            with pytest.raises(PermissionDeniedError, match="is no agent"):
                call(counter.desk, counter.actor(person), counter.plant)


def test_an_agent_that_is_switched_off_is_refused_at_its_next_call(counter: Counter) -> None:
    agent = counter.actor()
    counter.store.people.disable(counter.actor("ian"), agent.name)
    for call in CALLS.values():
        with pytest.raises(SignInError):
            call(counter.desk, agent, counter.plant)


def test_tables_are_read_in_pages_that_add_up(counter: Counter) -> None:
    seen: list[Any] = []
    after: int | None = 0
    while after is not None:
        page = counter.desk.read(counter.actor(), counter.plant, "schedule", rows=50, after=after)
        seen.extend(page["rows"])
        after = page["next_after"]
    assert len(seen) == page["rows_in_all"] > 50
    assert len({(row["work_order"], row["op_seq"]) for row in seen}) == len(seen)


def test_every_table_that_is_offered_can_be_read_as_json_and_no_other(counter: Counter) -> None:
    for table in READABLE:
        page = counter.desk.read(counter.actor(), counter.plant, table)
        assert json.loads(json.dumps(page)) == page
    for table in ("decisions_in_force", "run_manifests", "raw.items", "inventory", "../audit"):
        with pytest.raises(ValueError, match="expected one of"):
            counter.desk.read(counter.actor(), counter.plant, table)


def test_a_proposal_shows_the_computed_effect_and_waits_for_a_person(counter: Counter) -> None:
    asked = first_late_purchase(counter)
    tried = counter.desk.what_if(counter.actor(), counter.plant, [asked])
    made = counter.desk.propose(counter.actor(), counter.plant, [asked], "It wins every line, I promise.")
    assert made["effect"] == tried["effect"]
    request = counter.store.requests.get(counter.actor("sam"), made["request"])
    assert (request.state, request.proposer, request.proposer_version) == ("open", "advisor", "2.1")
    assert request.content["effect"]["operations_moved"] == tried["effect"]["operations_moved"]
    assert "I promise" not in request.reason + request.title
    assert request.content["agent_words"] == "It wins every line, I promise."
    assert [one["state"] for one in counter.desk.proposals(counter.actor(), counter.plant)] == ["open"]


def test_flooding_ends_at_the_quota(counter: Counter) -> None:
    asked = first_late_purchase(counter)
    for _ in range(counter.desk.what_ifs):
        counter.desk.what_if(counter.actor(), counter.plant, [asked])
    with pytest.raises(PermissionDeniedError, match="quota of 4 what-ifs"):
        counter.desk.what_if(counter.actor(), counter.plant, [asked])
    with pytest.raises(PermissionDeniedError, match="quota of 4 what-ifs"):
        counter.desk.propose(counter.actor(), counter.plant, [asked], "more")


@pytest.mark.parametrize(
    "refused",
    [
        {"table": "decisions_in_force", "where": {}, "values": {"state": "approved"}},
        {"table": "items", "where": {"item": "A"}, "values": {"safety_stock": 0}},
        {"table": "sales_orders", "where": {}, "values": {"qty": 1}},
        {"table": "sales_orders", "where": {"sales_order": "S", "line": "1"}, "values": {"customer": "X"}},
        {"table": "sales_orders", "where": {"sales_order": "S", "line": "1"}, "values": {"qty": -1}},
        {"table": "sales_orders", "where": {"sales_order": {"from": "", "to": "~"}, "line": "1"}, "values": {"qty": 1}},
        {"table": "sales_orders", "where": {"sales_order": "S", "line": "1"}, "values": {"promised_date": "soon"}},
        {"table": "work_order_operations", "where": {"work_order": "W"}, "values": {"machine": "M"}},
    ],
)
def test_a_change_that_is_not_on_the_list_is_refused(refused: dict[str, Any]) -> None:
    with pytest.raises(ChangeRefusedError, match=r"expected|may set|has to name"):
        change(refused["table"], refused["where"], refused["values"])


def test_a_change_of_a_row_that_is_not_there_is_refused_before_anything_is_counted(counter: Counter) -> None:
    asked = {"table": "sales_orders", "where": {"sales_order": "NONE", "line": "1"}, "values": {"qty": 1}}
    for _ in range(counter.desk.what_ifs + 1):
        with pytest.raises(ChangeRefusedError, match="expected one row with sales_order NONE, line 1, found 0"):
            counter.desk.what_if(counter.actor(), counter.plant, [asked])


def test_what_may_be_changed_exists_in_the_tables() -> None:
    for name, one in CHANGEABLE.items():
        assert {*one.where, *one.values} <= {*TABLES[name].column_names}


@given(st.text(max_size=2 * LONGEST))
def test_no_text_leaves_unmarked_unless_it_is_shaped_like_a_key(text: str) -> None:
    note = marked(text, Column("note", Kind.TEXT, "A note.", allowed=("open",)))
    assert note == "open" or (set(note) == {MARK} and len(note[MARK]) <= LONGEST + 1)
    key = marked(text, Column("key", Kind.KEY, "A key."))
    assert not isinstance(key, str) or (" " not in key and len(key) <= 64)
