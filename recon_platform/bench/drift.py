"""How well planted errors are found: per kind of drift, recall over what the data can show and precision of what fired.

Scores any landing folders against any truth in the columns of table `truth`, also ones the generator did not write.
An error counts as found when every rule or gate that truth expects fired on it. What fired without being planted counts
against every kind that expects the rule. Consequences (rows that name a refused row, rest of a broken routing) are not
counted: they say so themselves.
"""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from recon_platform.bench.reconciliation import found_findings, without_breaker
from recon_platform.conform import conform
from recon_platform.conform.gates import GATES
from recon_platform.connectors import LandingError, read_landing
from recon_platform.connectors.files import Landing
from recon_platform.nights.context import landing_context
from recon_platform.plantsim import generate
from recon_platform.reconcile import reconcile
from recon_platform.tables.truth import TRUTH

KEY_MAP = "key_map"
UNPLANTED = "(unplanted)"
CONSEQUENCES = frozenset({"key_refused", "routing_broken"})
CORRECTED_BY = ("case", "blanks", "zeros", "separators", "prefix")
_KEPT_ROW = r"^row (\d+) of "
TIMES = ("time_mended", "time_ambiguous", "time_nonexistent")  # findings on a row of a file
BY_ROW = [*(gate.id for gate in GATES.values() if gate.action == "quarantine"), *TIMES]
FIRED = {"rule": pl.String, "place": pl.String}


@dataclass(frozen=True, slots=True)
class KindScore:
    """One kind of planted error. `wrong`: what fired under this kind's rules and was planted by no kind."""

    kind: str
    drift_kind: str
    rules: str
    planted: int
    observable: int
    found: int
    wrong: int

    @property
    def recall(self) -> float | None:
        return self.found / self.observable if self.observable else None

    @property
    def precision(self) -> float | None:
        return self.found / (self.found + self.wrong) if self.found + self.wrong else None

    @property
    def of_spine(self) -> bool:
        """Whether conforming alone has to find it."""
        return all(rule == KEY_MAP or rule in GATES for rule in self.rules.split(",") if rule)


def score_drift(landing: Landing, truth: pl.DataFrame) -> pl.DataFrame:
    """Score one night: kind, drift_kind, rules, planted, observable, found, wrong, precision, recall.

    `truth` in the columns of table `truth`; only its rows of the landing's planning date count.
    """
    return as_frame(_score(landing, truth))


def as_frame(scores: Sequence[KindScore]) -> pl.DataFrame:
    """Scores as a frame, one row per kind, sorted by kind."""
    rows = [
        dataclasses.asdict(s) | {"precision": s.precision, "recall": s.recall, "of_spine": s.of_spine} for s in scores
    ]
    schema = {
        "kind": pl.String, "drift_kind": pl.String, "rules": pl.String, "planted": pl.Int64, "observable": pl.Int64,
        "found": pl.Int64, "wrong": pl.Int64, "precision": pl.Float64, "recall": pl.Float64, "of_spine": pl.Boolean,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema).sort("kind")


def _score(landing: Landing, truth: pl.DataFrame) -> list[KindScore]:
    context = landing_context(landing)
    frames = conform(landing.frames, context)
    judged = reconcile(frames, without_breaker(context))
    fired = _fired(frames, judged["findings"])
    tonight = truth.filter(pl.col("night") == context.planning_date)
    expected = _expected(tonight)
    hits = expected.join(fired.with_columns(pl.lit(value=True).alias("hit")), on=["rule", "place"], how="left")
    hits = hits.with_columns(pl.col("hit").fill_null(value=False))
    false = fired.join(expected.select("rule", "place"), on=["rule", "place"], how="anti").unique()
    false = _not_planted(false, tonight)
    wrong = false.group_by("rule").agg(pl.len().alias("wrong"))
    scores = []
    for (kind, number), rows in hits.group_by("kind", "drift_kind", maintain_order=True):
        rules = rows["rule"].unique().sort()
        errors = rows.group_by("error").agg(pl.col("hit").all(), pl.col("observable").first())
        seen = errors.filter("observable")
        against = int(wrong.filter(pl.col("rule").is_in(rules.implode()))["wrong"].sum())
        found = int(seen["hit"].sum())
        scores.append(KindScore(str(kind), str(number), ",".join(rules), errors.height, seen.height, found, against))
    known = expected["rule"].unique()
    stray = int(wrong.filter(~pl.col("rule").is_in(known.implode()))["wrong"].sum())
    names = wrong.filter(~pl.col("rule").is_in(known.implode()))["rule"].sort()
    scores.append(KindScore(UNPLANTED, "fired, planted by no kind", ",".join(names), 0, 0, 0, stray))
    return sorted(scores, key=lambda score: score.kind)


def _expected(truth: pl.DataFrame) -> pl.DataFrame:
    """One row per error and rule that must fire on it: kind, drift_kind, error, observable, rule, place."""
    rules = truth.with_columns(pl.col("expected_rules").fill_null("").str.split(",").alias("rule")).explode("rule")
    rules = rules.filter(pl.col("rule") != "")
    place = (
        pl.when(pl.col("rule") == KEY_MAP).then(pl.format("{}/{}/{}", "table", "field", "reported_value"))
        .when(pl.col("rule").is_in(BY_ROW)).then(pl.format("{}/{}", "table", "row"))
        .otherwise(pl.col("entity"))
    )  # fmt: skip
    error = pl.when(pl.col("entity_type") == "row").then(pl.format("{}/{}", "table", "row")).otherwise(pl.col("entity"))
    return (
        rules.select("kind", "drift_kind", error.alias("error"), "observable", "rule", place.alias("place"))
        .unique().sort("kind", "error", "rule")
    )  # fmt: skip


def _fired(frames: Mapping[str, pl.DataFrame], findings: pl.DataFrame) -> pl.DataFrame:
    """Everything that fired: rule, and the place it names (row of a table, raw key, or entity)."""
    quarantine = frames["quarantine"].filter(~pl.col("gate").is_in(list(CONSEQUENCES)))
    rows = quarantine.select(pl.col("gate").alias("rule"), pl.format("{}/{}", "table", "row").alias("place"))
    twins = quarantine.filter(pl.col("gate") == "duplicate_row").select(
        pl.lit("duplicate_row").alias("rule"),
        pl.format("{}/{}", "table", pl.col("value").str.extract(_KEPT_ROW, 1)).alias("place"),
    )
    keys = frames[KEY_MAP].filter(pl.col("rule").is_in(list(CORRECTED_BY))).select(
        pl.lit(KEY_MAP).alias("rule"), pl.format("{}/{}/{}", "table", "column", "raw_key").alias("place")
    )  # fmt: skip
    of_row = pl.format(
        "{}/{}", pl.col("entity").str.extract(r"^([^/]+)/", 1), pl.col("entity").str.extract(r"/(\d+)$", 1)
    )
    place = pl.when(pl.col("rule").is_in(list(TIMES))).then(of_row).otherwise(pl.col("entity"))
    gates = frames["data_findings"].select("rule", place.alias("place"))
    rules = found_findings(findings).select("rule", pl.col("entity").alias("place"))
    return (
        pl.concat([part.cast(pl.Schema(FIRED)) for part in (rows, twins, keys, gates, rules)])
        .unique()
        .sort("rule", "place")
    )


def _not_planted(false: pl.DataFrame, truth: pl.DataFrame) -> pl.DataFrame:
    """`false` without the second of two equal rows, either of which may be called the copy."""
    copies = truth.filter(pl.col("expected_rules").fill_null("").str.contains("duplicate_row", literal=True))
    tables = copies["table"].unique()
    twin = (pl.col("rule") == "duplicate_row") & pl.col("place").str.extract(r"^(.*)/", 1).is_in(tables.implode())
    surplus = false.filter(twin)
    planted = copies.height
    extra = max(0, surplus.height - planted)
    return pl.concat([false.filter(~twin), surplus.head(extra)])


def run(
    orders: int = 5_000,
    *,
    seeds: Sequence[int] = (1, 2, 3),
    drift: float = 0.05,
    say: Callable[[str], None] | None = None,
) -> list[KindScore]:
    """Generate a plant per seed, score its night, and add up. Every feed errs that night, so that each kind is scored."""
    nights = []
    for seed in seeds:
        if say is not None:
            say(f"seed {seed}")
        with tempfile.TemporaryDirectory() as folder:
            made = generate(Path(folder), orders=orders, seed=seed, drift=drift, feed_share=1.0)
            nights.append(score_folders(Path(folder), made.truth))
    return pooled(nights)


def overall(scores: Sequence[KindScore], *, spine: bool) -> tuple[float, float]:
    """Recall and precision over all kinds the spine (or else reconciliation) has to find.

    What fired without being planted counts once per set of rules.
    """
    mine = [score for score in scores if score.of_spine == spine and score.kind != UNPLANTED]
    found, seen = sum(s.found for s in mine), sum(s.observable for s in mine)
    wrong = sum({s.rules: s.wrong for s in mine}.values())
    return (found / seen if seen else 1.0), (found / (found + wrong) if found + wrong else 1.0)


def score_folders(landing: Path, truth: Path) -> list[KindScore]:
    """Score a landing folder, or every landing folder in `landing`, against the truth in `truth` (a file or a folder).

    Raises LandingError where there is no landing folder, or no truth in the columns of table `truth`.
    """
    folders = (
        [landing] if (landing / "plant.toml").is_file() else sorted(p.parent for p in landing.glob("*/plant.toml"))
    )
    if not folders:
        raise LandingError(
            f"no landing folder in {landing}", action="give a folder with plant.toml, or one that holds such"
        )
    known = read_truth(truth)
    return pooled([_score(read_landing(folder), known) for folder in folders])


def read_truth(path: Path) -> pl.DataFrame:
    """The truth in a Parquet or CSV file, or in every such file of a folder."""
    files = [path] if path.is_file() else sorted([*path.glob("*.parquet"), *path.glob("*.csv")])
    if not files:
        raise LandingError(f"no truth in {path}", action="give truth.parquet or truth.csv")
    parts = []
    for file in files:
        try:
            frame = (
                pl.read_parquet(file) if file.suffix == ".parquet" else _typed(pl.read_csv(file, infer_schema=False))
            )
        except (pl.exceptions.PolarsError, OSError) as error:
            raise LandingError(
                f"the truth cannot be read ({str(error).splitlines()[0][:120]})", file=file.name
            ) from None
        missing = [name for name in TRUTH.column_names if name not in frame.columns]
        if missing:
            raise LandingError(f"column {missing[0]!r} is missing", file=file.name, column=", ".join(missing))
        flag = pl.col("observable").cast(pl.String).str.to_lowercase().is_in(["true", "1"])
        parts.append(TRUTH.frame(frame.select(TRUTH.column_names).with_columns(flag.alias("observable"))))
    return pl.concat(parts)


def _typed(frame: pl.DataFrame) -> pl.DataFrame:
    """The columns of a truth in CSV that are not text."""
    readers = {"row": pl.col("row").str.to_integer(strict=False), "night": pl.col("night").str.to_date("%Y-%m-%d")}
    return frame.with_columns(reader for name, reader in readers.items() if name in frame.columns)


def pooled(nights: Sequence[Sequence[KindScore]]) -> list[KindScore]:
    """Scores of several nights added up per kind."""
    sums: dict[str, KindScore] = {}
    for score in (score for night in nights for score in night):
        before = sums.get(score.kind)
        sums[score.kind] = score if before is None else dataclasses.replace(
            before, planted=before.planted + score.planted, observable=before.observable + score.observable,
            found=before.found + score.found, wrong=before.wrong + score.wrong,
            rules=",".join(sorted({*before.rules.split(","), *score.rules.split(",")})),
        )  # fmt: skip
    return [sums[kind] for kind in sorted(sums)]


def table(scores: Sequence[KindScore]) -> str:
    """The scores as a Markdown table, the spine's kinds first."""
    lines = [
        "| kind | drift | rules | planted | observable | found | wrong | recall | precision |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {s.kind} | {s.drift_kind} | {s.rules} | {s.planted} | {s.observable} | {s.found} | {s.wrong} "
        f"| {_share(s.recall)} | {_share(s.precision)} |"
        for s in sorted(scores, key=lambda s: (not s.of_spine, s.kind))
    ]
    return "\n".join(lines)


def as_json(scores: Sequence[KindScore]) -> str:
    """The scores for a program."""
    return json.dumps(
        [dataclasses.asdict(s) | {"recall": s.recall, "precision": s.precision, "of_spine": s.of_spine} for s in scores]
    )


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
