"""The landing as it came: one asset per landing table and source system, the first step of every night."""

from __future__ import annotations

from assets.catalog import raw_specs
from assets.steps import step_asset

ASSETS = [
    step_asset(
        f"raw_{source}", raw_specs(source), "raw", f"Landing tables of the {source.upper()}, row by row as they came."
    )
    for source in ("erp", "mes")
]
