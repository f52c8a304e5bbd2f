"""Bad files of every sort end in one clear line or in quarantine, never in a traceback, and no row is lost."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from recon_platform.conform import ConformError, conform
from recon_platform.connectors import LandingError, read_landing
from recon_platform.tables.context import PlanContext
from tests.connectors.test_files import write

TABLES = ("items", "work_orders", "routings", "bom_lines", "operation_status", "calendars", "inventory", "feeds")
WEIRD = (
    "", " ", "\t", "-", "--", "NULL", "None", "NaN", "inf", "-inf", "1e999", "1e-999", "0x1F", "1_000", "1,5",
    "1.234.567,8",
    "½", "١٢٣", "true", "maybe", "=cmd|' /C calc'!A0", "@SUM(A1:A9)", "+1+1", "'; drop table items; --",
    "<script>x</script>",
    "24:00.0", "1900-01-01", "1900-01-01 01:05:00", "9999-99-99", "0000-00-00", "2026-02-30", "2026-03-29T02:30:00",
    "2026-10-25T02:30:00", "2026-03-02T06:00:00+99:00", "99999999999999999999999", "\u0000", "a\u0000b", "\u202e",
    "\ufeffBOLT", "💥",
    "x" * 100_000, "BOLT\nWIRE", 'say "hi"', "../../etc/passwd", "${HOME}", "{{7*7}}", "%s%n",
)  # fmt: skip


def _cell(data: bytes, rng: random.Random) -> bytes:
    """One cell replaced by something odd."""
    lines = data.decode().splitlines()
    row = rng.randrange(1, len(lines))
    cells = lines[row].split(",")
    odd = rng.choice(WEIRD)
    cells[rng.randrange(len(cells))] = '"' + odd.replace('"', '""') + '"' if rng.random() < 0.7 else odd
    lines[row] = ",".join(cells)
    return ("\n".join(lines) + "\n").encode()


def _header(data: bytes, rng: random.Random) -> bytes:
    """One header name replaced, doubled or lost."""
    first, rest = data.split(b"\n", 1)
    names = first.split(b",")
    place = rng.randrange(len(names))
    names[place] = rng.choice([b"", b"x", names[0], names[place].upper(), b'"', b"_row", names[place] + b","])
    return b",".join(names) + b"\n" + rest


def _truncate(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def _bytes(data: bytes, rng: random.Random) -> bytes:
    """A few bytes flipped to anything."""
    made = bytearray(data)
    for _ in range(rng.randrange(1, 6)):
        made[rng.randrange(len(made))] = rng.randrange(256)
    return bytes(made)


def _encoding(data: bytes, rng: random.Random) -> bytes:
    text = data.decode() + "Ä,Ö,Ü\n"
    return text.encode(rng.choice(["utf-16", "utf-16-le", "latin-1", "cp1252", "utf-8-sig", "utf-32", "cp037"]))


def _ragged(data: bytes, rng: random.Random) -> bytes:
    """Rows with more or fewer fields, or none."""
    lines = data.splitlines()
    row = rng.randrange(1, len(lines))
    lines[row] = rng.choice(
        [
            b"",
            b",",
            b",,,,,,,,,,,,,,,,,,,,,",
            lines[row] + b",more",
            lines[row].split(b",")[0],
            b'"',
            b'""""',
            lines[row] * 3,
        ]
    )
    return b"\n".join(lines) + rng.choice([b"", b"\n", b"\r\n", b"\n\n\n"])


def _separators(data: bytes, rng: random.Random) -> bytes:
    return data.replace(b",", rng.choice([b";", b"\t", b"|", b", "])).replace(
        b"\n", rng.choice([b"\n", b"\r\n", b"\r"])
    )


def _parquet(data: bytes, rng: random.Random) -> bytes:
    """The same rows as Parquet, with another type, a part cut off, or bytes flipped."""
    import io

    frame = pl.read_csv(data, infer_schema=rng.random() < 0.5)
    column = rng.choice(frame.columns)
    change: pl.Expr = rng.choice([
        pl.col(column), pl.lit(None).alias(column), pl.lit(1.5).alias(column), pl.lit(value=True).alias(column),
        pl.lit([1, 2]).alias(column), pl.lit(date(2026, 3, 2)).alias(column),
        pl.col(column).cast(pl.Categorical, strict=False),
        pl.lit(b"\xff").alias(column), pl.lit(timedelta(days=1)).alias(column), pl.lit(float("nan")).alias(column),
    ])  # fmt: skip
    buffer = io.BytesIO()
    try:
        frame.with_columns(change).write_parquet(buffer)
    except pl.exceptions.PolarsError:
        frame.write_parquet(buffer)
    made = buffer.getvalue()
    return made if rng.random() < 0.6 else _truncate(made, rng) if rng.random() < 0.5 else _bytes(made, rng)


SPOIL: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _cell, _cell, _cell, _header, _truncate, _bytes, _encoding, _ragged, _separators, _parquet,
)  # fmt: skip


def _one_bad_landing(folder: Path, seed: int) -> str:
    """Spoil one or two files of a good landing; gives what became of it."""
    rng = random.Random(seed)
    write(folder)
    for _ in range(rng.choice([1, 1, 2])):
        name, spoil = rng.choice(TABLES), rng.choice(SPOIL)
        path = folder / f"{name}.csv"
        if not path.exists() or not path.read_bytes().strip() or path.read_bytes().count(b"\n") < 2:
            continue
        try:
            data = spoil(path.read_bytes(), rng)
        except UnicodeDecodeError:
            continue  # the first spoiling left no text that the second could work on
        if spoil is _parquet:
            path.unlink()
            path = path.with_suffix(".parquet")
        path.write_bytes(data)
    if rng.random() < 0.05:
        (folder / "plant.toml").write_bytes(_bytes((folder / "plant.toml").read_bytes(), rng))
    try:
        landing = read_landing(folder)
        day = landing.as_of.astimezone(landing.plant.zone).date()
        made = conform(landing.frames, PlanContext(landing.plant, day, landing.as_of, policy=landing.policy))
    except (LandingError, ConformError) as error:
        assert "\n" not in str(error)
        return "refused"
    counts = made["row_counts"]
    assert (counts["rows_in"] == counts["rows_out"] + counts["rows_quarantined"]).all()
    assert made["quarantine"].height == counts["rows_quarantined"].sum()
    assert made["quarantine"]["reason"].str.len_chars().min() != 0
    return "quarantined" if made["quarantine"].height else "through"


def _run(folder: Path, seeds: range) -> dict[str, int]:
    outcomes: dict[str, int] = {}
    for seed in seeds:
        try:
            outcome = _one_bad_landing(folder / str(seed), seed)
        except Exception as error:
            raise AssertionError(f"bad file {seed} ended in {type(error).__name__}: {error}") from error
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    return outcomes


PARTS = [pytest.param(range(start, start + 46), marks=pytest.mark.long) for start in range(40, 500, 46)]


@pytest.mark.parametrize("seeds", [range(40), *PARTS], ids=lambda seeds: f"{seeds.start}-{seeds.stop}")
def test_bad_files_end_in_an_error_or_in_quarantine(tmp_path: Path, seeds: range) -> None:
    outcomes = _run(tmp_path, seeds)
    assert outcomes.get("refused", 0) > 0
    assert outcomes.get("quarantined", 0) > 0
