"""Pick up files that somebody drops into a folder: only when they are whole, never half a copy, and put away afterwards.

With a manifest (`manifest.json`: name, bytes and SHA-256 of each file) a delivery is whole when every file is what the manifest
says. Without one, a file is taken when it has not changed for a while and does not change while it is read. Files are copied
first; what is copied is what is read. After the night is in place they move to the archive, a bad one to the quarantine.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from recon_platform.connectors.door import DoorError

MANIFEST = "manifest.json"
COPY_BYTES = 1024 * 1024
SETTLE_SECONDS = 10.0
UNFINISHED = (".part", ".tmp", ".filepart", ".crdownload")


@dataclass(frozen=True, slots=True)
class Delivery:
    """Files that belong together, copied to `folder`; `names` are relative to the inbox. `digest` names what they hold."""

    folder: Path
    names: tuple[str, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class Inbox:
    """A folder that files are dropped into. `archive` and `quarantine` are on its file system: a move is a rename."""

    name: str
    folder: Path
    archive: Path
    quarantine: Path
    manifest: bool = False  # no delivery without one
    settle_seconds: float = SETTLE_SECONDS
    clock: Callable[[], float] = time.time

    def take(self, to: Path) -> Delivery:
        """Copy what lies there to `to`. Raises DoorError where nothing does, or it is not whole yet."""
        if not self.folder.is_dir():
            raise DoorError(f"{self.name}: the folder {self.folder} does not exist")
        stated = self._stated()
        names = sorted(stated) if stated is not None else self._lying()
        if not names:
            raise DoorError(f"{self.name}: nothing lies in {self.folder}")
        made = hashlib.sha256()
        for name in names:
            digest = self._copy(name, to / name)
            if stated is not None and digest != stated[name][1]:
                raise DoorError(
                    f"{self.name}: {name} is not what the manifest says (SHA-256 {digest[:12]}…); deliver it again"
                )
            made.update(f"{name}\0{digest}\n".encode())
        return Delivery(to, (*names, *((MANIFEST,) if stated is not None else ())), made.hexdigest())

    def put_away(self, delivery: Delivery) -> None:
        """Move the files of a delivery to the archive, under its digest; one that was replaced meanwhile stays."""
        at = datetime.fromtimestamp(self.clock(), UTC)
        folder = self.archive / f"{at:%Y-%m-%d}-{delivery.digest[:16]}"
        for name in delivery.names:
            path, copy = self.folder / name, delivery.folder / name
            if path.is_file() and (not copy.is_file() or _digest(path) == _digest(copy)):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                path.rename(folder / name)

    def set_aside(self, name: str, why: str) -> Path:
        """Move a bad file to the quarantine, with the reason beside it; gives where it is now."""
        at = datetime.fromtimestamp(self.clock(), UTC)
        kept = self.quarantine / f"{at:%Y%m%dT%H%M%S}-{name.replace('/', '-')}"
        self.quarantine.mkdir(parents=True, exist_ok=True)
        (self.folder / name).rename(kept)
        kept.with_name(f"{kept.name}.reason.txt").write_text(why + "\n", encoding="utf-8")
        return kept

    def _stated(self) -> dict[str, tuple[int, str]] | None:
        """Bytes and SHA-256 by name as the manifest says; None where there is none. Raises DoorError."""
        path = self.folder / MANIFEST
        if not path.is_file():
            if self.manifest:
                raise DoorError(f"{self.name}: {path} is not there yet; the delivery is not whole")
            return None
        try:
            rows = json.loads(path.read_text(encoding="utf-8"))["files"]
            stated = {str(row["name"]): (int(row["bytes"]), str(row["sha256"]).lower()) for row in rows}
        except (ValueError, KeyError, TypeError):
            raise DoorError(
                f'{self.name}: {path} cannot be read; expected {{"files": [{{name, bytes, sha256}}]}}'
            ) from None
        for name, (size, _) in stated.items():
            file = self.folder / name
            if Path(name).is_absolute() or ".." in Path(name).parts:
                raise DoorError(f"{self.name}: {path} names {name}, which is outside the folder")
            found = file.stat().st_size if file.is_file() else None
            if found != size:
                there = "is not there" if found is None else f"has {found:,} of {size:,} bytes"
                raise DoorError(f"{self.name}: {name} {there}; the delivery is not whole yet")
        return stated

    def _lying(self) -> list[str]:
        """Names of the files that lie there. Raises DoorError where one is still being written."""
        found = []
        for path in sorted(self.folder.rglob("*")):
            inside = path.relative_to(self.folder)
            mine = path.is_relative_to(self.archive) or path.is_relative_to(self.quarantine)
            if mine or not path.is_file() or any(part.startswith((".", "_")) for part in inside.parts):
                continue
            age = self.clock() - path.stat().st_mtime
            if path.suffix in UNFINISHED or age < self.settle_seconds:
                raise DoorError(
                    f"{self.name}: {inside} is still being written (changed {max(age, 0):.0f} s ago; it must lie still for "
                    f"{self.settle_seconds:.0f} s); try again"
                )
            found.append(inside.as_posix())
        return found

    def _copy(self, name: str, to: Path) -> str:
        """Copy a file; gives its SHA-256. Raises DoorError where it changes meanwhile."""
        path = self.folder / name
        before, digest = path.stat(), hashlib.sha256()
        to.parent.mkdir(parents=True, exist_ok=True)
        with path.open("rb") as source, to.open("wb") as copy:
            while part := source.read(COPY_BYTES):
                digest.update(part)
                copy.write(part)
        after = path.stat()
        if (before.st_size, before.st_mtime_ns, before.st_ino) != (after.st_size, after.st_mtime_ns, after.st_ino):
            raise DoorError(f"{self.name}: {name} changed while it was read; try again")
        return digest.hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
