"""docs/reconciliation.md says what the code does: every rule, setting, state and proposal has its place there."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from recon_platform.reconcile import RULES
from recon_platform.tables.policy import ReconciliationPolicy

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "reconciliation.md").read_text(encoding="utf-8")
TOLERANCES = {
    "quantity_tolerance_share", "quantity_tolerance_units", "component_tolerance_share", "component_tolerance_units",
    "over_completion_share", "unit_factor_tolerance_share",
}  # fmt: skip


def test_every_rule_stands_in_the_docs_as_it_stands_in_the_code() -> None:
    for rule in RULES:
        row = (
            f"| {rule.id} | {rule.condition} | {rule.severity} | {rule.mode} | {rule.action} | {rule.category or '–'} |"
        )
        assert row in TEXT, f"docs/reconciliation.md lacks the row of {rule.id}; expected: {row}"


def test_every_setting_is_named() -> None:
    for field in dataclasses.fields(ReconciliationPolicy):
        assert field.name in TEXT or field.name in TOLERANCES, field.name
