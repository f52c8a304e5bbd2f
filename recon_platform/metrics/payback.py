"""Payback: what a difference in service and effort is worth a year, at unit costs that are stated, never hidden.

Belongs here: money of measured differences. Does not belong here: the differences themselves, or any claim that one
caused the other: that is for the simulator, where only the policy differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

WEEKS_A_YEAR = 48


@dataclass(frozen=True, slots=True)
class UnitCosts:
    """Plant currency. A works puts its own figures here; these are the defaults of the cost policy (docs/settings.md)."""

    late_line: float = 150.0  # a customer line not on time in full: handling, penalty, goodwill
    expedite: float = 250.0  # an order chased
    overtime_hour: float = 57.0  # a paid overtime hour
    premium_freight: float = 1.0  # paid above contract, as it is


@dataclass(frozen=True, slots=True)
class Worth:
    """Money a year by source; negative where the change costs."""

    late_lines: float
    expedites: float
    overtime: float
    premium_freight: float
    reserves: float = 0.0  # stock carried longer, pieces started beyond the standard

    @property
    def total(self) -> float:
        return self.late_lines + self.expedites + self.overtime + self.premium_freight + self.reserves


def worth_a_year(saved_a_week: Mapping[str, float], costs: UnitCosts) -> Worth:
    """What is saved a year from what is saved in a mean week: `late_lines`, `expedites`, `overtime_hours`, `premium_freight`,
    and `reserves` where anything of them is known."""
    return Worth(
        saved_a_week["late_lines"] * costs.late_line * WEEKS_A_YEAR,
        saved_a_week["expedites"] * costs.expedite * WEEKS_A_YEAR,
        saved_a_week["overtime_hours"] * costs.overtime_hour * WEEKS_A_YEAR,
        saved_a_week["premium_freight"] * costs.premium_freight * WEEKS_A_YEAR,
        saved_a_week.get("reserves", 0.0) * WEEKS_A_YEAR,
    )


def payback_months(investment: float, worth: Worth, running_a_year: float = 0.0) -> float | None:
    """Months until `investment` is earned back; None where it never is. Raises ValueError for a negative investment."""
    if investment < 0:
        raise ValueError(f"investment must not be negative, found {investment}")
    net = worth.total - running_a_year
    return 12.0 * investment / net if net > 0 else None
