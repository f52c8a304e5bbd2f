"""The audit chain as arithmetic: canonical text, the hash of a row, and what verification of a sequence of rows says.

Pure: rows in, verdict out. Where rows are kept is in `audit`; each row carries the hash of the row before.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

GENESIS = "0" * 64
FIELDS = (
    "sequence", "at", "clock", "actor", "actor_kind", "door", "action", "plant", "subject", "detail", "previous_hash",
)  # fmt: skip

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def canonical(value: Any) -> str:
    """`value` as JSON that is the same for the same content: sorted keys, no spaces, UTF-8."""
    return _ENCODER.encode(value)


def digest_of(value: Any) -> str:
    """SHA-256 of the canonical JSON of `value`."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def row_hash(row: Mapping[str, Any]) -> str:
    """The hash that a row must carry: over all its other fields, the hash of the row before among them."""
    return hashlib.sha256(canonical([row[name] for name in FIELDS]).encode()).hexdigest()


def seal(key: bytes, value: Any) -> str:
    """Keyed hash of `value`: only a holder of the key can make or confirm it."""
    return hmac.new(key, canonical(value).encode(), hashlib.sha256).hexdigest()


def sealed(key: bytes, value: Any, mac: str) -> bool:
    """Whether `mac` is the seal of `value`."""
    return hmac.compare_digest(seal(key, value), mac)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check of the trail found. `first_bad` is the sequence of the first row that does not hold."""

    rows: int
    head_sequence: int
    head_hash: str
    first_bad: int | None = None
    problem: str | None = None
    clock_set_back: tuple[int, ...] = ()

    @property
    def holds(self) -> bool:
        return self.problem is None


def verify_rows(rows: Iterable[Mapping[str, Any]]) -> Verdict:
    """Check a trail from its first row on: sequence without gaps, each hash right, each row linked to the last."""
    expected, previous, count = 1, GENESIS, 0
    set_back: list[int] = []
    for row in rows:
        problem = _problem(row, expected, previous)
        if problem is not None:
            return Verdict(count, expected - 1, previous, expected, problem, tuple(set_back))
        if row["clock"] != "forward":
            set_back.append(expected)
        previous, expected, count = str(row["hash"]), expected + 1, count + 1
    return Verdict(count, expected - 1, previous, clock_set_back=tuple(set_back))


def _problem(row: Mapping[str, Any], expected: int, previous: str) -> str | None:
    if row["sequence"] != expected:
        return f"row {expected} is missing, twice or out of order: found {row['sequence']} in its place"
    if row["previous_hash"] != previous:
        return f"row {expected} does not follow row {expected - 1}: that row was replaced or changed after it"
    if row["hash"] != row_hash(row):
        return f"row {expected} was altered: its content does not fit its hash"
    return None
