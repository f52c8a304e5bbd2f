"""The page `docs/value.md`, written from a study's measures: what holds, and what does not.

Belongs here: words and tables. Does not belong here: the numbers (`value_findings`), the drawings (`value_charts`).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from recon_platform.metrics.definitions import BY_NAME
from recon_platform.metrics.payback import WEEKS_A_YEAR, UnitCosts
from recon_platform.nights.value_charts import load_chart, run_charts
from recon_platform.nights.value_claims import held_against
from recon_platform.nights.value_findings import (
    SETTLING_WEEKS,
    SUMS,
    Difference,
    by_world,
    cost_of_running,
    differences,
    gains,
    means,
    promised_and_kept,
    worth,
)
from recon_platform.nights.value_platform import BY_DUE, WITHOUT
from recon_platform.nights.value_programme import BASE_POLICY
from recon_platform.nights.value_study import FEW_SEEDS, FIRST_SEED, LOADS, MAIN_POLICIES, MEASURED, PARTS, at_load_name
from recon_platform.tables.metrics import VALUE_MEASURES

BEGIN, END = "<!-- results: written by `recon value --report` -->", "<!-- end of results -->"
PARTS_SHOW = ("otif_first_promised", "expedites", "overtime_hours", "plan_adherence", "exceptions_to_decide")
BY_DUE_SHOWS = (
    "otif_first_promised", "expedites", "premium_freight", "overtime_hours", "plan_adherence", "schedule_stability",
)  # fmt: skip
LOAD_SHOWS = {"otif_first_promised": "OTIF", "expedites": "expedites", "overtime_hours": "overtime hours"}


def write_report(docs: Path, measures: pl.DataFrame, cells: int) -> None:
    """Write the results of a study of `cells` cells between the marks of `docs/value.md`, its charts, and beside the page the
    measures they come from (`value_study.MEASURED`): whoever doubts a number has what it was made of.

    Raises ValueError where the page has no marks.
    """
    page = docs / "value.md"
    text = page.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise ValueError(f"{page}: the marks {BEGIN} and {END} are missing; the results go between them")
    if not measures.filter(pl.col("part") == PARTS[0]).is_empty():
        run_charts(measures, docs / "images" / "value.svg")
    swept = _at_loads(by_world(measures))
    if not swept.is_empty():
        load_chart(swept, docs / "images" / "value_load.svg")
    measures.sort(VALUE_MEASURES.key).write_parquet(docs / MEASURED)
    head, rest = text.split(BEGIN, 1)
    page.write_text(
        head + BEGIN + "\n\n" + results(measures, cells) + "\n" + END + rest.split(END, 1)[1], encoding="utf-8"
    )


def results(measures: pl.DataFrame, cells: int, costs: UnitCosts | None = None) -> str:
    """All tables as Markdown. `cells`: how many the whole study has, finished or not."""
    costs = costs or UnitCosts()
    done = measures["cell"].n_unique()
    lines = [
        f"**{done} of {cells} cells are finished.**"
        + ("" if done >= cells else " The rest is open: the same command goes on.")
    ]
    if measures.is_empty():
        return "\n".join(lines) + "\n"
    weeks, orders = measures.select(pl.col("weeks", "orders").max()).row(0)
    lines += [
        "",
        f"{weeks} weeks, about {orders} open orders; the first {SETTLING_WEEKS} weeks after the switch are not measured. "
        "Every policy meets the same worlds; intervals are of paired differences (95 %, Student).",
        "",
        "![Run charts](images/value.svg)",
        "",
    ]
    worlds = by_world(measures)
    main = worlds.filter(pl.col("part") == "main")
    lines += ["### The claims of the field, `platform` against `as_is`", "", *_claims(main, "platform"), ""]
    for works in main["works"].unique().sort().to_list():
        rows = main.filter(pl.col("works") == works)
        lines += _plant(works, rows, measures.filter((pl.col("part") == "main") & (pl.col("works") == works)), costs)
    lines += _gains("Plants drawn at random", gains(worlds.filter(pl.col("part") == "random")))
    lines += _loads(worlds)
    lines += _parts("What each part is worth (fastener)", worlds.filter(pl.col("works") == "fastener"), WITHOUT)
    lines += _by_due(worlds)
    lines += _programme(measures.filter(pl.col("policy") == BASE_POLICY))
    lines += _parts(
        "Learned run and lead times, where nobody kept them up",
        worlds.filter(pl.col("part") == "learning"),
        ("learning",),
    )
    lines += [
        "### What running it takes",
        "",
        *_head(["policy", "cells", "CPU seconds a night", "reruns a cell", "refused nights a cell"]),
    ]
    for name, count, seconds, reruns, failed in cost_of_running(measures).iter_rows():
        lines.append(f"| {name} | {count} | {seconds:.2f} | {reruns:.1f} | {failed:.1f} |")
    return "\n".join(lines) + "\n"


def _claims(worlds: pl.DataFrame, policy: str) -> list[str]:
    """What the field claims against how things were, beside what each plant shows under `policy`."""
    lines = _head(["claim", "range", "plant", "found", "stands"])
    for works in worlds["works"].unique().sort().to_list():
        for one in held_against(differences(worlds.filter(pl.col("works") == works), policy, "as_is")):
            half = "" if one.half is None else f" ± {100 * one.half:.1f}"
            sign, unit = ("+", "points") if one.claim.points else ("−", "%")
            span = f"{sign}{100 * one.claim.least:.0f} to {sign}{100 * one.claim.most:.0f} {unit}"
            found = (
                f"{sign if one.gain >= 0 else '−' if one.claim.points else '+'}{100 * abs(one.gain):.1f}{half} {unit}"
            )
            lines.append(f"| {one.claim.name} | {span} | {works} | {found} | {one.verdict} |")
    return lines


def _plant(works: str, worlds: pl.DataFrame, measures: pl.DataFrame, costs: UnitCosts) -> list[str]:
    policies = [name for name in MAIN_POLICIES if name in worlds["policy"].unique().to_list()]
    seeds = worlds.group_by("policy").agg(pl.col("seed").n_unique()).sort("policy")
    ran = ", ".join(f"{name} {count}" for name, count in seeds.iter_rows())
    lines = [f"### {works}", "", f"Worlds finished: {ran}.", "", *_head(["measure", "unit", *policies])]
    for row in means(worlds, policies).iter_rows(named=True):
        values = ["" if row.get(name) is None else f"{row[name]:.3g}" for name in policies]
        lines.append(f"| {row['metric']} | {_unit(row['metric'])} | " + " | ".join(values) + " |")
    lines.append("")
    for other in ("as_is", "fair_peer"):
        found = differences(worlds, "platform", other) if {other, "platform"} <= set(policies) else []
        if not found:
            continue
        lines += [
            f"`platform` less `{other}`:",
            "",
            *_head(["measure", "worlds", "difference", "of its mean", "the claim"]),
        ]
        lines += [_difference(one) for one in found]
        money = worth(measures, "platform", other, costs)
        if money is not None:
            lines += [
                "",
                f"Worth a year ({WEEKS_A_YEAR} weeks; a late line {costs.late_line:.0f}, an expedite {costs.expedite:.0f}, an "
                f"overtime hour {costs.overtime_hour:.0f}, premium freight as paid): late lines {money.late_lines:,.0f}, "
                f"expedites {money.expedites:,.0f}, overtime {money.overtime:,.0f}, premium freight "
                f"{money.premium_freight:,.0f}, reserves {money.reserves:,.0f}; together **{money.total:,.0f}**.",
            ]
        lines.append("")
    return lines


def _unit(metric: str) -> str:
    unit = BY_NAME[metric].unit
    return f"{unit} a week" if metric in SUMS else unit


def _difference(one: Difference) -> str:
    half = "" if one.of.half is None else f" ± {one.of.half:.3g}"
    share = "" if one.share is None else f"{one.share:+.0%}"
    return f"| {one.metric} | {one.of.count} | {one.of.mean:+.3g}{half} | {share} | {one.verdict} |"


def _gains(title: str, rows: pl.DataFrame) -> list[str]:
    if rows.is_empty():
        return [f"### {title}", "", "Not run yet.", ""]
    better = int((rows["platform"] > rows["as_is"]).sum())
    names = [name for name in MAIN_POLICIES if name in rows.columns]
    lines = [f"### {title}", "", f"On time in full (first promise) under `platform` above `as_is` in {better} of {rows.height} worlds.", "",
             *_head(["plant", "seed", *names])]  # fmt: skip
    for row in rows.iter_rows(named=True):
        values = ["" if row[name] is None else f"{row[name]:.3f}" for name in names]
        lines.append(f"| {row['works']} | {row['seed']} | " + " | ".join(values) + " |")
    return [*lines, ""]


def _loads(worlds: pl.DataFrame) -> list[str]:
    """On time in full at every load, and by how much the platform beats the others in the same worlds."""
    lines = ["### By load (fastener)", ""]
    table = []
    at_loads = _at_loads(worlds)
    for load in LOADS:
        rows = at_loads.filter(pl.col("load") == load)
        kept = {
            name: value
            for _, name, value in means(rows.filter(pl.col("metric") == "otif_first_promised"), MAIN_POLICIES)
            .unpivot(index="metric")
            .iter_rows()
        }
        compared = {other: differences(rows, "platform", other) for other in ("as_is", "fair_peer")}
        found = {(other, one.metric): _of_mean(one) for other, several in compared.items() for one in several}
        if found:
            shares = [f"{kept[name]:.3f}" if kept.get(name) is not None else "" for name in MAIN_POLICIES]
            gained = [found.get(at, "") for at in itertools.product(("as_is", "fair_peer"), LOAD_SHOWS)]
            count = max(one.of.count for several in compared.values() for one in several)
            table.append(f"| {load:.0%} | {count} | " + " | ".join([*shares, *gained]) + " |")
    if not table:
        return [*lines, "Not run yet.", ""]
    heads = [f"{short}, less {other}" for other in ("as_is", "fair_peer") for short in LOAD_SHOWS.values()]
    return [
        *lines,
        "![On time in full by load](images/value_load.svg)",
        "",
        "Lines on time in full (first promise) by policy, then what `platform` differs by.",
        "",
        *_head(["load", "worlds", *MAIN_POLICIES, *heads]),
        *table,
        "",
    ]


def _at_loads(worlds: pl.DataFrame) -> pl.DataFrame:
    """Worlds of the load sweep with their `load`; none where the sweep's own have not begun."""
    loads = pl.DataFrame({"works": [at_load_name(load) for load in LOADS], "load": LOADS})
    swept = worlds.filter(pl.col("seed") < FIRST_SEED + FEW_SEEDS).join(loads, on="works")
    return swept if swept["works"].n_unique() > 1 else swept.clear()


def _of_mean(one: Difference) -> str:
    return f"{one.of.mean:+.3g}" + ("" if one.of.half is None else f" ± {one.of.half:.2g}")


def _parts(title: str, worlds: pl.DataFrame, variants: Sequence[str]) -> list[str]:
    """Variants of the platform, each less the platform whole."""
    lines = [f"### {title}", ""]
    ran = [name for name in variants if name in worlds["policy"].unique().to_list()]
    if not ran:
        return [*lines, "Not run yet.", ""]
    lines += _head(["variant less platform", "worlds", *PARTS_SHOW])
    lines += [_variant(name, differences(worlds, name, "platform"), PARTS_SHOW) for name in ran]
    return [*lines, ""]


def _variant(name: str, found: Sequence[Difference], shows: Sequence[str]) -> str:
    """A row: who differs, in how many worlds, by how much in each of the measures shown."""
    by_metric = {one.metric: one for one in found}
    texts = [_of_mean(by_metric[metric]) if metric in by_metric else "" for metric in shows]
    return f"| {name} | {by_metric['otif_first_promised'].of.count} | " + " | ".join(texts) + " |"


def _by_due(worlds: pl.DataFrame) -> list[str]:
    """The platform whose floor takes what waits by due date: what it changes, plant by plant, and the claims again."""
    lines = ["### A floor that takes what waits by due date", ""]
    ran = worlds.filter(pl.col("policy") == BY_DUE)["works"].unique().sort()
    if ran.is_empty():
        return [*lines, "Not run yet.", ""]
    lines += _head([f"`{BY_DUE}` less `platform`", "worlds", *BY_DUE_SHOWS])
    for works in ran:
        lines.append(
            _variant(works, differences(worlds.filter(pl.col("works") == works), BY_DUE, "platform"), BY_DUE_SHOWS)
        )
    held = _claims(worlds.filter(pl.col("works").is_in(ran.implode())), BY_DUE)
    return [*lines, "", f"`{BY_DUE}` against `as_is`:", "", *held, ""]


def _programme(measures: pl.DataFrame) -> list[str]:
    """Levers that the nights of a world recommended, and what the same world was like once each was pulled."""
    lines = ["### What the nights recommend, done (fastener)", ""]
    found = promised_and_kept(measures)
    if found.is_empty():
        return [*lines, "Not run yet.", ""]
    lines += _head(
        ["lever", "seed", "what", "amount", "lines it promised to save", "lines saved", "OTIF before", "OTIF after"]
    )
    for row in found.iter_rows(named=True):
        lines.append(
            f"| {row['lever']} | {row['seed']} | {row['subject']} | {row['amount']:.3g} | {row['promised']:.0f} | {row['saved']:.0f} | "
            f"{row['before']:.3f} | {row['after']:.3f} |"
        )
    return [*lines, ""]


def _head(names: Sequence[str]) -> list[str]:
    return ["| " + " | ".join(names) + " |", "| --- |" + " --- |" * (len(names) - 1)]
