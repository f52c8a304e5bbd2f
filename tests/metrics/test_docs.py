"""docs/kpis.md holds every definition, word for word."""

from __future__ import annotations

from pathlib import Path

from recon_platform.metrics import DEFINITIONS

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "kpis.md").read_text(encoding="utf-8")


def test_every_definition_stands_in_the_docs() -> None:
    for one in DEFINITIONS:
        meaning = one.meaning.replace("|", "∣")
        row = f"| `{one.name}` | {meaning} | {one.unit} | {one.better} | {one.version} |"
        assert row in TEXT, f"docs/kpis.md lacks: {row}"
