"""The harness for case files of the form of O07: what it accepts, and that it fails on a wrong expectation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cases.reconciliation_cases import recognise, run

OPS = "ops"


def case(
    expected: list[str], erp: tuple[float, float, float, str], ops: list[list[Any]], **more: Any
) -> dict[str, Any]:
    quantity, good, scrap, status = erp
    mes = {OPS: ops, **{key: more.pop(key) for key in ("quiet_h", "status") if key in more}}
    return {
        "id": "-".join(expected) or "none", "erp": {"Q": quantity, "C": good, "S": scrap, "status": status}, "mes": mes,
        "expected": expected, **more,
    }  # fmt: skip


ORDERS = [
    case([], (100, 40, 0, "RELEASED"), [["10", 40, 0, 0, 0]], quiet_h=1),
    case(["ST-01"], (100, 98, 2, "IN_PROCESS"), [["10", 98, 2, 0, 0], ["20", 98, 0, 0, 0]], quiet_h=24),
    case(["ST-03"], (100, 80, 5, "RELEASED"), [["10", 80, 5, 0, 0]], quiet_h=30),
    case(
        ["ST-03", "QT-13"], (100, 60, 0, "RELEASED"), [["10", 100, 0, 0, 0], ["20", 60, 0, 0, 0]], status="TERMINATED"
    ),
    case(["ST-05"], (100, 0, 0, "CANCELLED"), [["10", 0, 0, 0, 20]]),
    case(["ST-06b", "QT-01"], (100, 0, 0, "FIRM"), [["10", 100, 0, 0, 0]], quiet_h=30),
    case(["ST-08", "QT-05"], (100, 0, 0, "RELEASED"), [["10", 0, 0, 0, 50]], quiet_h=80, remaining=100),
    case(["ST-09", "QT-05"], (100, 0, 0, "RELEASED"), [["10", 0, 0, 0, 50]], status="HOLD", quiet_h=5),
    case(["QT-07", "QT-05"], (100, 40, 0, "RELEASED"), [["10", 50, 0, 0, 0], ["20", 40, 0, 0, 30]]),
    case(["QT-08", "QT-05"], (100, 40, 0, "RELEASED"), [["10", 100, 0, 0, 0], ["20", 40, 0, 10, 50]]),
    case(["QT-04", "QT-05"], (100, 40, 9, "RELEASED"), [["10", 100, 0, 0, 0], ["20", 40, 0, 0, 60]]),
    case(["QT-06"], (100, 110, 0, "CLOSED"), [["10", 110, 0, 0, 0]]),
    case(["UM-01"], (1000, 50, 0, "RELEASED"), [["10", 1000, 0, 0, 0]], quiet_h=30, factor=20),
]
BACKFLUSH = [
    {"id": "agrees", "completed": 50, "q": 2, "actual": 100, "stock": 10, "expected_E": 100, "rule": "BF-01"},
    {"id": "short", "completed": 50, "q": 2, "actual": 0, "stock": 99, "rule": "BF-07"},
    {"id": "traced", "completed": 50, "q": 2, "actual": 0, "stock": 500, "lot_controlled": True, "rule": "BF-08"},
    {"id": "closed", "completed": 50, "q": 2, "actual": 0, "stock": 500, "period_open": False, "rule": "BF-10"},
    {"id": "less", "completed": 50, "q": 2, "actual": 60, "stock": 500, "rule": "BF-03"},
    {"id": "more", "completed": 50, "q": 2, "actual": 130, "stock": 500, "rule": "BF-05"},
    {"id": "unit", "completed": 50, "q": 2, "actual": 5, "stock": 500, "factor": 20, "rule": "BF-09"},
    {"id": "instead", "completed": 50, "q": 2, "actual": 0, "substitute_actual": 100, "stock": 500, "rule": "BF-06"},
    {"id": "bulk", "completed": 50, "q": 2, "actual": 0, "stock": 500, "bulk": True, "rule": "BF-12"},
]


def test_cases_of_this_form_run() -> None:
    data = {"order_cases": ORDERS, "backflush_cases": BACKFLUSH}
    assert recognise(data)
    run(data, Path("more.json"))


@pytest.mark.parametrize(
    "data",
    [
        {"order_cases": [{**ORDERS[1], "expected": ["ST-02"]}]},
        {"order_cases": [{**ORDERS[1], "expected": []}]},
        {"order_cases": [{**ORDERS[6], "remaining": 50}]},
        {"backflush_cases": [{**BACKFLUSH[0], "rule": "BF-02"}]},
        {"backflush_cases": [{**BACKFLUSH[0], "expected_E": 99}]},
    ],
)
def test_a_wrong_expectation_fails(data: dict[str, Any]) -> None:
    with pytest.raises(AssertionError, match=r"wrong\.json"):
        run(data, Path("wrong.json"))


def test_other_forms_are_not_claimed() -> None:
    assert not recognise({"inputs": {}, "expected": {}})
    assert not recognise([1, 2])
