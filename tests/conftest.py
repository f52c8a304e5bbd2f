"""Options and places every test shares: where shared cases and data are, and `--long`."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", default=False, help="also run the larger sizes (make test-long)")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Without case files there is no case test: nothing to collect, rather than an empty one to skip."""
    if collection_path.name == "test_case_files.py" and not case_files(config):
        return True
    return None


LONGEST_FIRST = [
    "governance/test_properties_publishing.py", "e2e/test_up.py", "console/test_accessibility.py",
    "connectors/tryton/test_tryton.py", "dagster/test_nights_in_dagster.py", "nights/test_history.py",
    "governance/test_agents_off.py", "cli/test_docs_run.py", "proposal/test_planted.py", "scale/test_two_nodes.py",
    "nights/test_solving.py", "console/test_security.py", "nights/test_value.py", "console/test_access.py",
]  # fmt: skip
"""Files that take a minute or more: begun first, so that no worker has one left when the other is done."""


def _rank(item: pytest.Item) -> int:
    name = item.path.relative_to(ROOT / "tests").as_posix()
    return LONGEST_FIRST.index(name) if name in LONGEST_FIRST else len(LONGEST_FIRST)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the larger sizes out of the standard run: deselected, so that a run never reports them as skipped."""
    items.sort(key=_rank)
    if config.getoption("--long", default=False):
        return
    long = [item for item in items if item.get_closest_marker("long")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if not item.get_closest_marker("long")]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrise `case_file` with every case file there is: those of `--cases`, else the shared ones when present."""
    if "case_file" in metafunc.fixturenames:
        files = case_files(metafunc.config)
        metafunc.parametrize("case_file", files, ids=[path.stem for path in files])


def case_files(config: pytest.Config) -> list[Path]:
    """Case files, sorted; a `--cases` folder that does not exist or holds none is a usage error."""
    asked = config.getoption("--cases")
    if asked:
        folder = Path(asked)
        files = sorted(folder.rglob("*.json"))
        if not files:
            raise pytest.UsageError(f"--cases {folder}: expected a folder with case files (*.json), found none")
        return files
    return sorted(path for name in ("mrp", "planning") for path in (SHARED / "cases" / name).glob("*.json"))
