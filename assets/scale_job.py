"""Many nights on an existing engine: the audit replay of a range of runs, spread over a Ray cluster.

Belongs here: cutting the runs into tasks and gathering what they say. The unit is a plant's night; a task takes several,
so that starting it does not count. A task whose node dies is started again elsewhere by Ray; a replay writes nothing, so
doing one twice is harmless. Only loaded where `RECON_RAY` names a cluster: Ray is the extra `scale`.
"""

import dagster as dg
from dagster_ray import Lifecycle, LocalRay, RayResource
from pydantic import Field

from resources.nights import CHANGES_NOTHING, NightsResource

TRIES_AFTER_A_CRASH = 5
LAST_DIFFERENCES = 5


class Range(dg.Config):
    """Which runs are replayed, and how many in one task."""

    plants: list[str] = Field(default_factory=list)  # none named: all of the lake
    first: str = "0001-01-01"  # planning date, included
    last: str = "9999-12-31"
    runs_per_task: int = 8


def cluster(address: str) -> RayResource:
    """The cluster at `address` (`HOST:PORT` of its head, or `auto` on a node of it)."""
    return LocalRay(ray_init_options={"address": address}, lifecycle=Lifecycle(create=False, connect=True))


@dg.op(description="Replays every finished run of a range of nights, several per Ray task; names those that differ.")
def replay_runs(
    context: dg.OpExecutionContext, config: Range, nights: NightsResource, ray_cluster: RayResource
) -> None:
    import ray

    from recon_platform.nights import records
    from recon_platform.nights.replay import replay_all

    runs = [
        manifest.run_id
        for manifest in records.manifests(nights.lake())
        if (not config.plants or manifest.pins.plant["code"] in config.plants)
        and config.first <= manifest.pins.planning_date <= config.last
    ]
    if not runs:
        raise dg.Failure("no finished run in that range", allow_retries=False)
    task = ray.remote(max_retries=TRIES_AFTER_A_CRASH)(replay_all)
    waiting = [
        task.remote(nights.lake_root, nights.lake_options, runs[start : start + config.runs_per_task])
        for start in range(0, len(runs), config.runs_per_task)
    ]
    context.log.info(f"{len(runs)} runs in {len(waiting)} tasks")
    outcomes = {run: difference for done in ray.get(waiting) for run, difference in done}
    differing = {run: difference for run, difference in outcomes.items() if difference is not None}
    context.add_output_metadata({"runs": len(outcomes), "tasks": len(waiting), "runs that differ": len(differing)})
    if differing:
        first = next(iter(differing))
        raise dg.Failure(
            f"{first} does not replay: {differing[first]}",
            metadata={"differing": dg.MetadataValue.json(dict(list(differing.items())[:LAST_DIFFERENCES]))},
            allow_retries=False,
        )


@dg.job(
    name="replay_range", tags={"dagster/priority": "-10", **CHANGES_NOTHING},
    description="Audit replay of many plants and nights on a Ray cluster. Writes nothing.",
)  # fmt: skip
def replay_range_job() -> None:
    replay_runs()
