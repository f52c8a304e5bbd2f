"""What `docs/replay.md` says is true: its code runs, and every message it explains is one the platform gives."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from recon_platform.lake import Lake
from recon_platform.nights.night import run_night
from tests.nights.small import STAGES, landing

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "replay.md").read_text(encoding="utf-8")


def test_the_example_for_other_readers_runs(tmp_path: Path) -> None:
    lake = str(tmp_path / "lake")
    run_night(Lake(lake), landing(3), stages=STAGES)
    result = run_night(Lake(lake), landing(5), stages=STAGES)
    code = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert code is not None
    names: dict[str, object] = {"lake": lake}
    exec(code[1].replace('["schedule"]', '["unscheduled"]'), names)
    schedule = names["schedule"]
    assert isinstance(schedule, pl.DataFrame)
    assert schedule.sort("work_order")["reason"].to_list() == result.frames["unscheduled"]["reason"].to_list()


def test_every_message_it_explains_is_in_the_code() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "recon_platform").rglob("*.py")))
    plain = re.sub(r'"\s*\n\s*f?"', "", code)
    messages = re.findall(r"^\| `([^`]*)` \|", PAGE.split("## When something is wrong")[1], re.MULTILINE)
    assert len(messages) >= 6
    for message in messages:
        for part in message.split("…"):
            words = part.strip(" :,;8")
            assert words.replace(" 8 times in a row", "") in plain, message
