"""A database as a source: one view or query per landing table, streamed, all of one moment, incremental by watermark.

Any database SQLAlchemy has a driver for. What is read is text in contract columns; nothing is interpreted here. One
extraction reads all its tables in one transaction (repeatable read where the database has it), so that orders and their
operations fit together even while people work.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import polars as pl
import psycopg2  # type: ignore[import-untyped]
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, CursorResult, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from recon_platform.connectors.credentials import Secrets
from recon_platform.connectors.door import DoorError, Reading, SourceTable, text_cells
from recon_platform.connectors.files import UOM, landing_tables
from recon_platform.connectors.landing_error import LandingError
from recon_platform.connectors.sql_copy import copied

ROWS_AT_ONCE = 50_000
LOOK_ROWS = 5
LOCAL_HOSTS = (None, "", "localhost", "127.0.0.1", "::1")
SNAPSHOT = {"postgresql": "REPEATABLE READ", "mysql": "REPEATABLE READ", "mssql": "SNAPSHOT", "oracle": "SERIALIZABLE"}


@dataclass(frozen=True, slots=True)
class SqlTable:
    """One landing table of a database: `query` is a SELECT; `overlap` reaches back behind the last watermark.

    The overlap catches rows that were stamped before, and committed after, what was last read: minutes for a watermark
    that is an instant, units for one that is a number.
    """

    table: SourceTable
    query: str
    overlap: float


def engine(url: str, secrets: Secrets, password: str | None) -> Engine:
    """An engine for `url`; the password comes from the secret called `password`. TLS is verified beyond this machine.

    Raises LandingError where the address holds a password or its driver is not installed.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise LandingError("url is no database address such as postgresql+psycopg2://user@host/database") from None
    if parsed.password:
        raise LandingError("url holds a password", action='name a secret instead: password = "NAME"')
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg2")
    if password is not None:
        parsed = parsed.set(password=secrets.get(password))
    try:
        made = create_engine(_verified(parsed), pool_pre_ping=True, hide_parameters=True)
    except (NoSuchModuleError, ImportError) as error:
        raise LandingError(
            f"no driver for {parsed.drivername} ({error})", action="install it beside the program"
        ) from None
    if made.dialect.name == "sqlite":
        event.listen(made, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout = 20000"))
    return made


def _verified(url: URL) -> URL:
    """TLS with a verified certificate where the database is on another host and nothing else was said."""
    host = url.host or str(url.query.get("host", ""))
    local = host in LOCAL_HOSTS or host.startswith("/")
    if url.get_backend_name() == "postgresql" and not local and "sslmode" not in url.query:
        return url.update_query_dict({"sslmode": "verify-full"})
    return url


class SqlDoor:
    """A database that landing tables are read from."""

    def __init__(
        self,
        name: str,
        database: Engine,
        tables: Mapping[str, SqlTable],
        secrets: Secrets,
        *,
        rows_at_once: int = ROWS_AT_ONCE,
    ) -> None:
        self.name = name
        self._engine, self._tables, self._secrets, self._rows = database, dict(tables), secrets, rows_at_once
        self._connection: Connection | None = None

    def tables(self) -> Mapping[str, SourceTable]:
        """Landing tables that the database hands over."""
        return {name: entry.table for name, entry in self._tables.items()}

    def open(self) -> datetime:
        """Begin one transaction for all tables; gives the database's own time in UTC."""
        try:
            connection = self._engine.connect()
            level = SNAPSHOT.get(connection.dialect.name)
            if level is not None:
                connection = connection.execution_options(isolation_level=level)
            self._connection = connection
            now = connection.execute(text("SELECT CURRENT_TIMESTAMP")).scalar_one()
        except SQLAlchemyError as error:
            raise self._error(error) from None
        instant = now if isinstance(now, datetime) else datetime.fromisoformat(str(now))
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)

    def assumptions(self) -> Mapping[str, str]:
        """None: a view says what it says."""
        return {}

    def close(self) -> None:
        """End the transaction; nothing was changed by it."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def extract(self, table: str, since: str | None) -> Iterator[pl.DataFrame]:
        """Rows of `table` in parts; with `since` those later than it less the overlap."""
        entry = self._tables[table]
        watermark = entry.table.watermark
        later = None if since is None or watermark is None else (watermark, _before(since, entry.overlap))
        yield from self._rows_of(table, entry.query, later)

    def keys(self, table: str) -> pl.DataFrame:
        """The keys of `table` that exist now."""
        entry = self._tables[table]
        names = ", ".join(self._quoted(name) for name in entry.table.key)
        return pl.concat(list(self._rows_of(table, f"SELECT {names} FROM ({entry.query}) landed", None)))

    def _rows_of(self, table: str, query: str, later: tuple[str, Any] | None) -> Iterator[pl.DataFrame]:
        """By COPY where the database is PostgreSQL, else by a cursor on the server. `query` is from plant.toml."""
        try:
            connection = self._open_connection()
            if connection.dialect.driver == "psycopg2":
                yield from copied(connection, query, later)
                return
            statement = f"SELECT * FROM ({query}) landed"
            statement += f" WHERE landed.{self._quoted(later[0])} > :since" if later else ""
            result = connection.execute(
                text(statement), {"since": later[1]} if later else {},
                execution_options={"stream_results": True, "max_row_buffer": self._rows},
            )  # fmt: skip
            yield from _parts(result, self._rows)
        except (SQLAlchemyError, psycopg2.Error) as error:
            raise self._error(error, table) from None

    def landed(self) -> None:
        """Nothing is put away."""

    def check(self) -> Sequence[Reading]:
        """A few rows of every table, each in a transaction of its own, and what they lack."""
        found = []
        for name, entry in self._tables.items():
            try:
                with self._engine.connect() as connection:
                    result = connection.execute(text(f"SELECT * FROM ({entry.query}) landed"))
                    columns, rows = list(result.keys()), len(result.fetchmany(LOOK_ROWS))
                    result.close()
            except SQLAlchemyError as error:
                found.append(Reading(name, False, f"cannot be read: {self._first_line(error)}"))
                continue
            found.append(reading(entry.table, columns, rows))
        return found

    def _open_connection(self) -> Connection:
        if self._connection is None:
            self.open()
        assert self._connection is not None
        return self._connection

    def _quoted(self, name: str) -> str:
        return self._engine.dialect.identifier_preparer.quote(name)

    def _first_line(self, error: BaseException) -> str:
        cause = getattr(error, "orig", None) or error
        return self._secrets.hide(" ".join(str(cause).split())[:300])

    def _error(self, error: Exception, table: str | None = None) -> DoorError:
        where = f"{self.name}, table {table}" if table else self.name
        return DoorError(f"{where}: the database says: {self._first_line(error)}")


def reading(table: SourceTable, columns: Sequence[str], rows: int) -> Reading:
    """What a look at `rows` rows with `columns` says about a landing table."""
    contract = landing_tables()[table.name]
    missing = [c.name for c in contract.columns if not c.nullable and c.name != UOM and c.name not in columns]
    keys = [name for name in (*table.key, *((table.watermark,) if table.watermark else ())) if name not in columns]
    if missing or keys:
        what = f"column {missing[0]} of the contract is missing" if missing else f"column {keys[0]} is missing"
        return Reading(table.name, False, f"{what}; found {', '.join(columns)}")
    unknown = sorted(set(columns) - set(contract.column_names))
    absent = [c.name for c in contract.columns if c.nullable and c.name not in columns]
    said = ["readable" if rows else "readable, and empty", "incremental" if table.incremental else "read whole"]
    said += [f"kept but not used: {', '.join(unknown)}"] if unknown else []
    said += [f"not handed over: {', '.join(absent)}"] if absent else []
    return Reading(table.name, True, "; ".join(said))


def _parts(result: CursorResult, rows_at_once: int) -> Iterator[pl.DataFrame]:
    """The rows of a result as text frames; one frame without rows where there is none."""
    names = list(result.keys())
    sent = False
    while rows := result.fetchmany(rows_at_once):
        sent = True
        columns = zip(names, zip(*rows, strict=True), strict=True)
        yield text_cells(pl.DataFrame([pl.Series(name, cells, strict=False) for name, cells in columns]))
    if not sent:
        yield pl.DataFrame(schema=dict.fromkeys(names, pl.String))


def _before(since: str, overlap: float) -> datetime | date | int | Decimal:
    """The watermark to read from: `overlap` minutes (a number: units) before `since`."""
    try:
        number = Decimal(since)
        return int(number - int(overlap)) if number == number.to_integral_value() else number - Decimal(str(overlap))
    except InvalidOperation:
        pass
    if len(since) == len("2026-03-02"):
        return date.fromisoformat(since) - timedelta(days=max(1, round(overlap / 1440)))
    return datetime.fromisoformat(since) - timedelta(minutes=overlap)
