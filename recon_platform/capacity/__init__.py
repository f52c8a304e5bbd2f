"""Finite capacity: load, the schedule, its independent check, and why an operation starts when it starts."""

from recon_platform.capacity.check import check_schedule
from recon_platform.capacity.check_again import CHECKED_BEFORE, check_after
from recon_platform.capacity.check_kept import gave_way
from recon_platform.capacity.explain import Explanation, explain_operation, order_screen
from recon_platform.capacity.load import load_after_downtime, required_load
from recon_platform.capacity.own import Given, read_together
from recon_platform.capacity.planning_stage import (
    held_schedule,
    look_ahead,
    read_alone,
    read_first,
    schedule,
    trial_schedule,
)

__all__ = [
    "CHECKED_BEFORE",
    "Explanation",
    "Given",
    "check_after",
    "check_schedule",
    "explain_operation",
    "gave_way",
    "held_schedule",
    "load_after_downtime",
    "look_ahead",
    "order_screen",
    "read_alone",
    "read_first",
    "read_together",
    "required_load",
    "schedule",
    "trial_schedule",
]
