"""Intervals and money against values known from elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from recon_platform.metrics.paired import control_limits, interval
from recon_platform.metrics.payback import UnitCosts, payback_months, worth_a_year


def test_the_interval_of_a_mean_is_students() -> None:
    # Student's own sleep data (1908), additional hours under the second drug less the first: 1.58, t(9) 2.262
    made = interval([1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4])
    assert made.count == 10
    assert made.mean == pytest.approx(1.58)
    assert made.half == pytest.approx(0.88, abs=0.005)
    assert (made.low, made.high) == pytest.approx((0.70, 2.46), abs=0.005)


def test_the_interval_holds_the_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(2000):
        made = interval(rng.normal(3.0, 2.0, 5).tolist())
        held += made.low is not None and made.high is not None and made.low <= 3.0 <= made.high
    assert 0.935 < held / 2000 < 0.965


def test_one_value_has_no_interval_and_none_is_an_error() -> None:
    assert interval([4.0]).half is None
    with pytest.raises(ValueError, match="at least one value"):
        interval([])


def test_limits_of_a_run_chart_come_from_the_moving_range() -> None:
    # moving ranges 2, 1, 3: mean 2
    assert control_limits([10, 12, 11, 14]) == pytest.approx((11.75, 11.75 - 5.32, 11.75 + 5.32))
    assert control_limits([10]) is None


def test_money_is_counts_times_stated_costs() -> None:
    costs = UnitCosts(late_line=100.0, expedite=50.0, overtime_hour=40.0)
    saved = {"late_lines": 2.0, "expedites": 3.0, "overtime_hours": -5.0, "premium_freight": 10.0}
    worth = worth_a_year(saved, costs)
    assert (worth.late_lines, worth.expedites, worth.overtime, worth.premium_freight) == (9600, 7200, -9600, 480)
    assert worth.total == 7680
    assert payback_months(3840, worth) == pytest.approx(6)
    assert payback_months(3840, worth, running_a_year=8000) is None
    with pytest.raises(ValueError, match="must not be negative"):
        payback_months(-1, worth)
