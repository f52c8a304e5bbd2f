"""A failed night is in the trail and told to people once, with what stays in force."""

from __future__ import annotations

from pathlib import Path

from recon_platform.governance import service
from recon_platform.lake import Lake
from recon_platform.nights.failure import tell_failure
from tests.governance.plant import PLANT, Governed

WHY = "items.csv, row 7: no item"


def test_a_failed_night_is_told_once(governed: Governed, tmp_path: Path) -> None:
    store, ian = governed.store, governed.actor("ian")
    store.notices.subscribe(ian, "shift", "shift@works.example", ["fallback"])
    for _ in range(2):
        words = tell_failure(store, Lake(str(tmp_path)), ian, PLANT, night="2026-03-02", reason=WHY)
    assert "manual procedure" in words
    told = [message for message in store.outbox.find() if message.kind == "notice"]
    assert [(m.content["to"], m.content["event"]) for m in told] == [("shift@works.example", "fallback")]
    assert "items.csv, row 7" in str(told[0].content["text"])
    assert store.audit.rows(governed.actor("ava"), action="run.failed").height == 1
    tell_failure(store, Lake(str(tmp_path)), service("night", "1"), PLANT, night="2026-03-03", reason=WHY)
    assert store.audit.rows(governed.actor("ava"), action="run.failed").height == 2
