"""A rule that is made wrong loses its autonomy, nothing wrong leaves after, and the others go on."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from recon_platform.bench.sabotage import Sabotage, chart, run, withdrawn_after


def test_a_rule_that_is_wrong_sends_nothing_alone_from_the_next_night_on(tmp_path: Path) -> None:
    planted = Sabotage(share=1.0, start=1)
    measured = run(3, 400, drift=0.2, sabotage=planted)
    mine = measured.filter(pl.col("rule") == planted.rule).sort("night")
    assert mine["wrong_sent"][0] >= 5
    assert mine["automatic"].to_list() == [True, False, False]
    assert mine["wrong_sent"][1:].sum() == 0 == mine["sent"][1:].sum()
    others = measured.filter(pl.col("rule") != planted.rule)
    assert others["automatic"].all() and others.filter(pl.col("night") > 1)["sent"].sum() > 0
    assert withdrawn_after(measured, planted) == 1
    chart(measured, planted, tmp_path / "chart.svg")
    assert "</svg>" in (tmp_path / "chart.svg").read_text(encoding="utf-8")
