"""The benchmark works at any size, and at the largest keeps its memory."""

from __future__ import annotations

import pytest

from recon_platform.bench.material import bench_material


def test_the_benchmark_times_every_part() -> None:
    timings = {t.part: t for t in bench_material(orders=400, items=200, levels=4, events=40)}
    assert {"assemble", "net", "requirements", "pegging", "messages", "attribution"} <= set(timings)
    assert timings["pegging"].rows > 0 and timings["attribution"].rows > 0
    netting = timings["in all: netting"]
    assert netting.cpu_seconds == timings["assemble"].cpu_seconds + timings["net"].cpu_seconds


@pytest.mark.long
def test_a_million_open_orders_are_planned_in_seconds_under_four_gibibytes() -> None:
    timings = {t.part: t for t in bench_material()}
    assert max(t.peak_mib for t in timings.values()) <= 4096
    assert timings["in all: netting"].seconds <= 6
    assert timings["in all: messages and pegging"].seconds <= 6
    assert timings["attribution"].seconds <= 3
