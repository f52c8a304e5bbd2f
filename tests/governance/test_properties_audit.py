"""The properties that concern the audit trail, by their numbers in the design: 10 and 21."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from sqlalchemy import text

from recon_platform.governance import Store
from recon_platform.governance.audit import Head, read_heads
from recon_platform.governance.chain import Verdict, row_hash, verify_rows
from recon_platform.governance.errors import AuditError, PermissionDeniedError
from recon_platform.governance.resuming import resume
from recon_platform.lake import Lake
from recon_platform.nights.audit_trail import LakeAudit
from tests.governance.plant import Governed, StandingClock


def trail(governed: Governed, lake: Path) -> LakeAudit:
    """A trail with decisions in it, copied to a lake."""
    for number in range(4):
        governed.approve("sam", governed.pin(subject=f"WO-{number}"))
    copy = LakeAudit(Lake(str(lake)))
    governed.store.audit.copy_to(copy)
    return copy


def verdict(governed: Governed, copy: LakeAudit | None = None, heads: list[Head] | None = None) -> Verdict:
    return governed.store.audit.verify(governed.actor("ava"), copy=copy, heads=heads or [])


def test_10_a_trail_left_alone_holds(governed: Governed, tmp_path: Path) -> None:
    copy = trail(governed, tmp_path / "lake")
    found = verdict(governed, copy)
    assert found.holds
    assert found.rows == copy.rows().height == found.head_sequence


@pytest.mark.parametrize(
    ("statement", "bad"),
    [
        ("update audit_events set actor = 'eve' where sequence = 5", 5),
        ("update audit_events set detail = replace(detail, '\"', '''') where sequence = 12", 12),
        ("update audit_events set at = '2026-03-01T12:00:00.000000Z' where sequence = 9", 9),
        ("update audit_events set plant = 'OTHER' where sequence = 20", 20),
        ("delete from audit_events where sequence = 7", 7),
        ("delete from audit_events where sequence = 1", 1),
        ("delete from audit_events where sequence > 18", 19),
        ("update audit_events set sequence = 900 where sequence = 6", 6),
    ],
)
def test_10_a_row_altered_or_deleted_in_the_store_is_named(
    governed: Governed, tmp_path: Path, statement: str, bad: int
) -> None:
    trail(governed, tmp_path / "lake")
    with governed.store.engine.begin() as connection:
        assert connection.execute(text(statement)).rowcount
    found = verdict(governed)
    assert not found.holds
    assert found.first_bad == bad


def _rewritten(rows: list[dict[str, object]], at: int) -> list[dict[str, object]]:
    """The trail as a forger with the hash function would write it: one row changed, every later hash made to fit."""
    previous = "0" * 64
    forged = []
    for row in rows:
        changed = {**row, "previous_hash": previous}
        if row["sequence"] == at:
            changed["actor"] = "eve"
        changed["hash"] = row_hash(changed)
        previous = str(changed["hash"])
        forged.append(changed)
    return forged


def _replace_store(governed: Governed, rows: list[dict[str, object]]) -> None:
    with governed.store.engine.begin() as connection:
        connection.execute(text("delete from audit_events"))
        connection.execute(text("delete from settings"))
        names = list(rows[0])
        columns, values = ", ".join(names), ", ".join(f":{name}" for name in names)
        connection.execute(text(f"insert into audit_events ({columns}) values ({values})"), rows)
        connection.execute(
            text("update audit_head set sequence = :sequence, hash = :hash"),
            {"sequence": rows[-1]["sequence"], "hash": rows[-1]["hash"]},
        )


def test_10_a_full_rewrite_of_the_store_is_found_by_the_lakes_copy(governed: Governed, tmp_path: Path) -> None:
    copy = trail(governed, tmp_path / "lake")
    _replace_store(governed, _rewritten(copy.rows().to_dicts(), at=10))
    assert verdict(governed).holds  # a chain alone does not notice
    assert verdict(governed, copy).first_bad == 10


def test_10_a_rewrite_of_both_is_found_by_an_exported_head(governed: Governed, tmp_path: Path) -> None:
    copy = trail(governed, tmp_path / "lake")
    governed.store.audit.export(governed.actor("ava"), tmp_path / "off-host")
    forged = _rewritten(copy.rows().to_dicts(), at=10)
    _replace_store(governed, forged)
    shutil.rmtree(tmp_path / "lake")
    governed.store.audit.copy_to(copy)
    assert verdict(governed, copy).holds
    found = verdict(governed, copy, read_heads(tmp_path / "off-host"))
    assert "rewritten" in str(found.problem)


def test_10_a_cut_tail_of_both_is_found_by_an_exported_head(governed: Governed, tmp_path: Path) -> None:
    copy = trail(governed, tmp_path / "lake")
    governed.store.audit.export(governed.actor("ava"), tmp_path / "off-host")
    rows = copy.rows().to_dicts()
    _replace_store(governed, rows[:-3])
    shutil.rmtree(tmp_path / "lake")
    governed.store.audit.copy_to(copy)
    found = verdict(governed, copy, read_heads(tmp_path / "off-host"))
    assert found.first_bad == len(rows) - 2
    assert "missing" in str(found.problem)


def test_10_a_forged_head_is_found(governed: Governed, tmp_path: Path) -> None:
    trail(governed, tmp_path / "lake")
    head = governed.store.audit.head(governed.actor("ava"))
    forged = Head(head.sequence, "0" * 64, head.at, head.seal)
    assert "forged" in str(verdict(governed, heads=[forged]).problem)
    with pytest.raises(AuditError, match="no exported audit head"):
        Head.from_json("{}")


@pytest.mark.parametrize("what", ["altered", "deleted", "truncated", "added"])
def test_10_a_tampered_copy_in_the_lake_is_found(governed: Governed, tmp_path: Path, what: str) -> None:
    copy = trail(governed, tmp_path / "lake")
    rows, path = copy.rows(), str(tmp_path / "lake" / "governance" / "audit")
    sequence = pl.col("sequence")
    forged, bad = {
        "altered": (rows.with_columns(pl.when(sequence == 4).then(pl.lit("eve")).otherwise("actor").alias("actor")), 4),
        "deleted": (rows.filter(sequence != 8), 8),
        "truncated": (rows.head(15), 16),
        "added": (pl.concat([rows, rows.tail(1).with_columns(sequence + 1)]), rows.height + 1),
    }[what]
    write_deltalake(DeltaTable(path), forged, mode="overwrite")
    found = verdict(governed, copy)
    assert found.first_bad == bad


def test_10_a_copy_that_lags_is_no_forgery_and_one_that_was_cut_stays_in_the_trail(
    governed: Governed, tmp_path: Path
) -> None:
    copy = trail(governed, tmp_path / "lake")
    governed.pin(subject="WO-later")
    assert verdict(governed, copy).holds  # it is brought up to date, never trusted alone
    held = copy.rows()
    write_deltalake(DeltaTable(str(tmp_path / "lake" / "governance" / "audit")), held.head(15), mode="overwrite")
    assert "it was cut" in str(verdict(governed, copy).problem)
    assert governed.store.audit.copy_to(copy) == held.height - 15 + 2  # what lagged, and that it was cut
    assert verdict(governed, copy).holds
    cut = copy.rows().tail(1).row(0, named=True)
    assert (cut["action"], cut["detail"]) == ("trail.copy_cut", f'{{"found":15,"held":{held.height}}}')


def test_10_the_copy_is_in_order_and_once_however_often_it_is_made(
    governed: Governed, tmp_path: Path, reopen: Callable[[StandingClock], Store]
) -> None:
    copy = trail(governed, tmp_path / "lake")
    assert governed.store.audit.copy_to(copy) == 0
    governed.pin()
    other = reopen(governed.clock)
    assert other.audit.copy_to(LakeAudit(Lake(str(tmp_path / "lake")))) == 1
    assert governed.store.audit.copy_to(copy) == 0
    assert verify_rows(copy.rows().iter_rows(named=True)).holds
    with pytest.raises(AuditError, match="same moment"):
        copy.append(copy.rows().tail(1), 0)
    other.close()


def test_21_with_the_clock_set_back_the_sequence_grows_and_it_is_flagged(governed: Governed) -> None:
    governed.pin(subject="WO-1")
    governed.clock.move(hours=-1)
    request = governed.pin(subject="WO-2")
    governed.clock.move(hours=1, seconds=1)
    governed.pin(subject="WO-3")
    rows = governed.store.audit.rows(governed.actor("ava"), action="request.proposed")
    assert rows["clock"].to_list() == ["forward", "set_back", "forward"]
    assert rows["sequence"].is_sorted()
    assert rows["at"].to_list()[1] < rows["at"].to_list()[0]
    found = verdict(governed)
    assert found.holds
    assert found.clock_set_back == (rows["sequence"][1],)
    assert request.request > 1


def test_10_a_restored_store_takes_up_its_trail_where_the_lakes_copy_ends(governed: Governed, tmp_path: Path) -> None:
    copy = trail(governed, tmp_path / "lake")
    head, kept = governed.store.audit.head(governed.actor("ava")), copy.last_sequence()
    with governed.store.engine.begin() as connection:  # as a backup from before the last decisions would stand there
        connection.execute(text(f"delete from audit_events where sequence > {kept - 6}"))
        connection.execute(
            text(
                "update audit_head set sequence = :s, hash = (select hash from audit_events where sequence = :s), "
                "at = (select max(at) from audit_events)"
            ),
            {"s": kept - 6},
        )
    governed.pin(subject="WO-after")
    assert verdict(governed, copy).first_bad == kept - 5
    with pytest.raises(PermissionDeniedError):
        resume(governed.store, governed.actor("ava"), copy, "disk lost")
    found = resume(governed.store, governed.actor("ian"), copy, "disk lost")
    assert (found.common, found.recovered, found.since) == (kept - 6, 6, 1)
    governed.store.audit.copy_to(copy)
    assert verdict(governed, copy, [head]).holds
    told = copy.rows().tail(2)["action"].to_list()
    assert told == ["request.proposed", "trail.resumed"]
    with pytest.raises(AuditError, match="nothing to take up"):
        resume(governed.store, governed.actor("ian"), copy, "again")


def test_10_nothing_is_taken_up_from_a_copy_that_was_tampered_with(governed: Governed, tmp_path: Path) -> None:
    copy = trail(governed, tmp_path / "lake")
    forged = copy.rows().with_columns(actor=pl.when(pl.col("sequence") == 5).then(pl.lit("eve")).otherwise("actor"))
    write_deltalake(str(tmp_path / "lake" / "governance" / "audit"), forged.to_arrow(), mode="overwrite")
    with pytest.raises(AuditError, match="row 5 was altered"):
        resume(governed.store, governed.actor("ian"), copy, "disk lost")
