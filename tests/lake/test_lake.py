"""The lake: one night replaced at a time, nothing invalid committed, conflicts retried, every version kept."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, time
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable

from recon_platform.lake import ConflictError, Lake, LakeError, MissingTableError, SchemaChangedError, frame_digest
from recon_platform.lake import lake as lake_module
from recon_platform.tables.model import Column, Kind, Layer, Table
from recon_platform.tables.registry import conformed_table, table

DAY, NEXT = date(2026, 1, 5), date(2026, 1, 6)
AT = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def orders(*names: str) -> pl.DataFrame:
    return table("unscheduled").frame([{"work_order": name, "reason": "no machine"} for name in names])


def put(lake: Lake, frame: pl.DataFrame, day: date = DAY, plant: str = "P1", **metadata: str) -> int:
    return lake.write(
        "capacity", "unscheduled", frame, plant=plant, planning_date=day, sequence=0, run_id="run", metadata=metadata
    ).version


def test_consecutive_nights_and_plants_stay_and_a_repeated_one_is_replaced(lake: Lake) -> None:
    put(lake, orders("A"))
    put(lake, orders("B"), NEXT)
    put(lake, orders("C"), plant="P-2")
    put(lake, orders("D", "E"))
    rows = lake.read("capacity", "unscheduled", front=True)
    assert rows.select("plant", "planning_date", "work_order").rows() == [
        ("P-2", DAY, "C"), ("P1", DAY, "D"), ("P1", DAY, "E"), ("P1", NEXT, "B"),
    ]  # fmt: skip
    assert lake.read("capacity", "unscheduled", plant="P1", planning_date=DAY)["work_order"].to_list() == ["D", "E"]


def test_every_version_can_be_read_again(lake: Lake) -> None:
    versions = [put(lake, orders(name)) for name in "ABC"]
    assert versions == sorted(set(versions))
    for version, name in zip(versions, "ABC", strict=True):
        assert lake.read("capacity", "unscheduled", version=version)["work_order"].to_list() == [name]


def test_a_night_without_rows_empties_the_partition(lake: Lake) -> None:
    put(lake, orders("A"))
    put(lake, orders("B"), NEXT)
    put(lake, orders())
    assert lake.read("capacity", "unscheduled")["work_order"].to_list() == ["B"]
    assert lake.read("capacity", "unscheduled", plant="P1", planning_date=DAY).schema == orders().schema


def test_the_commit_names_run_actor_and_rules(lake: Lake) -> None:
    written = lake.write(
        "capacity", "unscheduled", orders("A"), plant="P1", planning_date=DAY, sequence=2, run_id="P1.x",
        metadata={"actor": "eva", "rule_version": "7"},
    )  # fmt: skip
    commit = lake.history("capacity", "unscheduled", 1)[0]
    assert (commit["run"], commit["actor"], commit["rule_version"]) == ("P1.x", "eva", "7")
    assert (commit["rows"], commit["digest"], commit["version"]) == ("1", written.digest, written.version)


def test_an_invalid_frame_is_not_committed_and_the_error_names_the_place(lake: Lake) -> None:
    put(lake, orders("A"))
    with pytest.raises(
        LakeError, match=r"may not write capacity\.unscheduled: .*the key work_order must be unique; 2 rows"
    ):
        put(lake, orders("B", "B"))
    with pytest.raises(LakeError, match="column reason: may not be null; 1 rows"):
        put(lake, orders("B").with_columns(reason=pl.lit(None, pl.String)))
    assert lake.read("capacity", "unscheduled")["work_order"].to_list() == ["A"]


@pytest.mark.parametrize("plant", ["", "a b", "50%", "ä", "../x", "P'1", "x" * 65])
def test_a_plant_code_that_cannot_stand_in_a_path_is_refused(lake: Lake, plant: str) -> None:
    with pytest.raises(LakeError, match="expected letters, digits"):
        put(lake, orders("A"), plant=plant)
    assert lake.tables() == []


def test_readable_errors_for_what_is_not_there(lake: Lake) -> None:
    with pytest.raises(
        MissingTableError, match=r"table capacity.unscheduled is not in the lake at .*; run a night first"
    ):
        lake.read("capacity", "unscheduled")
    put(lake, orders("A"))
    with pytest.raises(MissingTableError, match=r"has no version 99"):
        lake.read("capacity", "unscheduled", version=99)


def test_a_column_added_later_is_null_in_older_nights(lake: Lake) -> None:
    old = Table("t", Layer.CAPACITY, "Old.", (Column("a", Kind.KEY, "A."),), key=("a",))
    new = Table(
        "t", Layer.CAPACITY, "New.", (*old.columns, Column("at", Kind.CLOCK, "When.", nullable=True)), key=("a",)
    )

    def write(one: Table, day: date, **values: object) -> None:
        lake.write("capacity", one, one.frame([values]), plant="P1", planning_date=day, sequence=0, run_id="r")

    write(old, DAY, a="x")
    write(new, NEXT, a="y", at=time(22, 30, 1))
    assert lake.read("capacity", new).sort("a").rows() == [("x", None), ("y", time(22, 30, 1))]
    assert lake.read("capacity", old, planning_date=DAY).columns == ["a"]
    write(old, DAY, a="z")  # an older code may still write
    assert lake.read("capacity", new, planning_date=DAY).rows() == [("z", None)]


def test_a_column_of_another_type_is_refused_instead_of_cast(lake: Lake) -> None:
    def one(kind: Kind, value: object) -> None:
        made = Table("t", Layer.CAPACITY, "T.", (Column("a", kind, "A."),))
        lake.write("capacity", made, made.frame([{"a": value}]), plant="P1", planning_date=DAY, sequence=0, run_id="r")

    one(Kind.TEXT, "x")
    with pytest.raises(SchemaChangedError, match=r"table capacity\.t, column a: stored as String, now Float64"):
        one(Kind.NUMBER, 1.0)


def test_a_type_that_others_cannot_read_is_refused(lake: Lake) -> None:
    frame = pl.DataFrame({"a": [AT.replace(tzinfo=None)]})  # without a zone it would need a table feature
    with pytest.raises(LakeError, match="column a is Datetime"):
        lake.append_log("raw", "t", frame, metadata={})


def test_writers_of_different_nights_all_succeed_and_know_their_own_version(lake: Lake) -> None:
    days = [date(2026, 1, day) for day in range(5, 13)]
    versions: dict[date, int] = {}

    def write(day: date) -> None:
        versions[day] = put(lake, orders(f"W{day.day}"), day)

    threads = [threading.Thread(target=write, args=(day,)) for day in days]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(versions.values())) == len(days)
    for day, version in versions.items():
        rows = lake.read("capacity", "unscheduled", version=version, planning_date=day)
        assert rows["work_order"].to_list() == [f"W{day.day}"]
    assert lake.read("capacity", "unscheduled").height == len(days)


def test_writers_of_the_same_night_replace_each_other_whole(lake: Lake) -> None:
    put(lake, orders("start"))
    frames = [orders(*(f"{writer}{i}" for i in range(3))) for writer in "abcd"]
    threads = [threading.Thread(target=put, args=(lake, frame)) for frame in frames]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    left = lake.read("capacity", "unscheduled")["work_order"].to_list()
    assert left in [frame["work_order"].to_list() for frame in frames]


def test_endless_conflict_is_given_up_with_a_readable_error(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    put(lake, orders("A"))

    def conflict(*_: object) -> None:
        raise lake_module.CommitFailedError("somebody else")

    monkeypatch.setattr(lake_module, "_put", conflict)
    monkeypatch.setattr(lake_module, "FIRST_PAUSE_SECONDS", 0.0)
    with pytest.raises(ConflictError, match="committed to the same night 8 times in a row"):
        put(lake, orders("B"))


def test_once_is_once_also_for_racing_writers(lake: Lake) -> None:
    lake.append("capacity", "unscheduled", orders("A"), plant="P1", planning_date=DAY, run_id="r", once="k")
    with pytest.raises(ConflictError, match="k was committed already"):
        lake.append("capacity", "unscheduled", orders("A"), plant="P1", planning_date=DAY, run_id="r", once="k")
    outcome: list[str] = []

    def race() -> None:
        try:
            lake.append("capacity", "unscheduled", orders("B"), plant="P1", planning_date=DAY, run_id="r", once="race")
            outcome.append("won")
        except ConflictError:
            outcome.append("lost")

    threads = [threading.Thread(target=race) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcome) == ["lost"] * 5 + ["won"]
    assert lake.read("capacity", "unscheduled")["work_order"].to_list() == ["A", "B"]


def test_a_log_has_no_night_in_front(lake: Lake) -> None:
    made = table("audit")
    row: dict[str, object] = dict.fromkeys(made.column_names, "x") | {
        "sequence": 1, "clock": "forward", "actor_kind": "person", "door": "cli",
    }  # fmt: skip
    lake.append_log("governance", made, made.frame([row]), metadata={"first": "1"})
    assert lake.read("governance", "audit").rows(named=True) == [row]
    assert DeltaTable(lake.path("governance", "audit")).metadata().partition_columns == []


def test_rows_lie_in_the_order_of_their_key(lake: Lake) -> None:
    put(lake, orders("C", "A", "B"))
    assert lake.read("capacity", "unscheduled")["work_order"].to_list() == ["A", "B", "C"]


def test_instants_keep_microseconds_and_clocks_their_time(lake: Lake) -> None:
    made = conformed_table("calendar_exceptions")
    frame = made.frame([
        {"calendar": "A", "date": DAY, "kind": "closed"},
        {"calendar": "A", "date": DAY, "kind": "extra", "start": time(0, 0), "end": time(23, 59, 59, 999999)},
    ])  # fmt: skip
    written = lake.write("conformed", made, frame, plant="P1", planning_date=DAY, sequence=0, run_id="r")
    again = lake.read("conformed", made)
    assert again.equals(frame)
    assert written.digest == frame_digest(again, made.key)
    at = datetime(2026, 10, 25, 0, 59, 59, 123457, tzinfo=UTC)
    row = table("machine_states")
    states = conformed_table("machine_states").frame([{"machine": "M", "state": "run", "from_at": at}])
    lake.write("conformed", "machine_states", states, plant="P1", planning_date=DAY, sequence=0, run_id="r")
    assert lake.read("conformed", "machine_states")["from_at"].to_list() == [at]
    assert row.key == ("machine", "from_at")


def test_a_lake_at_an_address_behaves_like_one_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    lake = Lake(f"file://{tmp_path}/lake")
    assert [put(lake, orders("A")), put(lake, orders("B", "C"), NEXT), put(lake, orders("D"))] == [0, 1, 2]
    assert lake.read("capacity", "unscheduled")["work_order"].to_list() == ["B", "C", "D"]
    assert [commit["version"] for commit in lake.history("capacity", "unscheduled")] == [2, 1, 0]
    assert lake.tables() == [("capacity", "unscheduled")] == Lake(tmp_path / "lake").tables()
    with pytest.raises(MissingTableError):
        lake.read("capacity", "schedule")
