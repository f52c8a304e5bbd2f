"""Signing in: a secret for a token that expires. The store keeps only the token's hash; five failures lock the name."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, select

from recon_platform.governance import notices, schema
from recon_platform.governance.actors import Actor, ActorKind, Door
from recon_platform.governance.clock import to_text
from recon_platform.governance.errors import GovernanceError, LockedOutError, SignInError
from recon_platform.governance.passwords import matches

if TYPE_CHECKING:
    from recon_platform.governance.store import Store
    from recon_platform.governance.transaction import Transaction

LIFETIME = timedelta(hours=10)  # one shift and its hand-over
IDLE = timedelta(hours=2)
NAME_LENGTH = 120
MAX_FAILURES = 5
LOCK = timedelta(minutes=15)
USE_RESOLUTION = timedelta(minutes=1)  # last_used_at is written at most this often


@dataclass(frozen=True, slots=True)
class Login:
    """A token to keep, whose it is and when it ends."""

    user: str
    token: str
    expires_at: datetime


def token_hash(token: str) -> str:
    """What the store keeps of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


class Sessions:
    """Sign in, recognise a token, sign out."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def login(self, name: str, secret: str, *, door: Door = Door.CLI, lifetime: timedelta = LIFETIME) -> Login:
        """A token for `name`. Raises SignInError (name or secret wrong) or LockedOutError; both are audited."""
        name = name[:NAME_LENGTH]
        self.check_secret(name, secret, door=door, purpose="session.login")
        return self._start(name, door, lifetime, {})

    def vouched(self, name: str, by: str, *, door: Door) -> Login:
        """A token for a person whom somebody trusted (`by`: an OpenID provider, a proxy) says is there.

        It never signs: a signature asks for the person's own secret here. Raises SignInError where there is no active
        person of that name; audited.
        """
        name = name[:NAME_LENGTH]
        with self._store.writing() as tx:
            user = self._user(tx, name)
            known = user is not None and user.active and user.kind == ActorKind.PERSON.value
            if not known:
                actor = Actor(name, ActorKind.PERSON, door)
                tx.audit(
                    actor, "session.refused", name, {"purpose": "session.login", "by": by, "known": user is not None}
                )
        if not known:
            raise SignInError(f"{name} is signed in at {by}, but is no user here; ask IT to be added")
        return self._start(name, door, LIFETIME, {"by": by})

    def _start(self, name: str, door: Door, lifetime: timedelta, detail: dict[str, Any]) -> Login:
        token = secrets.token_urlsafe(32)
        with self._store.writing() as tx:
            expires = tx.now + min(lifetime, LIFETIME)
            actor = Actor(name, ActorKind.PERSON, door, session=token_hash(token))
            tx.connection.execute(
                schema.sessions.insert().values(
                    token_hash=actor.session, user=name, door=door.value, created_at=tx.at, last_used_at=tx.at,
                    expires_at=to_text(expires),
                )
            )  # fmt: skip
            tx.audit(actor, "session.start", name, {"expires_at": to_text(expires), **detail})
        return Login(name, token, expires)

    def check_secret(self, name: str, secret: str, *, door: Door, purpose: str) -> str:
        """Check `secret` of `name`, counting failures; gives the hash it fits. Raises SignInError or LockedOutError.

        The failure is written and audited in a transaction of its own, so that refusing does not undo the count.
        """
        with self._store.reading() as tx:
            user = self._user(tx, name)
            known = user.secret_hash if user is not None and user.active else None
            locked = user is not None and user.locked_until is not None and user.locked_until > tx.at
        right = matches(known, secret)  # slow by design, so outside of any transaction
        if locked:
            raise LockedOutError(f"{name} is locked after {MAX_FAILURES} failures; it opens by itself, or IT resets it")
        if right and user is not None:
            if user.failures:
                with self._store.writing() as tx:
                    self._set(tx, name, failures=0, locked_until=None)
            return str(user.secret_hash)
        with self._store.writing() as tx:
            user = self._user(tx, name)
            actor = Actor(name, ActorKind.PERSON, door)
            failures = 0 if user is None else user.failures + 1
            if failures >= MAX_FAILURES:
                until = to_text(tx.now + LOCK)
                self._set(tx, name, failures=0, locked_until=until)
                row = tx.audit(actor, "session.locked", name, {"purpose": purpose, "until": until})
                notices.tell(
                    tx, "security", str(row), plant=None, title=f"{name} is locked",
                    text=f"{MAX_FAILURES} wrong secrets in a row for {name} ({purpose}, {door.value}); locked until "
                    f"{until}.",
                )  # fmt: skip
            else:
                if user is not None:
                    self._set(tx, name, failures=failures)
                tx.audit(actor, "session.refused", name, {"purpose": purpose, "known": user is not None})
        raise SignInError("name or secret is not right")

    def authenticate(self, token: str, *, door: Door = Door.CLI) -> Actor:
        """The actor behind a token. Raises SignInError where it is unknown, ended, expired or was idle too long."""
        with self._store.reading() as tx:
            row = tx.connection.execute(
                select(schema.sessions, schema.users.c.kind, schema.users.c.active, schema.users.c.agent_version)
                .join(schema.users, schema.users.c.name == schema.sessions.c.user)
                .where(schema.sessions.c.token_hash == token_hash(token))
            ).one_or_none()
            now = tx.now
        idle_since = to_text(now - IDLE)
        if (
            row is None
            or not row.active
            or row.ended_at is not None
            or row.expires_at <= to_text(now)
            or row.last_used_at <= idle_since
        ):
            raise SignInError("the session has ended or is not known; sign in again with `recon login`")
        if row.last_used_at <= to_text(now - USE_RESOLUTION):
            with self._store.writing() as tx:
                tx.connection.execute(
                    schema.sessions.update()
                    .where(schema.sessions.c.token_hash == row.token_hash)
                    .values(last_used_at=tx.at)
                )
        return Actor(row.user, ActorKind(row.kind), door, session=row.token_hash, version=row.agent_version)

    def logout(self, actor: Actor) -> None:
        """End the actor's session."""
        if actor.session is None:
            raise GovernanceError(f"{actor.name} has no session to end")
        with self._store.writing() as tx:
            tx.connection.execute(
                schema.sessions.update()
                .where(schema.sessions.c.token_hash == actor.session, schema.sessions.c.ended_at.is_(None))
                .values(ended_at=tx.at)
            )
            tx.audit(actor, "session.end", actor.name, {})

    @staticmethod
    def _user(tx: Transaction, name: str) -> Row[Any] | None:
        return tx.connection.execute(select(schema.users).where(schema.users.c.name == name)).one_or_none()

    @staticmethod
    def _set(tx: Transaction, name: str, **values: object) -> None:
        tx.connection.execute(schema.users.update().where(schema.users.c.name == name).values(**values))
