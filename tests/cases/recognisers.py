"""Which harness runs which case file: told apart by what the file holds, never by its name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Runner = Callable[[Any, Path], None]
Recogniser = tuple[str, Callable[[Any], bool], Runner]


def recognisers() -> list[Recogniser]:
    from tests.cases.material_cases import RECOGNISERS as MATERIAL
    from tests.cases.planning_cases import RECOGNISERS as PLANNING
    from tests.cases.reconciliation_cases import RECOGNISERS as RECONCILIATION

    return [*RECONCILIATION, *MATERIAL, *PLANNING]


def runner_for(data: Any, path: Path) -> Runner:
    """The one runner that recognises `data`; fails when none or several do."""
    found = [(name, run) for name, recognise, run in recognisers() if recognise(data)]
    if not found:
        known = ", ".join(name for name, _, _ in recognisers())
        raise AssertionError(f"{path}: no harness recognises this case; known forms are {known}")
    if len(found) > 1:
        raise AssertionError(f"{path}: several harnesses recognise this case: {', '.join(name for name, _ in found)}")
    return found[0][1]
