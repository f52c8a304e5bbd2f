"""Backlog health: what ERP and MES disagree on, what was corrected, what waits for a person, what could not be read."""

from __future__ import annotations

import polars as pl

from recon_platform.console.charts import run_chart
from recon_platform.console.page import Column, Figure, Listing, Page, Show
from recon_platform.console.services.measures import history, last_runs
from recon_platform.console.services.nights import Night
from recon_platform.console.words import count, number
from recon_platform.reconcile.catalogue import BY_ID

OLDEST = 30  # nights looked back for the age of a finding
SEVERITIES = ("critical", "high", "medium", "low", "info")


def backlog(night: Night, nights: list[Night]) -> Page:
    """Findings by rule with their age, the reconcile queue, quarantine, and the trend."""
    findings, quarantine = night.read("findings"), night.read("quarantine")
    queue = findings.filter(pl.col("rank").is_not_null()).sort("rank")
    health = history(nights, "backlog_health")
    last = health.get_column("value")[-1] if health.height else None
    share = "not computed" if last is None else f"{number(100 * last)} % of open orders are without an open finding"
    return Page(
        "Backlog health",
        f"{share}; {count(findings.filter(pl.col('applied')).height, 'finding')} corrected by rule, {count(queue.height, 'finding')} "
        f"for a person.",
        figures=(
            Figure("Backlog health", last, Show.SHARE, "", "open orders without an open finding"),
            Figure("For a person", queue.height, Show.WHOLE, "findings", _since(night, queue), attention=queue.height > 0),
            Figure("Corrected by rule", findings.filter(pl.col("applied")).height, Show.WHOLE, "findings", "each with its evidence"),
            Figure("In quarantine", quarantine.height, Show.WHOLE, "rows", "not used by the plan", attention=quarantine.height > 0),
        ),
        charts=(run_chart("Backlog health by night", health.get_column("night").to_list(), _percent(health), "%"),),
        listings=(
            Listing(
                "queue", "Reconcile queue, the most valuable first",
                (
                    Column("rank", "Rank", Show.WHOLE), Column("rule", "Rule", Show.KEY), Column("what", "What was found"),
                    Column("severity", "Severity"), Column("entity", "About", Show.KEY),
                    Column("work_order", "Work order", Show.KEY, "work-orders/{work_order}"),
                    Column("erp_value", "ERP says"), Column("mes_value", "MES says"), Column("correction", "Proposed"),
                    Column("orders_behind", "Order lines behind", Show.WHOLE),
                    Column("value_at_stake", "Value at stake", Show.MONEY), Column("held_by", "Held back by"),
                    Column("nights", "Nights old", Show.WHOLE),
                ),
                _aged(night, queue, nights), "Nothing waits for a person: ERP and MES agree, or a rule has corrected it.",
            ),
            Listing(
                "rules", "Findings by rule",
                (
                    Column("rule", "Rule", Show.KEY), Column("what", "What it finds"), Column("severity", "Severity"),
                    Column("found", "Found", Show.WHOLE), Column("corrected", "Corrected", Show.WHOLE),
                    Column("open", "Open", Show.WHOLE), Column("new", "New tonight", Show.WHOLE),
                    Column("value_at_stake", "Value at stake", Show.MONEY),
                ),
                _by_rule(night, findings), "No rule found anything tonight.",
            ),
            Listing(
                "quarantine", "Quarantine: rows that were not believed",
                (
                    Column("table", "Table", Show.KEY), Column("file", "File", Show.KEY), Column("row", "Row", Show.WHOLE),
                    Column("column", "Column", Show.KEY), Column("value", "Value"), Column("reason", "Why"),
                    Column("gate", "Gate", Show.KEY), Column("source", "The source row"),
                ),
                quarantine, "Every row that was handed over could be used.",
            ),
        ),
    )  # fmt: skip


def _known_before(night: Night) -> list[str]:
    before = night.previous("findings")
    return [] if before is None else before.get_column("finding").to_list()


def _worded(night: Night, findings: pl.DataFrame) -> pl.DataFrame:
    conditions = {rule: found.condition for rule, found in BY_ID.items()}
    return findings.with_columns(
        pl.col("rule").replace_strict(conditions, default=pl.col("rule"), return_dtype=pl.String).alias("what"),
        (~pl.col("finding").is_in(_known_before(night))).alias("new"),
    )


def _aged(night: Night, queue: pl.DataFrame, nights: list[Night]) -> pl.DataFrame:
    """The queue with `nights`: for how many nights in a row each finding has stood, tonight included."""
    earlier = last_runs([known for known in nights if known.context.planning_date < night.context.planning_date])

    def ages() -> pl.DataFrame:
        standing, made = queue.select("finding"), [queue.select("finding")]
        for before in reversed(earlier[-OLDEST:]):
            standing = standing.join(before.read("findings"), on="finding", how="semi")
            if standing.is_empty():
                break
            made.append(standing)
        return pl.concat(made).group_by("finding").agg(pl.len().alias("nights"))

    aged: pl.DataFrame = night.derived("finding_ages", ages)
    return _worded(night, queue).join(aged, on="finding", how="left", maintain_order="left")


def _since(night: Night, queue: pl.DataFrame) -> str:
    new = _worded(night, queue).get_column("new").sum()
    return f"{new or 'none'} new tonight"


def _by_rule(night: Night, findings: pl.DataFrame) -> pl.DataFrame:
    order = {name: position for position, name in enumerate(SEVERITIES)}
    return (
        _worded(night, findings)
        .group_by("rule", "what", "severity")
        .agg(
            pl.len().alias("found"), pl.col("applied").sum().alias("corrected"), (pl.col("state") == "open").sum().alias("open"),
            pl.col("new").sum(), pl.col("value_at_stake").sum(),
        )
        .sort(pl.col("severity").replace_strict(order, default=9), "value_at_stake", "rule", descending=[False, True, False])
    )  # fmt: skip


def _percent(health: pl.DataFrame) -> list[float | None]:
    return [None if value is None else 100 * value for value in health.get_column("value")]
