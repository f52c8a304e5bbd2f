"""The door of the command line: what each command needs, who is signed in, and where the governance store is.

An identity comes from a token that `recon login` got for a secret, kept in a file only its owner can read. It never
comes from an environment variable or from the operating system's user.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from recon_platform.governance.errors import GovernanceError, NotInitialisedError, SignInError
from recon_platform.governance.permissions import Permission

if TYPE_CHECKING:
    from recon_platform.governance import Actor, Store

Command = TypeVar("Command", bound=Callable[..., Any])
NEEDS: dict[str, Permission | None] = {}
"""Function of a command → the permission it needs; None: it touches no lake that anybody governs."""


def needs(permission: Permission | None) -> Callable[[Command], Command]:
    """Declare what a command needs. A command without a declaration fails the build (a test walks all of them)."""

    def declare(command: Command) -> Command:
        NEEDS[f"{command.__module__}.{command.__qualname__}"] = permission
        return command

    return declare


def need_of(command: Callable[..., Any] | None) -> Permission | None:
    """The permission that a command declares; KeyError for a command that declares none."""
    declared: Any = getattr(command, "__wrapped__", command)
    return NEEDS[f"{declared.__module__}.{declared.__qualname__}"]


@dataclass(frozen=True, slots=True)
class Door:
    """An open store and who stands in front of it."""

    store: Store
    actor: Actor

    def see(self, plant: str) -> None:
        """Raise PermissionDeniedError where `plant` is none of those the actor works for."""
        self.store.allow(self.actor, Permission.READ, plant)

    @property
    def plants(self) -> frozenset[str] | None:
        """Plants that the actor is limited to; None for one who works for every plant."""
        with self.store.reading() as tx:
            return tx.plants_of(self.actor)

    def sees(self, plant: str) -> bool:
        """Whether `plant` is one of those the actor works for."""
        limits = self.plants
        return limits is None or plant in limits


def is_local(lake: str) -> bool:
    """Whether the lake is a folder of this machine."""
    return "://" not in lake


def store_url(lake: str, governance: str | None) -> str:
    """Where the governance store of `lake` is."""
    if governance is not None:
        return governance
    if not is_local(lake):
        raise GovernanceError(f"the lake {lake} is no folder; say where its governance store is with --governance")
    return str(Path(lake) / "governance.db")


def key_file(lake: str, home: Path | None) -> Path:
    """Where the key that seals signatures and audit heads is kept: beside the lake, or in the home given."""
    if is_local(lake):
        return Path(lake) / "governance.key"
    if home is None:
        raise GovernanceError(f"the lake {lake} is no folder; say where session and key are with --home")
    return home / "governance.key"


def session_file(lake: str, home: Path | None) -> Path:
    """Where the session is kept."""
    if home is None and not is_local(lake):
        raise GovernanceError(f"the lake {lake} is no folder; say where session and key are with --home")
    return (Path(lake) if home is None else home) / "session.json"


def open_store(lake: str, governance: str | None, home: Path | None = None) -> Store:
    """The governance store of `lake`; NotInitialisedError where there is none."""
    from recon_platform.governance import Store

    key = key_file(lake, home)
    return Store(store_url(lake, governance), key=key.read_bytes() if key.exists() else None)


def governed(lake: str, governance: str | None) -> bool:
    """Whether `lake` has a governance store. In a lake without one nothing can be decided or published."""
    if governance is not None:
        return True
    return is_local(lake) and (Path(lake) / "governance.db").exists()


def enter(permission: Permission, lake: str, governance: str | None, home: Path | None) -> Door:
    """Open the store and recognise who is signed in; raises SignInError or PermissionDeniedError."""
    store = open_store(lake, governance, home)
    actor = store.sessions.authenticate(read_token(session_file(lake, home)))
    store.allow(actor, permission)
    return Door(store, actor)


def enter_if_governed(permission: Permission, lake: str, governance: str | None, home: Path | None) -> Door | None:
    """As `enter`; None for a lake without governance."""
    return enter(permission, lake, governance, home) if governed(lake, governance) else None


def read_token(path: Path) -> str:
    """The token kept in `path`; SignInError where there is none or others can read it."""
    if not path.exists():
        raise SignInError(f"nobody is signed in here ({path}); use `recon login`")
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise SignInError(f"{path} can be read by others; delete it and sign in again with `recon login`")
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["token"])
    except (ValueError, KeyError) as error:
        raise SignInError(f"{path} holds no session; use `recon login`") from error


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, from its first byte on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


__all__ = [
    "NEEDS",
    "Door",
    "NotInitialisedError",
    "enter",
    "enter_if_governed",
    "governed",
    "key_file",
    "need_of",
    "needs",
    "open_store",
    "read_token",
    "session_file",
    "store_url",
    "write_private",
]
