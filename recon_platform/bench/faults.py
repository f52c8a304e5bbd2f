"""What survives when processes are killed: decisions and publications, each in a process ended by SIGKILL at random.

In every round a process decides a request and publishes what it decided, noting each step on disk once it was told that
the step is done, and is killed somewhere on the way. Then everything it was told is looked for, and what is visible is
checked for being whole. All of losses, duplicates and half publishes have to be zero.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recon_platform.governance import Actor, Store
    from recon_platform.lake import Lake

ORDERS = 40
FEW_MOVES = "\n[policy.proposal]\nmax_moves = 0\n"  # the rounds decide nothing but rollbacks
SECRET = "a secret of the bench"
KEY = b"bench" * 8


@dataclass(frozen=True, slots=True)
class FaultFigures:
    """What was found over all rounds."""

    rounds: int
    killed_deciding: int
    killed_publishing: int
    acknowledged_decisions: int
    acknowledged_publications: int
    lost: int
    duplicates: int
    half_publishes: int
    seconds: float


def run(
    rounds: int, *, seed: int = 1, url: str | None = None, say: Callable[[str], None] | None = None
) -> FaultFigures:
    """`rounds` rounds on SQLite, or on the empty PostgreSQL database at `url`."""
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["recon_platform.bench.faults", "recon_platform.nights.rollback"])
    chance, started = random.Random(seed), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        store_url = url or str(Path(folder) / "governance.db")
        ground = Ground.prepare(Path(folder), store_url)
        full = ground.time_one_round()
        deciding = publishing = lost = half = 0
        for number in range(rounds):
            if say is not None and number % 10 == 0:
                say(f"round {number}")
            after = chance.uniform(0, 1.3 * full)
            victim = processes.Process(target=decide_and_publish, args=(folder, store_url, number, after))
            victim.start()
            victim.join()
            told = ground.told(number)
            deciding += "decided" not in told
            publishing += "decided" in told and "published" not in told
            lost += ground.losses(number)
            half += ground.halves()
            ground.resume()
            half += ground.halves()
        acknowledged = [ground.told(number) for number in range(rounds)]
        return FaultFigures(
            rounds=rounds,
            killed_deciding=deciding,
            killed_publishing=publishing,
            acknowledged_decisions=sum("decided" in told for told in acknowledged),
            acknowledged_publications=sum("published" in told for told in acknowledged),
            lost=lost + ground.losses(*range(rounds)),
            duplicates=ground.duplicates(),
            half_publishes=half,
            seconds=round(time.perf_counter() - started, 1),
        )


def decide_and_publish(folder: str, url: str, number: int, after_seconds: float) -> None:
    """One round, in a process that ends by SIGKILL after `after_seconds` at the latest, counted from its first step."""
    from recon_platform.nights import rollback  # noqa: F401, PLC0415 - loading is not what is to be killed

    ground = Ground(Path(folder), url)
    ground.store().close()
    threading.Timer(after_seconds, lambda: os.kill(os.getpid(), signal.SIGKILL)).start()
    ground.round(number)
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Ground:
    """Where the rounds take place: a lake with two published nights, a store, and a note of what each round was told."""

    folder: Path
    url: str

    @classmethod
    def prepare(cls, folder: Path, url: str) -> Ground:
        """Two nights of a small plant, both published."""
        from recon_platform.connectors import read_landing  # noqa: PLC0415 - planning is loaded once, by the parent
        from recon_platform.governance import Role, Store, service  # noqa: PLC0415
        from recon_platform.nights.night import run_night  # noqa: PLC0415
        from recon_platform.nights.proposing import propose  # noqa: PLC0415
        from recon_platform.nights.publish import publish  # noqa: PLC0415
        from recon_platform.plantsim import generate  # noqa: PLC0415

        ground = cls(folder, url)
        store = Store.create(url, key=KEY)
        for name, role in (("planner", Role.PLANNER), ("supervisor", Role.SUPERVISOR), ("auditor", Role.AUDITOR)):
            store.people.found(name, name.title(), [role], SECRET)
        tokens = {name: store.sessions.login(name, SECRET).token for name in ("planner", "supervisor", "auditor")}
        (folder / "tokens.json").write_text(json.dumps(tokens))
        supervisor = ground.actor(store, "supervisor")
        for landing in generate(folder / "landing", orders=ORDERS, nights=2).nights:
            with (landing / "plant.toml").open("a") as file:
                file.write(FEW_MOVES)
            result = run_night(ground.lake, read_landing(landing), store=store)
            base = propose(ground.lake, store, result.manifest)[0]
            store.decisions.approve(supervisor, base.request, digest=base.digest, reason="bench")
            publish(ground.lake, store, result.run_id, actor=service("publisher", "bench"))
        store.close()
        return ground

    @property
    def lake(self) -> Lake:
        from recon_platform.lake import Lake  # noqa: PLC0415

        return Lake(str(self.folder / "lake"))

    def store(self) -> Store:
        from recon_platform.governance import Store  # noqa: PLC0415

        return Store(self.url, key=KEY)

    def actor(self, store: Store, name: str) -> Actor:
        """`name`, signed in once for all rounds: a round is about deciding, not about hashing secrets."""
        return store.sessions.authenticate(json.loads((self.folder / "tokens.json").read_text())[name])

    def round(self, number: int) -> None:
        """Ask for the schedule that is not in force, approve it, publish it; note each step once it is done."""
        from recon_platform.governance import service  # noqa: PLC0415
        from recon_platform.nights.rollback import propose_rollback, rollback  # noqa: PLC0415

        store = self.store()
        history = store.publications.history()
        plant, standing = history[0].plant, store.publications.in_force(history[0].plant)
        other = 1 if standing is not None and standing.digest != history[0].digest else 2
        asked = propose_rollback(store, self.actor(store, "planner"), plant, other, f"round {number}")
        supervisor = self.actor(store, "supervisor")
        store.decisions.approve(supervisor, asked.request, digest=asked.digest, reason=f"round {number}")
        self._note(number, "decided", asked.request)
        made = rollback(self.lake, store, asked.request, actor=service("publisher", "bench"))
        self._note(number, "published", made.schedule_version)

    def time_one_round(self) -> float:
        """Seconds of a round that nobody disturbs, in this process."""
        started = time.perf_counter()
        self.round(-1)
        return time.perf_counter() - started

    def told(self, number: int) -> dict[str, int]:
        """What the process of a round was told before it was killed."""
        path = self.folder / f"round-{number}"
        if not path.exists():
            return {}
        return {step: int(value) for step, value in (line.split() for line in path.read_text().splitlines())}

    def losses(self, *numbers: int) -> int:
        """How many of the steps that were acknowledged in these rounds are not there."""
        told = [self.told(number) for number in numbers]
        store = self.store()
        reader = self._reader(store)
        published = {entry.schedule_version for entry in store.publications.history() if entry.state == "published"}
        decided = [store.requests.get(reader, found["decided"]).state for found in told if "decided" in found]
        store.close()
        versions = [found["published"] for found in told if "published" in found]
        return sum(state != "approved" for state in decided) + sum(version not in published for version in versions)

    def halves(self) -> int:
        """How many schedules are visible in part: rows missing in the lake, or a record without its rows."""
        from recon_platform.nights.in_force import schedule_in_force  # noqa: PLC0415
        from recon_platform.tables.runs import PUBLISHED_SCHEDULE  # noqa: PLC0415

        store = self.store()
        plant = store.publications.history()[0].plant
        in_store, in_lake = store.publications.in_force(plant), schedule_in_force(self.lake, plant)
        store.close()
        if in_lake is None or in_store is None:
            return int(in_store is not None)
        rows = in_lake.rows.read(self.lake)
        digest = self.lake.digest(rows, PUBLISHED_SCHEDULE)
        whole = rows.height == in_lake.rows.rows and digest == in_lake.rows.digest
        behind = in_lake.schedule_version < in_store.schedule_version
        return int(not whole) + int(behind)

    def resume(self) -> None:
        """Finish a publication that was interrupted, as the platform does when it starts again."""
        from recon_platform.governance import service  # noqa: PLC0415
        from recon_platform.nights.rollback import rollback  # noqa: PLC0415

        store = self.store()
        open_one = store.publications.unfinished(store.publications.history()[0].plant)
        if open_one is not None:
            rollback(self.lake, store, int(open_one.record["request"]), actor=service("publisher", "bench"))
        store.close()

    def duplicates(self) -> int:
        """Publications, audit rows or messages that are there twice; an audit trail that does not hold counts too."""
        store = self.store()
        auditor = self.actor(store, "auditor")
        published = [entry for entry in store.publications.history() if entry.state == "published"]
        rows = store.audit.rows(auditor)
        told = rows.filter(rows["action"].is_in(["schedule.publish", "schedule.rollback"])).height
        commits = [c.get("publication") for c in self.lake.history("published", "published_schedule")]
        named = [publication for publication in commits if publication]
        keys = [message.key for message in store.outbox.find(limit=10_000_000)]
        holds = store.audit.verify(auditor).holds
        store.close()
        return abs(told - len(published)) + len(named) - len(set(named)) + len(keys) - len(set(keys)) + int(not holds)

    def _note(self, number: int, step: str, value: int) -> None:
        with (self.folder / f"round-{number}").open("a") as file:
            file.write(f"{step} {value}\n")
            file.flush()
            os.fsync(file.fileno())

    def _reader(self, store: Store) -> Actor:
        from recon_platform.governance import service  # noqa: PLC0415

        return service("bench", "1")
