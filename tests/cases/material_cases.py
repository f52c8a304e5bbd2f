"""Material-planning case files, told apart by content and run through the product's own tables."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from recon_platform.material.attribution import attribute
from recon_platform.material.snapshot import snapshot
from tests.cases.material_scenarios import run_scenarios
from tests.cases.material_support import (
    Item,
    bom_rows,
    by_bucket,
    case_frames,
    event_rows,
    messages_of,
    neutral,
    numbers,
    planned_of,
    running,
    same_messages,
    solved,
    week,
)
from tests.material.plant import context, day


def run_figures(data: Any, path: Path) -> None:
    """Figures with item records: every expected row."""
    ran = 0
    for figure in data["figures"].values():
        if "items" not in figure:
            continue
        records = [neutral(i["item"], i["inputs"]) for i in figure["items"]]
        made = solved(records, figure["now"], figure["horizon"])
        for entry, record in zip(figure["items"], records, strict=True):
            check_item(made, record, entry["expected"], figure["now"], figure["horizon"])
            ran += 1
    assert ran > 0, f"{path}: no figure with item records"
    run_scenarios(data)


def check_item(made: Mapping[str, pl.DataFrame], record: Item, expected: Item, now: int, horizon: int) -> None:
    item = record["item"]
    rows = made["requirements"].filter(pl.col("item") == item)
    start = record["on_hand"] - record["safety"]
    if "gross" in expected:
        assert by_bucket(rows, "date", "gross") == numbers(expected["gross"]), item
    if "projected_available_no_planned_cum" in expected:
        found = running(rows, "projected_available", start, now, horizon)
        assert found == list(expected["projected_available_no_planned_cum"].values()), item
    if "net_requirements" in expected:
        assert by_bucket(rows, "date", "net") == numbers(expected["net_requirements"]), item
    if "planned" in expected:
        assert planned_of(made, item, now) == expected["planned"], item
    for name in ("planned_releases", "releases"):
        if name in expected:
            planned = made["planned_orders"].filter(pl.col("item") == item)
            assert by_bucket(planned, "start_date", "qty") == numbers(expected[name]), item
    if "messages" in expected:
        same_messages(messages_of(made, item), expected["messages"])


def run_item_record(data: Any, path: Path) -> None:
    """O01, O06: one item."""
    record = neutral(data["id"], data["inputs"])
    expected = data["expected"]
    horizon = max([*record["gross"], *(o["due"] for o in record["orders"]), len(expected.get("pab", []))])
    made = solved([record], 1, horizon)
    rows = made["requirements"].filter(pl.col("item") == data["id"])
    if "pab" in expected:
        found = running(rows, "projected_with_planned", record["on_hand"], 1, horizon)
        assert found == expected["pab"]
    if "net" in expected:
        assert by_bucket(rows, "date", "net") == numbers(expected["net"])
    releases = expected.get("planned_release", expected.get("releases"))
    assert by_bucket(made["planned_orders"], "start_date", "qty") == numbers(releases)
    if "message_mode_R" in expected:
        code, start, end = re.search(r"([A-Z]+) (\d+)->(\d+)", expected["message_mode_R"]).groups()  # type: ignore[union-attr]
        found_messages = [
            (m["type"], m["from"], m["to"]) for m in messages_of(made, data["id"]) if m["type"] != "RELEASE"
        ]
        assert found_messages == [(code, int(start), int(end))], path


def run_multi_level(data: Any, path: Path) -> None:
    """O04, O05: several levels."""
    records = [neutral(item, record) for item, record in data["inputs"].items()]
    made = solved(records, 1, data["horizon"])
    for record in records:
        check_item(made, record, data["expected"][record["item"]], 1, data["horizon"])


def _is_record(data: Any) -> bool:
    return _has(data, "inputs", "expected") and "type" not in data and "gross" in data["inputs"]


def _is_multi_level(data: Any) -> bool:
    return (
        _has(data, "inputs", "expected")
        and "type" not in data
        and bool(data["inputs"])
        and all(isinstance(v, dict) and "parents" in v for v in data["inputs"].values())
    )


def _has(data: Any, *keys: str) -> bool:
    return isinstance(data, dict) and all(key in data for key in keys) and isinstance(data.get("inputs", {}), dict)


def run_attribution(data: Any, path: Path) -> None:
    """O08, P0nn: need before and now and the exact shares."""
    records = [neutral(item, record) for item, record in data["inputs"].items()]
    now, horizon = data.get("now", 1), data.get("horizon", max(max(r["gross"], default=1) for r in records))
    ctx = context(day(now), horizon_days=(horizon + 1 - now) * 7 - 1)
    facts = snapshot(case_frames(records, now), ctx)
    events, boms = event_rows(data["events"], records)
    made = attribute(facts, events, bom_rows(facts.lines, boms), ctx)
    expected = data["expected"].get("orders", [data["expected"]])
    moved = made.shifts.filter(pl.col("need_before") != pl.col("need_now"))
    assert sorted(moved.get_column("order")) == sorted(e["order"] for e in expected), path
    for e in expected:
        row = moved.row(by_predicate=pl.col("order") == e["order"], named=True)
        assert (week(row["need_before"]), week(row["need_now"])) == (e["need_before"], e["need_now"]), e
        shares = made.shares.filter(pl.col("order") == e["order"]).group_by("category").agg(pl.col("need_days").sum())
        found = {c: d / 7 for c, d in shares.iter_rows() if abs(d) > 1e-9}
        want = {c: d for c, d in e["shapley_shift"].items() if abs(d) > 1e-9}
        assert found.keys() == want.keys() and all(abs(found[c] - want[c]) < 1e-9 for c in want), (found, want)


def run_messages(data: Any, path: Path) -> None:
    """O09, PMnnn: reschedule messages and planned releases of one item, in mode R."""
    inputs = data["inputs"]
    record = neutral(data["id"], {**inputs, "open_orders": inputs["opens"]})
    now = data.get("now", 1)
    horizon = data.get("horizon", max([*record["gross"], *(o["due"] for o in record["orders"])]))
    made = solved([record], now, horizon)
    found = [
        [m["type"], m["order"], m["from"], m["to"]] for m in messages_of(made, data["id"]) if m["type"] != "RELEASE"
    ]
    assert sorted(found, key=str) == sorted(data["expected"], key=str), path
    if "planned_releases" in data:
        assert by_bucket(made["planned_orders"], "start_date", "qty") == numbers(data["planned_releases"])


def run_lot_sizing(data: Any, path: Path) -> None:
    """O02, O03: the planning rules by the product; the others are reference methods, checked against themselves."""
    inputs = data["inputs"]
    net, setup, holding = inputs["net_requirements"], inputs["setup"], inputs["holding_per_unit_period"]
    rules = {
        "LFL": {"kind": "LFL"}, "SILVER_MEAL": {"kind": "SM", "epp": setup / holding},
        "PPB_stop_before_exceed": {"kind": "PPB", "epp": setup / holding},
    }  # fmt: skip
    for name, expected in data["expected"].items():
        fixed = re.fullmatch(r"FOQ(\d+)", name)
        rule = {"kind": "FOQ", "qty": int(fixed.group(1))} if fixed else rules.get(name)
        if rule is None:
            lots = REFERENCES[name](net, setup, holding)
        else:
            made = solved([neutral("I", {"gross": net, "lot": rule})], 1, len(net))
            receipts = by_bucket(made["planned_orders"], "due_date", "qty")
            lots = [receipts.get(t, 0.0) for t in range(1, len(net) + 1)]
        assert lots == expected["lots"], (path, name)
        assert lot_cost(net, lots, setup, holding) == expected["cost"], (path, name)


def lot_cost(net: Sequence[float], lots: Sequence[float], setup: float, holding: float) -> float:
    """Set-ups and end-of-period stock."""
    stock = list(itertools.accumulate(lot - need for lot, need in zip(lots, net, strict=True)))
    return setup * sum(1 for lot in lots if lot) + holding * sum(stock)


def _spans(net: Sequence[float], ends: list[tuple[int, int]]) -> list[float]:
    """Lots that cover the periods of each span."""
    lots = [0.0] * len(net)
    for i, j in ends:
        lots[i] = float(sum(net[i:j]))
    return lots


def wagner_whitin(net: Sequence[float], setup: float, holding: float) -> list[float]:
    """Least cost by dynamic programming: a reference, not a planning rule."""
    best: list[tuple[float, list[tuple[int, int]]]] = [(0.0, [])]
    for j in range(1, len(net) + 1):
        options = []
        for i in range(j):
            cost = holding * sum(q * (k - i) for k, q in enumerate(net[i:j], start=i))
            options.append((best[i][0] + cost + (setup if sum(net[i:j]) else 0.0), [*best[i][1], (i, j)]))
        best.append(min(options, key=lambda o: o[0]))
    return _spans(net, [(i, j) for i, j in best[-1][1] if sum(net[i:j])])


def _heuristic(net: Sequence[float], stop: Callable[[int, int], bool]) -> list[float]:
    """Lots started at each uncovered need and extended until `stop(start, next period)`."""
    ends, i = [], 0
    while i < len(net):
        if not net[i]:
            i += 1
            continue
        j = i + 1
        while j < len(net) and not stop(i, j):
            j += 1
        ends.append((i, j))
        i = j
    return _spans(net, ends)


def least_unit_cost(net: Sequence[float], setup: float, holding: float) -> list[float]:
    """Extend while the cost per unit falls."""

    def unit(i: int, j: int) -> float:
        return (setup + holding * sum(q * (k - i) for k, q in enumerate(net[i:j], start=i))) / sum(net[i:j])

    return _heuristic(net, lambda i, j: unit(i, j + 1) > unit(i, j))


def least_total_cost(net: Sequence[float], setup: float, holding: float) -> list[float]:
    """Extend while holding comes closer to one set-up."""

    def off(i: int, j: int) -> float:
        return abs(setup - holding * sum(q * (k - i) for k, q in enumerate(net[i:j], start=i)))

    return _heuristic(net, lambda i, j: off(i, j + 1) > off(i, j))


REFERENCES = {"WW": wagner_whitin, "LUC": least_unit_cost, "LTC_PPB_closest": least_total_cost}


def run_property(data: Any, path: Path) -> None:
    """O10: the counterexample for the rule it does not hold for, and the same change under those it does."""
    names = [key for key in data if key.startswith("counterexample_")]
    assert names, path
    for key in names:
        example = data[key]
        rule = key.removeprefix("counterexample_")
        releases = {}
        for side in ("before", "after"):
            made = solved([neutral("I", {"gross": example[f"gross_{side}"], "lot": rule})], 1, 8)
            releases[side] = by_bucket(made["planned_orders"], "start_date", "qty")
            assert releases[side] == numbers(example[f"releases_{side}"]), (path, side)
        for name, at in ((n, int(n.removeprefix("cum_at_"))) for n in example if n.startswith("cum_at_")):
            sums = [sum(q for t, q in releases[side].items() if t <= at) for side in ("before", "after")]
            assert sums == example[name]
        for safe in ("LFL", "FOQ7"):
            curves = []
            for side in ("before", "after"):
                made = solved([neutral("I", {"gross": example[f"gross_{side}"], "lot": safe})], 1, 8)
                found = by_bucket(made["planned_orders"], "start_date", "qty")
                curves.append([sum(q for t, q in found.items() if t <= at) for at in range(1, 9)])
            assert all(b <= a for a, b in zip(*curves, strict=True)), (path, safe)


Recogniser = tuple[str, Callable[[Any], bool], Callable[[Any, Path], None]]
RECOGNISERS: list[Recogniser] = [
    ("figures", lambda data: _has(data, "figures", "scenarios"), run_figures),
    ("item record", _is_record, run_item_record),
    ("attribution", lambda data: _has(data, "inputs", "events") and data.get("type") == "attribution", run_attribution),
    ("messages", lambda data: _has(data, "inputs", "expected") and data.get("type") == "messages", run_messages),
    ("lot sizing", lambda data: _has(data, "inputs", "expected") and data.get("type") == "lot_sizing", run_lot_sizing),
    ("property", lambda data: _has(data, "property") and data.get("type") == "property", run_property),
    ("multi-level record", _is_multi_level, run_multi_level),
]
