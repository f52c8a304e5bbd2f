"""Everything the code location defines, as plain values: what the snapshot test compares, and `python -m` rewrites.

`python -m tests.dagster.snapshot` writes it again after a change that was meant.
"""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg

from assets.definitions import build_definitions
from resources.partitions import NIGHTS
from sensors.schedules import daily_audit_export, nightly_schedule, weekly_maintenance
from sensors.weekly import weekly_report_schedule

HOUR = timedelta(hours=1)
SNAPSHOT = Path(__file__).parent / "snapshots" / "definitions.json"


def described(definitions: dg.Definitions) -> dict[str, Any]:
    """All specs, checks, jobs, sensors; schedules as they are for one plant.

    Left out: code versions, which change with every edit, and descriptions and columns, which are the registry's.
    """
    repository = definitions.get_repository_def()
    graph = repository.asset_graph
    specs = {}
    for key in sorted(graph.get_all_asset_keys()):
        spec = graph.get(key)
        specs[key.to_user_string()] = {
            "group": spec.group_name, "owners": sorted(spec.owners), "kinds": sorted(spec.kinds),
            "tags": {k: v for k, v in sorted(spec.tags.items()) if not k.startswith("dagster/kind/")},
            "deps": sorted(parent.to_user_string() for parent in spec.parent_keys),
            "checks": sorted(check.name for check in spec.check_keys),
            "partitioned": spec.partitions_def == NIGHTS,
            "fresh_hours": spec.freshness_policy.fail_window.to_timedelta() / HOUR,
        }  # fmt: skip
    return {
        "assets": specs,
        "jobs": {
            job.name: {
                "assets": sorted(key.to_user_string() for key in job.asset_layer.selected_asset_keys),
                "tags": dict(sorted(job.tags.items())), "description": job.description,
            }
            for job in sorted(repository.get_all_jobs(), key=lambda job: job.name)
            if not job.name.startswith("__")
        },
        "sensors": {
            sensor.name: {
                "jobs": sorted(target.job_name for target in sensor.targets), "status": sensor.default_status.value,
                "seconds": sensor.minimum_interval_seconds, "description": sensor.description,
            }
            for sensor in sorted(repository.sensor_defs, key=lambda sensor: sensor.name)
        },
        "schedules": {
            schedule.name: {
                "job": schedule.job_name, "cron": schedule.cron_schedule, "zone": schedule.execution_timezone,
                "status": schedule.default_status.value,
            }
            for schedule in [
                nightly_schedule("P1", ZoneInfo("Europe/Berlin")), weekly_maintenance(), daily_audit_export(),
                weekly_report_schedule("P1", ZoneInfo("Europe/Berlin")),
            ]
        },
        "resources": sorted(repository.get_top_level_resources()),
    }  # fmt: skip


def text(definitions: dg.Definitions) -> str:
    lines = []
    for section, entries in described(definitions).items():
        if isinstance(entries, dict):
            inside = ",\n".join(
                f"  {json.dumps(name)}: {json.dumps(entry, ensure_ascii=False)}" for name, entry in entries.items()
            )
            lines.append(f" {json.dumps(section)}: {{\n{inside}\n }}")
        else:
            lines.append(f" {json.dumps(section)}: {json.dumps(entries)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    SNAPSHOT.write_text(text(build_definitions()), encoding="utf-8")
    sys.exit(0)
