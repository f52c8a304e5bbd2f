"""The code location: `build_definitions` puts assets, checks, jobs, schedules, sensors and resources together.

Everything is built by one function so that a test can swap any resource by name. Loading imports Dagster, Polars and
the table registry and nothing heavy: no kernel, no Pandera, no lake.
"""

from __future__ import annotations

from typing import Any

import dagster as dg

from assets import (
    conformed,
    history,
    load,
    material,
    metrics,
    proposal,
    published,
    raw,
    reconciled,
    scores,
    shortages,
    value_week,
)
from assets.audit_jobs import JOBS
from assets.jobs import jobs
from assets.relay_job import relay_job
from assets.weekly_job import weekly_report_job
from assets.workbook_jobs import JOBS as WORKBOOK_JOBS
from resources import settings
from resources.clock import ClockResource
from resources.delivery import DeliveryResource
from resources.landing import LandingResource
from resources.nights import NightsResource
from sensors.approvals import approvals_sensor
from sensors.downtime import downtime_sensor
from sensors.failures import failure_sensor
from sensors.outbox import outbox_sensor
from sensors.plants import plants_sensor
from sensors.schedules import daily_audit_export, nightly_schedule, weekly_maintenance
from sensors.weekly import weekly_report_schedule

STAGE_MODULES = (
    raw, conformed, history, reconciled, material, load, shortages, proposal, metrics, published, scores, value_week,
)  # fmt: skip


def embedded_resources() -> dict[str, Any]:
    """Resources of this installation: by environment variable where one is set, else below the home folder."""
    landing = LandingResource(root=settings.from_environment(settings.LANDING))
    clock = ClockResource(fixed=settings.from_environment(settings.NOW))
    return {
        "landing": landing,
        "clock": clock,
        "delivery": DeliveryResource(
            erp=settings.from_environment(settings.ERP),
            erp_authorization=settings.from_environment(settings.ERP_AUTHORIZATION),
            plant_file=settings.from_environment(settings.PLANT_FILE),
            smtp=settings.from_environment(settings.SMTP),
            sender=settings.from_environment(settings.SENDER),
        ),
        "nights": NightsResource(
            lake_root=settings.from_environment(settings.LAKE),
            lake_options=settings.from_environment(settings.LAKE_OPTIONS),
            governance_url=settings.from_environment(settings.GOVERNANCE),
            key_file=settings.from_environment(settings.KEY_FILE),
            audit_export=settings.from_environment(settings.AUDIT_EXPORT),
            landing_root=settings.from_environment(settings.LANDING),
        ),
    }  # fmt: skip


def build_definitions(**resource_overrides: Any) -> dg.Definitions:
    """All definitions, with `resource_overrides` in place of the embedded resources of the same names.

    Schedules are made for the plants that have landed when the code location is loaded; a new plant's schedule appears
    when it is loaded again.
    """
    embedded = embedded_resources()
    resources = {**embedded, **resource_overrides}
    unknown = set(resource_overrides) - set(embedded)
    if unknown:
        raise ValueError(f"no resource {sorted(unknown)}; the resources are {sorted(embedded)}")
    scaled: list[dg.JobDefinition] = []
    ray_address = settings.value(settings.RAY)
    if ray_address:
        from assets.scale_job import cluster, replay_range_job

        resources["ray_cluster"] = cluster(ray_address)
        scaled.append(replay_range_job)
    assets = [asset for module in STAGE_MODULES for asset in module.ASSETS]
    raw_keys = [key for asset in raw.ASSETS for key in asset.keys]
    interval = int(settings.value(settings.SENSOR_SECONDS))
    plants: LandingResource = LandingResource(root=settings.value(settings.LANDING))
    if "landing" in resource_overrides:
        plants = resource_overrides["landing"]
    return dg.Definitions(
        assets=assets,
        jobs=[*jobs(raw_keys, published.KEY, [scores.KEY, value_week.KEY]), *JOBS, *WORKBOOK_JOBS, relay_job, weekly_report_job, *scaled],
        schedules=[
            weekly_maintenance(), daily_audit_export(),
            *(nightly_schedule(plant, plants.zone(plant)) for plant in plants.plants()),
            *(weekly_report_schedule(plant, plants.zone(plant)) for plant in plants.plants()),
        ],
        sensors=[
            plants_sensor(interval), downtime_sensor(interval), approvals_sensor(interval), outbox_sensor(interval),
            failure_sensor(interval),
        ],
        resources=resources,
        executor=dg.in_process_executor,
    )  # fmt: skip


defs = build_definitions()
