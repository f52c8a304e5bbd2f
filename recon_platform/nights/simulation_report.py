"""What came of simulated nights: a summary, a run chart, and the page `docs/simulation.md` with both.

Belongs here: drawing and writing results. Does not belong here: what is measured (`simulated_measures`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from recon_platform.nights.simulate import Simulated

LAST_NIGHTS = 7
PANELS = (
    ("otif_first_promised", "On time in full against the first promise, share of the week's lines"),
    ("days_late", "Mean days late of orders finished in the week"),
    ("plan_adherence", "Operations that ended as planned (4 h), share"),
    ("findings_per_100", "Findings per 100 open orders"),
    ("messages_per_100", "Action messages shown per 100 open orders"),
    ("heading_setup", "Set-up share of the headers' working time"),
)
LABELS = {
    "platform": "platform: the published schedule",
    "foreman": "earliest due date, minding set-ups",
    "edd": "earliest due date",
    "erp": "dates of the ERP",
}
COLOURS = {"platform": "#0b6e4f", "foreman": "#b8860b", "edd": "#8b1e3f", "erp": "#3b5b92"}
BEGIN, END = "<!-- results: written by `recon simulate --report` -->", "<!-- end of results -->"


def summary(results: Sequence[Simulated]) -> pl.DataFrame:
    """One row per measure, one column per policy: the mean of the last seven nights."""
    measures = pl.concat([result.measures for result in results])
    last = measures["night"].unique().sort().tail(LAST_NIGHTS)
    recent = measures.filter(pl.col("night").is_in(last.implode()))
    mean = recent.group_by("metric", "policy").agg(pl.col("value").mean()).sort("metric", "policy")
    order = [result.settings.policy for result in results]
    table = mean.pivot("policy", index="metric", values="value").sort("metric")
    return table.select("metric", *(name for name in order if name in table.columns))


def chart(results: Sequence[Simulated], path: Path) -> None:
    """The run chart as SVG: one panel per measure, one line per policy; the same results give the same bytes."""
    import matplotlib as mpl  # noqa: PLC0415 - a second to import; only reports draw

    mpl.use("svg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    settings = {"svg.hashsalt": "simulation", "font.size": 8, "axes.spines.top": False, "axes.spines.right": False}
    with plt.rc_context(settings):
        figure, axes = plt.subplots(3, 2, figsize=(10, 8), sharex=True)
        for axis, (metric, title) in zip(axes.flat, PANELS, strict=True):
            for result in results:
                name = result.settings.policy
                rows = result.measures.filter((pl.col("metric") == metric) & pl.col("value").is_not_null()).sort(
                    "night"
                )
                first = result.settings.start
                nights = [(night - first).days + 1 for night in rows["night"]]
                axis.plot(
                    nights, rows["value"].to_list(), color=COLOURS.get(name), label=LABELS.get(name, name), lw=1.4
                )
            axis.set_title(title, loc="left", fontsize=8)
            axis.set_ylim(bottom=0)
            axis.grid(alpha=0.25)
        for axis in axes[-1]:
            axis.set_xlabel("night")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="lower center", ncols=len(labels), frameon=False)
        figure.tight_layout(rect=(0, 0.04, 1, 1))
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", metadata={"Date": None})
        plt.close(figure)


def write_report(docs: Path, results: Sequence[Simulated]) -> None:
    """Draw the chart and write the results between their marks in `docs/simulation.md`.

    Raises ValueError where the page has no marks.
    """
    page = docs / "simulation.md"
    text = page.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise ValueError(f"{page}: the marks {BEGIN} and {END} are missing; the results go between them")
    chart(results, docs / "images" / "simulation.svg")
    head, rest = text.split(BEGIN, 1)
    page.write_text(head + BEGIN + "\n\n" + _results(results) + "\n" + END + rest.split(END, 1)[1], encoding="utf-8")


def _results(results: Sequence[Simulated]) -> str:
    settings = results[0].settings
    table = summary(results)
    policies = table.columns[1:]
    lines = [
        f"{settings.nights} nights, {settings.orders:,} open orders, seed {settings.seed}, "
        f"{settings.drift:.0%} of open orders reported wrong; every policy in the same world.",
        "",
        "![Run chart](images/simulation.svg)",
        "",
        f"Mean of the last {LAST_NIGHTS} nights:",
        "",
        "| measure | " + " | ".join(policies) + " |",
        "| --- |" + " --- |" * len(policies),
    ]
    for row in table.iter_rows(named=True):
        values = ["" if row[name] is None else f"{row[name]:.3g}" for name in policies]
        lines.append(f"| {row['metric']} | " + " | ".join(values) + " |")
    lines += [
        "",
        "| policy | nights | seconds a night (landing / planning / floor) | seconds in all |",
        "| --- | --- | --- | --- |",
    ]
    for result in results:
        mean = result.seconds.select(pl.col("land", "plan", "run").mean()).row(0)
        parts = " / ".join(f"{value:.2f}" for value in mean)
        lines.append(
            f"| {result.settings.policy} | {result.seconds.height} | {parts} | {result.seconds['total'].sum():.0f} |"
        )
    return "\n".join(lines) + "\n"
