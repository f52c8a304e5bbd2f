"""Measures, defined once: versioned definitions and the functions that count them from tables."""

from recon_platform.metrics.definitions import DEFINITIONS, Definition, Period
from recon_platform.metrics.night import plan_metrics

__all__ = ["DEFINITIONS", "Definition", "Period", "plan_metrics"]
