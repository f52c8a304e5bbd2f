"""Metrics reach whatever SDK the host has set up, and log lines are JSON."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

from recon_platform.nights.telemetry import LOGGER, JsonLines, run_finished

SHIPS = """
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
reader = InMemoryMetricReader()
metrics.set_meter_provider(MeterProvider([reader]))
from recon_platform.nights import telemetry
telemetry.stage_done("P.2026-03-02.0.x", "P", "schedule", 1.5, 10)
telemetry.run_finished("P.2026-03-02.1.x", "P", 1)
telemetry.delivered(3, 1, 0)
telemetry.proposed_after("P", 12.0)
found = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
for metric in found:
    for point in metric.data.data_points:
        print(metric.name, metric.unit, getattr(point, "value", None) or point.sum, *sorted(point.attributes.values()))
"""


def test_metrics_reach_an_sdk() -> None:
    done = subprocess.run([sys.executable, "-c", SHIPS], capture_output=True, text=True, check=True)
    assert set(done.stdout.splitlines()) == {
        "recon.stage.duration s 1.5 P schedule",
        "recon.runs.finished {run} 1 P rerun",
        "recon.outbox.messages {message} 3 accepted",
        "recon.outbox.messages {message} 1 refused",
        "recon.event_to_proposal.duration s 12.0 P",
    }


def test_a_log_line_is_one_json_object_with_its_figures() -> None:
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(JsonLines().format(record))

    handler, level = Keep(), LOGGER.level
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    try:
        run_finished("P.2026-03-02.0.x", "P", 0)
    finally:
        LOGGER.removeHandler(handler)
        LOGGER.setLevel(level)
    (line,) = lines
    found = json.loads(line)
    assert (found["message"], found["run"], found["sequence"]) == ("run finished", "P.2026-03-02.0.x", 0)
    assert found["at"].endswith("+00:00")
