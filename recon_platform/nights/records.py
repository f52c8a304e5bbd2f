"""The records of runs in the lake: steps done, and manifests, which alone make a run's tables visible.

Belongs here: writing and finding them. What a step does is in `night`, what is done with a manifest in `replay`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from recon_platform.lake import ConflictError, Lake, LakeError, MissingTableError
from recon_platform.lake.stored import FRONT
from recon_platform.tables.context import PlanContext, Plant
from recon_platform.tables.policy import policy_from_dict
from recon_platform.tables.runs import RUN_MANIFESTS, RUN_STEPS

RUNS = "runs"
OPEN = "open"


@dataclass(frozen=True, slots=True)
class TableVersion:
    """One night's rows of a table: where they lie, at which Delta version, how many, and their digest."""

    layer: str
    table: str
    plant: str
    planning_date: str
    version: int
    rows: int
    digest: str

    def read(self, lake: Lake) -> pl.DataFrame:
        """The rows, from the lake."""
        day = date.fromisoformat(self.planning_date)
        return lake.read(self.layer, self.table, version=self.version, plant=self.plant, planning_date=day)


@dataclass(frozen=True, slots=True)
class Pins:
    """Everything a run may read, decided when it was opened. `inputs` are named as stages name what they read."""

    run_id: str
    plant: Mapping[str, str]
    planning_date: str
    sequence: int
    as_of: str
    policy: Mapping[str, Any]
    policy_digest: str
    rule_version: str
    code_version: str
    libraries: Mapping[str, str]
    landing_digest: str
    previous_run: str | None
    schedule_version: int | None
    inputs: Mapping[str, TableVersion]
    landing: Mapping[str, Any] = field(default_factory=dict)
    rerun_of: str | None = None  # the run whose tables stand in for stages that an event cannot change
    carried: tuple[str, ...] = ()  # those stages
    agents: Mapping[str, str] = field(default_factory=dict)  # version of each; empty in runs before they were kept
    look_ahead: tuple[float, float] | None = None  # dispatch setting a rerun keeps of its night
    in_turn: bool = False  # the rerun holds the sequence in force, where that makes nothing later worth naming

    @property
    def context(self) -> PlanContext:
        """The frame of the plan, rebuilt from the record alone."""
        return PlanContext(
            plant=Plant(**self.plant),
            planning_date=date.fromisoformat(self.planning_date),
            as_of=datetime.fromisoformat(self.as_of).astimezone(UTC),
            sequence=self.sequence,
            policy=policy_from_dict(self.policy),
            agents=self.agents,
            look_ahead=self.look_ahead,
            in_turn=self.in_turn,
        )

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Pins:
        values = json.loads(text)
        values["inputs"] = {name: TableVersion(**entry) for name, entry in values["inputs"].items()}
        values["carried"] = tuple(values.get("carried", ()))
        kept = values.get("look_ahead")
        values["look_ahead"] = None if kept is None else (float(kept[0]), float(kept[1]))
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Manifest:
    """A finished run: what it read (`pins`) and what it wrote, table by table."""

    pins: Pins
    outputs: Mapping[str, TableVersion]
    finished_at: datetime
    actor: str

    @property
    def run_id(self) -> str:
        return self.pins.run_id

    @property
    def identity(self) -> dict[str, Any]:
        """Plant, planning date, sequence and run, as requests about a run name them."""
        pins = self.pins
        return {
            "plant": str(pins.plant["code"]), "planning_date": pins.planning_date, "sequence": pins.sequence,
            "run_id": pins.run_id,
        }  # fmt: skip

    @property
    def digest(self) -> str:
        """SHA-256 of all output digests."""
        content = json.dumps({name: entry.digest for name, entry in self.outputs.items()}, sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()

    def read(self, lake: Lake, table: str) -> pl.DataFrame:
        """One of its output tables; LakeError names those it has."""
        if table not in self.outputs:
            raise LakeError(f"run {self.run_id} has no table {table}; it has {', '.join(sorted(self.outputs))}")
        return self.outputs[table].read(lake)


def name_run(plant: str, planning_date: date, sequence: int, digest: str) -> str:
    """The name of a run: plant, date, sequence and the digest of what it reads, so that a second start finds it."""
    return f"{plant}.{planning_date.isoformat()}.{sequence}.{digest[:12]}"


def night_of(run_id: str) -> tuple[str, date]:
    """Plant and planning date of a run; LakeError where `run_id` is no name of a run."""
    parts = run_id.split(".")
    try:
        plant, day, _, _ = parts
        return plant, date.fromisoformat(day)
    except ValueError:
        raise LakeError(
            f"{run_id!r} names no run; expected PLANT.DATE.SEQUENCE.DIGEST, as `recon night` prints"
        ) from None


def steps(lake: Lake, run_id: str) -> dict[str, str]:
    """Detail (JSON) of every step `run_id` has done, by step."""
    plant, day = night_of(run_id)
    try:
        rows = lake.read(RUNS, RUN_STEPS, plant=plant, planning_date=day)
    except MissingTableError:
        return {}
    mine = rows.filter(pl.col("run_id") == run_id).sort("at", maintain_order=True)
    return dict(mine.select("step", "detail").iter_rows())


def record_step(lake: Lake, pins: Pins, step: str, detail: str, *, actor: str, at: datetime) -> None:
    """Note that `step` is done; where another process noted it first, its record stands."""
    row = RUN_STEPS.frame([{"run_id": pins.run_id, "step": step, "at": at, "actor": actor, "detail": detail}])
    try:
        lake.append(
            RUNS, RUN_STEPS, row, plant=pins.plant["code"], planning_date=date.fromisoformat(pins.planning_date),
            sequence=pins.sequence, run_id=pins.run_id, metadata={"step": step}, once=f"{pins.run_id}/{step}",
        )  # fmt: skip
    except ConflictError:
        if step not in steps(lake, pins.run_id):
            raise


def record_manifest(lake: Lake, manifest: Manifest) -> None:
    """Write the last row of a run. Raises ConflictError where another run finished as the same sequence."""
    pins = manifest.pins
    row = RUN_MANIFESTS.frame([{
        "run_id": pins.run_id, "as_of": datetime.fromisoformat(pins.as_of), "finished_at": manifest.finished_at,
        "actor": manifest.actor, "landing_digest": pins.landing_digest, "rule_version": pins.rule_version,
        "policy_digest": pins.policy_digest, "code_version": pins.code_version, "previous_run": pins.previous_run,
        "schedule_version": pins.schedule_version, "digest": manifest.digest,
        "manifest": json.dumps({"pins": asdict(pins), "outputs": {n: asdict(o) for n, o in manifest.outputs.items()}},
                               sort_keys=True),
    }])  # fmt: skip
    try:
        lake.append(
            RUNS, RUN_MANIFESTS, row, plant=pins.plant["code"], planning_date=date.fromisoformat(pins.planning_date),
            sequence=pins.sequence, run_id=pins.run_id, metadata={"digest_of_outputs": manifest.digest},
            once=f"{pins.plant['code']}/{pins.planning_date}/{pins.sequence}",
        )  # fmt: skip
    except ConflictError as error:
        day = date.fromisoformat(pins.planning_date)
        if all(found.run_id != pins.run_id for found in manifests(lake, pins.plant["code"], day)):
            raise ConflictError(
                f"another run of {pins.plant['code']} on {pins.planning_date} finished as sequence {pins.sequence} "
                f"while {pins.run_id} ran; start it again to make it the next"
            ) from error


def manifests(lake: Lake, plant: str | None = None, planning_date: date | None = None) -> list[Manifest]:
    """Every finished run (of `plant`, on `planning_date`), in order of planning date and sequence."""
    return [_manifest(row) for row in _rows(lake, plant, planning_date).iter_rows(named=True)]


def manifest(lake: Lake, run_id: str) -> Manifest:
    """The manifest of `run_id`; LakeError where it never finished."""
    rows = _rows(lake, *night_of(run_id)).filter(pl.col("run_id") == run_id)
    if rows.is_empty():
        begun = ", ".join(steps(lake, run_id)) or "nothing"
        raise LakeError(f"run {run_id} has no manifest: it did {begun} and never finished; start the night again")
    return _manifest(rows.row(0, named=True))


def latest(
    lake: Lake, plant: str, planning_date: date | None = None, *, before: tuple[date, int] | None = None
) -> Manifest | None:
    """The newest finished run of `plant` (on `planning_date`; earlier than date and sequence `before`), or None."""
    rows = _rows(lake, plant, planning_date)
    if before is not None:
        day, sequence = before
        date_, sequence_ = pl.col("planning_date"), pl.col("sequence")
        rows = rows.filter((date_ < day) | ((date_ == day) & (sequence_ < sequence)))
    return _manifest(rows.row(-1, named=True)) if rows.height else None


def first_from(lake: Lake, plant: str, day: date) -> Manifest | None:
    """The last run of the first night of `plant` planned on `day` or later, or None."""
    rows = _rows(lake, plant, None).filter(pl.col("planning_date") >= day)
    first = rows.filter(pl.col("planning_date") == pl.col("planning_date").min())
    return _manifest(first.row(-1, named=True)) if first.height else None


def newest_manifest(lake: Lake, plant: str | None = None) -> Manifest:
    """The newest finished run (of `plant`); LakeError where there is none, or the lake holds several plants."""
    rows = _rows(lake, plant, None)
    plants = rows["plant"].unique().sort().to_list()
    if not plants:
        raise LakeError(
            f"the lake at {lake.root} holds no finished run{f' of {plant}' if plant else ''}; run a night first"
        )
    if len(plants) > 1:
        raise LakeError(f"the lake holds several plants ({', '.join(plants)}); say which one")
    return _manifest(rows.row(-1, named=True))


def _rows(lake: Lake, plant: str | None, planning_date: date | None) -> pl.DataFrame:
    try:
        rows = lake.read(RUNS, RUN_MANIFESTS, plant=plant, planning_date=planning_date, front=True)
    except MissingTableError:
        return pl.DataFrame(schema={**FRONT, **RUN_MANIFESTS.schema})
    return rows.sort("plant", "planning_date", "sequence", "finished_at")


def _manifest(row: Mapping[str, Any]) -> Manifest:
    values = json.loads(row["manifest"])
    return Manifest(
        pins=Pins.from_json(json.dumps(values["pins"])),
        outputs={name: TableVersion(**entry) for name, entry in values["outputs"].items()},
        finished_at=row["finished_at"], actor=row["actor"],
    )  # fmt: skip
