"""Signed JSON over HTTP: who sent a body, and that it is the body that was sent, today.

`Recon-Timestamp` is the time of sending (seconds since 1970), `Recon-Signature` is `sha256=` and the HMAC-SHA256 (RFC 2104)
of `TIMESTAMP.KEY.BODY` under a shared secret, `Idempotency-Key` the KEY that makes a second delivery harmless.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

TIMESTAMP, SIGNATURE, KEY = "Recon-Timestamp", "Recon-Signature", "Idempotency-Key"
TOLERANCE_SECONDS = 300


class SignatureError(ValueError):
    """A body that is not signed as it must be; says what is wrong, never what would be right."""


def signed(secret: str, key: str, body: bytes, now: float) -> dict[str, str]:
    """The headers that sign `body`."""
    at = str(int(now))
    return {TIMESTAMP: at, KEY: key, SIGNATURE: _signature(secret, at, key, body)}


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> str:
    """The idempotency key of a body that is signed; raises SignatureError."""
    given = {name.lower(): value for name, value in headers.items()}
    at, key, signature = (given.get(name.lower(), "") for name in (TIMESTAMP, KEY, SIGNATURE))
    if not at.isdigit() or abs(now - int(at)) > TOLERANCE_SECONDS:
        raise SignatureError(f"{TIMESTAMP} is not within {TOLERANCE_SECONDS} seconds of now")
    if not 0 < len(key) <= 200:
        raise SignatureError(f"{KEY} is missing or longer than 200 characters")
    if not hmac.compare_digest(signature.encode(), _signature(secret, at, key, body).encode()):
        raise SignatureError(f"{SIGNATURE} does not fit")
    return key


def _signature(secret: str, at: str, key: str, body: bytes) -> str:
    said = b".".join((at.encode(), key.encode(), body))
    return "sha256=" + hmac.new(secret.encode(), said, hashlib.sha256).hexdigest()
