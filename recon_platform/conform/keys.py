"""One key per item, order, work center, machine …, whatever each source writes.

A key is read in this order, and the first that answers wins: the cross-reference table of its source; the master's own
spelling; the same without capitals, separators and (all-digit keys only) leading zeros; the same without a prefix the
policy declares for the source. Two master keys that would become one are kept apart and reported; a reference that fits
both is refused. What fits nothing stays as written: whether that is an error, the table says (`references`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

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


@dataclass(slots=True)
class Register:
    """The keys of one kind of thing: `keys` (key, form), and their other names (`xref`: source, name, key)."""

    entity: str
    keys: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema={"key": pl.String, "form": pl.String}))
    xref: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(
            schema={"source": pl.String, "name": pl.String, "key": pl.String, "rule": pl.String}
        )
    )

    refused: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema={"form": pl.String}))

    def add_refused(self, keys: pl.Series) -> None:
        """Remember keys whose master row was refused, so that rows that name them say so."""
        gone = pl.DataFrame({"key": keys.cast(pl.String).drop_nulls().unique()}).select(
            form(pl.col("key")).alias("form")
        )
        self.refused = pl.concat([self.refused, gone]).unique().sort("form")

    def add(self, keys: pl.Series) -> None:
        """Register the distinct `keys`."""
        new = pl.DataFrame({"key": keys.drop_nulls().unique()}).with_columns(form(pl.col("key")).alias("form"))
        self.keys = pl.concat([self.keys, new]).unique("key").sort("key")

    def resolve(self, raw: pl.Series, source: str, prefixes: Sequence[str] = ()) -> pl.DataFrame:
        """One row per distinct value of `raw`: raw, key, rule (null: as written), state known, unknown or ambiguous."""
        names = pl.DataFrame({"raw": raw.drop_nulls().unique().sort()})
        if self.knows(names["raw"], source):
            return names.select(
                "raw", pl.col("raw").alias("key"), pl.lit(None, pl.String).alias("rule"), pl.lit("known").alias("state")
            )
        names = names.with_columns(trimmed(pl.col("raw")).alias("trim"), form(pl.col("raw")).alias("form"))
        names = self._by_xref(names, source)
        exact = self.keys.select(pl.col("key").alias("trim"), pl.col("key").alias("by_trim"))
        as_is = self.keys.select(pl.col("key").alias("raw"), pl.col("key").alias("by_raw"))
        names = names.join(exact, on="trim", how="left").join(as_is, on="raw", how="left")
        names = self._by_form(names, "form", "by_form", "form_count")
        stripped = _without_prefix(pl.col("raw"), prefixes)
        names = names.with_columns(form(stripped).alias("bare"))
        names = self._by_form(names, "bare", "by_prefix", "prefix_count")
        ambiguous = (
            pl.coalesce("by_xref", "by_raw").is_null() & pl.col("by_trim").is_null() & (pl.col("form_count") > 1)
        )
        key = pl.coalesce("by_xref", "by_raw", "by_trim", "by_form", "by_prefix")
        names = names.with_columns(key.alias("found"), ambiguous.alias("ambiguous"))
        return names.select(
            "raw",
            pl.coalesce("found", cleaned(pl.col("raw"))).alias("key"),
            _rule().alias("rule"),
            pl.when("ambiguous")
            .then(pl.lit("ambiguous"))
            .when(pl.col("found").is_not_null())
            .then(pl.lit("known"))
            .otherwise(pl.lit("unknown"))
            .alias("state"),
        ).sort("raw")

    def knows(self, names: pl.Series, source: str) -> bool:
        """Whether every name is a key as it stands and no cross-reference of this source could say otherwise."""
        if names.null_count() == names.len():
            return True
        if not self.xref.is_empty() and (self.xref["source"] == source).any():
            return False
        return bool(names.drop_nulls().unique().is_in(self.keys["key"].implode()).all())

    def _by_xref(self, names: pl.DataFrame, source: str) -> pl.DataFrame:
        mine = self.xref.filter(pl.col("source") == source)
        exact = mine.select(
            pl.col("name").alias("raw"), pl.col("key").alias("x_exact"), pl.col("rule").alias("r_exact")
        )
        loose = mine.with_columns(form(pl.col("name")).alias("form")).filter(pl.col("key").n_unique().over("form") == 1)
        loose = loose.select("form", pl.col("key").alias("x_loose"), pl.col("rule").alias("r_loose")).unique(
            "form", keep="first", maintain_order=True
        )
        joined = names.join(exact.unique("raw", keep="first", maintain_order=True), on="raw", how="left").join(
            loose, on="form", how="left"
        )
        return joined.with_columns(
            pl.coalesce("x_exact", "x_loose").alias("by_xref"), pl.coalesce("r_exact", "r_loose").alias("xref_rule")
        )

    def _by_form(self, names: pl.DataFrame, on: str, into: str, count: str) -> pl.DataFrame:
        forms = self.keys.group_by("form").agg(
            pl.when(pl.len() == 1).then(pl.col("key").first()).otherwise(None).alias(into), pl.len().alias(count)
        )
        return names.join(forms.rename({"form": on}), on=on, how="left")


def _without_prefix(key: pl.Expr, prefixes: Sequence[str]) -> pl.Expr:
    made = key
    for prefix in sorted(prefixes, key=len, reverse=True):
        made = (
            pl.when(made.str.to_uppercase().str.starts_with(prefix.upper()))
            .then(made.str.slice(len(prefix)))
            .otherwise(made)
        )
    return made


def _rule() -> pl.Expr:
    """What made the key differ from how it was written; null where it does not."""
    trim = pl.col("trim")
    key = pl.coalesce("found", cleaned(pl.col("raw")))
    return (
        pl.when(pl.col("by_xref").is_not_null() & (key != pl.col("raw"))).then(pl.col("xref_rule"))
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
    """How a master's keys are written here: raw, key. The master's own spelling counts, capitals included."""
    return pl.DataFrame({"raw": keys.drop_nulls().unique().sort()}).with_columns(cleaned(pl.col("raw")).alias("key"))


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
