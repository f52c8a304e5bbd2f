"""What nights tell about themselves while they run: metrics by the OpenTelemetry interface, and one structured log line.

Without an OpenTelemetry SDK the metrics cost nothing and go nowhere; with one (`opentelemetry-instrument`, or an exporter
set up by the host) they leave as they are. Log records carry their figures in `fields`, so that a JSON handler writes
them as columns; the Dagster instance takes over the logger `recon` (`python_logs` in dagster.yaml).
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from opentelemetry import metrics

LOGGER = logging.getLogger("recon")
_METER = metrics.get_meter("recon")
_STAGES = _METER.create_histogram("recon.stage.duration", "s", "Time a stage of a night took, writing included.")
_RUNS = _METER.create_counter("recon.runs.finished", "{run}", "Runs whose manifest was written.")
_DELIVERED = _METER.create_counter("recon.outbox.messages", "{message}", "Messages by what their target answered.")
_PROPOSED = _METER.create_histogram("recon.event_to_proposal.duration", "s", "From a dropped event to its proposal.")


def stage_done(run_id: str, plant: str, stage: str, seconds: float, rows: int) -> None:
    """A stage of a run has written its tables."""
    _STAGES.record(seconds, {"plant": plant, "stage": stage})
    _tell("stage done", run=run_id, plant=plant, stage=stage, seconds=round(seconds, 3), rows=rows)


def run_finished(run_id: str, plant: str, sequence: int) -> None:
    """The manifest of a run was written: a night where `sequence` is 0, else a rerun."""
    _RUNS.add(1, {"plant": plant, "kind": "rerun" if sequence else "night"})
    _tell("run finished", run=run_id, plant=plant, sequence=sequence)


def delivered(accepted: int, refused: int, postponed: int) -> None:
    """One round of the relay is over."""
    for answer, count in (("accepted", accepted), ("refused", refused), ("postponed", postponed)):
        if count:
            _DELIVERED.add(count, {"answer": answer})
    if accepted or refused or postponed:
        _tell("outbox delivered", accepted=accepted, refused=refused, postponed=postponed)


def proposed_after(plant: str, seconds: float) -> None:
    """A rerun's proposal was finished `seconds` after the event that asked for it was dropped."""
    _PROPOSED.record(seconds, {"plant": plant})
    _tell("event answered", plant=plant, seconds=round(seconds, 1))


class JsonLines(logging.Formatter):
    """One JSON object a line: at (UTC), level, message, and the record's own fields."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat()
        known = {"at": at, "level": record.levelname, "message": getattr(record, "event", record.getMessage())}
        return json.dumps({**known, **getattr(record, "fields", {})}, default=str)


def _tell(message: str, **fields: Any) -> None:
    LOGGER.info("%s %s", message, json.dumps(fields, sort_keys=True), extra={"event": message, "fields": fields})
