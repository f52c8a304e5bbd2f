"""`docs/data.md` names every gate and every setting of the spine, and `docs/mapping-profiles.md` every shipped profile."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from recon_platform.conform.gates import table
from recon_platform.connectors.mapping import shipped_profiles
from recon_platform.connectors.plant_file import SETTINGS
from recon_platform.tables.policy import SpinePolicy

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_gates_in_the_docs_are_those_of_the_catalogue() -> None:
    page = (DOCS / "data.md").read_text(encoding="utf-8")
    shown = page.split("<!-- gates: begin")[1].split("-->\n", 1)[1].split("\n<!-- gates: end -->")[0]
    assert shown == table(), "gates changed: put gates.table() between the marks of docs/data.md"


def test_every_setting_has_its_entry() -> None:
    page = (DOCS / "data.md").read_text(encoding="utf-8")
    for setting in (*SETTINGS, *(f.name for f in dataclasses.fields(SpinePolicy))):
        assert setting in page, setting


def test_every_shipped_profile_is_described() -> None:
    page = (DOCS / "mapping-profiles.md").read_text(encoding="utf-8")
    for name in shipped_profiles():
        assert f"## Shipped: `{name}`" in page
