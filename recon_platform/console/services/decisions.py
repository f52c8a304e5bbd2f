"""Decision cards: what would change, why, its effect with and without, what it touches, who asks, until when."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from recon_platform.console.refusals import NotHereError
from recon_platform.console.words import count, number, signed, words
from recon_platform.governance import Actor, Permission, Store
from recon_platform.governance.requests import Request

GROUPS = (
    ("The plan", ("base", "rollback")),
    ("Exceptions, the most useful per disturbance first", ("move",)),
    ("Asked for by people", ("pin", "lock", "override")),
    ("Rules, parameters and switches", ("policy", "parameter", "switch")),
)
IMPACT_WORDS = {
    "expected_otif": "Expected on time in full", "late_lines": "Late order lines", "lines_without_date": "Lines without a date",
    "labour_hours": "Machine hours", "overtime_hours": "Overtime", "lateness_cost": "Cost of lateness",
    "weighted_late_days": "Weighted late days",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Compared:
    """One line of the effect: without and with."""

    label: str
    without: str
    with_: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """One request as a person decides it. `own`: the reader proposed it; `decides`: the reader may decide it."""

    request: Request
    sentence: str
    effect: tuple[Compared, ...]
    won: tuple[str, ...]
    lost: tuple[str, ...]
    evidence: tuple[tuple[str, str], ...]
    touches: tuple[str, ...]
    own: bool
    decides: bool
    expired: bool
    needs: str


@dataclass(frozen=True, slots=True)
class Group:
    """Cards of one kind, ranked."""

    title: str
    cards: tuple[Card, ...]


def cards(store: Store, actor: Actor, plant: str, may: Any, state: str | None = "open") -> list[Group]:
    """Every request of the plant in `state`, grouped and ranked by consequence."""
    found = store.requests.find(actor, plant=plant, state=state)
    now = store.clock()
    made = [card(request, actor, may, now) for request in found]
    groups = []
    for title, kinds in GROUPS:
        mine = [c for c in made if c.request.kind in kinds]
        mine.sort(key=lambda c: (c.request.content.get("rank") or 0, c.request.request))
        if mine:
            groups.append(Group(title, tuple(mine)))
    return groups


def find(store: Store, actor: Actor, plant: str, number_: int) -> Request:
    """One request, if it is of this plant; NotHereError otherwise, whether or not another plant has it."""
    found = [request for request in store.requests.find(actor, plant=plant, state=None) if request.request == number_]
    if not found:
        raise NotHereError(f"{plant} has no request {number_}")
    return found[0]


def card(request: Request, actor: Actor, may: Any, now: datetime) -> Card:
    """One card."""
    content = request.content
    lines = _json(content.get("lines"), {})
    return Card(
        request=request,
        sentence=_sentence(request),
        effect=_effect(request),
        won=tuple(lines.get("won", ())),
        lost=tuple(lines.get("lost", ())),
        evidence=tuple((words(str(k)), _plain(v)) for k, v in _json(content.get("evidence"), {}).items()),
        touches=_touches(content),
        own=request.proposer == actor.name,
        decides=may(Permission(request.needs)) and request.proposer != actor.name,
        expired=request.valid_until is not None and request.valid_until <= now,
        needs="manager" if request.needs == Permission.APPROVE_HIGH else "supervisor or manager",
    )


def _sentence(request: Request) -> str:
    content = request.content
    if request.kind == "base":
        return (
            f"Put tonight's plan in force: {count(content.get('operations', 0), 'operation')} are scheduled, "
            f"{count(content.get('changes', 0), 'change')} against the schedule in force, "
            f"{count(content.get('unscheduled', 0), 'order')} cannot be scheduled."
        )
    if request.kind == "move":
        return f"{words(content.get('kind'))}: {request.subject}, {content.get('from') or 'now'} → {content.get('to') or '–'}."
    return f"{request.title[:1].upper()}{request.title[1:]}."


def _effect(request: Request) -> tuple[Compared, ...]:
    content = request.content
    if request.kind == "base":
        return tuple(
            Compared(IMPACT_WORDS.get(row["measure"], words(row["measure"])), number(row["in_force"]), number(row["proposed"]),
                     row["unit"])
            for row in content.get("impact", [])
        )  # fmt: skip
    if request.kind == "move" or "lines_won" in content:
        return (
            Compared("Order lines won", "–", signed(content.get("lines_won")), "lines"),
            Compared(
                "Order lines lost", "–", signed(-content["lines_lost"]) if content.get("lines_lost") else "±0", "lines"
            ),
            Compared("Weighted late days saved", "–", number(content.get("late_days_saved")), "days"),
            Compared("Machine hours", "–", signed(content.get("labour_hours")), "hours"),
            Compared("Overtime", "–", signed(content.get("overtime_hours")), "hours"),
            Compared("Cost less lateness saved", "–", signed(content.get("cost")), "plant currency"),
            Compared("Operations that move", "–", number(content.get("operations_moved")), "operations"),
        )
    rows = content.get("differences") or []
    tried = [row for row in content.get("backtest") or [] if row["old"] != row["new"]]
    return (
        *(Compared(str(row["setting"]), str(row["from"]), str(row["to"])) for row in rows),
        *(
            Compared(
                f"{words(row['measure'])}, night {row['night']}", number(row["old"]), number(row["new"]), row["unit"]
            )
            for row in tried
        ),
    )


def _touches(content: dict[str, Any]) -> tuple[str, ...]:
    moved = content.get("operations_moved")
    said = [] if moved is None else [f"{count(int(moved), 'operation')} start at another time or place"]
    if content.get("kind") == "substitute":
        evidence = _json(content.get("evidence"), {})
        grades = " → ".join(str(grade) for grade in evidence.get("grade", []))
        lots = ", ".join(str(lot) for lot, _ in evidence.get("lots", []))
        said.append(
            f"quality: approval {evidence.get('approval') or 'without a reference'}, grade {grades or 'not stated'}"
        )
        said.append(f"traceability: lots {lots or 'not stated'}")
    return tuple(said)


def _json(value: Any, default: Any) -> Any:
    if not isinstance(value, str):
        return default if value is None else value
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return default


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_plain(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(_plain(item) for item in value[:8]) + (" …" if len(value) > 8 else "")
    return str(value)
