"""Approved exceptions the schedule has to honour: overtime, sibling work, releases from the fence, locks.

Belongs here: reading `decisions_in_force` for what concerns capacity. The value of a decision is JSON; its `change`
lists what was decided, and each entry with the verb `grant` holds one of:
- `{"kind": "overtime", "work_center": W, "start": instant, "end": instant}`: overtime shifts there may be worked;
- `{"kind": "sibling", "work_order": O, "op_seq": N, "work_center": W}`: that operation runs at the sibling W;
- `{"kind": "fence", "work_order": O, "op_seq": N or null}`: the order may be placed inside the frozen horizon;
- `{"kind": "sibling_pull"}`: idle machines may take waiting work of their sibling work centers;
- `{"kind": "look_ahead", "as_of": instant, "k1": K, "k2": K, "in_turn": yes or no}`: the dispatch setting of the plan the move
  was measured against, and whether it holds the sequence in force; counts for a plan as of that instant only, so that what was
  shown is what is published.
A pin is the verb `set` of `machine` in `work_order_operations` for one operation, by a pin, an override or an approved move.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import polars as pl

from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames

_OVERTIME = {"work_center": pl.String(), "start": pl.Datetime("us", "UTC"), "end": pl.Datetime("us", "UTC")}
_SIBLING = {"work_order": pl.String(), "op_seq": pl.Int64(), "to": pl.String()}
_RELEASED = {"work_order": pl.String(), "op_seq": pl.Int64()}
_PIN = {"work_order": pl.String(), "op_seq": pl.Int64(), "machine": pl.String()}
_MAY_PIN = ("approved_move", "override", "pin")


@dataclass(frozen=True, slots=True)
class Approved:
    """What may be done beyond the base plan."""

    overtime: pl.DataFrame
    siblings: pl.DataFrame
    released: pl.DataFrame
    sibling_pull: bool
    pins: pl.DataFrame  # work_order, op_seq, machine
    look_ahead: tuple[float, float] | None = None
    in_turn: bool = False  # with `look_ahead`


def read_approved(frames: Frames, context: PlanContext) -> Approved:
    """The approved moves in force at the planning instant that concern capacity; other kinds are left to others."""
    decisions = frames.get("decisions_in_force")
    overtime: list[dict[str, Any]] = []
    siblings: list[dict[str, Any]] = []
    released: list[dict[str, Any]] = []
    pull = False
    pins: list[dict[str, Any]] = []
    look_ahead: tuple[float, float] | None = None
    in_turn = False
    if decisions is not None and decisions.height:
        now = context.as_of
        valid = decisions.filter(
            (pl.col("valid_from").is_null() | (pl.col("valid_from") <= now))
            & (pl.col("valid_until").is_null() | (pl.col("valid_until") > now))
        ).sort("decision")
        for text in valid.filter(pl.col("kind").is_in(_MAY_PIN))["value"].to_list():
            pins += _pins(json.loads(text).get("change", []))
        for text in valid.filter(pl.col("kind") == "approved_move")["value"].to_list():
            for change in json.loads(text).get("change", []):
                if change.get("verb") != "grant":
                    continue
                grant = change["grant"]
                kind = grant["kind"]
                if kind == "overtime":
                    overtime.append({name: grant[name] for name in _OVERTIME})
                elif kind == "sibling":
                    siblings.append(
                        {"work_order": grant["work_order"], "op_seq": grant["op_seq"], "to": grant["work_center"]}
                    )
                    released.append({"work_order": grant["work_order"], "op_seq": grant["op_seq"]})
                elif kind == "fence":
                    released.append({"work_order": grant["work_order"], "op_seq": grant["op_seq"]})
                elif kind == "sibling_pull":
                    pull = True
                elif kind == "look_ahead" and grant["as_of"] == now.isoformat():
                    look_ahead = (float(grant["k1"]), float(grant["k2"]))
                    in_turn = bool(grant.get("in_turn", False))
    free, pinned = pl.DataFrame(released, schema=_RELEASED), pl.DataFrame(pins, schema=_PIN)
    return Approved(
        _overtime(overtime) if overtime else pl.DataFrame(schema=_OVERTIME), pl.DataFrame(siblings, schema=_SIBLING),
        free.unique(maintain_order=True) if released else free, pull,
        pinned.unique(["work_order", "op_seq"], keep="last", maintain_order=True) if pins else pinned, look_ahead, in_turn,
    )  # fmt: skip


def _pins(changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {**{name: change["where"][name] for name in ("work_order", "op_seq")}, "machine": change["values"]["machine"]}
        for change in changes
        if change.get("verb") == "set"
        and change.get("table") == "work_order_operations"
        and change.get("values", {}).get("machine") is not None
        and {"work_order", "op_seq"} <= set(change.get("where", {}))
    ]


def _overtime(rows: list[dict[str, Any]]) -> pl.DataFrame:
    text = pl.DataFrame(rows, schema={name: pl.String() for name in _OVERTIME})
    return text.select(
        "work_center",
        pl.col("start").str.to_datetime(time_unit="us", time_zone="UTC"),
        pl.col("end").str.to_datetime(time_unit="us", time_zone="UTC"),
    )


def with_pins(operations: pl.DataFrame, pins: pl.DataFrame, machines: pl.DataFrame) -> pl.DataFrame:
    """`operations` with `pinned`: index of the machine people keep it on, -1: none. A machine of another work center, where the
    operation is no longer done, binds nothing. `machines`: index, machine, work_center.
    """
    if pins.is_empty():
        return operations.with_columns(pl.lit(-1, pl.Int32).alias("pinned"))
    known = pins.join(machines.select("machine", "work_center", pl.col("index").alias("pinned")), on="machine")
    return operations.join(
        known.select("work_order", "op_seq", "work_center", "pinned"),
        on=["work_order", "op_seq", "work_center"], how="left", maintain_order="left",
    ).with_columns(pl.col("pinned").cast(pl.Int32).fill_null(-1))  # fmt: skip


def redirect(operations: pl.DataFrame, siblings: pl.DataFrame, centers: pl.DataFrame) -> pl.DataFrame:
    """Operations with approved sibling moves carried out: another work center at its speed, no machine bound.

    `centers` gives `sibling_speed` by work center: 0.8 takes a quarter longer than the operation's own work center.
    """
    if siblings.is_empty():
        return operations
    moved = siblings.unique(["work_order", "op_seq"], keep="last", maintain_order=True).join(
        centers.select(pl.col("work_center").alias("to"), "sibling_speed"), on="to", how="left"
    )
    slower = pl.when(pl.col("to") != pl.col("work_center")).then("sibling_speed").otherwise(None).fill_null(1.0)
    return operations.join(moved, on=["work_order", "op_seq"], how="left", maintain_order="left").with_columns(
        (pl.col("run_min_per_unit") / slower).alias("run_min_per_unit"),
        (pl.col("batch_minutes") / slower).alias("batch_minutes"),
        pl.coalesce("to", "work_center").alias("work_center"),
        pl.when(pl.col("to").is_null()).then("machine").otherwise(None).alias("machine"),
    ).drop("to", "sibling_speed")  # fmt: skip
