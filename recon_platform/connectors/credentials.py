"""Secrets of the doors: named in `plant.toml`, kept in the environment or in a file only its owner can read.

A secret's value never stands in `plant.toml`, and what is printed, logged or raised goes through `hide`.
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path

SECRETS_FILE = "RECON_SECRETS"  # environment variable that names the file
HIDDEN = "•••"


class SecretError(ValueError):
    """A secret is missing, or the file that keeps it can be read by others."""


class Secrets:
    """Secrets by name: the environment first, then the TOML file that `RECON_SECRETS` names (`NAME = "value"`)."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment
        self._given: set[str] = set()

    def get(self, name: str) -> str:
        """The secret called `name`; SecretError says where it was looked for, never what was found elsewhere."""
        value = self._environment.get(name) or self._from_file(name)
        if not value:
            raise SecretError(
                f"secret {name} is not set; set the environment variable {name}, or put it in the file that "
                f"{SECRETS_FILE} names"
            )
        self._given.add(value)
        return value

    def hide(self, text: str) -> str:
        """`text` without any secret that was handed out."""
        for value in sorted(self._given, key=len, reverse=True):
            text = text.replace(value, HIDDEN)
        return text

    def _from_file(self, name: str) -> str | None:
        place = self._environment.get(SECRETS_FILE)
        if not place:
            return None
        path = Path(place)
        if not path.is_file():
            raise SecretError(f"the secrets file {path} ({SECRETS_FILE}) does not exist")
        status = path.stat()
        if stat.S_IMODE(status.st_mode) & 0o077:
            raise SecretError(f"the secrets file {path} can be read by others; chmod 600 it and change what is in it")
        if status.st_uid != os.getuid():
            raise SecretError(f"the secrets file {path} belongs to another user; its owner must be who runs this")
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError):
            raise SecretError(f'the secrets file {path} is not TOML; write one NAME = "value" per line') from None
        value = values.get(name)
        return value if isinstance(value, str) else None
