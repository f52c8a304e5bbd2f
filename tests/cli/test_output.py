"""How values are printed: as people say them, and as JSON knows them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from recon_platform.cli import output


@dataclass
class Thing:
    name: str
    when: datetime
    rows: pl.DataFrame


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"), (True, "yes"), (False, "no"), (1234567, "1,234,567"), (1234.0, "1,234"), (0.25, "0.2"),
        (date(2026, 11, 26), "Thu 26 Nov 2026"), (datetime(2026, 11, 26, 14, 30, tzinfo=UTC), "Thu 26 Nov 14:30"),
        ("coil", "coil"),
    ],
)  # fmt: skip
def test_a_cell_reads_as_people_say_it(value: object, text: str) -> None:
    assert output.cell(value) == text


def test_everything_becomes_json() -> None:
    at = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    thing = Thing("x", at, pl.DataFrame({"day": [date(2026, 1, 2)], "n": [1]}))
    assert json.loads(output.json_bytes([thing, Path("a/b"), {"k": (1, None)}])) == [
        {"name": "x", "when": "2026-01-02T03:04:00+00:00", "rows": [{"day": "2026-01-02", "n": 1}]},
        "a/b",
        {"k": [1, None]},
    ]


def test_a_long_table_says_what_it_leaves_out(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_rows("Orders", ("order", "qty"), [(f"W[{n}]", float(n)) for n in range(12)], shown=10)
    printed = capsys.readouterr().out
    assert "W[9]" in printed
    assert "W[10]" not in printed
    assert "… and 2 more" in printed
    output.print_rows("Nothing", ("order",), [])
    assert "none" in capsys.readouterr().out


def test_progress_goes_to_the_error_stream(capsys: pytest.CaptureFixture[str]) -> None:
    with output.progress(2) as step:
        step("reading")
        step("planning")
    assert capsys.readouterr().out == ""
