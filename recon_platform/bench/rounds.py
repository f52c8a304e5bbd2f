"""What is killed by `faults`, and how it is judged: one round decides and publishes, noting what it was told.

Belongs here: the ground on which rounds take place, one round, and what is looked for after it. When and how often it
is killed is in `faults`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sqlalchemy import func, select

from recon_platform.governance import Actor, Role, Store, schema, service
from recon_platform.lake import Lake, LakeError
from recon_platform.nights.in_force import schedule_in_force
from recon_platform.nights.publish import publish
from recon_platform.nights.rollback import propose_rollback, rollback
from recon_platform.tables.runs import PUBLISHED_SCHEDULE

ORDERS = 40
FEW_MOVES = "\n[policy.proposal]\nmax_moves = 0\n"  # the rounds decide nothing but rollbacks
PEOPLE = ("planner", "supervisor", "auditor")
SECRET = "a secret of the bench"
KEY = b"bench" * 8
PUBLISHER = service("publisher", "bench")
LOADED = (
    "recon_platform.governance.audit", "recon_platform.governance.decisions", "recon_platform.governance.outbox",
    "recon_platform.governance.people", "recon_platform.governance.sessions", "sqlalchemy.dialects.sqlite",
    "sqlalchemy.dialects.postgresql", "psycopg2",
)  # fmt: skip
"""What a round loads on its way: loading is not what is to be killed."""


def decide_and_publish(folder: str, url: str, number: int) -> None:
    """One round, to be called in a process that is killed."""
    Ground(Path(folder), url).round(number)


@dataclass(frozen=True)
class Ground:
    """Where the rounds take place: a lake with two published nights, a store, and a note of what each round was told."""

    folder: Path
    url: str

    @classmethod
    def prepare(cls, folder: Path, url: str) -> Ground:
        """Two nights of a small plant, both published."""
        from recon_platform.connectors import read_landing  # noqa: PLC0415 - victims plan nothing
        from recon_platform.nights.night import run_night  # noqa: PLC0415
        from recon_platform.nights.proposing import propose  # noqa: PLC0415
        from recon_platform.plantsim import generate  # noqa: PLC0415

        ground = cls(folder, url)
        Store.create(url, key=KEY).close()
        for name, role in zip(PEOPLE, (Role.PLANNER, Role.SUPERVISOR, Role.AUDITOR), strict=True):
            ground.store.people.found(name, name.title(), [role], SECRET)
        ground.sign_in(SECRET)
        for landing in generate(folder / "landing", orders=ORDERS, nights=2).nights:
            with (landing / "plant.toml").open("a") as file:
                file.write(FEW_MOVES)
            result = run_night(ground.lake, read_landing(landing), store=ground.store)
            base = propose(ground.lake, ground.store, result.manifest)[0]
            ground.store.decisions.approve(ground.actor("supervisor"), base.request, digest=base.digest, reason="bench")
            publish(ground.lake, ground.store, result.run_id, actor=PUBLISHER)
        return ground

    def sign_in(self, secret: str, names: Sequence[str] = PEOPLE) -> None:
        """Sign in who plays the parts of `PEOPLE`, once for all: a round is about deciding, not about hashing secrets."""
        parts = zip(PEOPLE, names, strict=True)
        tokens = {part: self.store.sessions.login(name, secret).token for part, name in parts}
        (self.folder / "tokens.json").write_text(json.dumps(tokens))

    @cached_property
    def lake(self) -> Lake:
        return Lake(str(self.folder / "lake"))

    @cached_property
    def store(self) -> Store:
        return Store(self.url, key=KEY)

    @cached_property
    def plant(self) -> str:
        with self.store.reading() as tx:
            return str(tx.connection.execute(select(schema.publications.c.plant).limit(1)).scalar_one())

    def actor(self, part: str) -> Actor:
        """Who plays `part`, one of `PEOPLE`."""
        return self.store.sessions.authenticate(json.loads((self.folder / "tokens.json").read_text())[part])

    def round(self, number: int) -> None:
        """Ask for a schedule that is not in force, approve it, publish it; note each step once it is done."""
        asked = propose_rollback(self.store, self.actor("planner"), self.plant, self._other(), f"round {number}")
        self.store.decisions.approve(
            self.actor("supervisor"), asked.request, digest=asked.digest, reason=f"round {number}"
        )
        self._note(number, "decided", asked.request)
        made = rollback(self.lake, self.store, asked.request, actor=PUBLISHER)
        self._note(number, "published", made.schedule_version)

    def told(self, number: int) -> dict[str, int]:
        """What the process of a round was told before it was killed."""
        path = self.folder / f"round-{number}"
        if not path.exists():
            return {}
        return {step: int(value) for step, value in (line.split() for line in path.read_text().splitlines())}

    def losses(self, *numbers: int) -> int:
        """How many of the steps that were acknowledged in these rounds are not there."""
        told = [self.told(number) for number in numbers]
        decided = {found["decided"] for found in told if "decided" in found}
        versions = {found["published"] for found in told if "published" in found}
        requests, verdicts, publications = schema.requests.c, schema.decisions.c, schema.publications.c
        approved = (
            select(func.count()).select_from(schema.requests.join(schema.decisions))
            .where(requests.request.in_(decided), requests.state == "approved", verdicts.verdict == "approved")
        )  # fmt: skip
        published = (
            select(func.count()).select_from(schema.publications)
            .where(publications.schedule_version.in_(versions), publications.state == "published")
        )  # fmt: skip
        with self.store.reading() as tx:
            there = [int(tx.connection.execute(query).scalar_one()) for query in (approved, published)]
        return len(decided) + len(versions) - sum(there)

    def halves(self) -> int:
        """How many schedules are visible in part: rows missing in the lake, or a record without its rows."""
        in_store, in_lake = self.store.publications.in_force(self.plant), schedule_in_force(self.lake, self.plant)
        if in_lake is None or in_store is None:
            return int(in_store is not None)
        behind = in_lake.schedule_version < in_store.schedule_version
        try:
            rows = in_lake.rows.read(self.lake)
        except LakeError:
            return 1 + int(behind)
        digest = self.lake.digest(rows, PUBLISHED_SCHEDULE)
        whole = rows.height == in_lake.rows.rows and digest == in_lake.rows.digest
        return int(not whole) + int(behind)

    def resume(self) -> bool:
        """Finish a publication that was interrupted, as the platform does when it starts again; False: there is none."""
        interrupted = self.store.publications.unfinished(self.plant)
        if interrupted is not None:
            rollback(self.lake, self.store, int(interrupted.record["request"]), actor=PUBLISHER)
        return interrupted is not None

    def duplicates(self) -> int:
        """Publications, audit rows or messages that are there twice; an audit trail that does not hold counts too."""
        auditor = self.actor("auditor")
        published = [entry for entry in self.store.publications.history() if entry.state == "published"]
        rows = self.store.audit.rows(auditor)
        told = rows.filter(rows["action"].is_in(["schedule.publish", "schedule.rollback"])).height
        commits = [c.get("publication") for c in self.lake.history("published", "published_schedule")]
        named = [publication for publication in commits if publication]
        keys = [message.key for message in self.store.outbox.find(limit=10_000_000)]
        holds = self.store.audit.verify(auditor).holds
        return abs(told - len(published)) + len(named) - len(set(named)) + len(keys) - len(set(keys)) + int(not holds)

    def _other(self) -> int:
        """The newest version of other content than the one in force."""
        standing, table = self.store.publications.in_force(self.plant), schema.publications
        other = select(func.max(table.c.schedule_version)).where(
            table.c.plant == self.plant, table.c.state == "published",
            table.c.digest != ("" if standing is None else standing.digest),
        )  # fmt: skip
        with self.store.reading() as tx:
            return int(tx.connection.execute(other).scalar_one())

    def _note(self, number: int, step: str, value: int) -> None:
        with (self.folder / f"round-{number}").open("a") as file:
            file.write(f"{step} {value}\n")
            file.flush()
            os.fsync(file.fileno())
