"""Finite capacity: load, the schedule, its independent check, and why an operation starts when it starts."""

from recon_platform.capacity.check import check_schedule
from recon_platform.capacity.load import required_load
from recon_platform.capacity.planning_stage import schedule

__all__ = ["check_schedule", "required_load", "schedule"]
