"""Random plants with every feature of the scheduler, drawn by hypothesis."""

from __future__ import annotations

import json
from datetime import datetime, time, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.capacity.plants import AS_OF, MONDAY, PlantBuilder, at

SKILLS = ("setter", "operator")


@st.composite
def plants(draw: st.DrawFn) -> PlantBuilder:
    """A plant of a few work centers and orders; each feature is on or off by draw."""
    builder = PlantBuilder()
    builder.horizon_days = 45
    maybe = st.booleans()
    labour = draw(maybe)
    tools = draw(maybe)
    matrix = draw(maybe)
    centers = [f"C{k}" for k in range(draw(st.integers(1, 4)))]
    furnace = draw(maybe)
    vendor = draw(maybe)
    for name in centers:
        hours = draw(st.sampled_from([None, (6, 14), (5, 22), (0, 8)]))
        continuity = draw(st.sampled_from([None, None, "campaign", "lot"]))
        builder.center(
            name,
            draw(st.integers(1, 3)),
            hours=hours,
            efficiency=draw(st.sampled_from([None, 0.9, 1.2])),
            continuity=continuity,
        )
        if matrix and draw(maybe):
            builder.add(
                "setup_matrix",
                work_center=name,
                attribute="diameter",
                from_value="*",
                to_value="*",
                minutes=draw(st.integers(0, 90)),
            )
            builder.add(
                "setup_matrix",
                work_center=name,
                attribute="diameter",
                from_value="d1",
                to_value="d2",
                minutes=draw(st.integers(0, 90)),
            )
            builder.add(
                "setup_matrix",
                work_center=name,
                attribute="length",
                from_value="*",
                to_value="l1",
                minutes=draw(st.integers(0, 60)),
            )
    if furnace:
        builder.center("F", draw(st.integers(1, 2)), continuity=draw(st.sampled_from([None, "campaign"])))
    if vendor:
        builder.center("V", 1, external=True)
    for machine in builder.rows["machines"]:
        machine["speed"] = draw(st.sampled_from([None, 1.0, 0.8, 1.5]))
        machine["current_setup"] = draw(st.sampled_from([None, "f1", "d1", "d2"]))
    if labour:
        people_of(draw, builder)
    if tools:
        for name in ("T1", "T2"):
            builder.add("tools", tool=name, copies=draw(st.integers(1, 2)))
    if draw(maybe):
        down = draw(st.sampled_from(builder.rows["machines"]))
        builder.add(
            "downtime_events",
            event="D1",
            machine=down["machine"],
            started_at=at(-1),
            expected_end=draw(st.sampled_from([None, at(3), at(20), at(-0.5)])),
            reported_at=at(-1),
        )
    orders = draw(st.integers(1, 8))
    for k in range(orders):
        item = f"I{draw(st.integers(0, 3))}"
        order_of(draw, builder, f"W{k}", item, centers, labour=labour, tools=tools, furnace=furnace, vendor=vendor)
    if draw(maybe):
        pin(builder, "W0", 10, draw(st.sampled_from(builder.rows["machines"]))["machine"])
    for item in range(4):
        for attribute, values in (("diameter", ["d1", "d2", "d3"]), ("length", ["l1", "l2"])):
            value = draw(st.sampled_from([None, *values]))
            if value:
                builder.add("setup_attributes", item=f"I{item}", attribute=attribute, value=value)
    for k in range(1, orders):
        if draw(st.integers(0, 3)) == 0:
            builder.add(
                "order_links",
                supply_order=f"W{k}",
                demand_order=f"W{draw(st.integers(0, k - 1))}",
                item="X",
                qty=1.0,
                op_seq=draw(st.sampled_from([None, 10, 20])),
            )
    return builder


def people_of(draw: st.DrawFn, builder: PlantBuilder) -> None:
    """Two shifts with few people, an absence now and then."""
    for shift, start, end in (("early", time(6), time(14)), ("late", time(14), time(22)), ("night", time(22), time(6))):
        for weekday in range(1, 8):
            builder.add(
                "calendars", calendar="PLANT", weekday=weekday, shift=shift, kind="regular", start=start, end=end
            )
        for skill in SKILLS:
            least = 1 if shift == "early" else 0
            builder.add("labour", skill=skill, calendar="PLANT", shift=shift, people=float(draw(st.integers(least, 2))))
    if draw(st.booleans()):
        builder.add("labour_exceptions", skill="setter", date=MONDAY + timedelta(days=1), shift="early", people=0.0)


def order_of(
    draw: st.DrawFn, builder: PlantBuilder, name: str, item: str, centers: list[str], *, labour: bool, tools: bool,
    furnace: bool, vendor: bool,
) -> None:  # fmt: skip
    """One order of one to four operations."""
    places = centers + (["F"] if furnace else []) + (["V"] if vendor else [])
    steps: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.sampled_from(places))
        qty = float(draw(st.integers(1, 40)))
        step: dict[str, Any] = {
            "work_center": place, "qty": qty, "run": float(draw(st.integers(0, 400))), "setup": float(draw(st.sampled_from([0, 15, 60]))),
            "setup_family": draw(st.sampled_from([None, "f1", "f2"])), "queue_min": float(draw(st.sampled_from([0, 30]))),
            "move_min": float(draw(st.sampled_from([0, 10]))), "max_wait_min": draw(st.sampled_from([None, None, None, 60.0, 300.0])),
            "overlap_qty": draw(st.sampled_from([None, 5.0])), "pausable": draw(st.sampled_from([True, True, False])),
        }  # fmt: skip
        if place == "F":
            step |= {
                "batch_max": 50.0,
                "batch_min": draw(st.sampled_from([None, 30.0])),
                "batch_minutes": 120.0,
                "overlap_qty": None,
            }
        if place == "V":
            step["external_days"] = float(draw(st.sampled_from([0, 1, 3])))
        if labour:
            step |= {
                "setup_skill": draw(st.sampled_from([None, "setter"])),
                "setup_people": 1.0,
                "run_skill": draw(st.sampled_from([None, "operator"])),
                "run_people": draw(st.sampled_from([0.25, 0.5, 1.0])),
            }
        if tools:
            step["tool"] = draw(st.sampled_from([None, "T1", "T2"]))
        steps.append(step)
    if draw(st.integers(0, 4)) == 0:
        steps[0]["status"] = draw(st.sampled_from(["running", "paused", "setup", "complete"]))
        machines = [m["machine"] for m in builder.rows["machines"] if m["work_center"] == steps[0]["work_center"]]
        steps[0]["machine"] = draw(st.sampled_from(machines))
        steps[0]["started_at"] = at(-draw(st.integers(1, 20)))
    builder.order(
        name, steps, due=float(draw(st.integers(-24, 400))), weight=float(draw(st.sampled_from([1, 2, 4]))), item=item,
        earliest=float(draw(st.sampled_from([0, 0, 5, 48]))), campaign=draw(st.sampled_from([None, "K1", "K2"])),
        lot=draw(st.sampled_from([None, "L1"])),
    )  # fmt: skip


def approve(builder: PlantBuilder, **move: Any) -> None:
    """An approved move in force."""
    _decide(builder, "approved_move", str(move.get("work_order", "")), {"verb": "grant", "grant": move})


def pin(builder: PlantBuilder, order: str, op_seq: int, machine: str) -> None:
    """A pin in force, as `recon pin` enters it."""
    where = {"work_order": order, "op_seq": op_seq}
    change = {"verb": "set", "table": "work_order_operations", "where": where, "values": {"machine": machine}}
    _decide(builder, "pin", f"{order}/{op_seq}", change)


def _decide(builder: PlantBuilder, kind: str, subject: str, change: dict[str, Any]) -> None:
    builder.add(
        "decisions_in_force",
        decision=f"M{len(builder.rows.get('decisions_in_force', []))}",
        kind=kind,
        subject=subject,
        value=json.dumps({"change": [change]}, default=_text),
        valid_from=AS_OF - timedelta(days=1),
        valid_until=AS_OF + timedelta(days=9),
        approved_by="S",
        reason="test",
    )


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
