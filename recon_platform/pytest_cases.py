"""Pytest plugin: `pytest --cases FOLDER` runs every case file in FOLDER through the product, and nothing else.

It is an entry point, not a conftest: pytest reads `--cases FOLDER` before it has found this project's settings and
would otherwise take FOLDER for a place with tests. Only the option lives here; the harness is in `tests/cases`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

HARNESS = Path(__file__).resolve().parents[1] / "tests" / "cases"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--cases",
        action="store",
        default=None,
        metavar="FOLDER",
        help="run every case file (*.json) in FOLDER instead of the tests; an unrecognised file fails",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--cases") and HARNESS.is_dir():
        # The folder replaces the suite: what is asked for is these cases, all of them and nothing else.
        config.args = [str(HARNESS)]
