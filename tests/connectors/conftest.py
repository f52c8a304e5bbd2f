"""Tests on real extracts are collected only where those are: beside the repository, never in it."""

from __future__ import annotations

from tests.conftest import SHARED

collect_ignore = [] if (SHARED / "data" / "adventureworks").is_dir() else ["test_real_data.py"]
