"""The landing as it came: one asset per landing table and source system, the first step of every night.

Raw tables keep every cell and every row. A landing that cannot be read stops the run here, with file, column and row;
one that did not come whole is a warning of its check. What its cells mean is checked once they are conformed.
"""

from __future__ import annotations

from assets.catalog import raw_specs
from assets.steps import step_asset

ASSETS = [
    step_asset(f"raw_{source}", raw_specs(source), "raw", f"Landing tables of the {source.upper()}, as they came.", {})
    for source in ("erp", "mes")
]
