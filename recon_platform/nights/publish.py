"""Publish: put an approved schedule in force with one commit, then its audit row and everything that must leave.

Order: reserve a version in the governance store, commit to the lake, finish in the store (audit and outbox in one
transaction). After a kill at any point the same call resumes; until the last step the earlier schedule is in force.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from recon_platform.connectors.files import ROW_VERSION
from recon_platform.governance.actors import Actor
from recon_platform.governance.errors import PublishError, StaleError
from recon_platform.governance.outbox import Message
from recon_platform.governance.publications import Publication, approved_requests
from recon_platform.lake import Lake, MissingTableError
from recon_platform.lake.raw import unpacked
from recon_platform.nights import records
from recon_platform.nights.fence import check_fence
from recon_platform.nights.gates import accepted_gates, check_gates, check_inputs
from recon_platform.nights.in_force import ScheduleInForce, schedule_in_force
from recon_platform.nights.night import DECISIONS
from recon_platform.nights.records import Manifest
from recon_platform.nights.solving import record_of, solve
from recon_platform.nights.versions import code_version
from recon_platform.tables.runs import PUBLISHED_SCHEDULE

if TYPE_CHECKING:
    from recon_platform.governance import Store

ERP = "erp"


def publish(lake: Lake, store: Store, run_id: str, *, actor: Actor) -> Publication:
    """Put the proposal of `run_id` in force, when it is approved, newest, and still exactly what was approved.

    Raises StaleError where a newer run exists, the approval was for another content, or the floor has begun what an approved
    move was to move (the move then waits for a new decision), GateError where a table of the
    run is not as recorded or breaks a gate, the data gates of what it read among them, PublishError where the approval is missing. Nothing is in force then that
    was not before. Approved moves are solved into the plan first (`solving`). Publishing the schedule in force again
    changes nothing.
    """
    manifest = records.manifest(lake, run_id)
    pins = manifest.pins
    plant = pins.plant["code"]
    standing = store.publications.in_force(plant)
    if standing is not None and (standing.run_id, standing.kind) == (run_id, "publish"):
        return standing
    newest = records.latest(lake, plant)
    if newest is not None and newest.run_id != run_id:
        raise StaleError(f"run {run_id} is older than {newest.run_id}; only the newest proposal can be published")
    _check_approval(store, manifest)
    check_inputs(lake, manifest, accepted_gates(store.decisions_in_force(plant, store.clock())))
    schedule = check_gates(lake, manifest)
    unscheduled = manifest.read(lake, "unscheduled")
    decisions = pins.inputs[DECISIONS]
    solved = solve(lake, store, manifest, actor=actor)
    if solved is not None:
        schedule, unscheduled, decisions = solved.schedule, solved.unscheduled, solved.decisions
    begun = store.publications.unfinished(plant)
    replaced = schedule_in_force(lake, plant, but=begun.publication if begun is not None else None)
    check_fence(
        lake, manifest, schedule, unscheduled=unscheduled, decisions=decisions.read(lake), replaced=replaced
    )  # fmt: skip
    publication = store.publications.begin(
        actor, plant=plant, run_id=run_id, planning_date=pins.planning_date, digest=manifest.digest,
        record={**_record(manifest), **record_of(solved)},
        auto=manifest.pins.context.policy.publish.publish_base == "auto",
    )  # fmt: skip
    version = commit(lake, publication, schedule, pins.as_of, actor)
    messages = finite_dates(lake, manifest, schedule, publication, replaced)
    return store.publications.finish(actor, publication.publication, lake_version=version, messages=messages)


def commit(lake: Lake, publication: Publication, schedule: pl.DataFrame, as_of: str, actor: Actor) -> int:
    """The one commit that holds a published schedule; a second call for the same publication finds it."""
    table = PUBLISHED_SCHEDULE
    try:
        for made in lake.commits(table.layer, table.name):
            if made.get("publication") == publication.publication:
                return int(made["version"])
            if made.get("plant") == publication.plant and int(made["schedule_version"]) < publication.schedule_version:
                break  # versions of a plant reach the lake in order: further back there is none
    except MissingTableError:
        pass  # the first publication makes the table
    number = pl.lit(publication.schedule_version, pl.Int64).alias("schedule_version")
    written = lake.write(
        table.layer, table, schedule.with_columns(number), plant=publication.plant,
        planning_date=date.fromisoformat(publication.planning_date), sequence=0, run_id=publication.run_id,
        metadata={
            "plant": publication.plant, "planning_date": publication.planning_date, "as_of": as_of,
            "schedule_version": str(publication.schedule_version), "publication": publication.publication,
            "kind": publication.kind, "replaces": str(publication.replaces or ""), "actor": actor.name,
            "digest_of_run": publication.digest, "record": json.dumps(publication.record, sort_keys=True),
        },
    )  # fmt: skip
    return written.version


def finite_dates(
    lake: Lake, manifest: Manifest, schedule: pl.DataFrame, publication: Publication, replaced: ScheduleInForce | None
) -> Iterator[Message]:
    """What the ERP has to hear: operations of its own work orders that start, end or run elsewhere than it was told.

    Lines in shadow are planned and compared, and nothing of them leaves. The key of a message names plant, schedule
    version and operation, so that a second delivery is harmless.
    """
    orders = manifest.read(lake, "reconciled_orders").filter(pl.col("status") != "planned").select("work_order")
    dates = schedule.select("work_order", "op_seq", "work_center", planned_start="start", planned_end="end")
    dates = dates.join(orders, on="work_order", how="semi").join(
        _written_back(lake, manifest), on="work_center", how="semi"
    )
    if replaced is not None:
        before = replaced.rows.read(lake).select(
            "work_order", "op_seq", "work_center", planned_start="start", planned_end="end"
        )
        dates = dates.join(before, on=dates.columns, how="anti")
    dates = dates.join(_as_read(lake, manifest), on="work_order", how="left")
    for row in dates.sort("work_order", "op_seq").iter_rows(named=True):
        subject, version = row.pop("erp_key") or row["work_order"], row.pop("row_version")
        key = f"{publication.plant}/{publication.schedule_version}/{row['work_order']}/{row['op_seq']}"
        content = {
            **row, "planned_start": row["planned_start"].isoformat(), "planned_end": row["planned_end"].isoformat(),
            "schedule_version": publication.schedule_version, "idempotency_key": key,
        }  # fmt: skip
        yield Message(
            key=key, kind="finite_dates", target=ERP, subject=subject, content=content, expected_version=version
        )


def _as_read(lake: Lake, manifest: Manifest) -> pl.DataFrame:
    """The ERP's own key of each work order, and the version its row had when it was read (null: none was handed over)."""
    schema = {"work_order": pl.String, "erp_key": pl.String, "row_version": pl.String}
    entry = manifest.pins.inputs.get("raw.work_orders")
    if entry is None:
        return pl.DataFrame(schema=schema)
    raw = unpacked("work_orders", entry.read(lake))
    version = pl.col(ROW_VERSION) if ROW_VERSION in raw.columns else pl.lit(None, pl.String)
    rows = raw.select(erp_key="work_order", row_version=version)
    mapped = manifest.read(lake, "key_map").filter(pl.col("table") == "work_orders", pl.col("column") == "work_order")
    rows = rows.join(mapped.select(erp_key="raw_key", work_order="key"), on="erp_key", how="left")
    rows = rows.with_columns(pl.coalesce("work_order", "erp_key").alias("work_order"))
    return rows.select(list(schema)).unique("work_order", keep="first", maintain_order=True)


def _written_back(lake: Lake, manifest: Manifest) -> pl.DataFrame:
    """Work centers whose line is piloted or on."""
    policy = manifest.pins.context.policy.publish
    states = dict(policy.rollout)
    state = pl.col("line").replace_strict(states, default=policy.default_rollout, return_dtype=pl.String)
    centers = manifest.read(lake, "work_centers").select("work_center", "line")
    return centers.filter(state != "shadow").select("work_center")


def _check_approval(store: Store, manifest: Manifest) -> None:
    for request in approved_requests(store, manifest.run_id):
        if request.kind == "base" and request.content.get("digest") != manifest.digest:
            raise PublishError(
                f"the approval of run {manifest.run_id} is for another content (digest "
                f"{str(request.content.get('digest'))[:12]}…, the run has {manifest.digest[:12]}…); propose it again"
            )


def _record(manifest: Manifest) -> dict[str, Any]:
    pins = manifest.pins
    return {
        "run": manifest.run_id,
        "as_of": pins.as_of,
        "inputs": {name: entry.version for name, entry in sorted(pins.inputs.items())},
        "outputs": {name: entry.version for name, entry in sorted(manifest.outputs.items())},
        "rules": pins.rule_version,
        "policy": pins.policy_digest,
        "code": pins.code_version,
        "published_by_code": code_version(),
        "schedule_digest": manifest.outputs["schedule"].digest,
    }
