"""Secrets of people: hashed with argon2id, made where none is given, and never stored or logged as they are."""

from __future__ import annotations

import secrets
from functools import lru_cache

from recon_platform.governance.errors import GovernanceError

MIN_LENGTH = 12


@lru_cache(maxsize=1)
def _hasher():  # type: ignore[no-untyped-def]
    from argon2 import PasswordHasher  # noqa: PLC0415 - only sign-in needs it

    return PasswordHasher()


@lru_cache(maxsize=1)
def _stand_in() -> str:
    return str(_hasher().hash(secrets.token_hex()))


def new_secret() -> str:
    """A secret nobody chose, to be shown once."""
    return secrets.token_urlsafe(15)


def hash_secret(secret: str) -> str:
    """The argon2id hash to keep. Raises GovernanceError where the secret is too short."""
    if len(secret) < MIN_LENGTH:
        raise GovernanceError(f"a secret needs at least {MIN_LENGTH} characters; this one has {len(secret)}")
    return str(_hasher().hash(secret))


def matches(secret_hash: str | None, secret: str) -> bool:
    """Whether `secret` is the one hashed. Takes as long for a user that does not exist (`secret_hash` None)."""
    from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415 - only sign-in needs it

    try:
        return bool(_hasher().verify(secret_hash or _stand_in(), secret)) and secret_hash is not None
    except (VerificationError, InvalidHashError):
        return False
