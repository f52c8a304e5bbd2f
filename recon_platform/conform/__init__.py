"""Conform: one key, one unit, one calendar for everything behind; what cannot be trusted is quarantined."""

from recon_platform.conform.night import ConformError, conform

__all__ = ["ConformError", "conform"]
