"""Read one CSV or Parquet file of a landing table: every cell as it came, every row accounted for.

Belongs here: encoding, header, ragged rows, broken files. Does not belong here: what a cell means.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import polars as pl
import pyarrow as pa
import pyarrow.csv as arrow_csv
from pyarrow import parquet

from recon_platform.connectors.landing_error import LandingError

LONGEST_ROW_BYTES = 16 * 1024 * 1024
PROBLEM = "_problem"
ROW = "_row"
SINGLE_VALUES = (pl.String, pl.Boolean, pl.Date, pl.Datetime, pl.Time, pl.Categorical, pl.Enum, pl.Null)


def read_csv(data: bytes, file: str, needed: Sequence[str]) -> pl.DataFrame:
    """The rows of a CSV file as text, plus `_row` (1-based data row) and `_problem` (null, or why a row is malformed).

    A row with too few or too many fields is kept, with `_problem` saying so. Raises LandingError where the encoding is
    not UTF-8, the header lacks one of `needed` or repeats a name, or quoting is broken beyond a single row.
    """
    text = data.removeprefix(b"\xef\xbb\xbf")
    if not text.strip():
        raise LandingError("the file is empty", file=file, action="deliver at least a header row")
    _require_utf8(text, file)
    header, body = _split_header(text, file)
    require_header(header, file, needed)
    if text.count(b'"') % 2:
        row = _open_quote_row(body)
        raise LandingError("a quoted field never ends", file=file, row=row, action='close the quotation mark (")')
    return _parse(header, body, file)


def _require_utf8(data: bytes, file: str) -> None:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise LandingError("the file is UTF-16, not UTF-8", file=file, action="export it as UTF-8")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line_start = data.rfind(b"\n", 0, error.start) + 1
        row = data.count(b"\n", 0, error.start)
        column = _column_at(data, line_start, error.start)
        raise LandingError(
            f"byte 0x{data[error.start]:02x} is not UTF-8",
            file=file,
            column=column,
            row=row,
            action="export it as UTF-8",
        ) from None


def _column_at(data: bytes, line_start: int, position: int) -> str | None:
    """The header name above `position`, when the header itself can be read."""
    names = data.split(b"\n", 1)[0].rstrip(b"\r").split(b",")
    index = data.count(b",", line_start, position)
    if line_start == 0 or index >= len(names):
        return None
    return names[index].decode("utf-8", "replace").strip('" ')


def _split_header(data: bytes, file: str) -> tuple[list[str], bytes]:
    line, _, body = data.partition(b"\n")
    try:
        names = next(csv.reader([line.decode("utf-8").rstrip("\r")], strict=True), [])
    except csv.Error as error:
        raise LandingError(f"the header cannot be read ({error})", file=file, row=0) from None
    return [name.strip() for name in names], body


def require_header(header: Sequence[str], file: str, needed: Sequence[str]) -> None:
    """Raise LandingError where `header` lacks a needed column, repeats one, or has one without a name."""
    missing = [name for name in needed if name not in header]
    if missing:
        if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
            raise LandingError("the header is not separated by commas", file=file, row=0, action="export with commas")
        found = ", ".join(header[:20])[:200]
        raise LandingError(
            f"column {missing[0]!r} is missing (found: {found})", file=file, column=", ".join(missing), row=0,
            action="add the column or correct its name in the header",
        )  # fmt: skip
    for index, name in enumerate(header):
        if not name:
            raise LandingError(f"column {index + 1} has no name", file=file, row=0, action="name it or remove it")
        if name in header[:index]:
            raise LandingError(f"column {name!r} appears twice", file=file, column=name, row=0, action="keep one")
        if name.startswith("_"):
            raise LandingError(
                f"column {name!r} starts with an underscore", file=file, column=name, row=0, action="rename it"
            )


def _open_quote_row(body: bytes) -> int:
    """The last data row at which an odd number of quotation marks begins."""
    opened = 0
    inside = False
    for number, line in enumerate(body.split(b"\n"), start=1):
        if line.count(b'"') % 2:
            inside = not inside
            opened = number if inside else opened
    return opened


def _parse(header: list[str], body: bytes, file: str) -> pl.DataFrame:
    if not body.strip():
        return pl.DataFrame(schema=dict.fromkeys(header, pl.String) | {ROW: pl.Int64, PROBLEM: pl.String})
    skipped: list[tuple[int, str]] = []

    def keep(row: arrow_csv.InvalidRow) -> str:
        skipped.append((row.number or 0, row.text))
        return "skip"

    def parse(*, threads: bool) -> pa.Table:
        skipped.clear()
        return arrow_csv.read_csv(
            pa.BufferReader(body),
            read_options=arrow_csv.ReadOptions(use_threads=threads, column_names=header, block_size=LONGEST_ROW_BYTES),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=b'"' in body, invalid_row_handler=keep),
            convert_options=arrow_csv.ConvertOptions(
                column_types={name: pa.large_string() for name in header},
                strings_can_be_null=True, quoted_strings_can_be_null=True, null_values=[""],
            ),
        )  # fmt: skip

    try:
        table = parse(threads=True)
        if skipped:  # only a serial reader numbers the rows it skips
            table = parse(threads=False)
    except pa.ArrowInvalid as error:
        raise LandingError(f"the file cannot be read as CSV ({_first_line(error)})", file=file) from None
    frame = pl.DataFrame(pl.from_arrow(table))
    bad_numbers = sorted(number for number, _ in skipped)
    good = frame.with_columns(
        pl.Series(ROW, _row_numbers(frame.height, bad_numbers), dtype=pl.Int64), pl.lit(None, pl.String).alias(PROBLEM)
    )
    if not skipped:
        return good
    return pl.concat([good, _malformed(header, skipped)]).sort(ROW)


def _row_numbers(good: int, bad: list[int]) -> pl.Series:
    taken = pl.Series(bad, dtype=pl.Int64)
    numbers = pl.int_range(1, good + len(bad) + 1, eager=True, dtype=pl.Int64)
    return numbers.filter(~numbers.is_in(taken.implode())) if bad else numbers


def _malformed(header: list[str], skipped: list[tuple[int, str]]) -> pl.DataFrame:
    rows: list[dict[str, object]] = []
    for number, text in skipped:
        try:
            fields = next(csv.reader(io.StringIO(text)), [])
        except csv.Error:
            fields = [text]
        row: dict[str, object] = dict(zip(header, fields, strict=False))
        row[ROW] = number
        row[PROBLEM] = f"the row has {len(fields)} fields, the header {len(header)}"
        rows.append(row)
    schema = dict.fromkeys(header, pl.String) | {ROW: pl.Int64, PROBLEM: pl.String}
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema, orient="row")


def read_parquet(data: bytes, file: str, needed: Sequence[str]) -> pl.DataFrame:
    """The rows of a Parquet file, types as they came, plus `_row` and `_problem`; raises LandingError as `read_csv`.

    A file that a connector made may carry `_problem` already: what was wrong with the row where it came from.
    """
    if not data:
        raise LandingError("the file has 0 bytes", file=file, action="deliver a Parquet file with a schema")
    try:
        table = parquet.read_table(pa.BufferReader(data))
        frame = pl.DataFrame(pl.from_arrow(table))
    except (pa.ArrowException, OSError, pl.exceptions.PolarsError, ValueError) as error:
        raise LandingError(
            f"the file is not readable Parquet ({_first_line(error)})", file=file, action="write it again"
        ) from None
    return numbered(frame, file, needed)


def numbered(frame: pl.DataFrame, file: str, needed: Sequence[str]) -> pl.DataFrame:
    """A table as its file holds it, plus `_row` and `_problem`.

    Raises LandingError where it lacks one of `needed`, repeats a name, or holds a type that no cell has.
    """
    require_header([name for name in frame.columns if name != PROBLEM], file, needed)
    for name, dtype in frame.schema.items():
        if not (dtype.is_numeric() or dtype.base_type() in SINGLE_VALUES):
            raise LandingError(
                f"column holds {dtype}, expected text, numbers, dates or times",
                file=file,
                column=name,
                action="convert it",
            )
    given = frame[PROBLEM].cast(pl.String) if PROBLEM in frame.columns else None
    problem = pl.Series(PROBLEM, [None], pl.String).new_from_index(0, frame.height) if given is None else given
    return with_series(frame, [pl.int_range(1, frame.height + 1, dtype=pl.Int64, eager=True).alias(ROW), problem])


def with_series(frame: pl.DataFrame, columns: Sequence[pl.Series]) -> pl.DataFrame:
    """`frame` with `columns`, which take the place of those of their name: without a query where there are none."""
    if any(column.name in frame.columns for column in columns):
        return frame.with_columns(columns)
    return frame.hstack(list(columns))


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
