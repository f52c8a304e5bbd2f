"""Who acts: a person or agent that signed in, or a service of the platform itself.

An actor is only a name with the door it came through. What it may do is looked up in the store, inside each
transaction, so a role taken away or a session ended counts at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ActorKind(StrEnum):
    PERSON = "person"
    AGENT = "agent"
    MACHINE = "machine"


class Door(StrEnum):
    """How an actor came in; kept with every decision and audit row."""

    CLI = "cli"
    WEB = "web"
    API = "api"
    AGENT = "agent"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Actor:
    """`name` through `door`. `session` is the hash of the token of a person or agent; services have none."""

    name: str
    kind: ActorKind
    door: Door
    session: str | None = None
    version: str | None = None

    def __str__(self) -> str:
        return self.name


def service(name: str, version: str) -> Actor:
    """A named, versioned service of the platform (`scheduler`, `relay`). It can propose and run, never approve."""
    return Actor(name, ActorKind.MACHINE, Door.SERVICE, version=version)
