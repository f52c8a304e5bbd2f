"""The relay: takes what waits in the outbox to its target, at least once, and keeps every answer.

A message is claimed before it is sent: for the time of a lease nobody else takes it, and if this process dies it is due
again afterwards. Sent twice it does no harm, because every receiver is given its key. What a target refuses stays
refused and is raised to people; what it could not take (no connection, a time-out) is tried again, later each time, and
is dead after two days: a person is told, and sends it again (`dead_letters`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import select

from recon_platform.governance import notices, schema
from recon_platform.governance.actors import Actor
from recon_platform.governance.clock import to_text
from recon_platform.governance.outbox import Queued, queued
from recon_platform.governance.permissions import Permission

if TYPE_CHECKING:
    from recon_platform.governance.store import Store

LEASE = timedelta(minutes=2)
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=30)
BATCH = 200
MOST_ATTEMPTS = 120  # with these pauses two days and a half


class DeliveryError(OSError):
    """The target could not be asked, or did not answer: nothing is known, so the message is tried again."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a target said to one message: `accepted`, or refused for the reason in `text`."""

    accepted: bool
    text: str


class Target(Protocol):
    """Something that takes messages. It must treat a key that it has seen as done."""

    def deliver(self, messages: Sequence[Queued]) -> Sequence[Answer]:
        """One answer per message, in order. Raises DeliveryError where it is not known what happened."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one round of the relay did."""

    accepted: int = 0
    refused: int = 0
    postponed: int = 0

    def __add__(self, other: Delivered) -> Delivered:
        return Delivered(self.accepted + other.accepted, self.refused + other.refused, self.postponed + other.postponed)


def deliver_due(store: Store, actor: Actor, targets: Mapping[str, Target], *, batch: int = BATCH) -> Delivered:
    """Deliver everything that is due to `targets` (by name); messages for other targets wait. Gives what was done."""
    done = Delivered()
    for name, target in targets.items():
        while True:
            claimed = _claim(store, actor, name, batch)
            if not claimed:
                break
            try:
                answers = target.deliver(claimed)
            except DeliveryError as error:
                _postpone(store, actor, claimed, str(error))
                done += Delivered(postponed=len(claimed))
                break
            done += _keep(store, actor, claimed, answers)
    return done


def _claim(store: Store, actor: Actor, target: str, limit: int) -> list[Queued]:
    table = schema.outbox
    with store.writing() as tx:
        tx.allow(actor, Permission.RUN)
        rows = tx.connection.execute(
            select(table)
            .where(table.c.target == target, table.c.state == "waiting", table.c.next_at <= tx.at)
            .order_by(table.c.position)
            .limit(limit)
        ).all()
        if rows:
            tx.connection.execute(
                table.update()
                .where(table.c.position.in_([row.position for row in rows]))
                .values(next_at=to_text(tx.now + LEASE), attempts=table.c.attempts + 1)
            )
    return [queued(row) for row in rows]


def _postpone(store: Store, actor: Actor, messages: Sequence[Queued], error: str) -> None:
    table = schema.outbox
    with store.writing() as tx:
        for message in messages:
            dead = message.attempts + 1 >= MOST_ATTEMPTS
            pause = min(FIRST_PAUSE * 2 ** min(message.attempts, 12), LONGEST_PAUSE)
            done = tx.connection.execute(
                table.update()
                .where(table.c.position == message.position, table.c.state == "waiting")
                .values(
                    state="dead" if dead else "waiting", next_at=to_text(tx.now + pause),
                    answer=f"not delivered: {error}"[:2_000],
                )
            )  # fmt: skip
            if dead and done.rowcount:
                tx.audit(actor, "outbox.dead", message.key, {"attempts": MOST_ATTEMPTS}, message.plant or None)
                if message.kind != "notice":  # of a notice that cannot be sent no notice can tell
                    notices.tell(
                        tx, "refused", f"dead {message.key}", plant=message.plant,
                        title=f"{message.target} never took {message.subject}",
                        text=f"{message.kind} of {message.subject} was tried {MOST_ATTEMPTS} times: {error}. When "
                        f"{message.target} is back, send it again: recon outbox replay '{message.key}' --reason …",
                    )  # fmt: skip


def _keep(store: Store, actor: Actor, messages: Sequence[Queued], answers: Sequence[Answer]) -> Delivered:
    table = schema.outbox
    accepted = [m for m, answer in zip(messages, answers, strict=True) if answer.accepted]
    refused = [(m, answer) for m, answer in zip(messages, answers, strict=True) if not answer.accepted]
    with store.writing() as tx:
        for message, answer in zip(messages, answers, strict=True):
            tx.connection.execute(
                table.update()
                .where(table.c.position == message.position, table.c.state == "waiting")
                .values(
                    state="delivered" if answer.accepted else "refused", answered_at=tx.at, answer=answer.text[:2_000]
                )
            )
        for plant in sorted({message.plant for message in messages}):
            mine = [m for m in accepted if m.plant == plant]
            lost = [(m, answer) for m, answer in refused if m.plant == plant]
            detail = {
                "target": messages[0].target, "accepted": len(mine), "refused": [m.key for m, _ in lost],
                "first": messages[0].key, "last": messages[-1].key,
            }  # fmt: skip
            tx.audit(actor, "outbox.delivered", messages[0].target, detail, plant or None)
        for message, answer in refused:
            notices.tell(
                tx, "refused", message.key, plant=message.plant, title=f"{message.target} refused {message.subject}",
                text=f"{message.kind} of {message.subject} was not written: {answer.text}. Nothing was overwritten; "
                "look at the order in the ERP, the next night plans with what it says.",
            )  # fmt: skip
    return Delivered(len(accepted), len(refused))
