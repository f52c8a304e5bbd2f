"""The embedded instance's storage: Dagster's SQLite files, kept open.

Dagster opens and closes a database for every event, and closing the last connection writes the journal back and waits for
the disk; a night has six hundred events. Here a file stays open in the process that uses it, and a commit waits for the
disk only when the journal is written back (SQLite's `synchronous = NORMAL`): what a killed process has written stays,
a power cut may cost the last seconds of the event log, never a table of the lake. The files are Dagster's own, so the
class can be taken out of `dagster.yaml` at any time. PostgreSQL (`deploy/`) needs none of this.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from dagster._core.storage.event_log.sqlite.sqlite_event_log import (
    INDEX_SHARD_NAME,
    SqliteEventLogStorage,
    SqliteEventLogStorageWatchdog,
)
from dagster._core.storage.runs import SqliteRunStorage
from dagster._core.storage.schedules import SqliteScheduleStorage
from dagster._core.storage.sql import create_engine
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from sqlalchemy import event

if TYPE_CHECKING:
    from dagster._core.event_api import EventHandlerFn
    from dagster._serdes import ConfigurableClassData
    from sqlalchemy.engine import Connection, Engine
    from watchdog.events import FileSystemEvent

MOST_OPEN = 8  # runs whose files a process keeps open; the daemon and the webserver see many


class OpenEventLog(SqliteEventLogStorage):
    """Dagster's event log in SQLite, one file per run, each opened once."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> Self:
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock, self._engine(shard).connect() as connection, connection.begin():
            yield connection

    def _engine(self, shard: str) -> Engine:
        found = self._engines.get(shard)
        if found is None:
            found = self._engines[shard] = _kept_open(self.conn_string_for_shard(shard))
            if len(self._engines) > MOST_OPEN:
                oldest = next(name for name in self._engines if name != INDEX_SHARD_NAME)
                self._engines.pop(oldest).dispose()
        self._engines.move_to_end(shard)
        if shard not in self._initialized_dbs:
            self._initdb(found)
            self._initialized_dbs.add(shard)
        return found

    def watch(self, run_id: str, cursor: str | None, callback: EventHandlerFn) -> None:
        """Follow a run, for the webserver: what is new stands in the journal beside the file."""
        super().watch(run_id, cursor, callback)
        observer: Any = self._obs
        theirs, watched = self._watchers[run_id][callback]
        mine = _JournalWatchdog(self, run_id, callback, cursor)
        observer.remove_handler_for_watch(theirs, watched)
        observer.add_handler_for_watch(mine, watched)
        self._watchers[run_id][callback] = (mine, watched)

    def wipe(self) -> None:
        self._close()
        super().wipe()

    def dispose(self) -> None:
        super().dispose()
        self._close()

    def _close(self) -> None:
        with self._db_lock:
            while self._engines:
                self._engines.popitem()[1].dispose()


class _JournalWatchdog(SqliteEventLogStorageWatchdog):
    """Told of changes of a run's file and of its journal."""

    def __init__(self, storage: OpenEventLog, run_id: str, callback: EventHandlerFn, cursor: str | None) -> None:
        super().__init__(storage, run_id, callback, cursor)
        self._patterns = [self._log_path, f"{self._log_path}-wal"]

    def on_modified(self, event: FileSystemEvent) -> None:
        self._process_log()


class _OpenFile:
    """Mixed into a storage that is one file."""

    _conn_string: str

    @cached_property
    def _engine(self) -> Engine:
        return _kept_open(self._conn_string)

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        with self._engine.connect() as connection, connection.begin():
            yield connection


class OpenRuns(_OpenFile, SqliteRunStorage):
    """Dagster's runs in SQLite, opened once."""


class OpenSchedules(_OpenFile, SqliteScheduleStorage):
    """Dagster's schedules, sensors and their ticks in SQLite, opened once."""


class OpenSqliteStorage(DagsterSqliteStorage):
    """Dagster's SQLite storage, made of the classes of this module."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._run_storage = OpenRuns(self._run_storage._conn_string)
        self._event_log_storage = OpenEventLog(self._event_log_storage._base_dir)
        self._schedule_storage = OpenSchedules(self._schedule_storage._conn_string)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Any) -> Self:
        return cls.from_local(inst_data=inst_data, **config_value)


def _kept_open(address: str) -> Engine:
    engine = create_engine(address, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS})
    event.listen(engine, "connect", _wait_for_the_disk_less)
    return engine


def _wait_for_the_disk_less(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA synchronous = NORMAL")
