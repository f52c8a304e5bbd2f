"""Tests on shared data are collected where the data are."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import SHARED


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    if collection_path.name == "test_production_log.py" and not (SHARED / "data" / "production_log").exists():
        return True
    return None
