"""Going back: an earlier schedule published again, as a new version, by an approved request. Nothing is ever undone."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from recon_platform.governance.actors import Actor
from recon_platform.governance.errors import PublishError
from recon_platform.governance.publications import Publication
from recon_platform.governance.requests import Draft, Request
from recon_platform.lake import Lake
from recon_platform.nights import records
from recon_platform.nights.in_force import schedule_in_force
from recon_platform.nights.publish import commit, finite_dates
from recon_platform.tables.runs import PUBLISHED_SCHEDULE

if TYPE_CHECKING:
    from recon_platform.governance import Store

KIND = "rollback"


def propose_rollback(store: Store, actor: Actor, plant: str, schedule_version: int, reason: str) -> Request:
    """Ask for `schedule_version` of `plant` to be put in force again. Raises PublishError where it never was."""
    earlier = _published(store, plant, schedule_version)
    standing = store.publications.in_force(plant)
    if standing is not None and standing.schedule_version == schedule_version:
        raise PublishError(f"version {schedule_version} of {plant} is in force already")
    content = {
        "schedule_version": schedule_version, "publication": earlier.publication, "digest": earlier.digest,
        "run_id": earlier.run_id, "planning_date": earlier.planning_date,
        "replaces": None if standing is None else standing.schedule_version,
    }  # fmt: skip
    title = f"Put schedule version {schedule_version} of {earlier.planning_date} in force again"
    return store.requests.propose(actor, Draft(KIND, plant, f"version {schedule_version}", title, reason, content))


def rollback(lake: Lake, store: Store, request: int, *, actor: Actor) -> Publication:
    """Carry out the approved rollback `request`: the rows of then, in one commit, as the plant's next version.

    Operations that have started since keep what they did: the ERP is told the dates that differ from the schedule that
    is replaced, and refuses rows it has changed. A second call gives the same publication.
    """
    asked = store.requests.get(actor, request)
    if asked.kind != KIND:
        raise PublishError(f"request {request} is no rollback; it is a {asked.kind}")
    if asked.state != "approved":
        raise PublishError(
            f"rollback {request} is {asked.state}; a supervisor approves it with `recon approve {request}`"
        )
    done = store.publications.rolled_back(asked.plant, request)
    if done is not None:
        return done
    earlier = _published(store, asked.plant, int(asked.content["schedule_version"]))
    manifest = records.manifest(lake, earlier.run_id)
    schedule = rows_of(lake, earlier)
    publication = store.publications.begin(
        actor, plant=asked.plant, run_id=earlier.run_id, planning_date=earlier.planning_date, digest=earlier.digest,
        record={**earlier.record, "request": request, "rolled_back_to": earlier.schedule_version}, kind=KIND,
        request=request,
    )  # fmt: skip
    replaced = schedule_in_force(lake, asked.plant, but=publication.publication)
    made = commit(lake, publication, schedule, manifest.pins.as_of, actor)
    messages = finite_dates(lake, manifest, schedule, publication, replaced)
    return store.publications.finish(actor, publication.publication, lake_version=made, messages=messages)


def rows_of(lake: Lake, publication: Publication) -> pl.DataFrame:
    """The rows of a published schedule as its commit holds them. Raises PublishError where they are gone or others."""
    table = PUBLISHED_SCHEDULE
    for made in lake.commits(table.layer, table.name):
        if made.get("publication") != publication.publication:
            continue
        rows = lake.read(
            table.layer, table, version=int(made["version"]), plant=publication.plant,
            planning_date=date.fromisoformat(publication.planning_date),
        )  # fmt: skip
        if lake.digest(rows, table) != made["digest"]:
            raise PublishError(f"version {publication.schedule_version} of {publication.plant} was altered in the lake")
        return rows.drop("schedule_version")
    raise PublishError(f"version {publication.schedule_version} of {publication.plant} is not in the lake any more")


def _published(store: Store, plant: str, schedule_version: int) -> Publication:
    found = store.publications.version(plant, schedule_version)
    if found is None or found.state != "published":
        raise PublishError(f"{plant} never had a schedule version {schedule_version} in force")
    return found
