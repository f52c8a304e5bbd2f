"""Notices: which event is told to whom, queued in the transaction that causes it.

Belongs here: events, recipients and the words. Delivery is in `relay`, by mail or any channel that Apprise knows. Every
recipient gets a message with a key of its own, so that each event reaches each of them once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, exists, or_, select, true

from recon_platform.governance import schema
from recon_platform.governance.actors import Actor
from recon_platform.governance.errors import GovernanceError, UnknownRecordError
from recon_platform.governance.outbox import Message, put
from recon_platform.governance.permissions import Permission, Role

if TYPE_CHECKING:
    from recon_platform.governance.store import Store
    from recon_platform.governance.transaction import Transaction

PEOPLE = "people"
LONGEST_CAUSE = 80


@dataclass(frozen=True, slots=True)
class Event:
    """Something that people are told, and the roles that are told without having asked."""

    name: str
    meaning: str
    roles: tuple[Role, ...]


EVENTS: dict[str, Event] = {
    event.name: event
    for event in (
        Event("proposed", "A night is done and waits for decisions.", (Role.SUPERVISOR, Role.MANAGER)),
        Event("published", "A schedule came into force.", (Role.PLANNER, Role.SUPERVISOR)),
        Event("weekly", "The report of a week, attached.", (Role.MANAGER,)),
        Event("refused", "The ERP refused something that was written back.", (Role.PLANNER, Role.SUPERVISOR)),
        Event("fallback", "A run failed; the last approved schedule stays in force.", tuple(Role)),
        Event(
            "security",
            "A name was locked after failed attempts, or the audit trail does not hold.",
            (Role.IT, Role.MANAGER),
        ),
    )
}


def tell(
    tx: Transaction, event: str, cause: str, *, plant: str | None, title: str, text: str,
    attachment: Mapping[str, str] | None = None,
) -> int:  # fmt: skip
    """Queue a notice of `event` to everybody concerned; gives how many. `cause` names what happened, once and for all.

    A recipient is told once per event and cause, however often this is called. `attachment`: `name`, `type` (a media
    type) and `base64`.
    """
    cause = cause if len(cause) <= LONGEST_CAUSE else hashlib.sha256(cause.encode()).hexdigest()
    messages = [
        Message(
            key=f"notice/{event}/{cause}/{name}"[:200], kind="notice", target=PEOPLE, subject=title[:200],
            content={"event": event, "to": address, "name": name, "title": title, "text": text, "plant": plant, **({} if attachment is None else {"attachment": dict(attachment)})},
        )
        for name, address in _recipients(tx, EVENTS[event], plant)
    ]  # fmt: skip
    return put(tx, plant or "", None, messages)


def _recipients(tx: Transaction, event: Event, plant: str | None) -> list[tuple[str, str]]:
    roles = [role.value for role in event.roles if role is not Role.AGENT]
    users, held, asked = schema.users, schema.user_roles, schema.subscriptions
    people = tx.connection.execute(
        select(users.c.name, users.c.contact)
        .join(held, held.c.user == users.c.name)
        .where(users.c.active, users.c.contact.is_not(None), held.c.role.in_(roles), _works_for(plant))
        .distinct()
    ).all()
    subscribed = tx.connection.execute(
        select(asked.c.name, asked.c.address).where(
            asked.c.event == event.name, or_(asked.c.plant.is_(None), asked.c.plant == plant)
        )
    ).all()
    by_address = {address: name for name, address in [*people, *subscribed]}
    return sorted((name, address) for address, name in by_address.items())


def _works_for(plant: str | None) -> ColumnElement[bool]:
    """People who are limited to other plants are told nothing of `plant`; what concerns no plant is told to all."""
    if plant is None:
        return true()
    limits = schema.user_plants
    limited = exists().where(limits.c.user == schema.users.c.name)
    return ~limited | exists().where(limits.c.user == schema.users.c.name, limits.c.plant == plant)


class Notices:
    """Who asked to be told what besides the roles that always are: sales, a Teams or Slack channel, a webhook."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def subscribe(self, actor: Actor, name: str, address: str, events: Sequence[str], plant: str | None = None) -> None:
        """Tell `address` of `events`: a mail address, or an address that Apprise knows (`msteams://`, `slack://` …)."""
        unknown = [event for event in events if event not in EVENTS]
        if unknown or not events:
            raise GovernanceError(f"unknown events {unknown}; the events are {', '.join(EVENTS)}")
        with self._store.writing() as tx:
            tx.allow(actor, Permission.MANAGE_USERS)
            table = schema.subscriptions
            tx.connection.execute(table.delete().where(table.c.name == name))
            for event in dict.fromkeys(events):
                tx.connection.execute(
                    table.insert().values(
                        name=name, event=event, address=address, plant=plant, added_by=actor.name, added_at=tx.at
                    )
                )
            tx.audit(actor, "notice.subscribe", name, {"events": sorted(events)}, plant)

    def unsubscribe(self, actor: Actor, name: str) -> None:
        """Tell `name` nothing any more."""
        with self._store.writing() as tx:
            tx.allow(actor, Permission.MANAGE_USERS)
            table = schema.subscriptions
            if not tx.connection.execute(table.delete().where(table.c.name == name)).rowcount:
                raise UnknownRecordError(f"{name} is not told anything; `recon notice list` shows who is")
            tx.audit(actor, "notice.unsubscribe", name, {})

    def subscribed(self, actor: Actor) -> list[dict[str, Any]]:
        """Every subscription, by name."""
        table = schema.subscriptions
        with self._store.reading() as tx:
            tx.allow(actor, Permission.READ)
            rows = tx.connection.execute(select(table).order_by(table.c.name, table.c.event)).mappings()
            return [{name: row[name] for name in ("name", "event", "address", "plant")} for row in rows]
