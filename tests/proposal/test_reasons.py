"""Reasons are true: undoing the event that the reasons name and planning again takes the changes away."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from recon_platform.proposal.delta import proposal_changes
from tests.proposal.small import Small, at, day

PRESSES = ("A", "B", "C", "D")
SHARE = 0.95


def base() -> Small:
    """Four presses with five orders each; the orders of press B need wire; each feeds a roll of its own."""
    plant = Small(capacity={"frozen_hours": 4.0})
    plant.add("items", item="WIRE", make_buy="buy", lead_time_days=20).add("inventory", item="WIRE", qty=50.0)
    for press in PRESSES:
        plant.center(press).center(f"ROLL-{press}")
        for k in range(5):
            name = f"{press}{k}"
            plant.add("items", item=f"I-{name}").line(f"S-{name}", f"I-{name}", 10.0, 2 + k)
            steps = [{"work_center": press, "hours": 8}, {"work_center": f"ROLL-{press}", "hours": 8}]
            plant.work_order(name, f"I-{name}", 10.0, steps, due=2 + k)
            if press == "B":
                plant.add("bom_lines", parent_item=f"I-{name}", component_item="WIRE")
    return plant.publish()


def down(plant: Small) -> None:
    plant.add(
        "downtime_events", event="E1", machine="A-1", started_at=at(-1), expected_end=at(30), reported_at=at(-1),
        planned=False, reason="spindle",
    )  # fmt: skip


def wire_gone(plant: Small) -> None:
    plant.rows["inventory"] = []
    plant.add(
        "purchase_orders",
        purchase_order="P1",
        item="WIRE",
        qty=50.0,
        received_qty=0.0,
        due_date=day(3),
        promised_date=day(3),
    )


def corrected(plant: Small) -> None:
    for row in plant.rows["reconciled_operations"]:
        if row["work_order"] == "C1":
            row["qty"] = row["remaining_qty"] = 20.0


def cancelled(plant: Small, order: str = "D1") -> None:
    for table in ("reconciled_orders", "reconciled_operations"):
        plant.rows[table] = [row for row in plant.rows[table] if row["work_order"] != order]
    plant.rows["sales_orders"] = [row for row in plant.rows["sales_orders"] if row["sales_order"] != f"S-{order}"]


EVENTS: dict[str, tuple[Callable[[Small], None], str]] = {
    "down": (down, "machine A-1 is down"),
    "wire": (wire_gone, "material not before"),
    "corrected": (corrected, "quantity to run is"),
    "cancelled": (cancelled, "no longer needed"),
}


def changes_with(names: set[str]) -> pl.DataFrame:
    plant = base()
    for name, (happens, _) in EVENTS.items():
        if name in names:
            happens(plant)
    return proposal_changes(plant.frames(), plant.context)


def test_undoing_the_named_cause_takes_its_changes_away() -> None:
    everything = changes_with(set(EVENTS))
    for name, (_, words) in EVENTS.items():
        blamed = everything.filter(pl.col("reason").str.contains(words, literal=True))
        assert blamed.height >= 2, (name, everything.select("work_order", "op_seq", "reason").rows())
        undone = changes_with(set(EVENTS) - {name})
        left = blamed.join(undone, on=["work_order", "op_seq"], how="semi")
        assert left.height <= (1 - SHARE) * blamed.height, (name, left.rows())


def test_each_cause_has_its_root_and_nothing_is_told_without_one() -> None:
    everything = changes_with(set(EVENTS))
    unknown = everything.filter(pl.col("root").is_null())
    assert unknown.is_empty(), unknown.rows()
    chained = everything.filter(pl.col("reason").str.starts_with("because of"))
    assert chained.height > 0
    roots = set(everything["root"])
    by_name = everything.select(pl.concat_str("work_order", pl.lit("/"), "op_seq").alias("name"), "reason")
    told = dict(by_name.iter_rows())
    assert all(not told[root].startswith("because of") for root in roots if root in told)


def behind_another() -> Small:
    """X waits on the roll for Y, which waits on press P for K."""
    plant = Small(capacity={"frozen_hours": 0.0}).center("P").center("Q").center("R")
    routes = {"K": [("P", 8)], "Y": [("P", 8), ("R", 8)], "X": [("Q", 16), ("R", 8)]}
    for number, (name, route) in enumerate(routes.items()):
        plant.add("items", item=f"I-{name}").line(f"S-{name}", f"I-{name}", 10.0, 1 + number)
        steps = [{"work_center": center, "hours": hours} for center, hours in route]
        plant.work_order(name, f"I-{name}", 10.0, steps, due=1 + number)
    return plant.publish()


def changed(*events: Callable[[Small], None]) -> dict[str, object] | None:
    """The change of X on the roll after `events`, if there is one."""
    plant = behind_another()
    for happens in events:
        happens(plant)
    changes = proposal_changes(plant.frames(), plant.context)
    return next(iter(changes.filter((pl.col("work_order") == "X") & (pl.col("op_seq") == 20)).to_dicts()), None)


def longer(plant: Small) -> None:
    for row in plant.rows["reconciled_operations"]:
        if row["work_order"] == "X" and row["op_seq"] == 10:
            row["qty"] = row["remaining_qty"] = 20.0


def test_room_that_another_event_left_is_told_beside_what_keeps_an_operation_from_it() -> None:
    both = changed(longer, lambda plant: cancelled(plant, "K"))
    assert both is not None and both["root"] == "X/10"
    assert changed(lambda plant: cancelled(plant, "K")) is not None, (
        "without the other it starts where there is room now"
    )
    assert "K/10" in str(both["further"]), both
