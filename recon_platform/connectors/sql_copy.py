"""Read a query of PostgreSQL by COPY: rows come as one CSV stream, and are never Python objects.

What lands is the same text as by a cursor where instants, days, flags and binary values are concerned; numbers come as
PostgreSQL writes them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl
import pyarrow as pa
from pyarrow import csv as arrow_csv
from sqlalchemy import Connection

BLOCK_BYTES = 32 * 1024 * 1024
FORMS = {
    1114: """to_char({0}, 'YYYY-MM-DD"T"HH24:MI:SS.US')""",  # timestamp
    1184: """to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')""",  # timestamptz
    1082: "to_char({0}, 'YYYY-MM-DD')",  # date
    16: "{0}::text",  # boolean
    17: "encode({0}, 'hex')",  # bytea
}
"""Type → how its text is made; types by their numbers in `pg_type`, which never change."""


def copied(connection: Connection, query: str, later_than: tuple[str, Any] | None) -> Iterator[pl.DataFrame]:
    """The rows of `query` as text frames, in parts; one frame without rows where there is none.

    With `later_than`, a column and a value, those whose column is greater. The stream goes through an unnamed file, so the
    database is done before the first part is handed on. Raises the driver's error.
    """
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, tempfile.TemporaryFile() as file:
        if later_than is not None:
            value = cursor.mogrify("%s", (later_than[1],)).decode()
            query = f"SELECT * FROM ({query}) whole WHERE {_quoted(later_than[0])} > {value}"
        cursor.execute(f"SELECT * FROM ({query}) shape LIMIT 0")
        names, types = [column.name for column in cursor.description], [c.type_code for c in cursor.description]
        cells = ", ".join(FORMS.get(kind, "{0}").format(_quoted(name)) for name, kind in zip(names, types, strict=True))
        cursor.copy_expert(f"COPY (SELECT {cells} FROM ({query}) rows) TO STDOUT (FORMAT csv, ENCODING 'utf8')", file)
        file.seek(0)
        if not file.read(1):
            yield pl.DataFrame(schema=dict.fromkeys(names, pl.String))
            return
        file.seek(0)
        yield from _parts(file, names)


def _parts(file: Any, names: Sequence[str]) -> Iterator[pl.DataFrame]:
    """The CSV in blocks; an empty cell is null unless it is quoted."""
    reader = arrow_csv.open_csv(
        file,
        read_options=arrow_csv.ReadOptions(column_names=list(names), block_size=BLOCK_BYTES),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.large_string()), null_values=[""], strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )  # fmt: skip
    for batch in reader:
        yield pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch])))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
