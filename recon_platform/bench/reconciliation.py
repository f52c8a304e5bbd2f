"""How well the rules find what was planted: precision, recall and F1 per rule on generated plants, and what is left for
people after fixing, grouping and ranking.

Truth is the generator's: for each planted error that the landed data can show, the rules that must fire on its entity.
Scoring runs with the circuit breaker off; one plant with it on shows that it trips.
"""

from __future__ import annotations

import dataclasses
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from recon_platform.conform import conform
from recon_platform.connectors import read_landing
from recon_platform.nights.context import landing_context
from recon_platform.plantsim import generate
from recon_platform.reconcile import RULES, reconcile
from recon_platform.reconcile.groups import to_decide
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames

INFO = frozenset(rule.id for rule in RULES if rule.severity == "info")
SCORED = frozenset(rule.id for rule in RULES) - INFO - {"G0-FRESH", "G1-BREAKER"}
OPEN = ("firm", "released", "in_process")
SEEDS = (1, 2, 3)
RATES = (0.02, 0.05, 0.10, 0.20)


@dataclass(frozen=True, slots=True)
class RuleScore:
    """Counts of one rule over entities: planted and found, found though not planted, planted and missed."""

    rule: str
    true_positive: int
    false_positive: int
    false_negative: int

    @property
    def precision(self) -> float | None:
        found = self.true_positive + self.false_positive
        return self.true_positive / found if found else None

    @property
    def recall(self) -> float | None:
        planted = self.true_positive + self.false_negative
        return self.true_positive / planted if planted else None

    @property
    def f1(self) -> float | None:
        total = 2 * self.true_positive + self.false_positive + self.false_negative
        return 2 * self.true_positive / total if total else None


@dataclass(frozen=True, slots=True)
class DriftFigures:
    """What one plant night gave."""

    seed: int
    rate: float
    open_orders: int
    planted: int
    scores: tuple[RuleScore, ...]
    fixes: int
    wrong_fixes: int
    found: int
    to_decide: int
    sampled: int
    critical_missed: int
    reconcile_cpu_s: float
    mistakes: tuple[str, ...] = field(default=())

    @property
    def before_per_100(self) -> float:
        """Findings a person would have to look at one by one, per 100 open orders."""
        return 100.0 * self.found / self.open_orders

    @property
    def after_per_100(self) -> float:
        """What is left to decide after fixing, grouping and ranking; the nightly sample is counted apart."""
        return 100.0 * self.to_decide / self.open_orders


def without_breaker(context: PlanContext) -> PlanContext:
    """The same context with the circuit breaker off, as scoring needs it."""
    rules = dataclasses.replace(context.policy.reconciliation, breaker_share=float("inf"), breaker_value=float("inf"))
    return dataclasses.replace(context, policy=dataclasses.replace(context.policy, reconciliation=rules))


def expected_findings(truth: pl.DataFrame) -> pl.DataFrame:
    """(rule, entity) pairs that must fire, from the observable rows of table `truth`."""
    return (
        truth.filter("observable")
        .select("entity", rule=pl.col("expected_rules").fill_null("").str.split(","))
        .explode("rule")
        .filter(pl.col("rule").is_in(list(SCORED)))
        .unique()
        .sort("rule", "entity")
    )


def found_findings(findings: pl.DataFrame) -> pl.DataFrame:
    """(rule, entity) pairs that fired."""
    return findings.filter(pl.col("rule").is_in(list(SCORED))).select("rule", "entity").unique().sort("rule", "entity")


def score(findings: pl.DataFrame, truth: pl.DataFrame) -> tuple[tuple[RuleScore, ...], pl.DataFrame]:
    """Per rule counts, and the pairs where findings and truth disagree (`planted`, `fired`)."""
    both = expected_findings(truth).with_columns(planted=pl.lit(True)).join(
        found_findings(findings).with_columns(fired=pl.lit(True)), on=["rule", "entity"], how="full", coalesce=True
    )  # fmt: skip
    both = both.with_columns(pl.col("planted", "fired").fill_null(False))
    counts = (
        both.group_by("rule")
        .agg(
            tp=(pl.col("planted") & pl.col("fired")).sum(),
            fp=(~pl.col("planted") & pl.col("fired")).sum(),
            fn=(pl.col("planted") & ~pl.col("fired")).sum(),
        )
        .sort("rule")
    )
    scores = tuple(RuleScore(*row) for row in counts.iter_rows())
    return scores, both.filter(pl.col("planted") != pl.col("fired")).sort("rule", "entity")


def judge_plant(frames: Frames, context: PlanContext, truth: pl.DataFrame, *, seed: int, rate: float) -> DriftFigures:
    """Reconcile conformed `frames` and score the result against `truth` (of this night)."""
    cpu = time.process_time()
    made = reconcile(frames, without_breaker(context))
    cpu = time.process_time() - cpu
    findings = made["findings"]
    scores, off = score(findings, truth)
    planted = expected_findings(truth)
    fixes = findings.filter((pl.col("mode") == "auto_fix") & pl.col("applied"))
    right = fixes.join(planted, on=["rule", "entity"], how="semi")
    critical = planted.filter(pl.col("rule").is_in([rule.id for rule in RULES if rule.severity == "critical"]))
    listed = findings.filter(pl.col("rank").is_not_null()).select("rule", "entity")
    reconciled = made["reconciled_orders"]
    return DriftFigures(
        seed=seed, rate=rate, open_orders=reconciled.filter(pl.col("erp_status").is_in(OPEN)).height,
        planted=planted.height, scores=scores, fixes=fixes.height, wrong_fixes=fixes.height - right.height,
        found=findings.filter(pl.col("severity") != "info").height, to_decide=to_decide(findings),
        sampled=made["finding_sample"].height,
        critical_missed=critical.join(listed, on=["rule", "entity"], how="anti").height, reconcile_cpu_s=cpu,
        mistakes=tuple(
            f"{row['rule']} {row['entity']} {'missed' if row['planted'] else 'not planted'}"
            for row in off.head(20).iter_rows(named=True)
        ),
    )  # fmt: skip


def conformed_night(folder: Path) -> tuple[Frames, PlanContext]:
    """A landing folder, read and conformed."""
    landing = read_landing(folder)
    context = landing_context(landing)
    return conform(landing.frames, context), context


def nights(
    orders: int, *, seeds: Sequence[int] = SEEDS, rates: Sequence[float] = RATES, per_plant: int = 1
) -> Iterator[tuple[int, float, Frames, PlanContext, pl.DataFrame]]:
    """Generated nights with their truth, one after the other: seed, rate, conformed tables, context, truth."""
    for seed in seeds:
        for rate in rates:
            with tempfile.TemporaryDirectory() as folder:
                made = generate(Path(folder), orders=orders, nights=per_plant, seed=seed, drift=rate)
                truth = pl.read_parquet(made.truth)
                for landing in made.nights:
                    frames, context = conformed_night(landing)
                    yield seed, rate, frames, context, truth.filter(pl.col("night") == context.planning_date)


def run(
    orders: int = 5_000, *, seeds: Sequence[int] = SEEDS, rates: Sequence[float] = RATES,
    say: Callable[[str], None] | None = None,
) -> list[DriftFigures]:  # fmt: skip
    """Generate plants, reconcile them and give the figures of each."""
    figures = []
    for seed, rate, frames, context, truth in nights(orders, seeds=seeds, rates=rates):
        figures.append(judge_plant(frames, context, truth, seed=seed, rate=rate))
        if say is not None:
            last = figures[-1]
            say(f"seed {seed} drift {rate:.0%}: {last.planted} planted, {last.fixes} fixed, {last.to_decide} to decide")
    return figures


def fix_pool(
    wanted: int = 3_000, *, orders: int = 20_000, rate: float = 0.2, first_seed: int = 11,
    say: Callable[[str], None] | None = None,
) -> tuple[int, int]:  # fmt: skip
    """Corrections made alone on plants of consecutive seeds until there are `wanted`, and how many were wrong."""
    fixes, wrong, seed = 0, 0, first_seed
    while fixes < wanted:
        figures = run(orders, seeds=(seed,), rates=(rate,), say=say)
        made = sum(figure.fixes for figure in figures)
        if made == 0:
            raise ValueError(f"a plant of {orders} orders with drift {rate} gave no correction; take a larger one")
        fixes, wrong, seed = fixes + made, wrong + sum(figure.wrong_fixes for figure in figures), seed + 1
    return fixes, wrong


def pooled(figures: Sequence[DriftFigures]) -> tuple[tuple[RuleScore, ...], RuleScore]:
    """Scores per rule over all plants, and over all rules together (rule `all`)."""
    sums: dict[str, list[int]] = {}
    for figure in figures:
        for one in figure.scores:
            counts = sums.setdefault(one.rule, [0, 0, 0])
            for k, count in enumerate((one.true_positive, one.false_positive, one.false_negative)):
                counts[k] += count
    rules = tuple(RuleScore(rule, *counts) for rule, counts in sorted(sums.items()))
    return rules, RuleScore("all", *(sum(column) for column in zip(*sums.values(), strict=True)) if sums else (0, 0, 0))


def table(figures: Sequence[DriftFigures]) -> str:
    """The figures as Markdown tables."""
    rules, overall = pooled(figures)
    lines = ["| rule | planted | found | wrong | missed | precision | recall | F1 |", "| --- " * 8 + "|"]
    for one in (*rules, overall):
        planted = one.true_positive + one.false_negative
        lines.append(
            f"| {one.rule} | {planted} | {one.true_positive} | {one.false_positive} | {one.false_negative} "
            f"| {_share(one.precision)} | {_share(one.recall)} | {_share(one.f1)} |"
        )
    fixes, wrong = sum(f.fixes for f in figures), sum(f.wrong_fixes for f in figures)
    lines += [
        "",
        f"Corrections made alone: {fixes}, wrong: {wrong} (precision {_share(1 - wrong / fixes if fixes else None)}).",
    ]
    lines += [
        "",
        "| seed | drift | open orders | findings per 100 | to decide per 100 | fewer | sampled | critical missed |",
        "| --- " * 8 + "|",
    ]
    for f in figures:
        fewer = 1 - f.after_per_100 / f.before_per_100 if f.before_per_100 else 0.0
        lines.append(
            f"| {f.seed} | {f.rate:.0%} | {f.open_orders} | {f.before_per_100:.2f} | {f.after_per_100:.2f} "
            f"| {fewer:.0%} | {f.sampled} | {f.critical_missed} |"
        )
    return "\n".join(lines)


def as_json(figures: Sequence[DriftFigures]) -> str:
    """The figures for a program."""
    return json.dumps([dataclasses.asdict(figure) for figure in figures])


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
