"""`docs/tables.md` says what the registry says."""

from __future__ import annotations

from pathlib import Path

from recon_platform.tables import docs
from recon_platform.tables.model import Kind, Layer
from recon_platform.tables.registry import TABLES


def test_the_page_is_current() -> None:
    assert docs.FILE.read_text(encoding="utf-8") == docs.page(), (
        "tables changed: run `make docs` and commit docs/tables.md"
    )


def test_every_layer_table_column_and_kind_is_on_it() -> None:
    page = docs.page()
    assert set(docs.HEADINGS) == set(Layer)
    for kind in Kind:
        assert f"| `{kind}` |" in page
    for table in TABLES.values():
        section = page.split(f"\n### {table.name}")[1].split("\n### ")[0]
        for column in table.columns:
            assert f"| `{column.name}`" in section, (table.name, column.name)


def test_the_file_can_be_named(tmp_path: Path) -> None:
    docs.main([str(tmp_path / "t.md")])
    assert (tmp_path / "t.md").read_text(encoding="utf-8").startswith("# Tables")
