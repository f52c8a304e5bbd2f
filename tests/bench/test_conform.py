"""Conforming keeps its pace: a million operation rows within ten CPU seconds."""

from __future__ import annotations

import pytest

from recon_platform.bench.conform import measure, table

CPU_S_PER_MILLION = 10.0


@pytest.mark.parametrize("rows", [50_000, pytest.param(1_000_000, marks=pytest.mark.long)])
def test_operation_rows_are_conformed_in_time(rows: int) -> None:
    figure = measure(rows)
    assert figure.operation_rows == rows
    assert figure.cpu_s < 1.0 + CPU_S_PER_MILLION * rows / 1_000_000
    assert f"{rows:,}" in table([figure])
