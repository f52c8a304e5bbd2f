"""Plans judged by what happens: a simulated plant night after night, the platform or a simpler rule behind it.

Belongs here: the loop land → plan → approve → publish → run the next day, its results as tables, going on after a kill.
Does not belong here: the plant (`plantsim`), the stages (`planning`), the lake and the people (`simulated_platform`).
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Protocol

import polars as pl

from recon_platform.connectors import read_landing
from recon_platform.nights.context import landing_context
from recon_platform.nights.simulated_measures import night_measures
from recon_platform.planning.plan import inputs, run_stage
from recon_platform.planning.scheduling import InfeasibleScheduleError
from recon_platform.planning.stages import STAGES, Stage
from recon_platform.plantsim.executing import Landed, Plant, begin, land, load, run_day, save
from recon_platform.plantsim.generate import DEFAULT_START, PARQUET_FROM_ORDERS
from recon_platform.plantsim.landing import write_folder
from recon_platform.plantsim.night import plant_toml
from recon_platform.plantsim.policies import POLICIES, order_numbers
from recon_platform.tables.truth import TRUTH

Progress = Callable[[str], None]
COUNTING_STAGES = ("conform", "reconcile", "material")
"""What runs beside a policy that does not plan: enough to count findings and messages of the same world."""

PLANT_POLICY = "[policy.capacity]\nmatch_up_days = 1.0\n"
"""What the simulated plant sets differently from the defaults: beyond the frozen day a night may put operations in
another order. Keeping the order in force for a week costs this plant lines on time (docs/simulation.md)."""

REMEMBERED = tuple(
    dict.fromkeys(
        name.removeprefix("previous.") for stage in STAGES for name in stage.reads if name.startswith("previous.")
    )
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What a simulation is asked for. `through`: `core` plans in memory and releases every base plan; `lake` runs
    whole nights on a lake, with people who approve and publish; `none` lets the floor run without any platform.
    """

    policy: str
    nights: int
    orders: int
    seed: int = 1
    drift: float = 0.05
    plant: str = "fastener"
    start: date = DEFAULT_START
    through: str = "core"

    def __post_init__(self) -> None:
        if self.policy not in POLICIES:
            raise ValueError(f"policy {self.policy!r} is not known; known policies are {', '.join(POLICIES)}")
        if self.through not in ("core", "lake", "none"):
            raise ValueError(f"through must be core, lake or none, found {self.through!r}")
        if self.policy == "platform" and self.through == "none":
            raise ValueError("policy platform follows a published schedule: through must be core or lake")
        if self.nights < 1:
            raise ValueError(f"nights must be at least 1, found {self.nights}")

    def to_json(self) -> str:
        return json.dumps(asdict(self), default=str, sort_keys=True)


@dataclass(frozen=True, slots=True)
class Simulated:
    """Results: `measures` (policy, night, metric, numerator, denominator, value), `truth`, and seconds by night."""

    settings: Settings
    measures: pl.DataFrame
    truth: pl.DataFrame
    seconds: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Planned:
    """What the platform made of a night: its tables, the schedule in force from now on, work orders put right."""

    frames: Mapping[str, pl.DataFrame]
    schedule: pl.DataFrame | None
    corrected: tuple[str, ...]
    failed: str | None = None  # why the night failed; then the schedule in force stayed


class Platform(Protocol):
    """Whatever plans a landed night and decides what is in force afterwards."""

    def plan(self, folder: Path) -> Planned:
        """Plan the landing folder of one night."""

    def remember(self, folder: Path) -> None:
        """Write into `folder` what the next night needs of this one."""

    def recall(self, folder: Path) -> None:
        """Read what `remember` wrote."""


class Core:
    """The planning core in memory. A scripted planner releases every base plan and every correction it proposes."""

    def __init__(self, stages: tuple[Stage, ...]) -> None:
        self.stages = stages
        self.previous: dict[str, pl.DataFrame] = {}
        self.published: dict[str, pl.DataFrame] = {}

    def plan(self, folder: Path) -> Planned:
        landing = read_landing(folder)
        context = landing_context(landing)
        frames = inputs(landing.frames, None, self.previous or None, self.published or None)
        try:
            for stage in self.stages:
                frames.update(run_stage(stage, frames, context))
        except InfeasibleScheduleError as error:  # a night that fails leaves the schedule in force as it is
            return Planned(frames, self.published.get("schedule"), (), str(error))
        self.previous = {name: frames[name] for name in REMEMBERED if name in frames}
        schedule = frames.get("schedule")
        if schedule is None:
            return Planned(frames, None, ())
        self.published = {"schedule": schedule}
        changes = frames["order_changes"]["work_order"].drop_nulls().unique().sort()
        return Planned(frames, schedule, tuple(changes))

    def remember(self, folder: Path) -> None:
        for kind, tables in (("previous", self.previous), ("published", self.published)):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            for name, frame in tables.items():
                frame.write_parquet(folder / kind / f"{name}.parquet")

    def recall(self, folder: Path) -> None:
        self.previous, self.published = (
            {path.stem: pl.read_parquet(path) for path in sorted((folder / kind).glob("*.parquet"))}
            for kind in ("previous", "published")
        )


def simulate(
    out: Path, settings: Settings, *, progress: Progress | None = None, keep_landing: bool = False
) -> Simulated:
    """Run (or go on with) a simulation in folder `out`.

    Raises ValueError where `out` holds a simulation with other settings; a longer one of the same may go on.
    """
    out.mkdir(parents=True, exist_ok=True)
    _same_settings(out, settings)
    results, checkpoint = out / "results", out / "checkpoint"
    results.mkdir(exist_ok=True)
    plant = begin(
        orders=settings.orders, nights=settings.nights, seed=settings.seed, drift=settings.drift, plant=settings.plant,
        start=settings.start,
    )  # fmt: skip
    platform = _platform(out, settings)
    plant = _resumed(plant, platform, checkpoint)
    policy = POLICIES[settings.policy]()
    while (number := (plant.day - settings.start).days) < settings.nights:
        if progress is not None:
            progress(f"night {number + 1} of {settings.nights}, {plant.day.isoformat()}")
        clock = [time.perf_counter()]
        landed = land(plant)
        planned = None
        if platform is not None:
            folder = _write(out, settings, plant, landed)
            clock.append(time.perf_counter())
            planned = platform.plan(folder)
        clock.append(time.perf_counter())
        failed = planned is not None and planned.failed is not None
        measured = night_measures(settings.policy, landed, None if planned is None else planned.frames, failed=failed)
        after = run_day(plant, landed, policy, None if planned is None else planned.schedule)
        if planned is not None:
            after = after.with_corrected(order_numbers(pl.Series(planned.corrected, dtype=pl.String)))
        clock.append(time.perf_counter())
        _keep(results, plant.day, measures=measured, truth=landed.truth, seconds=_seconds(settings, plant.day, clock))
        _checkpoint(checkpoint, after, platform)
        if not keep_landing:
            _forget(out / "landing" / plant.day.isoformat())
        plant = after
    return _collected(settings, results)


def _platform(out: Path, settings: Settings) -> Platform | None:
    if settings.through == "none":
        return None
    if settings.policy != "platform":
        return Core(tuple(stage for stage in STAGES if stage.name in COUNTING_STAGES))
    if settings.through == "core":
        return Core(STAGES)
    from recon_platform.nights.simulated_platform import OnLake  # noqa: PLC0415 - database and lake only where asked for

    return OnLake(out)


def _same_settings(out: Path, settings: Settings) -> None:
    """A simulation may be gone on with; `nights` shapes how far the world is drawn, so it stays as it was begun."""
    note = out / "settings.json"
    if not note.exists():
        note.write_text(settings.to_json(), encoding="utf-8")
    elif note.read_text(encoding="utf-8") != settings.to_json():
        raise ValueError(
            f"{out} holds a simulation with other settings: {note.read_text(encoding='utf-8')}; asked for "
            f"{settings.to_json()}. Name another folder or remove this one"
        )


def _resumed(plant: Plant, platform: Platform | None, checkpoint: Path) -> Plant:
    marker = checkpoint / "night.json"
    if not marker.exists():
        return plant
    folder = checkpoint / json.loads(marker.read_text(encoding="utf-8"))["folder"]
    if platform is not None:
        platform.recall(folder)
    return load(plant, folder / "floor.npz")


def _checkpoint(checkpoint: Path, plant: Plant, platform: Platform | None) -> None:
    """Everything of a night into a folder of its own, then the one small file that says which folder counts."""
    folder = checkpoint / plant.day.isoformat()
    folder.mkdir(parents=True, exist_ok=True)
    save(plant, folder / "floor.npz")
    if platform is not None:
        platform.remember(folder)
    marker = checkpoint / "night.json"
    beside = checkpoint / "night.partial"
    beside.write_text(json.dumps({"folder": folder.name}), encoding="utf-8")
    beside.replace(marker)
    for old in sorted(checkpoint.iterdir()):
        if old.is_dir() and old.name < folder.name:
            _forget(old)


def _forget(folder: Path) -> None:
    if not folder.exists():
        return
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink()
    folder.rmdir()


def _write(out: Path, settings: Settings, plant: Plant, landed: Landed) -> Path:
    folder = out / "landing" / plant.day.isoformat()
    write_folder(
        folder, landed.text, plant_toml=plant_toml(plant.history, plant.day) + PLANT_POLICY,
        parquet=settings.orders >= PARQUET_FROM_ORDERS,
    )  # fmt: skip
    return folder


def _seconds(settings: Settings, day: date, clock: list[float]) -> pl.DataFrame:
    """Wall seconds of a night: landing it, planning it, running the floor until the next."""
    parts = [b - a for a, b in itertools.pairwise(clock)]
    land_s, plan_s, run_s = (parts[0], parts[1], parts[2]) if len(parts) == 3 else (parts[0], 0.0, parts[1])
    return pl.DataFrame(
        {"policy": [settings.policy], "night": [day], "land": [land_s], "plan": [plan_s], "run": [run_s]}
    ).with_columns(total=pl.sum_horizontal("land", "plan", "run"))


def _keep(results: Path, day: date, **tables: pl.DataFrame) -> None:
    for name, frame in tables.items():
        target = results / f"{day.isoformat()}.{name}.parquet"
        beside = target.with_suffix(".partial")
        frame.write_parquet(beside)
        beside.replace(target)


def _collected(settings: Settings, results: Path) -> Simulated:
    def table(name: str) -> pl.DataFrame:
        return pl.concat([pl.read_parquet(path) for path in sorted(results.glob(f"*.{name}.parquet"))])

    truth = TRUTH.frame(table("truth"))
    return Simulated(
        settings, table("measures").sort("policy", "night", "metric"), truth, table("seconds").sort("night")
    )
