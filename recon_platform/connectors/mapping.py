"""Mapping profiles: any extract becomes landing tables by one SQL query per table, and what it lacks is declared.

A profile is a folder: `profile.toml` (what it is, its source files, plant settings, assumptions, absent tables) and
`tables/<table>.sql`, one DuckDB query per landing table. Every source is a view of text columns under its name; every
assumption with a value is a variable (`getvariable('as_of')`). Assumptions go into `plant.toml` and stay with each run.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from recon_platform.connectors.files import ROW_VERSION, landing_tables
from recon_platform.connectors.landing_error import LandingError
from recon_platform.connectors.plant_file import FILE as PLANT_FILE
from recon_platform.connectors.plant_file import read_plant_file

PROFILE_FILE = "profile.toml"
REPORT_FILE = "mapping_report.json"
Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Assumption:
    """Something the extract does not say and the profile declares in its place. `value` is what the queries use."""

    name: str
    text: str
    value: Value | None = None

    def __str__(self) -> str:
        return self.text if self.value is None else f"{self.value}: {self.text}"


@dataclass(frozen=True, slots=True)
class Fact:
    """A count the profile takes of the source itself, for instance rows that contradict themselves."""

    name: str
    text: str
    count: int


@dataclass(frozen=True, slots=True)
class MappingReport:
    """What `apply_profile` made: rows by landing table, rows by source, declared assumptions, what is unavailable."""

    profile: str
    out: str
    sources: Mapping[str, int]
    tables: Mapping[str, int]
    assumptions: tuple[Assumption, ...]
    absent: Mapping[str, str] = field(default_factory=dict)
    facts: tuple[Fact, ...] = ()

    def lines(self) -> list[str]:
        """The report for people, one statement per line."""
        made = [f"{self.profile} → {self.out}"]
        made += [f"read {name}: {rows} rows" for name, rows in self.sources.items()]
        made += [f"wrote {name}: {rows} rows" for name, rows in self.tables.items()]
        made += [f"assumed {a.name} = {a}" for a in self.assumptions]
        made += [f"unavailable {name}: {why}" for name, why in self.absent.items()]
        made += [f"found {fact.count}: {fact.text}" for fact in self.facts]
        return made

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def shipped_profiles() -> tuple[str, ...]:
    """Names of the profiles that come with the platform."""
    folder = files("recon_platform.connectors") / "profiles"
    return tuple(sorted(entry.name for entry in folder.iterdir() if (entry / PROFILE_FILE).is_file()))


def apply_profile(
    profile: str | Path, source_folder: Path, out_folder: Path, *, assume: Mapping[str, Value] | None = None
) -> MappingReport:
    """Map the files in `source_folder` to landing tables in `out_folder`.

    `profile` is the name of a shipped profile or a profile folder. `assume` replaces values of declared assumptions by
    name. Raises LandingError, one line, for an unknown profile, a missing source file, a source without a column that
    a query needs, or an assumption the profile does not declare.
    """
    source, out = Path(source_folder), Path(out_folder)
    folder = _folder(profile)
    with as_file(folder) as path:
        spec = _Spec.read(path)
        assumptions = spec.with_values(assume or {})
        connection = _open(spec, source, assumptions)
        try:
            return _write(spec, path, out, connection, assumptions)
        finally:
            connection.close()


@dataclass(frozen=True, slots=True)
class _Spec:
    name: str
    plant: Mapping[str, Any]
    sources: Mapping[str, str]
    assumptions: tuple[Assumption, ...]
    absent: Mapping[str, str]
    facts: Mapping[str, Mapping[str, str]]
    nulls: tuple[str, ...]

    @classmethod
    def read(cls, folder: Path) -> _Spec:
        file = folder / PROFILE_FILE
        try:
            values = tomllib.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise LandingError("the profile is missing", file=str(file), action="give a profile folder") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise LandingError(f"not valid TOML: {error}", file=str(file)) from None
        allowed = {"name", "description", "plant", "sources", "assumptions", "absent", "facts", "nulls"}
        unknown = sorted(set(values) - allowed)
        if unknown:
            raise LandingError(
                f"unknown setting {unknown[0]!r}", file=str(file), action=f"known: {', '.join(sorted(allowed))}"
            )
        for needed in ("name", "plant", "sources"):
            if needed not in values:
                raise LandingError(f"{needed} is missing", file=str(file), column=needed)
        declared = tuple(
            Assumption(name, str(entry["text"]), entry.get("value"))
            for name, entry in values.get("assumptions", {}).items()
        )
        return cls(
            str(values["name"]), values["plant"], values["sources"], declared, values.get("absent", {}),
            values.get("facts", {}), tuple(values.get("nulls", [""])),
        )  # fmt: skip

    def with_values(self, given: Mapping[str, Value]) -> tuple[Assumption, ...]:
        known = {assumption.name for assumption in self.assumptions}
        unknown = sorted(set(given) - known)
        if unknown:
            raise LandingError(
                f"assumption {unknown[0]!r} is not declared by profile {self.name}",
                file=PROFILE_FILE,
                column=unknown[0],
                action=f"declared are {', '.join(sorted(known))}",
            )
        return tuple(Assumption(a.name, a.text, given.get(a.name, a.value)) for a in self.assumptions)


def _folder(profile: str | Path) -> Any:
    path = Path(profile)
    if path.is_dir():
        return path
    shipped = files("recon_platform.connectors") / "profiles" / str(profile)
    if isinstance(profile, str) and "/" not in profile and (shipped / PROFILE_FILE).is_file():
        return shipped
    raise LandingError(
        f"no profile {str(profile)!r}", action=f"shipped are {', '.join(shipped_profiles())}; or give a folder"
    )


def _open(spec: _Spec, source: Path, assumptions: tuple[Assumption, ...]) -> duckdb.DuckDBPyConnection:
    """A database in memory with every source as a table of text columns and every assumption as a variable."""
    if not source.is_dir():
        raise LandingError(f"source folder {source} does not exist", action="check the path")
    connection = duckdb.connect()
    for name, file in spec.sources.items():
        path = source / file
        if not path.is_file():
            raise LandingError(
                "the source file is missing", file=file, action=f"profile {spec.name} needs it in {source}"
            )
        reader = (
            "read_parquet(?)"
            if path.suffix == ".parquet"
            else "read_csv(?, all_varchar = true, header = true, nullstr = ?)"
        )
        parameters: list[object] = [str(path)] if path.suffix == ".parquet" else [str(path), list(spec.nulls)]
        try:
            connection.execute(f'create table "{name}" as select * from {reader}', parameters)
        except duckdb.Error as error:
            raise LandingError(f"the source file cannot be read ({_first_line(error)})", file=file) from None
    for assumption in assumptions:
        if assumption.value is not None:
            connection.execute(f"set variable {_identifier(assumption.name)} = {_literal(assumption.value)}")
    connection.execute("set enable_external_access = false")  # queries see the sources and nothing else
    return connection


def _write(
    spec: _Spec, folder: Path, out: Path, connection: duckdb.DuckDBPyConnection, assumptions: tuple[Assumption, ...]
) -> MappingReport:
    out.mkdir(parents=True, exist_ok=True)
    contract = landing_tables()
    made: dict[str, int] = {}
    common = folder / "common.sql"
    if common.is_file():
        _run(connection, common.read_text(encoding="utf-8"), common.name)
    for file in sorted((folder / "tables").glob("*.sql")):
        if file.stem not in contract:
            raise LandingError(
                f"{file.stem} is no table of the contract", file=f"tables/{file.name}", action="rename the query"
            )
        frame = _frame(connection, file.read_text(encoding="utf-8"), f"tables/{file.name}")
        unknown = [name for name in frame.columns if name not in (*contract[file.stem].column_names, ROW_VERSION)]
        if unknown:
            raise LandingError(
                f"column {unknown[0]!r} is not in the contract", file=f"tables/{file.name}", column=unknown[0]
            )
        _write_csv(frame, out / f"{file.stem}.csv")
        made[file.stem] = frame.height
    empty = [name for name, rows in made.items() if rows == 0 and not contract[name].optional]
    absent = {**spec.absent, **{name: "the source has no rows for it" for name in empty if name not in spec.absent}}
    facts = tuple(
        Fact(name, entry["text"], _count(connection, entry["sql"], name)) for name, entry in spec.facts.items()
    )
    sources = {name: _count(connection, f'select count(*) from "{name}"', name) for name in spec.sources}
    report = MappingReport(spec.name, str(out), sources, made, assumptions, absent, facts)
    text = _plant_toml(spec, assumptions, absent)
    (out / PLANT_FILE).write_text(text, encoding="utf-8")
    read_plant_file(
        text.encode()
    )  # what was written must be readable: a wrong setting is the profile's fault, said now
    (out / REPORT_FILE).write_text(json.dumps(report.to_dict(), indent=1, default=str), encoding="utf-8")
    return report


def _write_csv(frame: pl.DataFrame, path: Path) -> None:
    """Rows in one order, so that the same source gives the same bytes."""
    frame.sort(frame.columns, nulls_last=True).write_csv(
        path, datetime_format="%Y-%m-%dT%H:%M:%S", time_format="%H:%M:%S"
    )


def _run(connection: duckdb.DuckDBPyConnection, sql: str, file: str) -> duckdb.DuckDBPyConnection:
    try:
        return connection.execute(sql)
    except duckdb.Error as error:
        raise LandingError(
            f"the query fails: {_first_line(error)}", file=file, action="correct the query or the source"
        ) from None


def _frame(connection: duckdb.DuckDBPyConnection, sql: str, file: str) -> pl.DataFrame:
    try:
        return pl.DataFrame(pl.from_arrow(connection.sql(sql).to_arrow_table()))
    except duckdb.Error as error:
        raise LandingError(
            f"the query fails: {_first_line(error)}", file=file, action="correct the query or the source"
        ) from None


def _count(connection: duckdb.DuckDBPyConnection, sql: str, name: str) -> int:
    row = _run(connection, sql, name).fetchone()
    return int(row[0]) if row else 0


def _plant_toml(spec: _Spec, assumptions: tuple[Assumption, ...], absent: Mapping[str, str]) -> str:
    variables = {assumption.name: assumption.value for assumption in assumptions}
    settings = {key: variables.get(value[1:], value) if isinstance(value, str) and value.startswith("$") else value
                for key, value in spec.plant.items()}  # fmt: skip
    lines = [f"{key} = {_toml(value)}" for key, value in settings.items() if not isinstance(value, Mapping)]
    lines.append(f"absent = {_toml(sorted(absent))}")
    lines.append("\n[assumptions]")
    lines += [f"{assumption.name} = {_toml(str(assumption))}" for assumption in assumptions]
    lines += [f"absent_{name} = {_toml(why)}" for name, why in sorted(absent.items())]
    for section, values in (spec.plant.get("policy") or {}).items():
        lines.append(f"\n[policy.{section}]")
        lines += [f"{key} = {_toml(value)}" for key, value in values.items()]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list):
        return "[" + ", ".join(_toml(entry) for entry in value) + "]"
    return json.dumps(str(value), ensure_ascii=False)


def _literal(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return "'" + value.replace("'", "''") + "'"


def _identifier(name: str) -> str:
    if not name.isidentifier():
        raise LandingError(f"{name!r} is not a name", file=PROFILE_FILE, action="use letters, digits and '_'")
    return name


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
