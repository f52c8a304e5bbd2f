"""How long a table takes from PostgreSQL to the lake: extracted by the door, landed, packed, written to Delta.

The table is made in a schema of its own and dropped afterwards: measured cycle times, six columns, a key of three.
"""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
from sqlalchemy import text

from recon_platform.connectors.credentials import Secrets
from recon_platform.connectors.door import SourceTable
from recon_platform.connectors.extraction import extract_night
from recon_platform.connectors.sql import SqlDoor, SqlTable, engine
from recon_platform.lake import Lake
from recon_platform.lake.raw import packed, raw_text

SCHEMA = "recon_bench"
TABLE = "cycle_times"
FILL = f"""
CREATE TABLE {SCHEMA}.{TABLE} AS SELECT 'WO' || (n / 5) AS "order", (n % 5) * 10 AS op_seq, 'M' || n % 40 AS machine,
    (n % 900)::float8 AS qty, 1.5 + n % 7 AS run_min, timestamptz '2026-01-01' + n * interval '3 seconds' AS at
FROM generate_series(1, :rows) n"""
PLANT = 'plant = "BENCH"\n'


@dataclass(frozen=True, slots=True)
class ExtractFigure:
    """One size: rows, seconds on the clock, CPU seconds of this process, rows per second, peak memory."""

    rows: int
    wall_s: float
    cpu_s: float
    rows_per_s: float
    peak_mib: float


def run(
    rows: Sequence[int], url: str, *, password: str | None = None, say: Callable[[str], None] = lambda _: None
) -> list[ExtractFigure]:
    """Measure each size in the database at `url`, whose password is the secret called `password`."""
    secrets = Secrets()
    database = engine(url, secrets, password)
    query = SqlTable(
        SourceTable(TABLE, "mes", ("order", "op_seq", "at"), "at"), f"SELECT * FROM {SCHEMA}.{TABLE}", 60.0
    )
    figures = []
    try:
        for size in rows:
            say(f"{size:,} rows")
            with database.begin() as connection:
                connection.execute(text(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"))
                connection.execute(text(f"CREATE SCHEMA {SCHEMA}"))
                connection.execute(text(FILL), {"rows": size})
            with tempfile.TemporaryDirectory(prefix="recon-bench-") as folder:
                figures.append(_measure(SqlDoor("bench", database, {TABLE: query}, secrets), Path(folder), size))
        return figures
    finally:
        with database.begin() as connection:
            connection.execute(text(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"))
        database.dispose()


def _measure(door: SqlDoor, folder: Path, rows: int) -> ExtractFigure:
    plant_file = folder / "plant.toml"
    plant_file.write_text(PLANT, encoding="utf-8")
    wall, cpu = time.perf_counter(), time.process_time()
    extract_night([door], plant_file, folder / "landing", folder / "state")
    frame = raw_text(TABLE, pl.read_parquet(folder / "landing" / f"{TABLE}.parquet"))
    table, ready = packed(TABLE, frame)
    written = Lake(str(folder / "lake")).write(
        "raw", table, ready, plant="BENCH", planning_date=date(2026, 3, 2), sequence=0, run_id="bench"
    )
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    if written.rows != rows:
        raise RuntimeError(f"{written.rows:,} rows are in the lake, {rows:,} were in the database")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return ExtractFigure(rows, round(wall, 2), round(cpu, 2), round(rows / wall, 0), round(peak, 0))


def table(figures: Sequence[ExtractFigure]) -> str:
    """The figures for people."""
    head = f"{'rows':>12} {'seconds':>9} {'CPU s':>8} {'rows/s':>12} {'peak MiB':>9}"
    lines = [
        f"{f.rows:>12,} {f.wall_s:>9.2f} {f.cpu_s:>8.2f} {f.rows_per_s:>12,.0f} {f.peak_mib:>9,.0f}" for f in figures
    ]
    return "\n".join([head, *lines])
