"""Plants side by side are planned as each of them alone, and the bench tries as many moves as asked."""

from __future__ import annotations

import polars as pl
import pytest

from recon_platform.bench import moves
from recon_platform.bench.side_by_side import side_by_side
from recon_platform.planning import run_stages
from recon_platform.planning.stages import trial_stages
from tests.proposal.planted import CASES


def test_plants_side_by_side_are_planned_as_one_alone() -> None:
    plant = CASES["coil-class"].plant()
    alone = plant.frames()
    both = run_stages(trial_stages(), side_by_side(plant.inputs(), 2), plant.context)
    for number in range(2):
        mine = both["schedule"].filter(pl.col("work_order").str.ends_with(f"~{number}"))
        for table, shown in (("work_order", "work_order"), ("machine", "machine")):
            assert mine[shown].str.strip_suffix(f"~{number}").equals(alone["schedule"][table])
        assert mine.select("op_seq", "start", "end").equals(alone["schedule"].select("op_seq", "start", "end"))
    assert both["order_promises"].height == 2 * alone["order_promises"].height


@pytest.mark.long
def test_the_bench_tries_what_it_is_asked_for() -> None:
    found = moves.run(600, 3, processes=2)
    by_part = {row.part: row for row in found.rows}
    assert by_part["all moves"].moves == 3
    assert by_part["all moves"].cpu_s > 0
    assert found.operations > 300
