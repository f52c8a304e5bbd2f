"""Settings of `[connect…]` sections: what is known, what is needed, and the error that says what was expected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recon_platform.connectors.landing_error import LandingError
from recon_platform.connectors.plant_file import FILE

Section = Mapping[str, Any]


def known(section: Section, place: str, *names: str) -> None:
    """LandingError for a setting that is none of `names`."""
    for name in section:
        if name not in names:
            raise wrong(place, f"one of {', '.join(names)}", name)


def need(section: Section, name: str, place: str) -> str:
    """A setting that must be text."""
    if not isinstance(section.get(name), str):
        raise wrong(f"{place}.{name}", "text", section.get(name))
    return str(section[name])


def wrong(name: str, expected: str, found: object) -> LandingError:
    """The error of a setting."""
    return LandingError(f"{name} must be {expected}, found {found!r}", file=FILE, column=name)
