"""What pages are made of, asked of the services themselves: tried parameters and pins, ages of findings, what leads where."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from recon_platform.console.services.backlog import backlog
from recon_platform.console.services.capacity import capacity
from recon_platform.console.services.changes import changes
from recon_platform.console.services.nights import Night, Nights
from recon_platform.console.services.what_if import pin_effect, try_out
from recon_platform.lake import Lake


@pytest.fixture(scope="module")
def nights(demo_once: Path) -> list[Night]:
    return Nights(Lake(str(demo_once / "lake"))).all("FASTENER")


def test_an_items_parameter_is_tried_out(nights: list[Night]) -> None:
    night = nights[-1]
    bought = night.read("items").filter(pl.col("make_buy") == "buy").row(0, named=True)
    found = try_out(night, "parameter", {"item": bought["item"], "parameter": "lead_time_days", "value": "90"})
    assert (found.row["subject"], found.row["to"]) == (bought["item"], "lead time in days 90")
    assert found.row["from"] == f"lead time in days {bought['lead_time_days']:g}"
    with pytest.raises(ValueError, match="effect shown is that of another pin"):
        pin_effect(found, "WO-1", 10, "M1")


@pytest.mark.parametrize(("kind", "asked", "says"), [
    ("parameter", {"item": "nothing", "parameter": "safety_stock", "value": "1"}, "no item 'nothing'"),
    ("parameter", {"item": "nothing", "parameter": "cost", "value": "1"}, "one of lead_time_days"),
    ("pin", {"work_order": "WO", "operation": "ten", "machine": "M"}, "a whole number; found 'ten'"),
    ("pin", {"work_order": "WO", "operation": "10", "machine": "M"}, "knows no operation 10 of WO"),
])  # fmt: skip
def test_what_cannot_be_tried_says_why(nights: list[Night], kind: str, asked: dict[str, str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        try_out(nights[-1], kind, asked)


def test_a_finding_is_as_old_as_the_nights_it_stands(nights: list[Night]) -> None:
    before = set(nights[0].read("findings").get_column("finding"))
    queue = backlog(nights[-1], nights).listing("queue")
    assert queue is not None and queue.rows.height
    ages = dict(queue.rows.select("finding", "nights").iter_rows())
    assert ages == {finding: 1 + (finding in before) for finding in ages} and set(ages.values()) == {1, 2}


def test_work_centers_asked_for_more_than_they_have_in_a_week_are_named_on_the_capacity_page(
    nights: list[Night], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The demo plant has room: with four times its load it has none."""
    kept = Night.read
    load, vendor = (
        nights[-1].read("required_load"),
        nights[-1].read("work_centers").filter("external")["work_center"][0],
    )
    busy = load.with_columns(loaded_min=pl.when(work_center=vendor).then(1.0).otherwise(4 * pl.col("loaded_min")))
    monkeypatch.setattr(Night, "read", lambda night, name: busy if name == "required_load" else kept(night, name))
    listed = capacity(nights[-1], None).listing("overloaded")
    assert listed is not None
    asked: dict[tuple[str, date], float] = {}
    for center, day, loaded, there in busy.select(
        "work_center", "bucket_start", "loaded_min", "available_min"
    ).iter_rows():
        monday = day - timedelta(days=day.weekday())
        asked[center, monday] = asked.get((center, monday), 0.0) + loaded - there
    over = {center for (center, _), minutes in asked.items() if minutes > 0}
    assert vendor in over and len(over) > 1
    assert set(listed.rows["order"]) == over - {vendor}
    for center, day, hours in listed.rows.select("order", "need_date", "hours").iter_rows():
        first = min(monday for (name, monday), minutes in asked.items() if name == center and minutes > 0)
        assert first <= day < first + timedelta(days=7)
        assert hours == pytest.approx(asked[center, first] / 60, abs=0.01)


def test_a_summary_of_changes_leads_to_its_rows(nights: list[Night]) -> None:
    page = changes(nights[-1])
    rows = page.listing("changes")
    assert rows is not None
    for name, column in (("by_order", "work_order"), ("by_work_center", "work_center"), ("by_cause", "cause")):
        summary = page.listing(name)
        assert summary is not None and summary.columns[0].link == f"changes?changes.q={{{column}}}"
        first = summary.rows.row(0, named=True)
        assert rows.selected(first[column]).height >= first["changes"] > 0
