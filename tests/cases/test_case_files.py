"""Every case file is recognised by its content and run through the product's own tables."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cases.recognisers import runner_for


def test_case_file(case_file: Path) -> None:
    data = json.loads(case_file.read_text(encoding="utf-8"))
    runner_for(data, case_file)(data, case_file)
