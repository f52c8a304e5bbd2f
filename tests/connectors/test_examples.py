"""The plant files among the examples say what their doors need, and nothing that a door does not know."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from recon_platform.connectors.connect_file import connections, source, write_back
from recon_platform.connectors.credentials import Secrets
from tests.conftest import ROOT

EXAMPLES = sorted((ROOT / "examples").glob("*/plant.toml"))
SECRETS = dict.fromkeys(("ODOO_PASSWORD", "TRYTON_PASSWORD", "WEBHOOK_SECRET"), "x")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.parent.name)
def test_an_example_makes_its_doors(example: Path, tmp_path: Path) -> None:
    file = Path(shutil.copy(example, tmp_path))
    found = connections(file)
    assert found
    for name, section in found.items():
        assert source(name, section, Secrets(SECRETS), file) is not None
        assert (write_back(name, section, Secrets(SECRETS), file) is None) == ("write_back" not in section)
