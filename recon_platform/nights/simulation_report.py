"""What came of simulated nights: a summary, a run chart, and the page `docs/simulation.md` with both.

Belongs here: drawing and writing results. Does not belong here: what is measured (`simulated_measures`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from recon_platform.metrics.paired import T_975

if TYPE_CHECKING:
    from recon_platform.nights.simulate import Simulated

LAST_NIGHTS = 7
COMPARED = ("otif_first_promised", "otif_requested", "days_late", "overdue_share")
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
    """One row per measure, one column per policy: the mean of the last seven nights, over all seeds."""
    mean = by_seed(results).group_by("metric", "policy").agg(pl.col("value").mean())
    table = mean.pivot("policy", index="metric", values="value").sort("metric")
    return table.select("metric", *(name for name in _policies(results) if name in table.columns))


def by_seed(results: Sequence[Simulated]) -> pl.DataFrame:
    """metric, policy, seed, value: the mean of the last seven nights of each run."""
    parts = []
    for result in results:
        last = result.measures["night"].unique().sort().tail(LAST_NIGHTS)
        recent = result.measures.filter(pl.col("night").is_in(last.implode()))
        mean = recent.group_by("metric", "policy").agg(pl.col("value").mean())
        parts.append(mean.with_columns(seed=pl.lit(result.settings.seed, pl.Int64)))
    return pl.concat(parts).drop_nulls("value").sort("metric", "policy", "seed")


def differences(results: Sequence[Simulated], policy: str) -> pl.DataFrame:
    """metric, other, seeds, mean, half: `policy` less each other policy, seed by seed, with half the 95 % interval.

    Runs of one seed meet the same world, so their differences are paired (Law 2015, chapter 10). `half` is Student's t
    times the standard error; null with a single seed.
    """
    values = by_seed(results)
    mine = values.filter(pl.col("policy") == policy).select("metric", "seed", mine="value")
    paired = values.filter(pl.col("policy") != policy).join(mine, on=["metric", "seed"])
    made = (
        paired.with_columns(gain=pl.col("mine") - pl.col("value"))
        .group_by("metric", other="policy")
        .agg(seeds=pl.len().cast(pl.Int64), mean=pl.col("gain").mean(), spread=pl.col("gain").std())
    )
    t = pl.col("seeds").replace_strict(dict(enumerate(T_975, start=2)), default=T_975[-1], return_dtype=pl.Float64)
    half = pl.when(pl.col("seeds") > 1).then(t * pl.col("spread") / pl.col("seeds").sqrt())
    return made.select("metric", "other", "seeds", "mean", half=half).sort("metric", "other")


def _policies(results: Sequence[Simulated]) -> list[str]:
    return list(dict.fromkeys(result.settings.policy for result in results))


def chart(results: Sequence[Simulated], path: Path) -> None:
    """The run chart as SVG: one panel per measure, one line per policy; the same results give the same bytes.

    With several seeds a line is their mean, in a band from the lowest to the highest."""
    import matplotlib as mpl  # noqa: PLC0415 - a second to import; only reports draw

    mpl.use("svg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    settings = {"svg.hashsalt": "simulation", "font.size": 8, "axes.spines.top": False, "axes.spines.right": False}
    with plt.rc_context(settings):
        figure, axes = plt.subplots(3, 2, figsize=(10, 8), sharex=True)
        for axis, (metric, title) in zip(axes.flat, PANELS, strict=True):
            for name in _policies(results):
                lines = _by_night([result for result in results if result.settings.policy == name], metric)
                nights, colour = lines["number"].to_list(), COLOURS.get(name)
                axis.plot(nights, lines["mean"].to_list(), color=colour, label=LABELS.get(name, name), lw=1.4)
                if (lines["low"] < lines["high"]).any():
                    axis.fill_between(nights, lines["low"], lines["high"], color=colour, alpha=0.12, lw=0)
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


def _by_night(results: Sequence[Simulated], metric: str) -> pl.DataFrame:
    """number (of the night), mean, low and high of a measure over the seeds of one policy."""
    rows = pl.concat(
        result.measures.filter((pl.col("metric") == metric) & pl.col("value").is_not_null()).select(
            "value", number=(pl.col("night") - result.settings.start).dt.total_days() + 1
        )
        for result in results
    )
    low, high = pl.col("value").min(), pl.col("value").max()
    return rows.group_by("number").agg(mean=pl.col("value").mean(), low=low, high=high).sort("number")


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
    seeds = sorted({result.settings.seed for result in results})
    table, policies = summary(results), _policies(results)
    lines = [
        f"{settings.nights} nights, {settings.orders:,} open orders, seed{'s' if len(seeds) > 1 else ''} "
        f"{', '.join(str(seed) for seed in seeds)}, {settings.drift:.0%} of open orders reported wrong; every policy in "
        f"the same world{'s' if len(seeds) > 1 else ''}.",
        "",
        "![Run chart](images/simulation.svg)",
        "",
        f"Mean of the last {LAST_NIGHTS} nights{', over the seeds' if len(seeds) > 1 else ''}:",
        "",
        *_head(["measure", *policies]),
    ]
    for row in table.iter_rows(named=True):
        values = ["" if row.get(name) is None else f"{row[name]:.3g}" for name in policies]
        lines.append(f"| {row['metric']} | " + " | ".join(values) + " |")
    if len(seeds) > 1 and "platform" in policies and len(policies) > 1:
        lines += ["", *_compared(results)]
    lines += ["", *_head(["policy", "nights", "seconds a night (landing / planning / floor)", "seconds in all"])]
    for result in results:
        mean = result.seconds.select(pl.col("land", "plan", "run").mean()).row(0)
        parts = " / ".join(f"{value:.2f}" for value in mean)
        name = result.settings.policy + (f", seed {result.settings.seed}" if len(seeds) > 1 else "")
        lines.append(f"| {name} | {result.seconds.height} | {parts} | {result.seconds['total'].sum():.0f} |")
    return "\n".join(lines) + "\n"


def _compared(results: Sequence[Simulated]) -> list[str]:
    """`platform` less each other policy, world by world, with 95 % intervals."""
    made = differences(results, "platform").filter(pl.col("metric").is_in(COMPARED))
    lines = ["`platform` less the other policy in the same world, mean and 95 % interval:", ""]
    lines += _head(["measure", "less", "worlds", "difference"])
    for metric, other, seeds, mean, half in made.iter_rows():
        interval = "" if half is None else f" ± {half:.3f}"
        lines.append(f"| {metric} | {other} | {seeds} | {mean:+.3f}{interval} |")
    return lines


def _head(names: Sequence[str]) -> list[str]:
    return ["| " + " | ".join(names) + " |", "| --- |" + " --- |" * (len(names) - 1)]
