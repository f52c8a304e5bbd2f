"""Runs of numbers missing from a dense series are told; single ones, young series and ragged ones are not."""

from __future__ import annotations

import json

import polars as pl
import pytest

from recon_platform.conform.series import SERIES, id_gaps

DENSE = range(1_000, 1_400)


def gaps(numbers: list[int], table: str = "purchase_orders", prefix: str = "PO") -> pl.DataFrame:
    keys = [f"{prefix}{number}" for number in numbers]
    made = {
        name: pl.DataFrame({column: keys if name == table else []}, schema={column: pl.String})
        for name, column in SERIES
    }
    return id_gaps(made)


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        (range(1_300, 1_312), "PO1300 to PO1311"),
        (range(1_050, 1_062), None),  # the older half: closed orders go one by one
        (range(1_300, 1_305), None),  # five in a row happen
        (range(1_201, 1_400, 3), None),  # a ragged series tells nothing
    ],
)
def test_only_a_run_in_the_newer_half_of_a_dense_series_is_a_gap(missing: range, told: str | None) -> None:
    found = gaps([number for number in DENSE if number not in missing])
    assert [json.loads(evidence)["where"] for evidence in found["evidence"]] == ([] if told is None else [told])


def test_number_ranges_are_judged_one_by_one_and_few_numbers_not_at_all() -> None:
    assert gaps([*DENSE, *range(300_000, 300_400)]).is_empty()
    assert gaps([number for number in range(1_000, 1_150) if not 1_120 <= number < 1_135]).is_empty()
    both = gaps([n for n in (*DENSE, *range(300_000, 300_400)) if not 300_300 <= n < 300_320])
    assert both.select("entity", "mes_value").rows() == [("purchase_orders", "20")]


def test_keys_without_a_number_are_no_series() -> None:
    assert gaps([], "work_orders").is_empty()
    assert id_gaps({name: pl.DataFrame({column: ["A-B", "C"]}) for name, column in SERIES}).is_empty()
