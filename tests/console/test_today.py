"""The lines of why on the first page of the morning."""

from __future__ import annotations

import polars as pl

from recon_platform.console.services.today import why
from recon_platform.material.causes import BEFORE

SCHEMA = {
    "category": pl.String, "event": pl.String, "order": pl.String, "contribution_days": pl.Float64, "masked": pl.Boolean,
}  # fmt: skip


def causes(*rows: tuple[str, str | None, str, float, bool]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=SCHEMA, orient="row")


def test_what_stood_before_the_first_night_is_no_movement_of_tonight() -> None:
    said = why(causes(
        ("UNEXPLAINED", BEFORE, "P1", 178.0, False), ("UNEXPLAINED", BEFORE, "P2", 151.0, False),
        ("VENDOR_LATE", "PO-7 late", "P3", -6.0, False), ("SCRAP", None, "P4", 2.0, False),
        ("SCRAP", None, "P5", 90.0, True),
    ))  # fmt: skip
    assert [line.split(" moved ")[1] for line in said[:2]] == [
        "1 order by 6 days in all (75 % of the movement).", "1 order by 2 days in all (25 % of the movement).",
    ]  # fmt: skip
    assert said[2:] == ["2 orders stood like that before the first night that was compared."]


def test_the_first_night_says_so() -> None:
    assert why(causes()) == ["Nothing is known that changed since the night before; this is the first night."]
