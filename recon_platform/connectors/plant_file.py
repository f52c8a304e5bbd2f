"""Read `plant.toml`: the plant, the instant the data speak of, the policy, and what a mapping profile assumed.

Belongs here: validation of settings, with the line of the file where TOML itself is broken.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from recon_platform.connectors.landing_error import LandingError
from recon_platform.tables.context import Plant
from recon_platform.tables.locales import DEFAULT_LOCALE, LOCALES
from recon_platform.tables.policy import Policy, policy_from_dict

FILE = "plant.toml"
SETTINGS: Mapping[str, str] = {
    "plant": "code of the plant (letters, digits, '_', '-')",
    "timezone": "IANA name, for instance Europe/Berlin (default UTC)",
    "currency": "ISO 4217 code (default EUR)",
    "locale": "how numbers, dates and hours are written, for instance de-DE (default en-GB)",
    "calendar": "the plant calendar, a key of table calendars (default PLANT)",
    "as_of": "instant the data speak of (default: the newest watermark of feeds)",
    "absent": "required tables this plant does not have; what depends on them is reported as unavailable",
    "assumptions": "what a mapping profile declares in place of missing data; printed and stored with each run",
    "policy": "sections of settings, see docs/data.md",
    "connect": "the systems that landing tables come from and finite dates go to, see docs/connect.md",
}


@dataclass(frozen=True, slots=True)
class PlantFile:
    """What `plant.toml` says, validated."""

    plant: Plant
    policy: Policy
    as_of: datetime | None = None  # UTC
    absent: tuple[str, ...] = ()
    assumptions: Mapping[str, str] = field(default_factory=dict)


def read_plant_file(data: bytes) -> PlantFile:
    """Parse and validate; raises LandingError naming the setting, what was expected and what was found."""
    try:
        values = tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        raise LandingError("the file is not UTF-8", file=FILE, row=row, action="save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise LandingError(f"not valid TOML: {error}", file=FILE) from None
    unknown = sorted(set(values) - set(SETTINGS))
    if unknown:
        known = ", ".join(SETTINGS)
        raise LandingError(
            f"unknown setting {unknown[0]!r}", file=FILE, column=unknown[0], action=f"known settings are {known}"
        )
    try:
        policy = policy_from_dict(_table(values, "policy"))
    except (ValueError, TypeError) as error:
        raise LandingError(str(error), file=FILE, column="policy") from None
    plant = _plant(values)
    return PlantFile(plant, policy, _as_of(values, plant), _absent(values), _assumptions(values))


def landing_text(path: Path, notes: Mapping[str, str] | None = None) -> str:
    """`plant.toml` as it goes into a landing folder: without `[connect…]`, and with `notes` among its assumptions.

    How systems are reached is not part of a night's data. Raises LandingError where the sections cannot be told apart.
    """
    data = path.read_bytes()
    read_plant_file(data)
    text = data.decode("utf-8-sig")
    wanted = {name: value for name, value in tomllib.loads(text).items() if name != "connect"}
    lines, inside = [], False
    for line in text.splitlines():
        if re.match(r"\s*\[", line):
            inside = re.match(r"\s*\[\[?\s*connect\s*[.\]]", line) is not None
        if not inside:
            lines.append(line)
    if tomllib.loads("\n".join(lines)) != wanted:
        raise LandingError(
            "sections [connect…] cannot be told from the rest", file=FILE, column="connect",
            action="write each as a section of its own, with no line of a query that begins with '['",
        )  # fmt: skip
    if notes:
        said = [f"{name} = {json.dumps(note, ensure_ascii=False)}" for name, note in notes.items()]
        at = next((n for n, line in enumerate(lines) if re.match(r"\s*\[assumptions\]", line)), None)
        lines = [*lines, "", "[assumptions]", *said] if at is None else [*lines[: at + 1], *said, *lines[at + 1 :]]
    return "\n".join(lines) + "\n"


def _plant(values: Mapping[str, Any]) -> Plant:
    code = _text(values, "plant", None)
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", code):
        raise _wrong("plant", "1 to 40 letters, digits, '_' or '-'", code)
    timezone = _text(values, "timezone", "UTC")
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _wrong("timezone", "an IANA time zone such as Europe/Berlin", timezone) from None
    currency = _text(values, "currency", "EUR")
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise _wrong("currency", "three capital letters (ISO 4217)", currency)
    calendar = _text(values, "calendar", "PLANT").strip()
    if not calendar:
        raise _wrong("calendar", "the key of a calendar", calendar)
    locale = _text(values, "locale", DEFAULT_LOCALE)
    if locale not in LOCALES:
        raise _wrong("locale", f"one of {', '.join(LOCALES)}", locale)
    return Plant(code, timezone, currency, calendar, locale)


def _as_of(values: Mapping[str, Any], plant: Plant) -> datetime | None:
    found = values.get("as_of")
    if found is None:
        return None
    if isinstance(found, str):
        return parse_instant(found, plant, setting="as_of")
    if isinstance(found, datetime):
        return _utc(found, plant)
    raise _wrong(
        "as_of",
        "an instant such as 2026-03-02T05:00:00+01:00" + (" (with a time)" if isinstance(found, date) else ""),
        found,
    )


def parse_instant(text: str, plant: Plant, *, setting: str, file: str = FILE) -> datetime:
    """An ISO 8601 instant in UTC; without an offset it is local time of the plant. Raises LandingError."""
    try:
        return _utc(datetime.fromisoformat(text.strip()), plant)
    except (ValueError, OverflowError):
        raise LandingError(
            f"{setting} must be an instant such as 2026-03-02T05:00:00+01:00, found {text!r}", file=file, column=setting
        ) from None


def _utc(found: datetime, plant: Plant) -> datetime:
    return (found if found.tzinfo else found.replace(tzinfo=plant.zone)).astimezone(UTC)


def _absent(values: Mapping[str, Any]) -> tuple[str, ...]:
    found = values.get("absent", [])
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise _wrong("absent", "a list of table names", found)
    return tuple(found)


def _assumptions(values: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else str(value) for name, value in _table(values, "assumptions").items()
    }


def _table(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = values.get(name, {})
    if not isinstance(found, Mapping):
        raise _wrong(name, f"a section [{name}]", found)
    return found


def _text(values: Mapping[str, Any], name: str, default: str | None) -> str:
    found = values.get(name, default)
    if found is None:
        raise LandingError(
            f"setting {name} is missing: {SETTINGS[name]}", file=FILE, column=name, action=f'add {name} = "…"'
        )
    if not isinstance(found, str):
        raise _wrong(name, "text", found)
    return found


def _wrong(name: str, expected: str, found: object) -> LandingError:
    return LandingError(f"{name} must be {expected}, found {str(found)[:80]!r}", file=FILE, column=name)
