"""The webhook over real HTTP: signed or not taken, a key lands once, wrong rows are named, the sensor's reader reads it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from recon_platform.connectors.machines.journal import Journal
from recon_platform.connectors.machines.webhook import Listening, Webhook
from recon_platform.connectors.signing import SIGNATURE, TIMESTAMP, signed
from recon_platform.nights.downtime import DowntimeEvent, read_events

SECRET = "a-shared-secret"
STOP = {
    "event": "D-1", "machine": "M1", "started_at": "2026-03-02T06:10:00+01:00", "expected_end": "2026-03-02T10:00:00Z",
    "reason": "Coil, jammed\n=1+1",
}  # fmt: skip


@pytest.fixture
def webhook(tmp_path: Path) -> Iterator[Webhook]:
    journal = Journal(tmp_path / "journal", tmp_path / "events")
    made = Webhook(Listening("127.0.0.1", 0, SECRET), journal, tmp_path / "taken", tmp_path / "events")
    made.start()
    yield made
    made.stop()


def call(webhook: Webhook, key: str, told: Any, **changed: str) -> tuple[int, str]:
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    headers = signed(SECRET, key, body, time.time()) | changed
    response = httpx.post(f"http://127.0.0.1:{webhook.port}/", content=body, headers=headers, timeout=60)
    said = response.json()
    return response.status_code, said.get("detail", said["status"])


def events(folder: Path) -> list[DowntimeEvent]:
    found = read_events(folder / "events", ZoneInfo("UTC"))
    assert found.problems == ()
    return list(found.events)


def test_a_stop_lands_once_and_is_what_the_sensor_reads(webhook: Webhook, tmp_path: Path) -> None:
    assert call(webhook, "k1", {"downtime_events": [STOP]}) == (200, "landed")
    assert call(webhook, "k1", {"downtime_events": [STOP]}) == (200, "known")
    assert call(webhook, "k1", {"downtime_events": [STOP | {"machine": "M2"}]}) == (
        409,
        "this key came with another body",
    )
    (found,) = events(tmp_path)
    assert (found.event, found.machine, found.ended_at) == ("D-1", "M1", None)
    assert found.started_at.isoformat() == "2026-03-02T05:10:00+00:00"
    assert call(webhook, "k2", {"downtime_events": [STOP | {"ended_at": "2026-03-02T07:00:00Z"}]})[0] == 200
    (found,) = events(tmp_path)
    assert found.ended_at is not None


def test_states_go_through_the_journal(webhook: Webhook, tmp_path: Path) -> None:
    rows = [
        {"machine": "M1", "state": "down", "at": "2026-03-02T06:00:00Z", "reason": "Blade"},
        {"machine": "M1", "state": "run", "at": "2026-03-02T06:30:00Z"},
        {"machine": "M2", "state": "unknown", "at": "2026-03-02T06:30:00Z"},
    ]
    assert call(webhook, "k1", {"machine_states": rows}) == (200, "landed")
    (found,) = events(tmp_path)
    assert (found.event, found.fields["reason"]) == ("M1@2026-03-02T06:00:00.000Z", "Blade")


@pytest.mark.parametrize("wrong", [
    {SIGNATURE: "sha256=00"}, {SIGNATURE: ""}, {TIMESTAMP: "1"}, {TIMESTAMP: "now"}, {"Idempotency-Key": "another"},
    {"Idempotency-Key": ""},
])  # fmt: skip
def test_what_is_not_signed_is_not_taken(webhook: Webhook, tmp_path: Path, wrong: dict[str, str]) -> None:
    status, said = call(webhook, "k1", {"downtime_events": [STOP]}, **wrong)
    assert status == 401
    assert SECRET not in said
    assert events(tmp_path) == []


@pytest.mark.parametrize(("told", "detail"), [
    (b"{", "the body is not JSON"), ([], "the body is an object with downtime_events or machine_states"),
    ({"downtime_events": [STOP, STOP | {"started_at": "yesterday"}]},
     "downtime_events, row 2, column started_at: expected an instant with its zone, found 'yesterday'"),
    ({"downtime_events": [STOP | {"started_at": "2026-03-02T06:10:00"}]},
     "downtime_events, row 1, column started_at: expected an instant with its zone, found '2026-03-02T06:10:00'"),
    ({"downtime_events": [{"event": "D-1", "started_at": "2026-03-02T06:10:00Z"}]},
     "downtime_events, row 1: event, and machine or work_center, must be given"),
    ({"machine_states": [{"machine": "M1", "state": "broken", "at": "2026-03-02T06:10:00Z"}]},
     "machine_states, row 1: state is one of run, setup, idle, down, unknown, found 'broken'"),
])  # fmt: skip
def test_a_wrong_row_is_named_and_nothing_of_its_body_kept(
    webhook: Webhook, tmp_path: Path, told: Any, detail: str
) -> None:
    assert call(webhook, "k1", told) == (400, detail)
    assert events(tmp_path) == []
    assert call(webhook, "k1", {"downtime_events": [STOP]}) == (200, "landed")  # a refused key may be mended


def test_a_body_that_is_too_large_is_refused(webhook: Webhook) -> None:
    assert call(webhook, "k1", b"[" * (1024 * 1024 + 1)) == (413, "at most 1 MiB")
