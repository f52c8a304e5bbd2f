"""A governed plant for tests: a store with one confirmed person per role, signed in, and a clock that stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from recon_platform.governance import Actor, ActorKind, Door, Role, Store, service
from recon_platform.governance.requests import Draft, Request
from recon_platform.tables.proposal import EXCEPTION_MOVES

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
KEY = b"k" * 32
SECRET = "a secret of its own"
PLANT = "WORKS"
NIGHT = "2026-03-02"

PEOPLE: dict[str, tuple[str, list[Role]]] = {
    "paula": ("Paula Planner", [Role.PLANNER]),
    "peter": ("Peter Planner", [Role.PLANNER]),
    "sam": ("Sam Supervisor", [Role.SUPERVISOR]),
    "sue": ("Sue Supervisor", [Role.SUPERVISOR]),
    "mia": ("Mia Manager", [Role.MANAGER]),
    "ian": ("Ian Infrastructure", [Role.IT]),
    "ava": ("Ava Auditor", [Role.AUDITOR]),
    "both": ("Bo Both", [Role.PLANNER, Role.SUPERVISOR]),
}
AGENT = "advisor"


@dataclass
class StandingClock:
    """Stands at `at`; moves only when told."""

    at: datetime = NOON

    def __call__(self) -> datetime:
        return self.at

    def move(self, **by: float) -> None:
        self.at += timedelta(**by)


@dataclass
class Governed:
    """A store, its clock and its people."""

    store: Store
    clock: StandingClock
    tokens: Mapping[str, str]
    secrets: dict[str, str] = field(default_factory=dict)

    def actor(self, name: str, door: Door = Door.CLI) -> Actor:
        """`name`, signed in."""
        return self.store.sessions.authenticate(self.tokens[name], door=door)

    def pin(self, proposer: str = "paula", subject: str = "WO-1", **changes: Any) -> Request:
        """A request by `proposer` to keep an operation where it is."""
        content = {"change": [], "work_order": subject, **changes.pop("content", {})}
        draft = Draft("pin", PLANT, subject, f"keep {subject}", "the die is mounted", content, **changes)
        return self.store.requests.propose(self.actor(proposer), draft)

    def approve(self, who: str, request: Request, **options: Any) -> Any:
        """Approve exactly what stands."""
        return self.store.decisions.approve(
            self.actor(who), request.request, digest=request.digest, reason="agreed", **options
        )

    def night(self, sequence: int = 0, moves: int = 1, *, planning_date: str = NIGHT, **columns: Any) -> list[Request]:
        """The requests of a run: its base plan and some moves."""
        return self.store.requests.open_run(
            service("night", "1"), plant=PLANT, planning_date=planning_date, sequence=sequence,
            run_id=f"{PLANT}.{planning_date}.{sequence}", base={"schedule_digest": "d" * 64, "sequence": sequence},
            moves=moves_frame(moves, self.clock(), **columns),
        )  # fmt: skip


def moves_frame(count: int, now: datetime, **columns: Any) -> pl.DataFrame:
    """Rows of `exception_moves`."""
    base = {
        "kind": "overtime", "from": "8 h", "to": "10 h", "change": "[]", "reason": "late", "evidence": "{}",
        "lines_won": 2, "lines_lost": 0, "lines": "{}", "late_days_saved": 1.0, "labour_hours": 0.0,
        "overtime_hours": 2.0, "cost": 10.0, "operations_moved": 3, "effect": "{}", "needs": "[]", "excludes": "[]",
        "in_set": False, "approval_needed": "supervisor",
        "signature": False, "valid_until": now + timedelta(days=1), "rule": "remedy.overtime", "rule_version": "1",
        "digest": "e" * 64, "state": "proposed", **columns,
    }  # fmt: skip
    if not count:
        return EXCEPTION_MOVES.empty()
    return EXCEPTION_MOVES.frame(
        [{"move": f"overtime:WC-{n}:0", "subject": f"WC-{n}", "rank": n + 1, **base} for n in range(count)]
    )


def furnish(store: Store) -> dict[str, str]:
    """Make the people and the agent of a new store; gives their tokens."""
    for name, (full_name, roles) in PEOPLE.items():
        store.people.found(name, full_name, roles, SECRET)
    tokens = {name: store.sessions.login(name, SECRET).token for name in PEOPLE}
    ian = store.sessions.authenticate(tokens["ian"])
    secret = store.people.add(
        ian, AGENT, "Advisor", [Role.AGENT], kind=ActorKind.AGENT, agent_version="2.1", daily_quota=3
    )
    tokens[AGENT] = store.sessions.login(AGENT, secret, door=Door.AGENT).token
    return tokens
