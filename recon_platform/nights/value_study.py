"""A value study: the grid of cells, each run once, its measures in the lake as one commit, so that a stop loses one cell.

Belongs here: which cells belong to a study, and what is finished. Does not belong here: a cell (`value_cell`), what the
results say (`value_findings`).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import polars as pl

from recon_platform.lake import ConflictError, Lake
from recon_platform.nights.value_cell import run_cell
from recon_platform.nights.value_measured import UNLIMITED, Cell, Result
from recon_platform.nights.value_platform import BY_DUE, WITHOUT
from recon_platform.nights.value_programme import BASE_POLICY, LEVERS, PULLED, acted_on, best_lever
from recon_platform.plantsim.parameters import (
    PLANTS,
    Parameters,
    at_load,
    plant_named,
    with_queues,
    with_reservations,
    with_stale_standards,
)
from recon_platform.plantsim.random_plant import random_plant
from recon_platform.tables.metrics import VALUE_MEASURES

LAYER, TABLE = VALUE_MEASURES.layer, VALUE_MEASURES.name
MEASURED = "value_measures.parquet"
"""File beside the page of results that holds all measures of the study, to look at or to go on from."""
PARTS = ("main", "random", "parts", "load", "by_due", "learning", "programme")
"""`main`: three plants; `random`: plants drawn at random; `parts`: the platform without one capability each, on the
fastener plant; `load`: the fastener plant from 70 to 95 % load; `by_due`: the three plants with a floor that takes what waits by due date;
`learning`: the fastener plant with run times nobody kept up; `programme`: it once the levers that its nights recommended
were pulled."""
STANDARDS_SIGMA = 0.35  # of part `learning`: a third of the ERP's run times are off by more than the tolerance
MAIN_POLICIES = ("as_is", "fair_peer", "platform", UNLIMITED)
LOADS = (0.70, 0.80, 0.90, 0.95)
LOAD, QUEUES = 0.80, 1.7
"""Load of the busiest work center and reserve in the planned lead times of the study's plants: with them about three of
four lines are on time as things are (docs/value.md), as in the works the platform is made for."""
FIRST_SEED = 101  # seeds below were looked at while plants and policies were built; none of them is reported
RANDOM_PLANTS, FEW_SEEDS = 10, 3
BY_DUE_WORKS = "machining"  # where expedites stayed above what was aimed at: every seed, few of the others


def cells_of(
    parts: Sequence[str], *, seeds: int, weeks: int, orders: int, plants: Sequence[str] = PLANTS
) -> list[tuple[str, Cell]]:
    """(part, cell) of a study in the order they are run: worlds first, so that whatever is finished is balanced.

    Raises ValueError for a part or a plant that is not known.
    """
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        raise ValueError(f"part {unknown[0]!r} is not known; known parts are {', '.join(PARTS)}")
    made: list[tuple[str, Cell]] = []
    few = range(FIRST_SEED, FIRST_SEED + min(seeds, FEW_SEEDS))
    if "main" in parts:
        for seed, plant in itertools.product(range(FIRST_SEED, FIRST_SEED + seeds), plants):
            made += [("main", Cell(plant, works_of(plant), orders, seed, p, weeks)) for p in MAIN_POLICIES]
    if "random" in parts:
        for n in range(FIRST_SEED, FIRST_SEED + RANDOM_PLANTS):
            made += [
                ("random", Cell(f"random-{n}", with_reservations(random_plant(n)), orders, n, p, weeks))
                for p in MAIN_POLICIES
            ]
    if "parts" in parts:
        for seed, name in itertools.product(few, ("as_is", "platform", *WITHOUT)):
            made.append(("parts", Cell("fastener", works_of("fastener"), orders, seed, name, weeks)))
    if "load" in parts:
        for seed, load in itertools.product(few, LOADS):
            plant_at = works_of("fastener", load)
            made += [("load", Cell(at_load_name(load), plant_at, orders, seed, p, weeks)) for p in MAIN_POLICIES]
    if "by_due" in parts:
        for plant in sorted(plants, key=lambda name: name != BY_DUE_WORKS):
            some = range(FIRST_SEED, FIRST_SEED + seeds) if plant == BY_DUE_WORKS else few
            made += [("by_due", Cell(plant, works_of(plant), orders, seed, BY_DUE, weeks)) for seed in some]
    if "learning" in parts:
        stale = with_stale_standards(works_of("fastener"), STANDARDS_SIGMA)
        for seed, name in itertools.product(few, ("platform", "learning")):
            made.append(("learning", Cell("fastener, run times not kept up", stale, orders, seed, name, weeks)))
    if "programme" in parts:
        for seed in few:
            base = Cell("fastener", works_of("fastener"), orders, seed, BASE_POLICY, weeks)
            made.append(("programme", base))
            made += [("programme", replace(base, works=f"{PULLED}{lever}")) for lever in LEVERS if lever != "records"]
            made.append(("programme", replace(base, works=f"{PULLED}records", drift=0.0)))
    return made


def pulled(cell: Cell, known: pl.DataFrame) -> Cell | None:
    """A cell of part `programme` with its lever pulled as its world recommended it; None where that world recommends none.

    `known`: measures of the study. A cell whose works is as it is comes back unchanged.
    """
    lever = cell.works.removeprefix(PULLED)
    if lever in (cell.works, "records"):
        return cell
    base = known.filter(pl.col("cell") == replace(cell, works="fastener").key)
    best = best_lever(base, lever)
    if best is None:
        return None
    return replace(cell, parameters=acted_on(cell.parameters, lever, best[0], best[1]))


def works_of(plant: str, load: float = LOAD) -> Parameters:
    """A plant that comes with the package, as the study runs it."""
    return with_reservations(with_queues(at_load(plant_named(plant), load), QUEUES))


def at_load_name(load: float) -> str:
    """Works of the load sweep; at the study's own load it is the fastener plant of the other parts, and runs once."""
    return "fastener" if load == LOAD else f"fastener at {load:.0%}"


def run_study(
    out: Path,
    cells: Iterable[tuple[str, Cell]],
    *,
    limit: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> int:
    """Run the cells that are not in the lake below `out` yet, at most `limit` of them; gives how many ran.

    A process that is killed loses the cell it was in; started again, the study goes on with it.
    """
    lake, ran = Lake(str(out / "lake")), 0
    known = finished(lake)
    for part, cell in cells:
        if cell.key in known:
            continue
        if limit is not None and ran >= limit:
            break
        acted = pulled(cell, measures(out)) if part == "programme" else cell
        if acted is None:
            continue
        result = run_cell(acted, progress)
        with suppress(ConflictError):  # another process ran the same cell: the same numbers, kept once
            lake.append_log(LAYER, TABLE, rows_of(part, cell, result), metadata={"cell": cell.key}, once=cell.key)
        known = known | {cell.key}
        ran += 1
    return ran


def take_over(out: Path, known: pl.DataFrame) -> int:
    """Count the cells measured in `known` (table `value_measures`) as finished in the study below `out`; gives how many are new."""
    lake = Lake(str(out / "lake"))
    new = known.filter(~pl.col("cell").is_in(finished(lake))).partition_by("cell", as_dict=True, maintain_order=True)
    for (key,), rows in new.items():
        lake.append_log(LAYER, TABLE, VALUE_MEASURES.frame(rows), metadata={"cell": key}, once=key)
    return len(new)


def finished(lake: Lake) -> frozenset[str]:
    """Keys of the cells whose measures are in the lake."""
    if not lake.exists(LAYER, TABLE):
        return frozenset()
    return frozenset(lake.read(LAYER, TABLE).get_column("cell").unique())


def measures(out: Path) -> pl.DataFrame:
    """All measures of a study so far (table `value_measures`); none where nothing is finished."""
    lake = Lake(str(out / "lake"))
    if not lake.exists(LAYER, TABLE):
        return VALUE_MEASURES.empty()
    return lake.read(LAYER, TABLE).select(VALUE_MEASURES.column_names)


def rows_of(part: str, cell: Cell, result: Result) -> pl.DataFrame:
    """A cell's measures as rows of the lake; what running it took stands beside them in week 0."""
    took = {
        "cpu_seconds": result.cpu_seconds, "reruns": float(result.reruns), "failed_nights": float(result.failed_nights),
    }  # fmt: skip
    ran = pl.DataFrame(
        {
            "week": [0] * len(took), "metric": list(took), "numerator": list(took.values()),
            "denominator": [float(result.nights)] * len(took),
        }
    )  # fmt: skip
    made = pl.concat([result.measures, ran], how="vertical_relaxed")
    return VALUE_MEASURES.frame(made.with_columns(
        cell=pl.lit(cell.key), part=pl.lit(part), works=pl.lit(cell.works), orders=pl.lit(cell.orders),
        weeks=pl.lit(cell.weeks), seed=pl.lit(cell.seed), policy=pl.lit(cell.policy),
    ))  # fmt: skip
