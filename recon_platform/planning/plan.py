"""Plan: inputs and decisions in, every table of the night out. What a night, a what-if and a backtest share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import polars as pl

from recon_platform.planning.stages import STAGES, Stage
from recon_platform.tables.asked import WhenAsked
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames
from recon_platform.tables.order import settled
from recon_platform.tables.registry import output_table
from recon_platform.tables.reuse import Reuse

Progress = Callable[[str], None]


def run_stage(
    stage: Stage, frames: Frames, context: PlanContext, reuse: Reuse | None = None
) -> dict[str, pl.DataFrame]:
    """Run one stage on the tables it declares and no others; what it made is signed and stands in the order of the keys.

    `reuse`: what earlier stages of the run made on the way, for a stage that shares.

    Raises ValueError where a table it needs is not there, or where it made other tables than it declares: a stage
    that reads more than it says could not be replayed from the manifest.
    """
    missing = [name for name in stage.required if name not in frames]
    if missing:
        raise ValueError(f"stage {stage.name} needs {', '.join(missing)}; run the stages before it first")
    shared = (reuse or Reuse(),) if stage.shares else ()
    read = WhenAsked([name for name in stage.reads if name in frames], frames.__getitem__)
    made = stage.run(read, context, *shared)
    return finished(made, stage.writes, stage.name, context)


def finished(made: Frames, writes: Sequence[str], stage: str, context: PlanContext) -> dict[str, pl.DataFrame]:
    """The tables `stage` made, signed and in the order of their keys; ValueError where they are not those of `writes`."""
    if set(made) != set(writes):
        raise ValueError(
            f"stage {stage} declares {sorted(writes)}; it made {sorted(set(made) - set(writes))} more "
            f"and left out {sorted(set(writes) - set(made))}"
        )
    tables = {name: output_table(name) for name in made}
    return {name: settled(tables[name], tables[name].signed(frame, context.agents)) for name, frame in made.items()}


def run_stages(
    stages: Sequence[Stage], frames: Frames, context: PlanContext, progress: Progress | None = None
) -> dict[str, pl.DataFrame]:
    """Run `stages` in order on `frames`; gives `frames` and everything the stages made, by name."""
    known, reuse = dict(frames), Reuse()
    for stage in stages:
        if progress is not None:
            progress(stage.name)
        known.update(run_stage(stage, known, context, reuse))
    return known


def plan(
    raw: Frames,
    context: PlanContext,
    *,
    decisions: pl.DataFrame | None = None,
    previous: Frames | None = None,
    published: Frames | None = None,
    progress: Progress | None = None,
) -> dict[str, pl.DataFrame]:
    """A whole plan from landing tables.

    `raw` holds the landing tables as they came; `decisions` the snapshot `decisions_in_force`; `previous` the tables
    of the run before and `published` those of the schedule in force, both by their plain names. The result holds all
    inputs under their prefixed names (`raw.`, `previous.`, `published.`) and every table made.
    """
    return run_stages(STAGES, inputs(raw, decisions, previous, published), context, progress)


def inputs(
    raw: Frames, decisions: pl.DataFrame | None, previous: Frames | None, published: Frames | None
) -> dict[str, pl.DataFrame]:
    """The name space a plan starts from: each source of tables under its own prefix."""
    frames: dict[str, pl.DataFrame] = {}
    sources: tuple[tuple[str, Mapping[str, pl.DataFrame] | None], ...] = (
        ("raw.", raw),
        ("previous.", previous),
        ("published.", published),
    )
    for prefix, tables in sources:
        frames.update({prefix + name: frame for name, frame in (tables or {}).items()})
    if decisions is not None:
        frames["decisions_in_force"] = decisions
    return frames
