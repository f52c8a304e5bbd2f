"""How the origin of a column is written down, and how it is read.

An origin is text with one or more words, each a column or the reason why there is none:

- `items.cost`: column `cost` of table `items` of the same night; `items.cost,uom` two columns of it;
- `previous.pegging.qty`: of the run before; `published.schedule.start`: of the schedule in force;
- `raw.items.uom`: of the landing as it came; `raw.*.key`: the keys of every landing table; `raw.*.*`: every cell;
- `@policy`, `@rules`, `@run`, `@words`, `@decided`: no column: a setting, the catalogue of rules or gates, the run itself
  (plant, planning date, instant), a word or number that the code alone writes, or what people asked for and decided.

Belongs here: the notation. The declarations stand in one module per part of the night.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from recon_platform.tables.model import Layer, Table
from recon_platform.tables.registry import TABLES, output_table

NO_COLUMN: dict[str, str] = {
    "@policy": "settings of the policy",
    "@rules": "the catalogue of rules and gates",
    "@run": "plant, planning date and instant of the run",
    "@words": "written by the code",
    "@decided": "requests and decisions in the governance store",
}
"""Why a column, or a part of it, comes from no column."""

RAW, PREVIOUS, PUBLISHED = "raw", "previous", "published"
IN_FORCE = {"schedule": "published_schedule"}  # what a stage calls the tables of the schedule in force


@dataclass(frozen=True, slots=True)
class Origin:
    """One column that another is made from. `place` is empty for the same night, else `raw`, `previous`, `published`."""

    place: str
    table: str
    column: str


@dataclass(frozen=True, slots=True)
class MadeFrom:
    """The origins of one table: `columns` by name; every other column repeats the one of its name in a table of `carried`."""

    columns: Mapping[str, str] = field(default_factory=dict)
    carried: str = ""


def origins(table: Table, made: MadeFrom) -> dict[str, tuple[Origin, ...]]:
    """Origins of every column of `table`; empty where a column has a reason instead.

    Raises ValueError naming the columns that `made` says nothing about, or that are not the table's.
    """
    unknown = set(made.columns) - set(table.column_names)
    if unknown:
        raise ValueError(f"provenance of {table.name}: it has no columns {sorted(unknown)}")
    found, silent = {}, []
    for column in table.column_names:
        said = made.columns.get(column) or " ".join(
            f"{name}.{column}" for name in made.carried.split() if column in _columns(name)
        )
        if not said:
            silent.append(column)
            continue
        found[column] = tuple(dict.fromkeys(origin for word in said.split() for origin in _read(word)))
    if silent:
        raise ValueError(f"provenance of {table.name}: nothing is said about {silent}; name their origin or a reason")
    return found


def reasons(made: MadeFrom) -> dict[str, str]:
    """Columns of which a part comes from no column → why, in words."""
    return {
        column: ", ".join(NO_COLUMN[word] for word in said.split() if word.startswith("@"))
        for column, said in made.columns.items()
        if "@" in said
    }


def _columns(name: str) -> tuple[str, ...]:
    return _table(*_split(name)).column_names


def _split(name: str) -> tuple[str, str]:
    place, _, table = name.rpartition(".")
    return place, table


def _table(place: str, name: str) -> Table:
    if place == RAW:
        return TABLES[name]
    return output_table(IN_FORCE.get(name, name) if place == PUBLISHED else name)


def _read(word: str) -> Iterator[Origin]:
    """The columns one word stands for. Raises KeyError for a table, column or reason that does not exist."""
    if word.startswith("@"):
        if word not in NO_COLUMN:
            raise KeyError(f"{word}: expected one of {', '.join(NO_COLUMN)}")
        return
    where, _, names = word.rpartition(".")
    place, name = _split(where)
    if place not in ("", RAW, PREVIOUS, PUBLISHED):
        raise KeyError(f"{word}: expected table.column, with raw., previous. or published. in front")
    for table in _landing() if name == "*" else (_table(place, name),):
        for column in _named(table, names):
            yield Origin(place, table.name, table.column(column).name)


def _named(table: Table, names: str) -> tuple[str, ...]:
    if names == "*":
        return table.column_names
    if names == "key":
        return table.key or (table.column_names[0],)
    return tuple(names.split(","))


def _landing() -> tuple[Table, ...]:
    return tuple(table for table in TABLES.values() if table.layer is Layer.LANDING)
