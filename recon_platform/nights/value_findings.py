"""What a value study found: measures of each world, paired differences with intervals, money.

Belongs here: numbers from the measures of cells. Does not belong here: words and pictures (`value_report`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from recon_platform.metrics.definitions import BY_NAME
from recon_platform.metrics.paired import Interval, interval
from recon_platform.metrics.payback import UnitCosts, Worth, worth_a_year
from recon_platform.nights.value_programme import PULLED, best_lever

SETTLING_WEEKS = 3  # after the switch to a policy; orders begun under the warm-up rule are not measured
SUMS = ("premium_freight", "premium_freight_occurrences", "overtime_hours", "reserve_cost")
PER_100 = ("expedites", "exceptions_to_decide", "exceptions_review", "exceptions_auto")
SHOWN = (
    "otif_first_promised", "otif_requested", "expedites", "premium_freight", "premium_freight_occurrences",
    "overtime_hours", "overtime", "reserve_cost", "plan_adherence", "schedule_stability", "exceptions_to_decide",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Difference:
    """`policy` less `other` in the same worlds. `before`: the other's mean. `verdict`: better, worse, or open."""

    metric: str
    other: str
    of: Interval
    before: float

    @property
    def share(self) -> float | None:
        """The difference as a share of the other's mean; None where that is zero."""
        return self.of.mean / self.before if self.before else None

    @property
    def verdict(self) -> str:
        """Whether the whole interval stands on one side; open where it does not, or where there is no interval."""
        low, high = self.of.low, self.of.high
        if low is None or high is None or low <= 0 <= high:
            return "open"
        return "better" if (low > 0) == (BY_NAME[self.metric].better == "up") else "worse"


def by_world(measures: pl.DataFrame) -> pl.DataFrame:
    """part, works, seed, policy, metric, value: one value of each finished cell.

    Shares are pooled over the weeks measured (Σ numerators ÷ Σ denominators), sums are of a mean week. The first
    `SETTLING_WEEKS` are left out.
    """
    counted = measures.filter(pl.col("week") > SETTLING_WEEKS)
    scale = pl.when(pl.col("metric").is_in(PER_100)).then(100.0).otherwise(1.0)
    pooled = counted.group_by("part", "works", "seed", "policy", "metric").agg(
        numerator=pl.col("numerator").sum(), denominator=pl.col("denominator").sum(), week=pl.col("numerator").mean()
    )
    share = pl.when(pl.col("denominator") > 0).then(scale * pl.col("numerator") / pl.col("denominator"))
    value = pl.when(pl.col("metric").is_in(SUMS)).then("week").otherwise(share)
    return (
        pooled.with_columns(value=value)
        .drop_nulls("value")
        .select("part", "works", "seed", "policy", "metric", "value")
        .sort("part", "works", "metric", "policy", "seed")
    )


def differences(worlds: pl.DataFrame, policy: str, other: str) -> list[Difference]:
    """`policy` less `other` for every shown measure, over the worlds in which both ran."""
    key = ["works", "seed", "metric"]
    mine = worlds.filter(pl.col("policy") == policy).select(*key, mine="value")
    both = worlds.filter(pl.col("policy") == other).select(*key, theirs="value").join(mine, on=key).sort(key)
    made = []
    for metric in SHOWN:
        rows = both.filter(pl.col("metric") == metric)
        if rows.is_empty():
            continue
        gain = interval((rows["mine"] - rows["theirs"]).to_list())
        made.append(Difference(metric, other, gain, float(rows["theirs"].to_numpy().mean())))
    return made


def means(worlds: pl.DataFrame, policies: Sequence[str]) -> pl.DataFrame:
    """One row per shown measure, one column per policy: the mean over worlds."""
    order = pl.DataFrame({"metric": SHOWN}).with_row_index("at")
    made = worlds.group_by("metric", "policy").agg(pl.col("value").mean())
    table = made.pivot("policy", index="metric", values="value").join(order, on="metric").sort("at")
    return table.select("metric", *(name for name in policies if name in table.columns))


def worth(measures: pl.DataFrame, policy: str, other: str, costs: UnitCosts) -> Worth | None:
    """Money a year of `policy` over `other` in a mean week of a mean world; None where no world has both."""
    counted = measures.filter((pl.col("week") > SETTLING_WEEKS) & pl.col("policy").is_in([policy, other]))
    both = counted.group_by("works", "seed").agg(pl.col("policy").n_unique()).filter(pl.col("policy") == 2)
    if both.is_empty():
        return None
    counted = counted.join(both.select("works", "seed"), on=["works", "seed"])
    late = pl.when(pl.col("metric") == "otif_first_promised").then(pl.col("denominator") - pl.col("numerator"))
    counted = counted.with_columns(amount=late.otherwise("numerator"))
    week = counted.group_by("policy", "metric").agg(pl.col("amount").mean())
    amount = {(name, metric): value for name, metric, value in week.iter_rows()}
    saved = {
        name: amount.get((other, metric), 0.0) - amount.get((policy, metric), 0.0)
        for name, metric in (
            ("late_lines", "otif_first_promised"), ("expedites", "expedites"), ("overtime_hours", "overtime_hours"),
            ("premium_freight", "premium_freight"), ("reserves", "reserve_cost"),
        )
    }  # fmt: skip
    return worth_a_year(saved, costs)


def gains(worlds: pl.DataFrame, metric: str = "otif_first_promised") -> pl.DataFrame:
    """works, seed, as_is, fair_peer, platform of one measure where at least as_is and platform ran."""
    rows = worlds.filter(pl.col("metric") == metric).pivot("policy", index=["works", "seed"], values="value")
    if not {"as_is", "platform"} <= set(rows.columns):
        return pl.DataFrame(schema={"works": pl.String, "seed": pl.Int64, "as_is": pl.Float64, "platform": pl.Float64})
    return rows.drop_nulls(["as_is", "platform"]).sort("works", "seed")


def cost_of_running(measures: pl.DataFrame) -> pl.DataFrame:
    """policy, cells, seconds (CPU, of a mean night), reruns and failed_nights (of a mean cell)."""
    rows = measures.filter(pl.col("metric").is_in(["cpu_seconds", "reruns", "failed_nights"]))
    table = rows.group_by("policy").agg(
        cells=pl.col("cell").n_unique(),
        seconds=pl.col("numerator").filter(pl.col("metric") == "cpu_seconds").sum()
        / pl.col("denominator").filter(pl.col("metric") == "cpu_seconds").sum(),
        reruns=pl.col("numerator").filter(pl.col("metric") == "reruns").mean(),
        failed_nights=pl.col("numerator").filter(pl.col("metric") == "failed_nights").mean(),
    )
    return table.sort("policy")


def promised_and_kept(measures: pl.DataFrame) -> pl.DataFrame:
    """lever, seed, subject, amount, promised, saved, before, after: each lever that was pulled in a world, the lines it promised
    to save, those missed less once it was pulled, and the share on time before and after.

    Lines are those of the weeks measured; as many fall due in both worlds, as only a decision of the works differs.
    """
    rows = []
    service = measures.filter((pl.col("metric") == "otif_first_promised") & (pl.col("week") > SETTLING_WEEKS))
    kept = service.group_by("works", "seed").agg(pl.col("numerator").sum(), pl.col("denominator").sum())
    done = {(works, seed): (kept_lines, due) for works, seed, kept_lines, due in kept.iter_rows()}
    for (works, seed), (after, due) in sorted(done.items()):
        lever = works.removeprefix(PULLED)
        base = measures.filter((pl.col("works") == "fastener") & (pl.col("seed") == seed))
        best = best_lever(base, lever)
        if lever == works or best is None or ("fastener", seed) not in done:
            continue
        before, due_before = done["fastener", seed]
        rows.append((lever, seed, *best, after - before, before / due_before, after / due))
    names = ("lever", "seed", "subject", "amount", "promised", "saved", "before", "after")
    types = (pl.String, pl.Int64, pl.String, *[pl.Float64] * 5)
    return pl.DataFrame(rows, schema=dict(zip(names, types, strict=True)), orient="row")
