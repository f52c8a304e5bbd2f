"""The transactional store as a database: opening it, its version, and its two kinds of transaction.

SQLite (the default) runs in WAL mode with `synchronous=FULL`: an acknowledged decision is on the disk. Writers take
the write lock when they begin, so what a transaction read is still so when it commits. PostgreSQL writers lock the
one row of `audit_head` first, to the same effect. Either way writers have an order, and the audit chain follows it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from recon_platform.governance import schema
from recon_platform.governance.errors import GovernanceError, NotInitialisedError

BUSY_MS = 60_000  # how long a writer waits for the others before it gives up


def open_engine(url: str) -> Engine:
    """An engine for `url`: a SQLite file, `sqlite:///PATH` or `postgresql+psycopg2://…`; GovernanceError otherwise."""
    try:
        parsed = make_url(url if "://" in url else f"sqlite:///{Path(url).resolve()}")
    except ArgumentError as error:
        raise GovernanceError(
            f"not a database address: {url!r}; use sqlite:///PATH or postgresql+psycopg2://…"
        ) from error
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        engine = create_engine(parsed, connect_args={"timeout": BUSY_MS / 1000, "check_same_thread": False})
        event.listen(engine, "connect", _sqlite_connect)
        event.listen(engine, "begin", _sqlite_begin)
        return engine
    if backend == "postgresql":
        return create_engine(parsed.set(drivername="postgresql+psycopg2"), pool_pre_ping=True)
    raise GovernanceError(f"governance runs on SQLite or PostgreSQL, not on {backend}")


def _sqlite_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun below, not by the driver
    connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _sqlite_begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that is alone among writers; committed at the end, undone by an exception."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(select(schema.audit_head).with_for_update()).all()
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads, and sees one state throughout."""
    options: dict[str, Any] = {}
    if engine.dialect.name == "postgresql":
        options["isolation_level"] = "REPEATABLE READ"
    with engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection


def migrate(url: str) -> None:
    """Create the store or bring it to the current version; a SQLite file is made readable by its owner only."""
    from alembic import command  # noqa: PLC0415 - half a second to import; only `recon init` migrates
    from alembic.config import Config  # noqa: PLC0415

    engine = open_engine(url)
    path = engine.url.database
    if engine.dialect.name == "sqlite" and path and path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()


def check_version(engine: Engine) -> None:
    """Raise NotInitialisedError unless the store exists and is of this program's version."""
    path = engine.url.database
    where = engine.url.render_as_string(hide_password=True)
    if engine.dialect.name == "sqlite" and path and not Path(path).exists():
        raise NotInitialisedError(f"no governance store at {where}; make one with `recon init`")
    try:
        with engine.connect() as connection:
            found = None
            if inspect(connection).has_table("alembic_version"):
                found = connection.execute(text("select version_num from alembic_version")).scalar()
    except DBAPIError as error:
        raise NotInitialisedError(f"the governance store at {where} cannot be read: {error.orig}") from error
    if found is None:
        raise NotInitialisedError(f"no governance store at {where}; make one with `recon init`")
    if found != schema.VERSION:
        raise NotInitialisedError(
            f"the governance store at {where} has version {found}, this program needs {schema.VERSION}; "
            "bring it up with `recon init --upgrade`"
        )
