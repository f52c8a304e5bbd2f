"""One key per item, order, work center, machine …, whatever each source writes.

A key is read in this order, and the first that answers wins: the cross-reference table of its source; the master's own
spelling; the same without capitals, separators and (all-digit keys only) leading zeros; the same without a prefix the
policy declares for the source. Two master keys that would become one are kept apart and reported; a reference that fits
both is refused. What fits nothing stays as written: whether that is an error, the table says (`references`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache

import polars as pl

MAP_SCHEMA = {
    "source": pl.String,
    "table": pl.String,
    "column": pl.String,
    "raw_key": pl.String,
    "key": pl.String,
    "rule": pl.String,
}


def trimmed(key: pl.Expr) -> pl.Expr:
    """Outer blanks off, inner blanks to one."""
    return key.str.strip_chars().str.replace_all(r"\s+", " ")


def cleaned(key: pl.Expr) -> pl.Expr:
    """Outer blanks off, inner blanks to one, leading zeros off an all-digit key: how a master key is written here."""
    text = trimmed(key)
    return pl.when(text.str.contains(r"^0+\d+$")).then(text.str.replace(r"^0+(\d)", "$1")).otherwise(text)


def form(key: pl.Expr) -> pl.Expr:
    """What two spellings of one key have in common: capitals, no separators, no leading zeros if all digits."""
    bare = key.str.to_uppercase().str.replace_all(r"[^\p{L}\p{N}]", "")
    bare = pl.when(bare == "").then(key).otherwise(bare)
    return pl.when(bare.str.contains(r"^0+\d+$")).then(bare.str.replace(r"^0+(\d)", "$1")).otherwise(bare)


Lookup = Callable[[pl.Expr], pl.Expr]


@dataclass(frozen=True, slots=True)
class _Known:
    """What a register knows of the names one source writes, as expressions: each null where it does not know a name."""

    keys: pl.Series  # one list of all keys
    shared_forms: pl.Series  # one list of the forms that several keys have
    named: Lookup  # the key of another name
    loosely_named: Lookup  # the key of the form of other names, where it is one key
    by_form: Lookup  # the key of a form that only it has
    other_name: str | None  # the rule by which other names are known


@dataclass(slots=True)
class Register:
    """The keys of one kind of thing: `keys` (key, form), and their other names (`xref`: source, name, key, rule).

    The other names of one register are all known by one rule.
    """

    entity: str
    keys: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema={"key": pl.String, "form": pl.String}))
    xref: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(
            schema={"source": pl.String, "name": pl.String, "key": pl.String, "rule": pl.String}
        )
    )

    refused: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema={"form": pl.String}))
    _known: dict[str, _Known] = field(default_factory=dict)  # by source; what was asked for since a key was last added

    def add_refused(self, keys: pl.Series) -> None:
        """Remember keys whose master row was refused, so that rows that name them say so."""
        gone = pl.DataFrame({"key": keys.cast(pl.String).drop_nulls().unique()}).select(
            form(pl.col("key")).alias("form")
        )
        self.refused = pl.concat([self.refused, gone]).unique().sort("form")

    def add(self, keys: pl.Series) -> None:
        """Register the distinct `keys`."""
        self._known.clear()
        distinct = keys if self.keys.is_empty() else pl.concat([self.keys["key"], keys])
        new = pl.DataFrame({"key": _distinct(distinct)})
        self.keys = new.with_columns(form(pl.col("key")).alias("form"))

    def add_names(self, names: pl.DataFrame) -> None:
        """Register other names of its keys: source, name, key, rule."""
        self._known.clear()
        self.xref = pl.concat([self.xref, names])

    def resolve(self, raw: pl.Series, source: str, prefixes: Sequence[str] = ()) -> pl.DataFrame:
        """One row per distinct value of `raw`: raw, key, rule (null: as written), state known, unknown or ambiguous."""
        names = pl.DataFrame({"raw": _distinct(raw)})
        known, stripped = self._of(source), _without_prefix(pl.col("raw"), prefixes)
        names = names.with_columns(
            trimmed(pl.col("raw")).alias("trim"), form(pl.col("raw")).alias("form"), form(stripped).alias("bare")
        )
        by_form = known.by_form(pl.col("form")).alias("by_form")
        names = names.with_columns(
            pl.coalesce(known.named(pl.col("raw")), known.loosely_named(pl.col("form"))).alias("by_xref"),
            pl.when(pl.col("raw").is_in(known.keys)).then("raw").alias("by_raw"),
            pl.when(pl.col("trim").is_in(known.keys)).then("trim").alias("by_trim"),
            by_form, known.by_form(pl.col("bare")).alias("by_prefix") if prefixes else by_form.alias("by_prefix"),
            pl.col("form").is_in(known.shared_forms).alias("shared"),
        )  # fmt: skip
        ambiguous = pl.coalesce("by_xref", "by_raw", "by_trim").is_null() & pl.col("shared")
        key = pl.coalesce("by_xref", "by_raw", "by_trim", "by_form", "by_prefix")
        names = names.with_columns(key.alias("found"), ambiguous.alias("ambiguous"))
        return names.select(
            "raw",
            pl.coalesce("found", cleaned(pl.col("raw"))).alias("key"),
            _rule(known.other_name).alias("rule"),
            pl.when("ambiguous")
            .then(pl.lit("ambiguous"))
            .when(pl.col("found").is_not_null())
            .then(pl.lit("known"))
            .otherwise(pl.lit("unknown"))
            .alias("state"),
        )

    def knows(self, names: pl.Expr, source: str) -> pl.Expr:
        """Whether every name is a key as it stands and no cross-reference of this source could say otherwise."""
        if self._has_names(source):
            return names.is_null().all()
        return names.is_in(self.keys["key"].implode()).all()

    def _has_names(self, source: str) -> bool:
        return not self.xref.is_empty() and bool((self.xref["source"] == source).any())

    def _of(self, source: str) -> _Known:
        if source not in self._known:
            named: Lookup = _nowhere
            loosely_named: Lookup = _nowhere
            rule: str | None = None
            if self._has_names(source):
                mine = self.xref.filter(pl.col("source") == source)
                loose = mine.with_columns(form(pl.col("name")).alias("form"))
                loose = loose.filter(pl.col("key").n_unique().over("form") == 1)
                named = _lookup(mine.unique("name", keep="first", maintain_order=True), "name")
                loosely_named = _lookup(loose.unique("form", keep="first", maintain_order=True), "form")
                rule = mine["rule"][0]
            forms, shared = self.keys, pl.Series([], dtype=pl.String)
            if forms["form"].n_unique() < forms.height:
                counted = forms.group_by("form").agg(pl.col("key").first(), pl.len())
                forms, shared = counted.filter(pl.col("len") == 1), counted.filter(pl.col("len") > 1)["form"]
            self._known[source] = _Known(
                self.keys["key"].implode(), shared.implode(), named, loosely_named, _lookup(forms, "form"),
                rule,
            )  # fmt: skip
        return self._known[source]


def _nowhere(name: pl.Expr) -> pl.Expr:
    del name
    return pl.lit(None, pl.String)


def _lookup(table: pl.DataFrame, by: str) -> Lookup:
    """Gives the `key` that `table`, with one row per value of `by`, holds for a value.

    Looked up, not joined: a night asks a few dozen times, and what a join costs outweighs its few names.
    """
    if table.is_empty():
        return _nowhere
    return lambda name: name.replace_strict(table[by], table["key"], default=None, return_dtype=pl.String)


def _without_prefix(key: pl.Expr, prefixes: Sequence[str]) -> pl.Expr:
    made = key
    for prefix in sorted(prefixes, key=len, reverse=True):
        made = (
            pl.when(made.str.to_uppercase().str.starts_with(prefix.upper()))
            .then(made.str.slice(len(prefix)))
            .otherwise(made)
        )
    return made


@cache
def _rule(other_name: str | None) -> pl.Expr:
    """What made the key differ from how it was written; null where it does not. `other_name`: the rule of other names."""
    trim = pl.col("trim")
    key = pl.coalesce("found", cleaned(pl.col("raw")))
    return (
        pl.when(pl.col("by_xref").is_not_null() & (key != pl.col("raw"))).then(pl.lit(other_name, pl.String))
        .when(key == pl.col("raw")).then(None)
        .when(key == trim).then(pl.lit("blanks"))
        .when(key.str.to_uppercase() == trim.str.to_uppercase()).then(pl.lit("case"))
        .when(_zeros_off(key) == _zeros_off(trim)).then(pl.lit("zeros"))
        .when(form(key) == form(trim)).then(pl.lit("separators"))
        .otherwise(pl.lit("prefix"))
    )  # fmt: skip


def _zeros_off(key: pl.Expr) -> pl.Expr:
    return key.str.to_uppercase().str.replace(r"^0+(\d+)$", "$1")


def own_spelling(keys: pl.Series) -> pl.DataFrame:
    """How a master's keys are written here: raw, key, form. The master's own spelling counts, capitals included."""
    raw = pl.DataFrame({"raw": _distinct(keys)}).with_columns(key=cleaned(pl.col("raw")))
    return raw.with_columns(form=form(pl.col("key")))


def _distinct(keys: pl.Series) -> pl.Series:
    """The distinct `keys`, sorted, none of them null."""
    distinct = keys.unique().sort()
    return distinct.drop_nulls() if distinct.null_count() else distinct


def valid_xref(xref: pl.DataFrame, on: date) -> pl.DataFrame:
    """Rows of a cross-reference table in force `on` a day: source, name, key, rule."""
    live = xref.filter(
        (pl.col("valid_from").is_null() | (pl.col("valid_from") <= on))
        & (pl.col("valid_to").is_null() | (pl.col("valid_to") >= on))
    )
    return live.select(
        pl.col("source").str.strip_chars().str.to_lowercase(),
        pl.col("source_key").alias("name"),
        "key",
        pl.lit("xref").alias("rule"),
    ).sort("source", "name", "key")


def split_prefixes(prefixes: Mapping[str, Sequence[str]], source: str, entity: str) -> list[str]:
    """The prefixes the policy declares for a source (`mes`) or for one kind of key of it (`mes.order`)."""
    return [*prefixes.get(source, ()), *prefixes.get(f"{source}.{entity}", ())]
