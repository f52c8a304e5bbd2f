"""The planner's workbook: what is written is text, what is read back is checked cell by cell, effects are the moves'."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from recon_platform.nights.workbook import LINES_SHEET, read_lines, write_workbook
from recon_platform.proposal.own import evaluate_own
from recon_platform.proposal.workbook import LINE_COLUMNS, CellsError, candidates, measured, shown_tables
from tests.proposal.conftest import Proposed
from tests.proposal.planted import siblings
from tests.proposal.small import Small

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture(scope="module")
def plant() -> Small:
    return siblings(1.0)


@pytest.fixture(scope="module")
def frames(plant: Small) -> dict[str, pl.DataFrame]:
    return plant.frames()


def filled(path: Path, *rows: tuple[object, ...], heading: tuple[str, ...] = LINE_COLUMNS) -> Path:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = LINES_SHEET
    for row in (heading, *rows):
        sheet.append(row)
    book.save(path)
    return path


def test_lines_of_a_workbook_are_measured_like_own_proposals(
    plant: Small, frames: dict[str, pl.DataFrame], tmp_path: Path
) -> None:
    file = filled(
        tmp_path / "mine.xlsx", ("sibling", "W2/10", "OTHER", "the other press is idle"), (None, None, None, None),
        ("split", "W1", 4, "half is enough"),
    )  # fmt: skip
    lines = read_lines(file, BERLIN)
    assert lines.get_column("row").to_list() == [2, 4]
    rows = evaluate_own(frames, plant.context, candidates(frames, lines))
    shown = measured(lines, rows)
    assert shown.select("kind", "lines_won").rows() == [
        ("sibling", rows[0]["lines_won"]),
        ("split", rows[1]["lines_won"]),
    ]
    assert shown.item(0, "digest") == rows[0]["digest"] and shown.item(0, "lines_won") == 1


def test_every_wrong_cell_is_named_and_nothing_is_used(frames: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    file = filled(
        tmp_path / "wrong.xlsx", ("sibling", "W2/10", "NOWHERE", "idle"), ("hurry", "W1", None, "late"),
        ("split", "W1", "half", None), ("rush", "W9", None, "late"), ("rush", "W1", None, "late"),
    )  # fmt: skip
    with pytest.raises(CellsError) as caught:
        candidates(frames, read_lines(file, BERLIN))
    assert [(cell.row, cell.column) for cell in caught.value.cells] == [
        (2, "value"), (3, "kind"), (4, "reason"), (4, "value"), (5, "subject"),
    ]  # fmt: skip
    assert "row 2, value: expected a sibling of PRESS (OTHER), found 'NOWHERE'" in str(caught.value)


def test_formulas_missing_headings_and_strange_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CellsError, match="row 2, subject: expected text or a number, found a formula"):
        read_lines(filled(tmp_path / "formula.xlsx", ("rush", "=A1", None, "x")), BERLIN)
    with pytest.raises(CellsError, match="row 1, reason: expected a column headed reason, found kind, subject, value"):
        read_lines(filled(tmp_path / "short.xlsx", heading=("kind", "subject", "value")), BERLIN)
    (tmp_path / "text.xlsx").write_text("no workbook")
    with pytest.raises(ValueError, match="expected an Excel workbook"):
        read_lines(tmp_path / "text.xlsx", BERLIN)
    Workbook().save(tmp_path / "other.xlsx")
    with pytest.raises(ValueError, match=f"expected a sheet “{LINES_SHEET}”, found Sheet"):
        read_lines(tmp_path / "other.xlsx", BERLIN)
    (tmp_path / "latin.csv").write_bytes("kind,subject,value,reason\nrush,W1,,für".encode("latin-1"))
    with pytest.raises(ValueError, match="expected a CSV file in UTF-8"):
        read_lines(tmp_path / "latin.csv", BERLIN)


def test_a_time_typed_into_excel_is_plant_time(tmp_path: Path) -> None:
    file = filled(
        tmp_path / "t.xlsx",
        ("resequence", 1001.0, pl.Series(["2026-07-01T06:00"]).str.to_datetime().item(), "tool is away"),
    )
    (row,) = read_lines(file, BERLIN).rows(named=True)
    assert row["subject"] == "1001"
    assert datetime.fromisoformat(row["value"]) == datetime(2026, 7, 1, 4, tzinfo=UTC)


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=20)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS, TEXTS), max_size=5))
def test_csv_and_excel_say_the_same(tmp_path: Path, rows: list[tuple[str, ...]]) -> None:
    plain = [tuple(text.lstrip("='") for text in row) for row in rows]
    excel = read_lines(filled(tmp_path / "same.xlsx", *plain), BERLIN)
    with (tmp_path / "same.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([LINE_COLUMNS, *plain])
    assert read_lines(tmp_path / "same.csv", BERLIN).equals(excel)


def test_what_is_written_is_text_and_opens_with_an_empty_sheet_for_proposals(
    proposed: Proposed, tmp_path: Path
) -> None:
    frames = proposed.frames
    evil = dict(frames) | {"exception_moves": frames["exception_moves"].with_columns(reason=pl.lit('=HYPERLINK("x")'))}
    write_workbook(tmp_path / "night.xlsx", evil, "R1", BERLIN)
    book = load_workbook(tmp_path / "night.xlsx")
    assert book.sheetnames == ["about", LINES_SHEET, "moves", "changes", "customer lines"]
    heading, *rows = book["moves"].iter_rows()
    assert len(rows) == frames["exception_moves"].height > 0
    reasons = [row[[cell.value for cell in heading].index("reason")] for row in rows]
    assert {cell.data_type for cell in reasons} == {"s"}
    assert read_lines(tmp_path / "night.xlsx", BERLIN).is_empty()
    assert list(shown_tables(frames)) == ["exception_moves", "proposal_changes", "order_promises"]
    with pytest.raises(ValueError, match=r"expected a file name that ends in \.xlsx"):
        write_workbook(tmp_path / "night.xls", evil, "R1", BERLIN)
