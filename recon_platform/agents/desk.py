"""What an agent can do here, whatever protocol it speaks: read, ask what if, propose. Nothing else exists.

Every call is made by a signed-in agent and checked in the governance store at that moment, so an agent that is switched
off or signed out is refused at its next call. Text of the plant's systems leaves only as marked data (`marking`).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from recon_platform.agents import changes as allowed
from recon_platform.agents.marking import marked_rows, marked_text
from recon_platform.governance.actors import Actor, ActorKind
from recon_platform.governance.errors import PermissionDeniedError
from recon_platform.governance.permissions import Permission
from recon_platform.governance.requests import Draft
from recon_platform.nights import records
from recon_platform.nights.in_force import published_version, schedule_in_force
from recon_platform.nights.standing import standing
from recon_platform.nights.trial import effect_of, night_frames
from recon_platform.tables.registry import output_table
from recon_platform.tables.runs import PUBLISHED_SCHEDULE

if TYPE_CHECKING:
    from recon_platform.governance import Store
    from recon_platform.governance.requests import Request
    from recon_platform.lake import Lake
    from recon_platform.nights.records import Manifest
    from recon_platform.proposal.evaluate import Effect

READABLE = (
    "reconciled_orders", "reconciled_operations", "findings", "finding_groups", "action_messages", "message_causes",
    "pegging", "shortages", "capacity_load", "schedule", "unscheduled", "dispatch_list", "order_promises",
    "proposal_changes", "exception_moves", "expected_impact", "metrics",
)  # fmt: skip
"""Tables of a run that agents read: the plan and its reasons. Raw tables, decisions and the audit trail are not."""
MOST_ROWS = 500
ASKED = "agent.what_if"
DAY = timedelta(days=1)


@dataclass
class Desk:
    """The lake and governance store behind the door; `what_ifs` is how many plans one agent may ask for in 24 hours."""

    lake: Lake
    store: Store
    what_ifs: int
    _frames: dict[str, dict[str, pl.DataFrame]] = field(default_factory=dict)
    _planning: threading.Lock = field(default_factory=threading.Lock)  # one plan at a time: people come first

    def enter(self, actor: Actor, permission: Permission, plant: str | None = None) -> None:
        """Raise PermissionDeniedError unless `actor` is an agent that may use `permission` now (in `plant`)."""
        if actor.kind is not ActorKind.AGENT:
            raise PermissionDeniedError(f"{actor.name} is no agent; people use the command line or the console")
        self.store.allow(actor, permission, plant)

    def stands(self, actor: Actor, plant: str) -> dict[str, Any]:
        """Which schedule is in force, its age in hours, and the newest run."""
        self.enter(actor, Permission.READ, plant)
        newest = records.newest_manifest(self.lake, plant)
        return asdict(standing(self.lake, plant, self.store.clock(), newest.run_id)) | {
            "newest_data_as_of": newest.pins.as_of
        }

    def read(
        self,
        actor: Actor,
        plant: str,
        table: str,
        *,
        run: str | None = None,
        where: Mapping[str, str] | None = None,
        rows: int = 100,
        after: int = 0,
    ) -> dict[str, Any]:
        """Rows of a table of a run (default: the newest), `where` columns have these values, in the order of its key.

        Raises ValueError for a table, run or column that is not there.
        """
        self.enter(actor, Permission.READ, plant)
        if table not in READABLE:
            raise ValueError(f"table: expected one of {', '.join(READABLE)}, found {table!r}")
        manifest = self._manifest(plant, run)
        found = manifest.read(self.lake, table)
        return {"run": manifest.run_id, "as_of": manifest.pins.as_of} | _page(table, found, where or {}, rows, after)

    def published(
        self,
        actor: Actor,
        plant: str,
        *,
        version: int | None = None,
        where: Mapping[str, str] | None = None,
        rows: int = 100,
        after: int = 0,
    ) -> dict[str, Any]:
        """Operations of a published schedule: version `version`, by default the one in force. ValueError for none."""
        self.enter(actor, Permission.READ, plant)
        found = schedule_in_force(self.lake, plant) if version is None else published_version(self.lake, plant, version)
        if found is None:
            raise ValueError(
                f"{plant}: no schedule {'was ever published' if version is None else f'version {version}'}"
            )
        page = _page(PUBLISHED_SCHEDULE.name, found.rows.read(self.lake), where or {}, rows, after)
        return {
            "schedule_version": found.schedule_version,
            "run": found.run_id,
            "as_of": found.as_of.isoformat(),
        } | page

    def what_if(self, actor: Actor, plant: str, changes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The effect of changes on the newest night, computed by planning it again. Counts against the agent's quota.

        Raises ChangeRefusedError for what no agent may change, PermissionDeniedError once the quota is used up.
        """
        self.enter(actor, Permission.READ, plant)
        manifest = self._manifest(plant, None)
        made, effect = self._try(actor, manifest, changes)
        return {"run": manifest.run_id, "changes": made, "effect": asdict(effect)}

    def propose(self, actor: Actor, plant: str, changes: Sequence[Mapping[str, Any]], reason: str) -> dict[str, Any]:
        """File a request that a person decides. What they are shown is the change and its computed effect; the agent's
        reason stands beside it as its own words. Counts against both quotas of the agent."""
        self.enter(actor, Permission.PROPOSE, plant)
        manifest = self._manifest(plant, None)
        made, effect = self._try(actor, manifest, changes)
        request = self.store.requests.propose(actor, _draft(manifest, plant, made, effect, reason))
        return {"request": request.request, "state": request.state, "digest": request.digest, "effect": asdict(effect)}

    def proposals(self, actor: Actor, plant: str) -> list[dict[str, Any]]:
        """The agent's own requests and what became of them, oldest first."""
        self.enter(actor, Permission.READ, plant)
        found = self.store.requests.find(actor, plant=plant, state=None)
        return [_shown(request) for request in found if request.proposer == actor.name]

    def _manifest(self, plant: str, run: str | None) -> Manifest:
        manifest = records.newest_manifest(self.lake, plant) if run is None else records.manifest(self.lake, run)
        if str(manifest.pins.plant["code"]) != plant:
            raise ValueError(f"run {manifest.run_id} is of plant {manifest.pins.plant['code']}, not of {plant}")
        return manifest

    def _try(
        self, actor: Actor, manifest: Manifest, changes: Sequence[Mapping[str, Any]]
    ) -> tuple[list[dict[str, Any]], Effect]:
        made = [allowed.change(str(one["table"]), one["where"], one["values"]) for one in changes]
        with self._planning:
            frames = self._frames.get(manifest.run_id)
            if frames is None:
                frames = night_frames(self.lake, manifest)
                self._frames = {manifest.run_id: frames}
            allowed.find(frames, made)
            self._count(actor, manifest, made)
            return made, effect_of(frames, manifest, made)

    def _count(self, actor: Actor, manifest: Manifest, made: list[dict[str, Any]]) -> None:
        with self.store.writing() as tx:
            tx.allow(actor, Permission.READ)
            used = tx.events_since(actor, ASKED, tx.now - DAY)
            if used >= self.what_ifs:
                raise PermissionDeniedError(
                    f"agent {actor.name} has used its quota of {self.what_ifs} what-ifs in 24 hours; try again later"
                )
            tx.audit(
                actor, ASKED, manifest.run_id, {"changes": made, "version": actor.version},
                str(manifest.pins.plant["code"]),
            )  # fmt: skip


def _page(table: str, found: pl.DataFrame, where: Mapping[str, str], rows: int, after: int) -> dict[str, Any]:
    described = output_table(table)
    columns = {column.name: column for column in described.columns}
    strange = sorted(set(where) - set(found.columns))
    if strange:
        raise ValueError(f"{table}: no column {', '.join(strange)}; it has {', '.join(found.columns)}")
    if not 0 < rows <= MOST_ROWS or after < 0:
        raise ValueError(f"rows: expected 1 to {MOST_ROWS} after row 0 or later, found {rows} after {after}")
    chosen = found.filter(*(pl.col(name).cast(pl.String) == value for name, value in where.items()))
    ordered = chosen.sort([name for name in described.key if name in chosen.columns], nulls_last=True)
    page = ordered.slice(after, rows)
    last = after + page.height
    return {
        "table": table, "meaning": described.meaning, "rows_in_all": chosen.height,
        "next_after": last if last < chosen.height else None, "rows": list(marked_rows(page, columns)),
    }  # fmt: skip


def _draft(manifest: Manifest, plant: str, made: list[dict[str, Any]], effect: Effect, reason: str) -> Draft:
    first = made[0]
    subject = "/".join(str(value) for value in first["where"].values())
    more = f" and {len(made) - 1} more" if len(made) > 1 else ""
    values = ", ".join(f"{name} {value}" for name, value in first["values"].items())
    content = {"change": made, "effect": asdict(effect), "measured_on": manifest.run_id, "agent_words": reason}
    return Draft(
        "pin" if allowed.machines_only(made) else "override", plant, subject, f"{first['table']} {subject}: {values}{more}",
        _words(effect) if reason.strip() else "", content,
    )  # fmt: skip


def _words(effect: Effect) -> str:
    return (
        f"planned again with it: {len(effect.won)} customer lines won, {len(effect.lost)} lost, "
        f"{effect.late_days_saved:g} weighted late days saved, {effect.operations_moved} operations moved"
    )


def _shown(request: Request) -> dict[str, Any]:
    said = request.decision_reason
    return {
        "request": request.request, "kind": request.kind, "subject": request.subject, "state": request.state,
        "decided_by": request.decided_by, "decision_reason": None if said is None else marked_text(said),
    }  # fmt: skip
