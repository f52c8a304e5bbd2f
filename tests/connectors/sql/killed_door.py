"""A process that extracts or delivers and ends itself by SIGKILL at a named point, to be run again by the test.

`python killed_door.py extract PLANT_FILE OUT STATE POINT` or `… write PLANT_FILE WRITES POINT`. Points of `extract`: `first`
(after the first table), `landed` (the landing is in place, the state is not), `never`. Of `write`: the number of SQL
statements sent before it dies, or `never`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import event

from recon_platform.connectors import extraction
from recon_platform.connectors.connect_file import connections, plant_write_back, source
from recon_platform.connectors.credentials import Secrets
from recon_platform.connectors.write_back import Write


def die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def extract(plant_file: Path, out: Path, state: Path, point: str) -> None:
    door = source("erp", connections(plant_file)["erp"], Secrets(), plant_file)
    assert door is not None
    if point == "first":
        table, done = extraction._table, []

        def then_die(*arguments: Any) -> Any:
            if done:
                die()
            done.append(table(*arguments))
            return done[0]

        extraction._table = then_die
    if point == "landed":
        extraction._replace_state = die
    extraction.extract_night([door], plant_file, out, state)


def write(plant_file: Path, writes: Path, point: str) -> None:
    erp: Any = plant_write_back(plant_file, Secrets())
    if point != "never":
        sent = []

        @event.listens_for(erp._engine, "before_cursor_execute")
        def count(*_: Any) -> None:
            sent.append(1)
            if len(sent) > int(point):
                die()

    erp.write([Write(**row) for row in json.loads(writes.read_text())])


if __name__ == "__main__":
    if sys.argv[1] == "extract":
        extract(*map(Path, sys.argv[2:5]), sys.argv[5])
    else:
        write(*map(Path, sys.argv[2:4]), sys.argv[4])
