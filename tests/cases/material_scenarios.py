"""The scenarios of Mather's text, each run through the product's own tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from recon_platform.material import plan_material
from recon_platform.material.balance import balance
from recon_platform.material.filters import with_filters
from recon_platform.material.nervousness import RELEASE_SCHEMA, bucket_changes, release_measures
from recon_platform.tables.material import ACTION_MESSAGES
from recon_platform.tables.policy import MaterialPolicy
from tests.cases.material_support import (
    by_bucket,
    case_frames,
    messages_of,
    neutral,
    number,
    numbers,
    planned_of,
    running,
    same_messages,
)
from tests.material.plant import context, day

Record = dict[str, Any]
Tables = dict[str, pl.DataFrame]


def figure(data: Any, name: str) -> list[Record]:
    """The item records of a figure."""
    return [neutral(i["item"], i["inputs"]) for i in data["figures"][name]["items"]]


def item(records: list[Record], name: str) -> Record:
    return next(r for r in records if r["item"] == name)


def order(records: list[Record], name: str) -> Record:
    return next(o for r in records for o in r["orders"] if o["id"] == name)


def night(records: list[Record], now: int, horizon: int, before: Tables | None = None, **more: Any) -> Tables:
    """A planned night: its inputs and outputs, compared with the night before where there is one."""
    ctx = context(day(now), horizon_days=(horizon - now) * 7 + 6, **more.pop("settings", {}))
    inputs: Tables = {**case_frames(records, now), **more}
    previous = {"previous." + name: frame for name, frame in (before or {}).items() if not name.startswith("previous.")}
    return {**inputs, **plan_material({**inputs, **previous}, ctx)}


def causes(made: Tables, name: str) -> dict[str, float]:
    """Tonight's shares of an order by category, in buckets."""
    rows = made["message_causes"].filter((pl.col("order") == name) & ~pl.col("carried"))
    return {c: d / 7 for c, d in rows.group_by("category").agg(pl.col("contribution_days").sum()).iter_rows()}


def moves(made: Tables, name: str) -> list[tuple[str, int, int]]:
    """Reschedule messages of one order: code, from, to; a firm order's drift in the words of an open one."""
    rows = made["action_messages"].filter(
        (pl.col("order") == name) & pl.col("code").is_in(["EXPEDITE", "DELAY", "FPO_DRIFT", "CANCEL"])
    )
    found = []
    for code, start, end in rows.select("code", "from_date", "to_date").iter_rows():
        word = code if code != "FPO_DRIFT" else "EXPEDITE" if end < start else "DELAY"
        found.append((word, bucket_of(start), bucket_of(end)))
    return found


def bucket_of(value: Any) -> int:
    return round((value - day(1)).days / 7) + 1


def scrap(data: Any, scenario: Any) -> None:
    """S01: part of an open order is scrapped."""
    name, (was, now_qty) = scenario["change"]["order"], scenario["change"]["qty"]
    records = figure(data, "1")
    first = night(records, 1, 8)
    order(records, name)["scrapped"] = was - now_qty
    made = night(records, 1, 8, first)
    for key, want in scenario["expected"].items():
        if key.endswith("_gross"):
            rows = made["requirements"].filter(pl.col("item") == key.removesuffix("_gross"))
            assert by_bucket(rows, "date", "gross") == numbers(want)
        else:
            same_messages(messages_of(made, key), want)
    for name, want in scenario["cause"].items():
        assert causes(made, name) == want


def more_demand(data: Any, scenario: Any) -> None:
    """S02: the master schedule asks for more."""
    change = scenario["change"]
    records = figure(data, "1")
    first = night(records, 1, 8)
    item(records, change["item"])["gross"][change["period"]] = float(change["qty"][1])
    made = night(records, 1, 8, first)
    for key, want in scenario["expected"].items():
        found = [m for r in records for m in messages_of(made, r["item"]) if m.get("order") == key] or messages_of(
            made, key
        )
        assert any(all(m.get(k) == v for k, v in want.items()) for m in found), (key, found)
    for name, want in scenario["cause"].items():
        assert causes(made, name) == want


def unobtainable(data: Any, scenario: Any) -> None:
    """S03: a component cannot be had; the planner firms the parent later, and the link tells why the sibling moves."""
    records = figure(data, "1")
    records.append(neutral("PC2", {"on_hand": 25, "open_orders": [{"id": "PC2-1", "qty": 35, "due": 5}], "lead_time": 4,
                                   "lot": "LFL", "parents": {"SA": 1}}))  # fmt: skip
    first = night(records, 1, 8)
    assert moves(first, "PC2-1") == []
    item(records, "SA")["fpo"].append({"id": "SA-F", "qty": 35, "due": 8, "start": 6})
    link = pl.DataFrame(
        [{"decision": "D1", "kind": "pin", "subject": "SA-F", "approved_by": "planner", "reason": "PC late",
          "value": '{"because": {"category": "VENDOR_FALLDOWN", "event": "VENDOR_FALLDOWN:PC"}}',
          "valid_from": datetime(2026, 1, 1, tzinfo=UTC)}]
    )  # fmt: skip
    made = night(records, 1, 8, first, decisions_in_force=link)
    for name, want in scenario["expected"].items():
        if isinstance(want, dict):
            assert moves(made, name) == [(want["type"], want["from"], want["to"])]
            assert set(causes(made, name)) == {"VENDOR_FALLDOWN"}
    risk = made["action_messages"].filter((pl.col("code") == "PARENT_AT_RISK") & (pl.col("item") == "MA"))
    at_risk = [(bucket_of(r["from_date"]), bucket_of(r["to_date"]), r["qty"]) for r in risk.iter_rows(named=True)]
    assert (7, 8, 35) in at_risk  # mode R gives the firm order to the 25 before it, too


def one_week_later(data: Any, scenario: Any) -> None:
    """S04: Figure 3 rolled a week, one requirement less: both nights through their tables."""
    first = night(figure(data, "3"), 1, 11)
    calm = item(rolled_figure_3(data), "P")
    quiet = night([calm, item(figure(data, "3"), "C")], 2, 11, first)
    assert messages_of(quiet, "C") == []
    made = night(figure(data, "4"), 2, 11, first)
    for name, want in scenario["expected"].items():
        same_messages(messages_of(made, name), want)
    for name, want in scenario["cause"].items():
        assert causes(made, name) == want
        message = made["action_messages"].row(
            by_predicate=(pl.col("order") == name) & (pl.col("code") == "EXPEDITE"), named=True
        )
        assert message["phoney"] is scenario["phoney"]
        rows = made["message_causes"].filter(pl.col("order") == name)
        assert rows.get_column("amplifier").unique().to_list() == [scenario["amplifier"]]


def rolled_figure_3(data: Any) -> list[Record]:
    """Figure 3 at the start of week 2: week 1's four units are gone from stock and from the requirements."""
    records = figure(data, "3")
    parent = item(records, "P")
    parent["on_hand"] -= parent["gross"].pop(1)
    return records


def other_rule(data: Any, scenario: Any) -> None:
    """S04 under another lot rule of the parent."""
    rule = scenario["id"].removeprefix("S04_")
    for suffix, records in (("before", rolled_figure_3(data)), ("after", figure(data, "4"))):
        item(records, "P")["lot"] = rule
        made = night(records, 2, 11)
        expected = scenario["expected"]
        planned = made["planned_orders"].filter(pl.col("item") == "P")
        assert by_bucket(planned, "start_date", "qty") == numbers(expected[f"P_releases_{suffix}"]), (rule, suffix)
        same_messages(messages_of(made, "C"), expected[f"C_messages_{suffix}"])
        assert planned_of(made, "C", 2) == expected[f"C_planned_{suffix}"]


def chain(mps: int = 15) -> list[Record]:
    """Figure 7's structure with the assumed lead times, and a sibling of CP under SSA."""

    def one(name: str, lead: int, parent: str | None, **more: Any) -> Record:
        return neutral(name, {"lead_time": lead, "parents": {parent: 1} if parent else {}, **more})

    return [
        one("FP", 0, None, gross={mps: 50}),
        one("FA", 3, "FP"), one("SA", 3, "FA"), one("SSA", 3, "SA"), one("CP", 3, "SSA"),
        one("MAT", 2, "CP", open_orders=[{"id": "MAT-1", "qty": 50, "due": 3}]),
        one("CPB", 3, "SSA", open_orders=[{"id": "CPB-1", "qty": 50, "due": 6}]),
    ]  # fmt: skip


def chain_base(data: Any, scenario: Any) -> None:
    """S05_base: nothing to say."""
    made = night(chain(), 1, 18)
    names = ("MAT", "CPB", "FA", "SA", "SSA", "CP")
    assert [m for n in names for m in messages_of(made, n)] == scenario["expected"]["messages"]
    for name in ("CP", "SSA", "SA", "FA"):
        planned = planned_of(made, name, 1)[0]
        assert {"start": planned["release"], "due": planned["receipt"]} == scenario[name]
    for name, bucket in scenario["need"].items():
        need = made["pegging"].filter(pl.col("supply") == name).get_column("need_date").min()
        assert bucket_of(need) == bucket


def chain_moved(data: Any, scenario: Any) -> None:
    """S05a: the whole chain is rescheduled behind the late material."""
    late = scenario["change"]["due"][1] - scenario["change"]["due"][0]
    mps = scenario["expected"]["MPS"]
    assert mps["to"] - mps["from"] == late
    records = chain(mps["to"])
    order(records, "MAT-1")["due"] = scenario["change"]["due"][1]
    made = night(records, 1, mps["to"] + 1)
    want = scenario["expected"]["CPB-1"]
    assert moves(made, "CPB-1") == [(want["type"], want["from"], want["to"])]
    assert moves(made, "MAT-1") == []


def chain_compressed(data: Any, scenario: Any) -> None:
    """S05b: two firm planned orders take the delay up; only the sibling moves."""
    records = chain()
    order(records, "MAT-1")["due"] = scenario["change"]["due"][1]
    item(records, "CP")["fpo"].append({"id": "CP-F", "qty": 50, "start": 6, "due": 7})
    item(records, "SSA")["fpo"].append({"id": "SSA-F", "qty": 50, "start": 7, "due": 9})
    made = night(records, 1, 18)
    want = scenario["expected"]["CPB-1"]
    assert moves(made, "CPB-1") == [(want["type"], want["from"], want["to"])]
    assert moves(made, "MAT-1") == moves(made, "CP-F") == moves(made, "SSA-F") == []
    for name, start in (("SA", 9), ("FA", 12)):
        assert [p["release"] for p in planned_of(made, name, 1)] == [start]


def order_point(data: Any, inputs: Mapping[str, Any], now: int) -> list[Record]:
    """Figure 6 at a later week."""
    records = figure(data, "6")
    record = records[0]
    record["on_hand"] = inputs["on_hand"]
    record["orders"] = [dict(o) for o in inputs["open_orders"]]
    record["gross"] = {t: q for t, q in record["gross"].items() if t >= now}
    return records


def sold_otherwise(data: Any, scenario: Any) -> None:
    """S06: a week sells more, then less than forecast: the planned release moves there and back."""
    now = scenario["now"]
    made = night(order_point(data, scenario["inputs"], now), now, 8)
    assert planned_of(made, "FG", now) == scenario["expected"]["planned"]
    assert planned_of(made, "FG", now)[0]["release"] == scenario["expected"]["planned_release_moves"][1]


def firm_order_absorbs(data: Any, scenario: Any) -> None:
    """S06_fpo: firm the planned order, and safety stock takes the difference."""
    base = next(s for s in data["scenarios"] if s["id"] == "S06_26_sold")
    records = order_point(data, base["inputs"], base["now"])
    records[0]["fpo"] = [{"id": "FPO-1", "qty": 100, "start": 5, "due": 7}]
    made = night(records, base["now"], 8)
    rows = made["requirements"]
    expected = scenario["expected"]
    physical = running(rows, "projected_available", 0.0, base["now"], 8)
    assert [p + 55 for p in physical] == list(expected["projected_physical"].values())
    assert moves(made, "FPO-1") == [
        ("EXPEDITE", m["from"], m["to"]) for m in expected["raw_message_without_absorption"]
    ]
    drift = made["action_messages"].filter(pl.col("order") == "FPO-1")
    shown = drift.filter((pl.col("visibility") == "SHOWN") & (pl.col("code") == "FPO_DRIFT"))
    assert shown.height == len(expected["with_ss_absorption_floor_0.5"])
    assert drift.get_column("suppressed_by").drop_nulls().to_list() == ["safety_stock_absorption=0.5"]
    below = made["action_messages"].filter(pl.col("code") == "BELOW_SS").row(0, named=True)
    assert {bucket_of(below["need_date"]): below["qty"]} == numbers(expected["below_safety_stock"])


def split_lot(data: Any, scenario: Any) -> None:
    """S08: two firm parts of the parent's lot, and the component's message is gone."""
    due = int(scenario["id"].removeprefix("S08_split_due"))
    records = figure(data, "8")
    order(records, "C-1")["due"] = due
    same_messages(messages_of(night(records, 1, 8), "C"), scenario["before"])
    parts = {4: (4, 25), due: {3: (5, 15), 4: (6, 15), 5: (7, 15)}[due]}
    item(records, "P")["fpo"] = [
        {"id": f"FPO-{k}", "qty": qty, "due": receipt, "start": receipt - 2}
        for k, (receipt, qty) in enumerate([(4, 25), {3: (5, 15), 4: (6, 15), 5: (7, 15)}[due]])
    ]
    del parts
    made = night(records, 1, 8)
    expected = scenario["expected"]
    assert [m for m in messages_of(made, "C") if m["type"] != "RELEASE"] == expected["C_messages"]
    assert planned_of(made, "C", 1) == expected["C_planned"]
    for name in ("P", "C"):
        rows = made["requirements"].filter(pl.col("item") == name)
        start = item(records, name)["on_hand"]
        assert running(rows, "projected_available", start, 1, 8) == list(expected[f"{name}_available"].values()), name
    drift = [(m[0], m[1], m[2]) for k in (0, 1) for m in moves(made, f"FPO-{k}")]
    assert drift == [(m["type"], m["from"], m["to"]) for m in expected["P_fpo_suggestion"]]


def shorter_leads(data: Any, scenario: Any) -> None:
    """S07: a week less at each of five levels, and the same material makes it five weeks earlier."""
    seven = data["figures"]["7"]
    for key, mps in (
        ("expected_base", "base_mps_period"),
        ("expected_minus_one_week_per_level", "after_minus_one_per_level"),
    ):
        stages = seven[key]
        records = [neutral("FP", {"lead_time": 0, "gross": stages["FP"]["mps"]})]
        assert list(records[0]["gross"]) == [scenario["expected"][mps]]
        for above, name in zip(["FP", "FA", "SA", "SSA", "CP"], ["FA", "SA", "SSA", "CP", "MAT"], strict=True):
            records.append(neutral(name, {"lead_time": stages[name]["lead_time"], "parents": {above: 1}}))
        made = night(records, 1, 16)
        for name in ("FA", "SA", "SSA", "CP", "MAT"):
            assert [p["release"] for p in planned_of(made, name, 1)] == [stages[name]["release"]], (key, name)


def message_rows(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Messages from a case's short form."""
    return ACTION_MESSAGES.frame(
        [
            {"message": f"{r['type']}:work_order:{r['order']}", "code": r["type"], "order_type": "work_order",
             "order": r["order"], "from_date": day(r["from"]), "to_date": day(r["to"]), "qty": 1.0, "qty_early": 0.0,
             "compressed_by": 0, "visibility": "SHOWN", "lifecycle": "NEW", "phoney": False, "age_nights": 0,
             "original_date": day(r["from"])}
            for r in rows
        ]
    )  # fmt: skip


NOBODY = pl.DataFrame(schema={"order_type": pl.String, "order": pl.String})


def dampening(data: Any, scenario: Any) -> None:
    """S12: small shifts are hidden, and stay."""
    policy = MaterialPolicy(dampen_expedite_days=7, dampen_delay_days=14)
    rows = with_filters(message_rows(scenario["in"]), policy, number(1), NOBODY, NOBODY)
    check_hidden(rows, scenario)


def fences(data: Any, scenario: Any) -> None:
    """S13: due dates outside the fences are hidden; the boundaries are inside."""
    now = scenario["now"]
    rows = message_rows(
        [{"type": "DELAY", "order": r["order"], "from": r["due"], "to": r["due"] + 3} for r in scenario["in"]]
    )
    policy = MaterialPolicy(fence_near_days=14, fence_far_days=70)
    check_hidden(with_filters(rows, policy, number(now), NOBODY, NOBODY), scenario)


def check_hidden(rows: pl.DataFrame, scenario: Any) -> None:
    shown = rows.filter(pl.col("visibility") == "SHOWN").get_column("order").to_list()
    hidden = rows.filter(pl.col("visibility") == "SUPPRESSED")
    assert sorted(shown) == sorted(scenario["expected_shown"])
    assert sorted(hidden.get_column("order")) == sorted(scenario["expected_suppressed_but_stored"])
    assert hidden.get_column("suppressed_by").null_count() == 0


def balanced(data: Any, scenario: Any) -> None:
    """S14: more expedited than delayed."""
    rows = []
    for resource, counts in scenario["in"].items():
        for word, count in counts.items():
            rows += [
                {"type": word.upper(), "order": f"{word}{k}", "from": 5, "to": 6, "resource": resource}
                for k in range(count)
            ]
    frame = message_rows(rows).with_columns(pl.Series("resource", [r["resource"] for r in rows]))
    found = balance(frame)
    for resource, want in scenario["expected"].items():
        row = found.row(by_predicate=pl.col("resource") == resource, named=True)
        assert row["balance_gap"] == want["balance_gap"]
        assert row["advice"] is not None


def check_nervousness(data: Any) -> None:
    """The measures of Figure 3 → 4 under each lot rule."""
    names = {
        "POQ3": "S04_fig3_to_4",
        "LFL": "S04_LFL",
        "FOQ15": "S04_FOQ15",
        "FOQ12": "S04_FOQ12",
        "PPB20": "S04_PPB_epp20",
    }
    columns = {"abs_qty_change": "abs_qty_change", "SBU_alpha0.5_unnormalised": "sbu", "setup_changes": "setup_changes"}
    for rule, expected in data["nervousness_fig3_to_4"].items():
        before, after = rolled_figure_3(data), figure(data, "4")
        if rule != "POQ3":
            for records in (before, after):
                item(records, "P")["lot"] = names[rule].removeprefix("S04_")
        released = [releases_of(night(records, 2, 11)) for records in (before, after)]
        measures = release_measures(bucket_changes(*released, day(2), day(9)), 8)
        found = dict(measures.select("measure", "value").iter_rows())
        for theirs, ours in columns.items():
            assert found[ours] == pytest.approx(expected[theirs], abs=1e-6), (rule, theirs)


def releases_of(made: Tables) -> pl.DataFrame:
    rows = made["planned_orders"].filter(pl.col("item") == "P")
    return rows.select(
        "item",
        pl.lit(0, dtype=pl.Int64).alias("level"),
        pl.col("start_date").alias("date"),
        "qty",
        pl.lit(1.0).alias("cost"),
    ).select(list(RELEASE_SCHEMA))


SCENARIOS: dict[str, Callable[[Any, Any], None]] = {
    "S01": scrap, "S02": more_demand, "S03": unobtainable, "S04_fig3": one_week_later, "S04": other_rule,
    "S05_base": chain_base, "S05a": chain_moved, "S05b": chain_compressed, "S06_fpo": firm_order_absorbs,
    "S06": sold_otherwise, "S07": shorter_leads, "S08": split_lot, "S12": dampening, "S13": fences, "S14": balanced,
}  # fmt: skip


def run_scenarios(data: Any) -> None:
    """Every scenario of the file; one nobody knows fails."""
    for scenario in data["scenarios"]:
        prefix = next((p for p in SCENARIOS if scenario["id"].startswith(p)), None)
        assert prefix, f"scenario {scenario['id']} is not known; known beginnings are {', '.join(SCENARIOS)}"
        SCENARIOS[prefix](data, scenario)
    if "nervousness_fig3_to_4" in data:
        check_nervousness(data)
