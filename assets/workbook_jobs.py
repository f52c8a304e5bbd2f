"""Jobs on the planner's workbook: out as Excel, and proposals back in, measured before anybody asks for them.

Both pass frames of a declared type between their ops (dagster-pandas), so the UI shows the columns, their limits and a
summary of each frame; a cell that cannot be used fails the run and is named in its metadata. Filing proposals needs a
signed-in person: `recon workbook propose`.
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.description import as_markdown
from resources.nights import CHANGES_NOTHING, NightsResource
from resources.partitions import NIGHTS, night_of

if TYPE_CHECKING:
    from recon_platform.lake import Lake
    from recon_platform.nights.records import Manifest


def _columns(name: str) -> list[Any]:
    """The declared columns of frame type `name`."""
    from dagster_pandas import PandasColumn as Column

    from recon_platform.proposal.own import LINE_KINDS

    lines = [
        Column.integer_column("row", min_value=2, unique=True, non_nullable=True),
        Column.categorical_column("kind", set(LINE_KINDS), of_types={"object", "str", "string"}, non_nullable=True),
        Column.exists("subject", non_nullable=True),
        Column.exists("value"),
        Column.exists("reason", non_nullable=True),
    ]
    effects = [
        Column.integer_column("lines_won", min_value=0),
        Column.integer_column("lines_lost", min_value=0),
        *(Column.float_column(name) for name in ("late_days_saved", "labour_hours", "overtime_hours", "cost")),
        Column.integer_column("operations_moved", min_value=0),
        Column.exists("digest", non_nullable=True, unique=True),
    ]
    moves = [
        Column.integer_column("rank", min_value=1, unique=True, non_nullable=True),
        *(Column.exists(name, non_nullable=True) for name in ("kind", "subject", "reason")),
        *effects,
    ]
    return {"PlannerMoves": moves, "PlannerProposals": lines, "MeasuredProposals": [*lines, *effects]}[name]


@cache
def _typed(name: str) -> dg.DagsterType:
    from dagster_pandas import create_dagster_pandas_dataframe_type

    made: dg.DagsterType = create_dagster_pandas_dataframe_type(name=name, columns=_columns(name))
    return made


def _frame_type(name: str, description: str) -> dg.DagsterType:
    """A dagster-pandas type that is put together when a frame is first checked: pandas costs seconds, a load has none."""
    return dg.DagsterType(
        name=name, description=description, type_check_fn=lambda context, value: _typed(name).type_check(context, value)
    )


MOVES = _frame_type("PlannerMoves", "Moves of a night with their measured effects, best first.")
PROPOSALS = _frame_type("PlannerProposals", "Lines of the sheet “my proposals”: kind, subject, value, reason.")
MEASURED = _frame_type("MeasuredProposals", "The same lines, each with the effect of planning again with it alone.")


class WorkbookFile(dg.Config):
    """A file on the machine that runs the job."""

    path: str


def _night(context: dg.OpExecutionContext, nights: NightsResource) -> tuple["Lake", "Manifest"]:
    from recon_platform.nights import records

    plant, planning_date = night_of(context.partition_key)
    manifest = records.latest(nights.lake(), plant, planning_date)
    if manifest is None:
        raise dg.Failure(f"{plant} {planning_date} has no finished run", allow_retries=False)
    return nights.lake(), manifest


@dg.op(out=dg.Out(MOVES), description="Reads the night's moves and writes the workbook with them.")
def export_workbook(context: dg.OpExecutionContext, config: WorkbookFile, nights: NightsResource) -> Any:
    from recon_platform.nights.workbook import write_workbook
    from recon_platform.proposal.workbook import SHOWN, shown_tables

    lake, manifest = _night(context, nights)
    frames = {name: manifest.read(lake, name) for name in SHOWN}
    write_workbook(Path(config.path), frames, manifest.run_id, manifest.pins.context.plant.zone)
    context.add_output_metadata({"run": manifest.run_id, "workbook": dg.MetadataValue.path(config.path)})
    return shown_tables(frames)["exception_moves"].to_pandas()


@dg.op(out=dg.Out(PROPOSALS), description="Reads proposals from a workbook or CSV file; names every wrong cell.")
def read_proposals(context: dg.OpExecutionContext, config: WorkbookFile, nights: NightsResource) -> Any:
    from recon_platform.nights.workbook import read_lines
    from recon_platform.proposal.own import ASKED_OF
    from recon_platform.proposal.workbook import CellsError, candidates

    lake, manifest = _night(context, nights)
    try:
        lines = read_lines(Path(config.path), manifest.pins.context.plant.zone)
        candidates({name: manifest.read(lake, name) for name in ASKED_OF}, lines)
    except CellsError as error:
        cells = [
            dg.TableRecord({"row": c.row, "column": c.column, "expected": c.expected, "found": c.found})
            for c in error.cells
        ]
        raise dg.Failure(
            f"{len(cells)} cells of {config.path} cannot be used", metadata={"cells": dg.MetadataValue.table(cells)},
            allow_retries=False,
        ) from error  # fmt: skip
    return lines.to_pandas()


@dg.op(
    ins={"lines": dg.In(PROPOSALS)}, out=dg.Out(MEASURED), description="Plans again with each proposal alone. Nothing is kept."
)  # fmt: skip
def measure_proposals(context: dg.OpExecutionContext, lines: Any, nights: NightsResource) -> Any:
    import polars as pl

    from recon_platform.nights.trial import night_frames
    from recon_platform.proposal.own import evaluate_own
    from recon_platform.proposal.workbook import candidates, measured

    lake, manifest = _night(context, nights)
    asked = pl.from_pandas(lines)
    frames = night_frames(lake, manifest)
    found = measured(asked, evaluate_own(frames, manifest.pins.context, candidates(frames, asked)))
    context.add_output_metadata({"run": manifest.run_id, "effects": dg.MetadataValue.md(as_markdown(found))})
    return found.to_pandas()


@dg.job(
    name="workbook_export", partitions_def=NIGHTS, tags=CHANGES_NOTHING,
    description="The night's moves, changes and customer lines as an Excel workbook for planners.",
)  # fmt: skip
def workbook_export_job() -> None:
    export_workbook()


@dg.job(
    name="workbook_check", partitions_def=NIGHTS, tags=CHANGES_NOTHING,
    description="Proposals of a workbook, each measured by planning again with it; wrong cells are named. Keeps nothing.",
)  # fmt: skip
def workbook_check_job() -> None:
    measure_proposals(read_proposals())


JOBS = [workbook_export_job, workbook_check_job]
