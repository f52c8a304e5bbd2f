"""Tables about runs: the steps a run has done and the manifest that makes it visible, and the schedule in force.

Belongs here: descriptions only. `nights` writes and reads them.
"""

from __future__ import annotations

from recon_platform.tables.capacity import SCHEDULE
from recon_platform.tables.model import Column, Kind, Layer, Table

RUN_STEPS = Table(
    name="run_steps",
    layer=Layer.RUNS,
    meaning="What each run has done so far; a second start goes on from here. Nothing in it is for readers of results.",
    key=("run_id", "step"),
    columns=(
        Column("run_id", Kind.KEY, "The run."),
        Column("step", Kind.TEXT, "`open`, then the name of a stage."),
        Column("at", Kind.INSTANT, "When it was done."),
        Column("actor", Kind.TEXT, "Who ran it."),
        Column("detail", Kind.TEXT, "What it pinned or wrote, as JSON: table → layer, Delta version, rows, digest."),
    ),
    owner="platform",
)

RUN_MANIFESTS = Table(
    name="run_manifests",
    layer=Layer.RUNS,
    meaning="One row per finished run, written last: readers find a night's tables through it, replay starts from it.",
    key=("run_id",),
    columns=(
        Column("run_id", Kind.KEY, "The run."),
        Column("as_of", Kind.INSTANT, "The instant its data speak of."),
        Column("finished_at", Kind.INSTANT, "When it was finished."),
        Column("actor", Kind.TEXT, "Who ran it."),
        Column("landing_digest", Kind.TEXT, "SHA-256 of the landing folder."),
        Column("rule_version", Kind.TEXT, "Version of the reconciliation rules."),
        Column("policy_digest", Kind.TEXT, "SHA-256 of the policy."),
        Column("code_version", Kind.TEXT, "Package version and digest of its source files."),
        Column("previous_run", Kind.KEY, "Run before it, whose tables it compared with.", nullable=True),
        Column("schedule_version", Kind.WHOLE, "Published schedule it started from.", nullable=True),
        Column("digest", Kind.TEXT, "SHA-256 of all output digests: two runs with one digest made the same tables."),
        Column("manifest", Kind.TEXT, "Everything read and written, as JSON."),
    ),
    owner="platform",
)

PUBLISHED_SCHEDULE = Table(
    name="published_schedule",
    layer=Layer.PUBLISHED,
    meaning="The schedule that was released; its commit names run, inputs, rules, approvers and what it replaces.",
    key=("work_order", "op_seq"),
    columns=(
        *SCHEDULE.columns,
        Column("schedule_version", Kind.WHOLE, "Version of the plant's schedule, counted from 1."),
    ),
)

TABLES: tuple[Table, ...] = (RUN_STEPS, RUN_MANIFESTS, PUBLISHED_SCHEDULE)
