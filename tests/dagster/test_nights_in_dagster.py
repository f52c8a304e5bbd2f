"""Nights, reruns and publishing through the Dagster assets, in this process, on a generated plant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import polars as pl
import pytest

from assets.lineage import column_lineage
from assets.night_stages import night_stage
from recon_platform.governance.agents import DEFAULTS
from recon_platform.nights import records
from recon_platform.nights.replay import replay
from recon_platform.tables.capacity import setting_taken
from recon_platform.tables.governance import AGENT_SCORES
from recon_platform.tables.metrics import VALUE_WEEK
from resources.clock import ClockResource
from sensors.failures import failure_sensor
from tests.dagster.plant import CODE, FIRST, LONG_STOP, SECOND, Installation, Planned

STOP_FROM, STOP_TO = datetime(2026, 3, 2, 8, tzinfo=UTC), datetime(2026, 3, 2, 12, tzinfo=UTC)
SCHEDULE = dg.AssetKey(["capacity", "schedule"])
PUBLISHED = dg.AssetKey(["published", "published_schedule"])


def materialized(result: dg.ExecuteInProcessResult) -> dict[dg.AssetKey, Any]:
    return {
        event.asset_key: event.materialization
        for event in result.get_asset_materialization_events()
        if event.asset_key is not None
    }


def test_a_night_is_materialized_described_and_closed(planned: Planned, night: Installation) -> None:
    result, site = planned.result, night
    assert result.success
    made = materialized(result)
    manifest = records.latest(site.lake, CODE, FIRST)
    assert manifest is not None
    derived = {key.path[-1]: found for key, found in made.items() if key.path[0] != "raw"}
    scores, week = derived.pop("agent_scores"), derived.pop("value_week")
    assert set(derived) == set(manifest.outputs)
    for name, found in derived.items():
        metadata = {key: value.value for key, value in found.metadata.items()}
        assert metadata["dagster/row_count"] == manifest.outputs[name].rows, name
        assert metadata["digest"] == manifest.outputs[name].digest, name
        assert metadata["delta_version"] == manifest.outputs[name].version, name
        assert found.tags["dagster/data_version"] == manifest.outputs[name].digest, name
    schedule = derived["schedule"].metadata
    assert "data:image/png;base64," in schedule["picture"].value
    assert schedule["sample"].value.startswith("| work_order |")
    assert (
        schedule["input_versions"].value["reconciled_operations"] == manifest.outputs["reconciled_operations"].version
    )
    assert "picture" in derived["capacity_load"].metadata
    orders = derived["work_orders"].metadata
    came_from = orders["dagster/column_lineage"].value.deps_by_column
    assert {(dep.asset_key.to_user_string(), dep.column_name) for dep in came_from["qty"]} == {
        ("raw/work_orders", "qty"), ("raw/work_orders", "uom"), ("raw/items", "uom"), ("raw/uom_conversions", "factor"),
    }  # fmt: skip
    counts = manifest.read(site.lake, "row_counts").filter(pl.col("table") == "cycle_times").row(0, named=True)
    cycles = derived["cycle_times"].metadata
    assert (cycles["rows_in"].value, cycles["rows_quarantined"].value) == (
        counts["rows_in"], counts["rows_quarantined"],
    )  # fmt: skip
    assert sum(cycles["quarantined_by_gate"].value.values()) == counts["rows_quarantined"]
    checks = result.get_asset_check_evaluations()
    assert {check.asset_key for check in checks} == set(made)
    assert all(check.passed for check in checks)
    assert scores.metadata["dagster/row_count"].value == len(DEFAULTS)
    assert scores.metadata["digest"].value == site.lake.digest(
        site.lake.read("governance", AGENT_SCORES, plant=CODE, planning_date=FIRST), AGENT_SCORES
    )
    assert (scores.metadata["promised lines"].value, scores.metadata["kept lines"].value) == (0, 0)
    assert scores.metadata["reconciler: hours_saved"].value >= 0
    assert "order_promises" in scores.metadata["input_versions"].value
    kept = site.lake.read("metrics", VALUE_WEEK, plant=CODE, planning_date=FIRST)
    assert week.metadata["otif_first_promised"].value == kept.filter(metric="otif_first_promised")["value"][0] > 0
    for name, found in {**derived, "agent_scores": scores, "value_week": week}.items():
        lineage = found.metadata["dagster/column_lineage"].value.deps_by_column
        assert lineage == column_lineage(name).deps_by_column, name
    landed = {key.path[-1]: check for key, check in ((c.asset_key, c) for c in checks) if key.path[0] == "raw"}
    assert landed["work_orders"].metadata["rows_sent"].value == landed["work_orders"].metadata["rows"].value > 0
    assert replay(site.lake, manifest.run_id).identical


def test_a_rerun_makes_only_what_downtime_can_change_and_carries_the_rest(night: Installation) -> None:
    site = night
    before = records.latest(site.lake, CODE, FIRST)
    site.drop("downtime_events.csv", LONG_STOP)
    result = site.run("rerun")
    assert result.success
    after = records.latest(site.lake, CODE, FIRST)
    assert before is not None and after is not None
    assert (after.pins.sequence, after.pins.rerun_of) == (1, before.run_id)
    assert after.outputs["action_messages"] == before.outputs["action_messages"]
    assert after.outputs["items"] == before.outputs["items"]
    assert after.outputs["downtime_events"] != before.outputs["downtime_events"]
    events = after.read(site.lake, "downtime_events")
    assert "EV1" in events["event"].to_list()
    assert {key.path[-1] for key in materialized(result)} >= {"downtime_events", "schedule", "order_promises"}
    assert not {key.path[-1] for key in materialized(result)} & {"items", "action_messages"}
    stopped = after.read(site.lake, "schedule").filter(
        (pl.col("machine") == "HD1-01")
        & pl.col("start").is_between(
            pl.datetime(2026, 3, 2, 8, time_zone="UTC"), pl.datetime(2026, 3, 2, 12, time_zone="UTC"), closed="left"
        )
    )
    assert stopped.is_empty()
    tried, kept = (run.read(site.lake, "dispatch_settings") for run in (before, after))
    assert tried.height == after.pins.context.policy.capacity.portfolio_passes
    assert kept["lateness"].to_list() == [None], "a rerun compares no settings"
    assert setting_taken(kept) == setting_taken(tried) == after.pins.context.look_ahead
    assert replay(site.lake, after.run_id).identical


def test_a_broken_table_is_reported_blocks_what_follows_and_nothing_of_it_is_written(
    site: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = night_stage("shortages")

    def negative(frames: Any, context: Any) -> dict[str, pl.DataFrame]:
        made = stage.run(frames, context)["shortages"]
        columns = {name: pl.Series([None], dtype=dtype) for name, dtype in made.schema.items()}
        return {"shortages": pl.concat([made, pl.DataFrame(columns)])}

    broken = type(stage)(stage.name, stage.group, stage.meaning, stage.reads, stage.writes, negative)
    from recon_platform.proposal import stages

    monkeypatch.setattr(stages, "NIGHT_STAGES", tuple(broken if s is stage else s for s in stages.NIGHT_STAGES))
    result = site.run("night")
    assert not result.success
    failed = [check for check in result.get_asset_check_evaluations() if not check.passed]
    assert [check.asset_key.path[-1] for check in failed] == ["shortages"]
    assert failed[0].metadata["failures"].value >= 1
    assert "may not be null" in failed[0].metadata["failing_rows"].value
    assert SCHEDULE not in materialized(result)
    assert records.latest(site.lake, CODE, FIRST) is None
    assert not site.lake.exists("material", "shortages")


def test_approval_publishes_and_a_failed_night_leaves_the_approved_schedule_in_force(night: Installation) -> None:
    site = night
    assert site.nights.publishable() == []
    refused = site.run("publish")
    assert not refused.success
    assert site.nights.in_force(CODE) is None

    site.approve_base()
    (waiting,) = site.nights.publishable()
    done = site.run("publish", **{"recon/plan_run": waiting.run_id})
    assert done.success
    assert PUBLISHED in materialized(done)
    assert site.nights.publishable() == []
    in_force = site.nights.in_force(CODE)
    assert in_force is not None
    assert in_force.schedule_version == 1

    (site.landing_root / CODE / SECOND.isoformat() / "work_orders.csv").write_text("", encoding="utf-8")
    failed = site.run("night", SECOND)
    assert not failed.success
    site.instance.add_run_tags(failed.run_id, {"dagster/will_retry": "true"})
    assert "is started again" in str(fallback_after(site, failed))
    assert site.instance.fetch_observations(PUBLISHED, limit=1).records == []
    site.instance.add_run_tags(failed.run_id, {"dagster/will_retry": "false"})
    assert fallback_after(site, failed) is None
    (said,) = site.instance.fetch_observations(PUBLISHED, limit=5).records
    assert said.asset_observation is not None
    assert said.asset_observation.metadata["schedule_version"].value == 1
    assert site.nights.in_force(CODE) == in_force


def test_a_retry_of_a_night_that_died_after_its_last_row_plans_nothing_twice(night: Installation) -> None:
    finished = records.latest(night.lake, CODE, FIRST)
    assert finished is not None
    job, root = finished.actor.rsplit(":", 1)
    assert job == "dagster:night"
    assert night.run("night", **{"dagster/retry_number": "1", "dagster/root_run_id": root}).success
    assert [found.run_id for found in records.manifests(night.lake, CODE, FIRST)] == [finished.run_id]
    night.approve_base()  # there is one request, of this run


def test_a_night_before_the_schedule_in_force_is_not_planned_again(night: Installation) -> None:
    night.approve_base()
    assert night.run("publish").success
    before = night.lake.version("capacity", "schedule")
    result = night.run("night", FIRST - timedelta(days=1))
    assert not result.success
    (failure, *_) = result.get_step_failure_events()
    assert "a past night is not planned again" in str(failure.event_specific_data.error.to_string())  # type: ignore[union-attr]
    assert night.lake.version("capacity", "schedule") == before


def test_a_past_partition_of_the_published_schedule_is_not_materialized_again(night: Installation) -> None:
    night.approve_base()
    assert night.run("publish").success
    assert night.run("night", SECOND).success
    second = records.latest(night.lake, CODE, SECOND)
    assert second is not None
    night.approve_base(second.run_id)
    assert night.run("publish", SECOND).success
    in_force = night.nights.in_force(CODE)
    assert in_force is not None
    assert in_force.run_id == second.run_id

    again = night.run("publish", FIRST)
    assert not again.success
    (failure, *_) = again.get_step_failure_events()
    assert "only the newest proposal can be published" in str(failure.event_specific_data.error.to_string())  # type: ignore[union-attr]
    assert PUBLISHED not in materialized(again)
    assert night.nights.in_force(CODE) == in_force


def test_the_replay_job_proves_a_past_night_and_names_what_differs(
    night: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = {name: night.lake.version(layer, name) for layer, name in night.lake.tables()}
    assert night.run("replay").success
    assert {name: night.lake.version(layer, name) for layer, name in night.lake.tables()} == versions

    from recon_platform.nights import replay as module

    class Differing:
        run_id, tables, identical, changed = "run-0", 80, False, ("polars: 1 → 2",)
        differences = ("schedule: row 3, column start: recorded 1, now 2",)

    monkeypatch.setattr(module, "replay", lambda lake, run_id: Differing())
    result = night.run("replay")
    assert not result.success
    (failure,) = result.get_step_failure_events()
    data: Any = failure.event_specific_data
    assert "schedule: row 3, column start" in data.user_failure_data.description
    assert data.user_failure_data.metadata["changed since"].value == ["polars: 1 → 2"]
    assert "only looks" in str(fallback_after(night, result))
    assert night.instance.fetch_observations(PUBLISHED, limit=1).records == []


def test_maintenance_leaves_a_night_replayable(night: Installation) -> None:
    result = night.definitions().resolve_job_def("maintenance").execute_in_process(instance=night.instance)
    assert result.success
    newest = records.latest(night.lake, CODE, FIRST)
    assert newest is not None
    assert replay(night.lake, newest.run_id).identical


def fallback_after(site: Installation, result: dg.ExecuteInProcessResult) -> object:
    """What the sensor `fallback` does about a failed run."""
    (event,) = [event for event in result.all_events if event.event_type == dg.DagsterEventType.RUN_FAILURE]
    context = dg.build_run_status_sensor_context(
        "fallback", event, site.instance, site.instance.get_run_by_id(result.run_id),  # type: ignore[arg-type]
        resources={"nights": site.nights, "clock": ClockResource()},
    ).for_run_failure()  # fmt: skip
    return failure_sensor(15)(context)
