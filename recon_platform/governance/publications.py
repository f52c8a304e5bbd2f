"""Publications: which schedule of a plant is in force, which was, by whose approval, and one that was interrupted.

A publication spans two stores. It is begun here, committed to the lake with the id it got here, and finished here
together with its audit row and outbox. After a kill at any point `unfinished` names it and the same two calls resume.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, func, select

from recon_platform.governance import allowed, notices, schema
from recon_platform.governance.actors import Actor
from recon_platform.governance.chain import canonical
from recon_platform.governance.clock import from_text
from recon_platform.governance.errors import PublishError
from recon_platform.governance.outbox import Message, put
from recon_platform.governance.permissions import Permission
from recon_platform.governance.requests import Request, load
from recon_platform.governance.transaction import Transaction

if TYPE_CHECKING:
    from recon_platform.governance.store import Store


@dataclass(frozen=True, slots=True)
class Publication:
    """One version of a plant's schedule, and everything needed to make it again."""

    plant: str
    schedule_version: int
    publication: str
    kind: str
    run_id: str
    planning_date: str
    digest: str
    replaces: int | None
    record: dict[str, Any]
    started_at: datetime
    started_by: str
    state: str
    published_at: datetime | None = None
    lake_version: int | None = None


class Publications:
    """Begin, finish, find."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(
        self,
        actor: Actor,
        *,
        plant: str,
        run_id: str,
        planning_date: str,
        digest: str,
        record: Mapping[str, Any],
        kind: str = "publish",
        request: int | None = None,
        auto: bool = False,
    ) -> Publication:
        """Reserve the plant's next schedule version for what `digest` names.

        A `publish` needs the run's base request approved, unless the plant's policy releases base plans by itself
        (`auto`); a `rollback` needs its own approved `request`. The approvals found are added to the record. Beginning
        again for the same digest gives the same publication. Raises PublishError where an approval is missing, the run
        is superseded, or another publication of the plant is unfinished.
        """
        with self._store.writing() as tx:
            tx.allow(actor, Permission.PUBLISH, plant)
            table = schema.publications
            started = tx.connection.execute(
                select(table).where(table.c.plant == plant, table.c.state == "started")
            ).one_or_none()
            if started is not None:
                if (started.run_id, started.digest, started.kind) == (run_id, digest, kind):
                    return _publication(started)
                raise PublishError(
                    f"version {started.schedule_version} of {plant} was begun at {started.started_at} and not "
                    "finished; resume or abandon it first"
                )
            approvals = self._approvals(tx, plant, run_id, kind=kind, request=request, auto=auto)
            versions = tx.connection.execute(
                select(func.max(table.c.schedule_version)).where(table.c.plant == plant)
            ).scalar()
            in_force = _latest(tx, plant)
            values = {
                "plant": plant, "schedule_version": (versions or 0) + 1, "publication": uuid.uuid4().hex, "kind": kind,
                "run_id": run_id, "planning_date": planning_date, "digest": digest,
                "replaces": None if in_force is None else in_force.schedule_version,
                "record": canonical({**record, "approvals": approvals}), "started_at": tx.at, "started_by": actor.name,
                "state": "started",
            }  # fmt: skip
            tx.connection.execute(table.insert().values(values))
            return _publication(
                tx.connection.execute(select(table).where(table.c.publication == values["publication"])).one()
            )

    def finish(self, actor: Actor, publication: str, *, lake_version: int, messages: Iterable[Message]) -> Publication:
        """The lake holds it: put it in force, with audit row and outbox in one transaction. Repeating does nothing."""
        with self._store.writing() as tx:
            tx.allow(actor, Permission.PUBLISH)
            row = self._row(tx, publication)
            tx.allow(actor, Permission.PUBLISH, row.plant)
            if row.state == "published":
                return _publication(row)
            if row.state != "started":
                raise PublishError(f"publication {publication} is {row.state}")
            self._set(tx, publication, state="published", published_at=tx.at, lake_version=lake_version)
            queued = put(tx, row.plant, row.schedule_version, messages)
            tx.audit(
                actor, f"schedule.{row.kind}", f"{row.plant}/{row.schedule_version}",
                {
                    "publication": publication, "run_id": row.run_id, "digest": row.digest, "replaces": row.replaces,
                    "lake_version": lake_version, "outbox": queued, "record": json.loads(row.record),
                },
                row.plant,
            )  # fmt: skip
            notices.tell(
                tx, "published", publication, plant=row.plant,
                title=f"{row.plant}: schedule version {row.schedule_version} is in force",
                text=f"Run {row.run_id} of {row.planning_date} was put in force by {actor.name}; {queued} changes go "
                "to the ERP. See `recon schedule show`.",
            )  # fmt: skip
            return _publication(self._row(tx, publication))

    def abandon(self, actor: Actor, publication: str, reason: str) -> None:
        """Give up a begun publication that never reached the lake."""
        with self._store.writing() as tx:
            tx.allow(actor, Permission.PUBLISH)
            row = self._row(tx, publication)
            tx.allow(actor, Permission.PUBLISH, row.plant)
            if row.state != "started":
                raise PublishError(f"publication {publication} is {row.state}; only one that was begun can be given up")
            self._set(tx, publication, state="abandoned")
            tx.audit(actor, "schedule.abandoned", f"{row.plant}/{row.schedule_version}", {"reason": reason}, row.plant)

    def unfinished(self, plant: str) -> Publication | None:
        """A publication of `plant` that was begun and neither finished nor given up."""
        table = schema.publications
        with self._store.reading() as tx:
            row = tx.connection.execute(
                select(table).where(table.c.plant == plant, table.c.state == "started")
            ).one_or_none()
        return None if row is None else _publication(row)

    def in_force(self, plant: str) -> Publication | None:
        """The schedule in force: the newest published version."""
        with self._store.reading() as tx:
            row = _latest(tx, plant)
        return None if row is None else _publication(row)

    def version(self, plant: str, schedule_version: int) -> Publication | None:
        """The publication of `plant` under that number, whatever its state; None where there is none."""
        table = schema.publications
        with self._store.reading() as tx:
            row = tx.connection.execute(
                select(table).where(table.c.plant == plant, table.c.schedule_version == schedule_version)
            ).one_or_none()
        return None if row is None else _publication(row)

    def rolled_back(self, plant: str, request: int) -> Publication | None:
        """The publication that carried out the rollback `request` of `plant`; None while it is not in force."""
        table = schema.publications
        named = canonical({"request": request})[1:-1]  # a first sieve: the record is canonical JSON too
        query = select(table).where(
            table.c.plant == plant, table.c.kind == "rollback", table.c.state == "published",
            table.c.record.contains(named, autoescape=True),
        )  # fmt: skip
        with self._store.reading() as tx:
            rows = tx.connection.execute(query).all()
        return next((found for found in map(_publication, rows) if found.record.get("request") == request), None)

    def history(self, plant: str | None = None) -> list[Publication]:
        """Every publication, oldest first."""
        table = schema.publications
        query = select(table).order_by(table.c.plant, table.c.schedule_version)
        with self._store.reading() as tx:
            rows = tx.connection.execute(query if plant is None else query.where(table.c.plant == plant)).all()
        return [_publication(row) for row in rows]

    @staticmethod
    def _approvals(
        tx: Transaction, plant: str, run_id: str, *, kind: str, request: int | None, auto: bool
    ) -> list[dict[str, Any]]:
        table, decided = schema.requests, schema.decisions
        query = (
            select(
                table.c.request, table.c.kind, table.c.subject, table.c.digest, table.c.proposer, decided.c.decision,
                decided.c.decided_by, decided.c.decided_at, decided.c.signature,
            )
            .join(decided, decided.c.request == table.c.request)
            .where(table.c.plant == plant, decided.c.verdict == "approved", table.c.state == "approved")
            .order_by(decided.c.decision)
        )  # fmt: skip
        if kind == "rollback":
            found = (
                tx.connection.execute(query.where(table.c.request == request, table.c.kind == "rollback"))
                .mappings()
                .all()
            )
            if not found:
                raise PublishError(f"a rollback of {plant} needs its own approved request; `recon rollback` makes one")
            return [dict(row) for row in found]
        newest = tx.connection.execute(
            select(table.c.run_id)
            .where(table.c.plant == plant, table.c.kind == "base")
            .order_by(table.c.planning_date.desc(), table.c.sequence.desc())
        ).scalar()
        if newest is not None and newest != run_id:
            raise PublishError(f"run {run_id} is superseded by {newest}; only the newest proposal can be published")
        found = tx.connection.execute(query.where(table.c.run_id == run_id)).mappings().all()
        if not (auto and allowed.may_release(tx, plant)) and not any(row["kind"] == "base" for row in found):
            raise PublishError(
                f"the base plan of run {run_id} is not approved; a supervisor does it with `recon approve`"
            )
        return [dict(row) for row in found]

    @staticmethod
    def _row(tx: Transaction, publication: str) -> Row[Any]:
        table = schema.publications
        row = tx.connection.execute(select(table).where(table.c.publication == publication)).one_or_none()
        if row is None:
            raise PublishError(f"there is no publication {publication}")
        return row

    @staticmethod
    def _set(tx: Transaction, publication: str, **values: object) -> None:
        table = schema.publications
        tx.connection.execute(table.update().where(table.c.publication == publication).values(**values))


def approved_requests(store: Store, run_id: str) -> list[Request]:
    """The approved requests of a run, base and moves."""
    table = schema.requests
    with store.reading() as tx:
        numbers = tx.connection.execute(
            select(table.c.request)
            .where(table.c.run_id == run_id, table.c.state == "approved")
            .order_by(table.c.request)
        ).scalars().all()  # fmt: skip
        return [load(tx, number) for number in numbers]


def _latest(tx: Transaction, plant: str) -> Row[Any] | None:
    table = schema.publications
    return tx.connection.execute(
        select(table)
        .where(table.c.plant == plant, table.c.state == "published")
        .order_by(table.c.schedule_version.desc())
        .limit(1)
    ).one_or_none()


def _publication(row: Any) -> Publication:
    return Publication(
        plant=row.plant, schedule_version=row.schedule_version, publication=row.publication, kind=row.kind,
        run_id=row.run_id, planning_date=row.planning_date, digest=row.digest, replaces=row.replaces,
        record=json.loads(row.record), started_at=from_text(row.started_at), started_by=row.started_by, state=row.state,
        published_at=None if row.published_at is None else from_text(row.published_at), lake_version=row.lake_version,
    )  # fmt: skip
