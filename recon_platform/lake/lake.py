"""The lake: Delta tables by layer, replaced per plant and planning date in one commit, read at any version.

Belongs here: writing, reading, versions. What a run did is kept by `runs`, what may be cleaned up by `maintenance`.
Only protocol version 1/2 without table features is written, so Spark, Databricks and DuckDB read every table.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import polars as pl
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from recon_platform.lake.digest import frame_digest, ordered_digest
from recon_platform.lake.errors import ConflictError, LakeError, MissingTableError
from recon_platform.lake.stored import (
    FRONT,
    PARTITION,
    STORED,
    aligned,
    check_plant,
    check_types,
    original_form,
    stored_form,
)
from recon_platform.tables.model import Table
from recon_platform.tables.order import canonical_order
from recon_platform.tables.registry import CONFORMED, TABLES, output_table
from recon_platform.tables.validation import TableError, check

RAW = "raw"
RAW_KEY = ("_file", "_row")
ATTEMPTS = 8
FIRST_PAUSE_SECONDS = 0.02
LOOK_BACK = 50  # commits searched for one's own after others committed too
CONFIGURATION: dict[str, str | None] = {
    "delta.checkpointInterval": "20",
    "delta.logRetentionDuration": "interval 3650 days",
    "delta.deletedFileRetentionDuration": "interval 3650 days",
}
"""History is kept for ten years unless maintenance, which knows the manifests, removes it."""


@dataclass(frozen=True, slots=True)
class Written:
    """One commit: the Delta version that holds it, its rows, and the digest of its content."""

    version: int
    rows: int
    digest: str


class Lake:
    """Delta tables at `<root>/<layer>/<table>`.

    `root` is a local folder or an object-store address (`s3://…`; `storage_options` as the Delta library takes them).
    """

    def __init__(self, root: str | Path, storage_options: Mapping[str, str] | None = None) -> None:
        self.root = str(root).rstrip("/")
        self.storage_options = dict(storage_options) if storage_options else None

    def path(self, layer: str, table: str) -> str:
        return f"{self.root}/{layer}/{table}"

    def digest(self, frame: pl.DataFrame, table: Table | None = None) -> str:
        """The content digest of `frame`; of a table's frame rows are ordered by the table's key first."""
        return frame_digest(frame, table.key if table is not None else ())

    def write(
        self, layer: str, table: str | Table, frame: pl.DataFrame, *, plant: str, planning_date: date, sequence: int,
        run_id: str, metadata: Mapping[str, str] | None = None, digest: str | None = None,
    ) -> Written:  # fmt: skip
        """Replace one plant's night of a table in one commit. `digest`: of `frame` (`digest`), where it is known.

        `frame` is checked against its table first: nothing invalid is ever committed. The commit's metadata hold `run`,
        `digest`, `rows` and all of `metadata`. Raises LakeError: for a frame that does not fit, a plant code that
        cannot stand in a path, a stored column of another type, or others committing to the same night without end.
        """
        name, known = self._known(layer, table)
        ordered = self._checked(layer, name, known, frame, run_id)
        return self._commit(
            _Commit(
                layer, name, known, stored_form(ordered, check_plant(plant), planning_date, sequence),
                {"digest": digest or ordered_digest(ordered), "run": run_id, **(metadata or {})}, PARTITION,
                predicate=f"plant = '{plant}' AND planning_date = '{planning_date.isoformat()}'",
            )
        )  # fmt: skip

    def append(
        self,
        layer: str,
        table: str | Table,
        frame: pl.DataFrame,
        *,
        plant: str,
        planning_date: date,
        sequence: int = 0,
        run_id: str,
        metadata: Mapping[str, str] | None = None,
        once: str | None = None,
    ) -> Written:
        """Add rows of one night to a table that only grows. With `once`, a second append of that name is refused.

        Raises ConflictError where `once` was used already, also by a writer racing from the same snapshot; and what
        `write` raises.
        """
        name, known = self._known(layer, table)
        ordered = self._checked(layer, name, known, frame, run_id)
        return self._commit(
            _Commit(
                layer, name, known, stored_form(ordered, check_plant(plant), planning_date, sequence),
                {"digest": ordered_digest(ordered), "run": run_id, **(metadata or {})}, PARTITION, once=once,
            )
        )  # fmt: skip

    def append_log(
        self,
        layer: str,
        table: str | Table,
        frame: pl.DataFrame,
        *,
        metadata: Mapping[str, str],
        once: str | None = None,
    ) -> Written:
        """Add rows to a log of the whole installation: no plant and night in front, no partitions, never replaced."""
        name, known = self._known(layer, table)
        ordered = self._checked(layer, name, known, frame, "log")
        described = {"digest": ordered_digest(ordered), **metadata}
        return self._commit(_Commit(layer, name, known, check_types(ordered), described, (), once=once))

    def read(
        self, layer: str, table: str | Table, *, version: int | None = None, plant: str | None = None,
        planning_date: date | None = None, front: bool = False,
    ) -> pl.DataFrame:  # fmt: skip
        """Rows of a table at `version` (default: the newest), of one plant and date where they are given.

        Rows stand in the order of the table's key, whatever files hold them. Columns plant, planning_date and sequence
        are left out unless `front`. Raises MissingTableError where the table
        or the version is not there.
        """
        name, known = self._known(layer, table)
        delta = self._open(layer, name, version)
        wanted = {"plant": plant, "planning_date": planning_date.isoformat() if planning_date else None}
        rows = self._rows(delta, f"{self.path(layer, name)}/", {k: v for k, v in wanted.items() if v is not None})
        if not delta.metadata().partition_columns:
            return canonical_order(original_form(rows, known), known.key if known is not None else ())
        body = original_form(rows.drop(*FRONT), known)
        key = known.key if known is not None else tuple(name for name in RAW_KEY if name in body.columns)
        if front:
            return canonical_order(rows.select(*FRONT).hstack(body), (*FRONT, *key))
        return canonical_order(body, key)

    def exists(self, layer: str, table: str) -> bool:
        return bool(DeltaTable.is_deltatable(self.path(layer, table), storage_options=self.storage_options))

    def version(self, layer: str, table: str) -> int:
        """The newest version; MissingTableError where there is no table."""
        return self._open(layer, table, None).version()

    def history(self, layer: str, table: str, limit: int | None = None) -> list[dict[str, Any]]:
        """Commits, newest first, each with its metadata and `version`, as far back as the log goes."""
        newest = self._open(layer, table, None).version()
        oldest = 0 if limit is None else max(0, newest - limit + 1)
        return list(self._commits(layer, table, range(newest, oldest - 1, -1)))

    def commits(self, layer: str, table: str) -> Iterator[dict[str, Any]]:
        """The same one by one, read as they are asked for: who looks for a recent commit reads few."""
        return self._commits(layer, table, range(self._open(layer, table, None).version(), -1, -1))

    def tables(self) -> list[tuple[str, str]]:
        """Layer and name of every table, sorted; at an address, which cannot be listed, of those the registry knows."""
        if "://" in self.root:
            known = [(str(output_table(name).layer), name) for name in TABLES] + [(RAW, name) for name in CONFORMED]
            return sorted(place for place in known if self.exists(*place))
        logs = Path(self.root).glob("*/*/_delta_log")
        return sorted((log.parent.parent.name, log.parent.name) for log in logs if log.is_dir())

    def delta(self, layer: str, table: str, version: int | None = None) -> DeltaTable:
        """The Delta table itself, for maintenance and inspection."""
        return self._open(layer, table, version)

    @staticmethod
    def _known(layer: str, table: str | Table) -> tuple[str, Table | None]:
        """Name and description; tables as they came from a landing folder (layer `raw`) have none."""
        if isinstance(table, Table):
            return table.name, table
        return table, None if layer == RAW else output_table(table)

    @staticmethod
    def _checked(layer: str, name: str, known: Table | None, frame: pl.DataFrame, run_id: str) -> pl.DataFrame:
        """`frame` in canonical order once it was found to fit its table."""
        if known is not None:
            try:
                check(known, frame)
            except TableError as error:
                raise LakeError(f"run {run_id} may not write {layer}.{name}: {error}") from error
        return canonical_order(frame, known.key if known is not None else ())

    def _open(self, layer: str, table: str, version: int | None) -> DeltaTable:
        path = self.path(layer, table)
        try:
            return DeltaTable(path, version=version, storage_options=self.storage_options)
        except TableNotFoundError as error:
            raise MissingTableError(
                f"table {layer}.{table} is not in the lake at {self.root}; run a night first"
            ) from error
        except DeltaError as error:
            if version is None:
                raise LakeError(f"table {layer}.{table} at {path} cannot be opened: {error}") from error
            raise MissingTableError(
                f"table {layer}.{table} has no version {version} any more, or never had; see its history"
            ) from error

    def _rows(self, delta: DeltaTable, base: str, wanted: Mapping[str, str]) -> pl.DataFrame:
        """All rows of the partitions that match, columns as stored."""
        schema = _stored_schema(delta)
        parts = []
        for path, partition in _files(delta):
            if any(str(partition[name]) != value for name, value in wanted.items()):
                continue
            where = f"version {delta.version()} of {' '.join(str(value) for value in partition.values())} in {base}"
            try:
                part = pl.read_parquet(base + path, glob=False, storage_options=self.storage_options)
            except FileNotFoundError as error:
                raise MissingTableError(
                    f"{where} lacks the file {path.rsplit('/', 1)[-1]}: removed by maintenance after its retention "
                    "period, or lost; restore it from a copy"
                ) from error
            except pl.exceptions.PolarsError as error:
                raise LakeError(
                    f"{where}: the file {path.rsplit('/', 1)[-1]} is damaged ({error}); restore it from a copy"
                ) from error
            front = [pl.lit(value, dtype=FRONT[name]).alias(name) for name, value in partition.items()]
            absent = [
                pl.lit(None, dtype=dtype).alias(name)
                for name, dtype in schema.items()
                if name not in part.columns and name not in partition
            ]
            parts.append(part.with_columns(*front, *absent).select(list(schema)))
        return pl.concat(parts) if parts else pl.DataFrame(schema=schema)

    def _commit(self, commit: _Commit) -> Written:
        where = f"table {commit.layer}.{commit.table}"
        mark = uuid.uuid4().hex
        properties = CommitProperties(
            custom_metadata={"rows": str(commit.data.height), **commit.metadata, "commit": mark},
            max_commit_retries=ATTEMPTS,
            app_transactions=[Transaction(commit.once, 1)] if commit.once is not None else None,
        )
        pause = FIRST_PAUSE_SECONDS
        last: Exception | None = None
        for _ in range(ATTEMPTS):
            try:
                delta = self._open(commit.layer, commit.table, None)
            except MissingTableError:
                delta = None
            if commit.once is not None and delta is not None and delta.transaction_version(commit.once) is not None:
                raise ConflictError(f"{where}: {commit.once} was committed already")
            try:
                if delta is None:
                    self._create(commit, properties)
                    # Somebody may have made the table in the same instant; then this commit is not its first.
                    made = self._open(commit.layer, commit.table, None)
                    version = self._own_version(commit, made.version(), mark)
                else:
                    frame, wider = aligned(commit.data, _stored_schema(delta), f"{commit.layer}.{commit.table}")
                    _put(delta, frame, commit.predicate, wider, properties)
                    version = self._own_version(commit, delta.version(), mark)
            except CommitFailedError as error:
                last = error
                time.sleep(pause)
                pause *= 2
                continue
            except (DeltaError, OSError) as error:
                raise LakeError(
                    f"{where} at {self.path(commit.layer, commit.table)} was not written: {error}"
                ) from error
            return Written(version, commit.data.height, commit.metadata["digest"])
        raise ConflictError(
            f"{where}: others committed to the same night {ATTEMPTS} times in a row; start the run again"
        ) from last

    def _own_version(self, commit: _Commit, version: int, mark: str) -> int:
        """The version of one's own commit: `version`, unless somebody committed in the same instant."""
        for made in self._commits(commit.layer, commit.table, range(version, max(-1, version - LOOK_BACK), -1)):
            if made.get("commit") == mark:
                return int(made["version"])
        raise LakeError(
            f"table {commit.layer}.{commit.table}: the commit just made is not in its last {LOOK_BACK} commits"
        )

    def _commits(self, layer: str, table: str, versions: range) -> Iterator[dict[str, Any]]:
        """The commit infos of `versions`, until one is not in the log any more.

        Read from the log itself: the library's history of a snapshot gives whatever is newest in storage, so that
        versions counted from it are wrong while others commit.
        """
        for version in versions:
            name = f"{self.path(layer, table)}/_delta_log/{version:020}.json"
            try:
                text = self._text(name)
            except FileNotFoundError:
                return
            actions = [json.loads(line) for line in text.split("\n") if line]
            info: dict[str, Any] = next((action["commitInfo"] for action in actions if "commitInfo" in action), {})
            yield {**info, "version": version}

    def _text(self, name: str) -> str:
        if "://" not in name:
            return Path(name).read_text(encoding="utf-8")
        lines = pl.scan_lines(name, storage_options=self.storage_options).collect()
        return "\n".join(lines.to_series())

    def _create(self, commit: _Commit, properties: CommitProperties) -> None:
        """Make the table with this commit; CommitFailedError where somebody else was faster."""
        path = self.path(commit.layer, commit.table)
        try:
            write_deltalake(
                path, commit.data, mode="error", partition_by=list(commit.partition) or None,
                configuration=CONFIGURATION, storage_options=self.storage_options,
                name=f"{commit.layer}.{commit.table}",
                description=commit.known.meaning if commit.known is not None else None,
                commit_properties=properties,
            )  # fmt: skip
        except DeltaError as error:
            if DeltaTable.is_deltatable(path, storage_options=self.storage_options):
                raise CommitFailedError(str(error)) from error
            raise


@dataclass(frozen=True, slots=True)
class _Commit:
    """One commit to be made. `predicate` names the night it replaces; without one rows are added."""

    layer: str
    table: str
    known: Table | None
    data: pl.DataFrame
    metadata: Mapping[str, str]
    partition: tuple[str, ...]
    predicate: str | None = None
    once: str | None = None


def _put(
    delta: DeltaTable, frame: pl.DataFrame, predicate: str | None, wider: bool, properties: CommitProperties
) -> None:
    merge: Literal["merge"] | None = "merge" if wider else None
    if predicate is None:
        write_deltalake(delta, frame, mode="append", schema_mode=merge, commit_properties=properties)
    else:
        write_deltalake(
            delta, frame, mode="overwrite", predicate=predicate, schema_mode=merge, commit_properties=properties
        )


def _stored_schema(delta: DeltaTable) -> dict[str, pl.DataType]:
    schema = {}
    for field in delta.schema().fields:
        kind = getattr(field.type, "type", str(field.type))
        if kind not in STORED:
            raise LakeError(f"column {field.name} is stored as {kind}, which this lake does not write")
        schema[field.name] = STORED[kind]
    return schema


def _files(delta: DeltaTable) -> list[tuple[str, dict[str, Any]]]:
    """Path below the table and partition values of every file of this version, sorted by path."""
    actions = pl.DataFrame(delta.get_add_actions(flatten=True))
    names = delta.metadata().partition_columns
    rows = actions.select("path", *(f"partition.{name}" for name in names)).sort("path").iter_rows()
    return [(path, dict(zip(names, values, strict=True))) for path, *values in rows]
