"""The drawings of a value study: run charts by plant, and what load does.

Belongs here: drawing. Same measures, same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl

from recon_platform.metrics.paired import control_limits
from recon_platform.nights.value_findings import SETTLING_WEEKS
from recon_platform.nights.value_study import MAIN_POLICIES

COLOURS = {"as_is": "#8b1e3f", "fair_peer": "#b8860b", "platform": "#0b6e4f", "unlimited": "#6b7280"}
PANELS = (("otif_first_promised", "On time in full, first promise"), ("expedites", "Expedites per 100 orders"))


@contextmanager
def _pyplot() -> Iterator[Any]:
    """Pyplot with the style of these drawings; a second to import, and only reports draw."""
    import matplotlib as mpl  # noqa: PLC0415

    mpl.use("svg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    style = {"svg.hashsalt": "value", "font.size": 8, "axes.spines.top": False, "axes.spines.right": False}
    with plt.rc_context(style):
        yield plt


def _written(figure: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="svg", metadata={"Date": None})


def load_chart(worlds: pl.DataFrame, path: Path) -> None:
    """Lines on time by `load` under every policy: the mean over worlds, and each world as a dot."""
    kept = worlds.filter(pl.col("metric") == "otif_first_promised")
    with _pyplot() as plt:
        figure, axis = plt.subplots(figsize=(5, 3))
        for policy in MAIN_POLICIES:
            rows = kept.filter(pl.col("policy") == policy)
            mean = rows.group_by("load").agg(pl.col("value").mean()).sort("load")
            axis.plot(100 * mean["load"], 100 * mean["value"], color=COLOURS[policy], label=policy, lw=1.4)
            axis.plot(100 * rows["load"], 100 * rows["value"], ".", color=COLOURS[policy], ms=4, alpha=0.6)
        axis.set_xlabel("load of the busiest work center, %")
        axis.set_ylabel("lines on time in full, %")
        axis.grid(alpha=0.25)
        axis.legend(frameon=False, loc="lower left")
        figure.tight_layout()
        _written(figure, path)
        plt.close(figure)


def run_charts(measures: pl.DataFrame, path: Path) -> None:
    """Run charts by plant, mean over seeds, with the limits of `as_is` as the baseline."""
    main = measures.filter((pl.col("part") == "main") & (pl.col("week") > 0))
    plants = main["works"].unique().sort().to_list()
    with _pyplot() as plt:
        figure, axes = plt.subplots(len(PANELS), len(plants), figsize=(10, 5), sharex=True, squeeze=False)
        for (row, (metric, title)), (column, works) in ((r, c) for r in enumerate(PANELS) for c in enumerate(plants)):
            axis = axes[row][column]
            for policy in MAIN_POLICIES:
                line = _weekly(main.filter((pl.col("works") == works) & (pl.col("policy") == policy)), metric)
                axis.plot(line["week"], line["value"], color=COLOURS[policy], label=policy, lw=1.4)
                limits = control_limits(line["value"].to_list()) if policy == "as_is" else None
                if limits is not None:
                    for value in limits[1:]:
                        axis.axhline(value, color=COLOURS[policy], lw=0.6, ls=":")
            axis.set_title(f"{works}: {title}", loc="left", fontsize=7)
            axis.grid(alpha=0.25)
            axis.axvline(SETTLING_WEEKS + 0.5, color="#999999", lw=0.6)
        handles, labels = axes[0][0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="lower center", ncols=len(labels), frameon=False)
        figure.tight_layout(rect=(0, 0.05, 1, 1))
        _written(figure, path)
        plt.close(figure)


def _weekly(rows: pl.DataFrame, metric: str) -> pl.DataFrame:
    """week, value: pooled over seeds."""
    scale = 100.0 if metric == "expedites" else 1.0
    pooled = rows.filter(pl.col("metric") == metric).group_by("week").agg(pl.col("numerator", "denominator").sum())
    value = scale * pl.col("numerator") / pl.col("denominator")
    return pooled.filter(pl.col("denominator") > 0).select("week", value=value).sort("week")
