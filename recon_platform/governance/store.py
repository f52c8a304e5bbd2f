"""The governance store: one address, one clock, and the services that people and programs use.

Belongs here: opening the store and its transactions. What is done in them is in the services: people, sessions,
requests, decisions, publications, outbox, audit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from recon_platform.governance import database, plant_time
from recon_platform.governance.clock import Clock, system_clock
from recon_platform.governance.permissions import Permission
from recon_platform.governance.transaction import Transaction

if TYPE_CHECKING:
    from recon_platform.governance.actors import Actor
    from recon_platform.governance.agents import Agent
    from recon_platform.governance.audit import Audit
    from recon_platform.governance.decisions import Decisions
    from recon_platform.governance.notices import Notices
    from recon_platform.governance.outbox import Outbox
    from recon_platform.governance.people import People
    from recon_platform.governance.publications import Publications
    from recon_platform.governance.requests import Requests
    from recon_platform.governance.sessions import Sessions


class Store:
    """The governance of one lake.

    `url` is `sqlite:///PATH` or `postgresql+psycopg2://…`; `clock` gives the present instant (UTC; default: the
    machine's, or for a generated plant the plant's own, see `plant_time`); `key` is the secret that seals signatures
    and audit heads, kept outside the store. Raises NotInitialisedError where there is no store of this version: make
    one with `Store.create`.
    """

    def __init__(self, url: str, *, clock: Clock | None = None, key: bytes | None = None) -> None:
        self.url = url
        self.key = key
        self.engine = database.open_engine(url)
        database.check_version(self.engine)
        self.clock = clock or plant_time.clock_of(self.engine, system_clock)

    @classmethod
    def create(cls, url: str, *, clock: Clock | None = None, key: bytes | None = None) -> Store:
        """Open the store at `url`, made or brought to the current version first."""
        database.migrate(url)
        return cls(url, clock=clock, key=key)

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """A transaction alone among writers."""
        with database.writing(self.engine) as connection:
            yield Transaction(connection, self.clock())

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """A transaction that only reads."""
        with database.reading(self.engine) as connection:
            yield Transaction(connection, self.clock())

    @cached_property
    def people(self) -> People:
        from recon_platform.governance.people import People  # noqa: PLC0415 - services know the store's type

        return People(self)

    @cached_property
    def sessions(self) -> Sessions:
        from recon_platform.governance.sessions import Sessions  # noqa: PLC0415

        return Sessions(self)

    @cached_property
    def requests(self) -> Requests:
        from recon_platform.governance.requests import Requests  # noqa: PLC0415

        return Requests(self)

    @cached_property
    def decisions(self) -> Decisions:
        from recon_platform.governance.decisions import Decisions  # noqa: PLC0415

        return Decisions(self)

    @cached_property
    def publications(self) -> Publications:
        from recon_platform.governance.publications import Publications  # noqa: PLC0415

        return Publications(self)

    @cached_property
    def notices(self) -> Notices:
        from recon_platform.governance.notices import Notices  # noqa: PLC0415

        return Notices(self)

    @cached_property
    def outbox(self) -> Outbox:
        from recon_platform.governance.outbox import Outbox  # noqa: PLC0415

        return Outbox(self)

    @cached_property
    def audit(self) -> Audit:
        from recon_platform.governance.audit import Audit  # noqa: PLC0415

        return Audit(self)

    def agents(self, actor: Actor, plant: str) -> dict[str, Agent]:
        """The registry of the platform's agents in `plant` at this moment."""
        from recon_platform.governance.agents import registry_now  # noqa: PLC0415

        with self.reading() as tx:
            tx.allow(actor, Permission.READ, plant)
            return registry_now(tx, plant)

    def decisions_in_force(self, plant: str, as_of: datetime) -> pl.DataFrame:
        """The table `decisions_in_force`: what people decided and a plan of `plant` as of `as_of` must respect."""
        from recon_platform.governance.in_force import decisions_in_force  # noqa: PLC0415

        return decisions_in_force(self, plant, as_of)

    def allow(self, actor: Actor, permission: Permission, plant: str | None = None) -> None:
        """Raise PermissionDeniedError or SignInError unless `actor` may use `permission` (in `plant`) at this moment."""
        with self.reading() as tx:
            tx.allow(actor, permission, plant)

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()
