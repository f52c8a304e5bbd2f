"""A frozen operation that cannot begin inside the frozen horizon any more does not keep a machine waiting for it."""

from __future__ import annotations

from datetime import datetime

import polars as pl
import pytest

from recon_platform.capacity import check_schedule
from tests.capacity.plants import PlantBuilder, at, context
from tests.capacity.test_known_answers import plan, times

DAYS = 20 * 24.0


def in_force(*orders: str) -> PlantBuilder:
    """In force, frozen for a day: `orders` one after another, an hour each, on A-01 and then on B-01."""
    builder = PlantBuilder()
    builder.center("A")
    builder.center("B")
    for k, order in enumerate(orders):
        builder.order(order, [{"work_center": "A", "run": 60.0}, {"work_center": "B", "run": 60.0}])
        for seq, center, start in ((10, "A", k), (20, "B", k + 1)):
            put(builder, order, seq, center, start)
    return builder


def put(builder: PlantBuilder, order: str, seq: int, center: str, start: float) -> None:
    builder.add("published", work_order=order, op_seq=seq, work_center=center, machine=f"{center}-01", setup_start=at(start),
                start=at(start), end=at(start + 1), qty=1.0, frozen=True, forced=False, bound_by="machine", terms="")  # fmt: skip


def starts(made: dict[str, pl.DataFrame], order: str) -> list[datetime]:
    return [times(made, order, seq)[1] for seq in (10, 20)]


def judged(builder: PlantBuilder, schedule: pl.DataFrame) -> set[str]:
    return set(check_schedule({**builder.frames(), "schedule": schedule}, context())["constraint"])


def test_what_waits_for_material_beyond_the_horizon_lets_those_behind_keep_their_time() -> None:
    builder = in_force("LATE", "NEXT", "LAST")
    builder.rows["supply_orders"][0]["earliest_at"] = at(DAYS)
    made = plan(builder)
    assert starts(made, "NEXT") == [at(1), at(2)]
    assert starts(made, "LAST") == [at(2), at(3)]
    assert starts(made, "LATE") == [at(DAYS), at(DAYS + 1)]


def test_what_comes_inside_the_horizon_keeps_its_place() -> None:
    builder = in_force("LATE", "NEXT")
    builder.rows["supply_orders"][0]["earliest_at"] = at(23)
    made = plan(builder)
    assert starts(made, "LATE") == [at(23), at(24)]
    assert starts(made, "NEXT") == [at(24), at(25)]


def test_what_waits_for_a_component_whose_material_is_late_lets_those_behind_keep_their_time() -> None:
    builder = in_force("LATE", "NEXT")
    builder.center("C")
    builder.order("PART", [{"work_center": "C"}], earliest=DAYS)
    builder.add("order_links", supply_order="PART", demand_order="LATE", item="I-PART", qty=1.0, op_seq=20)
    made = plan(builder)
    assert starts(made, "NEXT") == [at(1), at(2)]
    assert starts(made, "LATE") == [at(0), at(DAYS + 1)]


def test_what_waits_for_a_vendor_beyond_the_horizon_lets_those_behind_keep_their_time() -> None:
    builder = PlantBuilder()
    builder.center("V", external=True)
    builder.center("B")
    builder.order("LATE", [{"work_center": "V", "external_days": 9.0, "status": "running", "started_at": at(-24)},
                           {"work_center": "B"}])  # fmt: skip
    builder.order("NEXT", [{"work_center": "B"}])
    put(builder, "LATE", 20, "B", 0)
    put(builder, "NEXT", 10, "B", 1)
    made = plan(builder)
    assert times(made, "NEXT")[1] == at(1)
    assert times(made, "LATE", 20)[1] == at(8 * 24)


def test_a_machine_that_is_down_for_days_holds_up_those_after_it_until_the_horizon_ends() -> None:
    builder = in_force("LATE")
    builder.order("NEXT", [{"work_center": "B"}])
    put(builder, "NEXT", 10, "B", 2)
    builder.add(
        "downtime_events", event="D", machine="A-01", started_at=at(-1), expected_end=at(DAYS), reported_at=at(-1)
    )
    made = plan(builder)
    assert times(made, "NEXT")[1] == at(24)
    assert starts(made, "LATE") == [at(DAYS), at(DAYS + 1)]


@pytest.mark.parametrize(("earliest", "found"), [(0.0, {"frozen"}), (23.0, {"frozen"}), (24.0, set())])
def test_nothing_is_sent_out_of_the_horizon_without_need(earliest: float, found: set[str]) -> None:
    """LATE goes after the horizon and the one behind it first: right only where its material comes so late."""
    builder = PlantBuilder()
    builder.center("A")
    for order, start in (("LATE", 0), ("NEXT", 1)):
        builder.order(order, [{"work_center": "A"}])
        put(builder, order, 10, "A", start)
    builder.rows["supply_orders"][0]["earliest_at"] = at(24)
    made = plan(builder)["schedule"]
    assert [times({"schedule": made}, order)[1] for order in ("LATE", "NEXT")] == [at(24), at(1)]
    builder.rows["supply_orders"][0]["earliest_at"] = at(earliest)
    assert judged(builder, made) == found


def test_a_circle_excuses_what_goes_before_it_where_the_rest_of_it_left_the_horizon() -> None:
    """BUYER takes what MAKER makes, which stands behind BUYER on B: BUYER gives up its place on A, and what it still has to do
    on B comes after the horizon. That is no reason to hold NEXT to the sequence on A."""
    builder = PlantBuilder()
    builder.center("A")
    builder.center("B")
    builder.order("BUYER", [{"work_center": "A", "run": 360.0}, {"work_center": "B", "run": 60.0}])
    builder.order("NEXT", [{"work_center": "A", "run": 60.0}])
    builder.order("MAKER", [{"work_center": "B", "run": 900.0}])
    builder.add("order_links", supply_order="MAKER", demand_order="BUYER", item="I-MAKER", qty=1.0, op_seq=10)
    for order, seq, center, start in (
        ("BUYER", 10, "A", 1),
        ("NEXT", 10, "A", 3),
        ("BUYER", 20, "B", 2),
        ("MAKER", 10, "B", 5),
    ):
        put(builder, order, seq, center, start)
    made = plan(builder)
    assert times(made, "NEXT")[1] == at(3)
    assert starts(made, "BUYER") == [at(20), at(26)]
