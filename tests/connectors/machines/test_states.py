"""States and stops from observations: the same whatever order they come in, and silence is neither running nor a stop."""

from __future__ import annotations

import os
import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from recon_platform.connectors.machines.journal import Journal, read_journal
from recon_platform.connectors.machines.states import (
    STATES,
    Observation,
    by_machine,
    in_order,
    intervals,
    recent,
    stops,
)

START = datetime(2026, 3, 2, 6, tzinfo=UTC)


def seen(*told: tuple[int, str]) -> list[Observation]:
    return [Observation(START + timedelta(minutes=minute), "M1", state) for minute, state in told]


some = st.lists(st.tuples(st.integers(0, 500), st.sampled_from(STATES)), min_size=1, max_size=30).map(
    lambda told: sorted(dict.fromkeys(seen(*told)), key=in_order)
)


@given(some)
def test_intervals_cover_time_once_and_neighbours_differ(told: list[Observation]) -> None:
    found = intervals(told)
    assert found[0].start == told[0].at
    assert found[-1].end is None
    for one, two in pairwise(found):
        assert one.end == two.start > one.start
        assert one.state != two.state
    for minute in range(-1, 502):
        at = START + timedelta(minutes=minute)
        last = [one for one in told if one.at <= at]
        holds = [one.state for one in found if one.start <= at and (one.end is None or at < one.end)]
        assert holds == ([last[-1].state] if last else [])


@given(some)
def test_a_stop_begins_with_down_and_ends_with_something_known(told: list[Observation]) -> None:
    for stop in stops(told):
        inside = [one.state for one in told if stop.start < one.at and (stop.end is None or one.at < stop.end)]
        assert {"run", "idle", "setup"} & set(inside) == set() or stop.start in {
            o.at for o in told if o.state != "down"
        }
        assert stop.start in {one.at for one in told if one.state == "down"}
        assert stop.end is None or stop.end in {one.at for one in told if one.state in ("run", "idle", "setup")}
    silent = [one for one in told if one.state != "unknown"]
    assert stops(silent) == stops(told)


@given(some, st.integers(0, 500))
def test_what_is_forgotten_changes_no_stop_that_lasts(told: list[Observation], minute: int) -> None:
    since = START + timedelta(minutes=minute)
    late = [stop for stop in stops(told) if stop.end is None or stop.end >= since]
    assert [stop for stop in stops(recent(told, since)) if stop.end is None or stop.end >= since] == late


def test_late_and_repeated_observations_land_the_same_stops_as_those_in_order(tmp_path: Path) -> None:
    told = seen((0, "run"), (10, "down"), (20, "unknown"), (30, "down"), (45, "run"), (60, "down"))
    whole = Journal(tmp_path / "a", tmp_path / "events-a", lambda: START + timedelta(days=1))
    whole.add(told)
    for number in range(4):
        mixed = [*told, told[2]]
        random.Random(number).shuffle(mixed)
        journal = Journal(tmp_path / f"b{number}", tmp_path / f"events-b{number}", lambda: START + timedelta(days=1))
        for one in mixed:
            journal.add([one])
        assert journal.newest() == whole.newest()
        assert _newest(tmp_path / f"events-b{number}") == _newest(tmp_path / "events-a")
    assert _newest(tmp_path / "events-a") == {
        "M1@2026-03-02T06:10:00.000Z": "2026-03-02T06:45:00.000Z", "M1@2026-03-02T07:00:00.000Z": "",
    }  # fmt: skip


def _newest(folder: Path) -> dict[str, str]:
    """End of every stop that was not taken back."""
    found = {}
    for path in sorted(folder.glob("*.csv")):
        for line in path.read_text().splitlines()[1:]:
            event, _, start, end, *_ = line.split(",")
            found[event] = (start, end)
    return {event: end for event, (start, end) in found.items() if start != end}


def test_a_journal_cut_short_by_a_kill_is_read_and_its_missing_event_file_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", tmp_path / "e", lambda: START)
    journal.add(seen((0, "run"), (1, "down")))
    file = next((tmp_path / "j").glob("journal-*.csv"))
    with file.open("ab") as torn:
        torn.write(b"2026-03-02T06:0")
    for event in (tmp_path / "e").glob("*.csv"):
        event.unlink()
    (tmp_path / "j" / "alive").unlink()
    again = Journal(tmp_path / "j", tmp_path / "e", lambda: START + timedelta(hours=1))
    assert _newest(tmp_path / "e") == {"M1@2026-03-02T06:01:00.000Z": ""}
    again.add(seen((30, "run")))
    assert [one.state for one in by_machine(read_journal(tmp_path / "j"))["M1"]] == ["run", "down", "run"]
    assert _newest(tmp_path / "e") == {"M1@2026-03-02T06:01:00.000Z": "2026-03-02T06:30:00.000Z"}


def test_long_ago_is_tidied_away_but_a_stop_that_lasts(tmp_path: Path) -> None:
    now = [START]
    journal = Journal(tmp_path / "j", tmp_path / "e", lambda: now[0])
    journal.add(seen((0, "run"), (1, "down"), (2, "run"), (3, "down")))
    for path in [*(tmp_path / "e").iterdir(), *(tmp_path / "j").iterdir()]:
        os.utime(path, (START.timestamp(), START.timestamp()))
    now[0] = START + timedelta(days=40)
    journal.add([Observation(now[0], "M2", "run")])
    assert [path.name for path in (tmp_path / "j").glob("journal-*")] == ["journal-2026-04-11.csv"]
    again = Journal(tmp_path / "j", tmp_path / "e", lambda: now[0])
    assert _newest(tmp_path / "e")["M1@2026-03-02T06:03:00.000Z"] == ""
    again.add([Observation(now[0], "M1", "run")])
    assert _newest(tmp_path / "e")["M1@2026-03-02T06:03:00.000Z"] == "2026-04-11T06:00:00.000Z"


def test_while_nobody_listened_nothing_is_known(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    journal = Journal(tmp_path / "j", tmp_path / "e")
    journal.add([Observation(now - timedelta(minutes=5), "M1", "run")])
    again = Journal(tmp_path / "j", tmp_path / "e")
    last = again.newest()["M1"]
    assert (last.state, last.reason) == ("unknown", "nobody listened")
    assert abs(last.at - now) < timedelta(minutes=1)
    assert list((tmp_path / "e").glob("*.csv")) == []
