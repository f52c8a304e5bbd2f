"""Which corrections may leave the platform without a person: every reason that holds one back, by name.

A correction acts alone only inside all limits. A held one becomes a case for a person; what it changes in tonight's
plan (its overlay) is not concerned, except by a lock: that is a person's word on the finding itself.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from recon_platform.reconcile.catalogue import FIX, OVERLAY, REVIEW
from recon_platform.reconcile.said import APPROVAL, LOCK, STOOD, said
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames

POSTS_RECEIPT = ("QT-01", "ST-02")
POSTS_MATERIAL = (*POSTS_RECEIPT, "QT-03")  # touch the order's own item; the BF rules touch components
POSTS_COMPONENT = ("BF-02", "BF-03")
STOPPERS = ("UM-01", "QT-07", "ST-05", "ST-06", "ST-06b")
SMALLEST_DIFFERENCE = 1e-9


def period_state(day: pl.Expr, frames: Frames) -> pl.Expr:
    """`open`, `closed` or `unknown` for a posting on `day`: unknown where no accounting period covers it."""
    state = pl.lit("unknown")
    for start, end, is_open in frames["accounting_periods"].select("period_start", "period_end", "open").iter_rows():
        state = pl.when(_within(day, start, end)).then(pl.lit("open" if is_open else "closed")).otherwise(state)
    return state


def _within(day: pl.Expr, start: date, end: date) -> pl.Expr:
    return day.is_between(start, end)


def hold_back(
    findings: pl.DataFrame, orders: pl.DataFrame, frames: Frames, context: PlanContext, *, guarded: bool,
    off: frozenset[str],
) -> pl.DataFrame:  # fmt: skip
    """`findings` with `held_by`, `locked` and the effective `mode`.

    `guarded`: G0 fired. `off`: rules that lost their automatic mode or are switched off.
    """
    policy = context.policy.reconciliation
    facts = orders.select(
        "order_no", "qty", "mes_good", "erp_good", "lot_traced", "cost", "rollout", "period",
        *(f"fired.{name}" for name in (*STOPPERS, "QT-06", "QT-01")),
    )  # fmt: skip
    locks = _locks(frames, context)
    # the facts of the order a finding belongs to; corrections always have one, for others they are not looked at
    at = findings.get_column("order_no").fill_null(0)
    of_order = facts.drop("order_no")[at] if orders.height else facts.drop("order_no").clear(findings.height)
    rows = (
        pl.concat([findings, of_order], how="horizontal")
        .join(locks, left_on="finding", right_on="subject", how="left", maintain_order="left")
        .join(
            locks.rename({"locked_by": "cause_locked_by"}),
            left_on="cause",
            right_on="subject",
            how="left",
            maintain_order="left",
        )
        .join(_accepted(findings, frames, context), on="finding", how="left", maintain_order="left")
    )
    rows = rows.with_columns(pl.coalesce("locked_by", "cause_locked_by").alias("locked_by"))
    name = pl.col("rule")
    receipt, material = name.is_in(POSTS_RECEIPT), name.is_in(POSTS_MATERIAL)
    posts = name.is_in((*POSTS_MATERIAL, *POSTS_COMPONENT))
    share = policy.auto_receipt_share * pl.col("qty") + SMALLEST_DIFFERENCE
    reasons = [
        pl.when(pl.lit(guarded)).then(pl.lit("G0-FRESH")),
        *(pl.when(pl.col(f"fired.{stopper}")).then(pl.lit(stopper)) for stopper in STOPPERS),
        pl.when(receipt & pl.col("fired.QT-06")).then(pl.lit("QT-06")),
        pl.when(receipt & (pl.col("mes_good") - pl.col("erp_good") > share)).then(pl.lit("share of order")),
        pl.when(posts & (pl.col("value_at_stake") > policy.auto_fix_value_limit)).then(pl.lit("value")),
        pl.when(material & pl.col("cost").is_null()).then(pl.lit("cost unknown")),
        pl.when(material & pl.col("lot_traced")).then(pl.lit("lot-controlled")),
        pl.when(posts & (pl.col("period") == "closed")).then(pl.lit("period closed")),
        pl.when(posts & (pl.col("period") == "unknown")).then(pl.lit("period unknown")),
        pl.when(pl.col("rollout") != "on").then(pl.format("rollout {}", "rollout")),
        pl.when(name.is_in(POSTS_COMPONENT) & pl.col("disputed").fill_null(False)).then(pl.lit("MES saw otherwise")),
        pl.when((name == "BF-03") & ~pl.col("with_receipt").fill_null(False)).then(pl.lit("unexplained")),
        pl.when(name.is_in(sorted(off))).then(pl.lit("automatic mode off")),
        pl.when(pl.col("locked_by").is_not_null()).then(pl.format("lock {}", "locked_by")),
    ]
    fixes = pl.col("mode") == FIX
    held = pl.concat_list(reasons).list.drop_nulls().list.join(", ")
    locked = pl.col("locked_by").is_not_null()
    rows = rows.with_columns(
        held_by=pl.when(fixes & (held != "")).then(held).when(locked).then(pl.format("lock {}", "locked_by")),
        locked=locked,
        accepted=pl.col("accepted_by").is_not_null() & ~locked,
    )
    return rows.with_columns(
        mode=pl.when(fixes & pl.col("held_by").is_not_null()).then(pl.lit(REVIEW)).otherwise("mode")
    )


def with_receipts_only(findings: pl.DataFrame) -> pl.DataFrame:
    """A component posted "with the receipt" waits where the receipt itself does not go out."""
    received = findings.filter((pl.col("rule") == "QT-01") & (pl.col("mode") == FIX)).select(
        "order_no", receipt=pl.lit(True)
    )
    waits = (pl.col("rule") == "BF-03") & (pl.col("mode") == FIX) & pl.col("receipt").is_null()
    return (
        findings.join(received, on="order_no", how="left", maintain_order="left")
        .with_columns(
            held_by=pl.when(waits).then(pl.lit("receipt waits")).otherwise("held_by"),
            mode=pl.when(waits).then(pl.lit(REVIEW)).otherwise("mode"),
        )
        .drop("receipt")
    )


def trip(findings: pl.DataFrame) -> pl.DataFrame:
    """All corrections that were about to leave, held by the breaker."""
    fixes = pl.col("mode") == FIX
    return findings.with_columns(
        held_by=pl.when(fixes).then(pl.lit("G1-BREAKER")).otherwise("held_by"),
        mode=pl.when(fixes).then(pl.lit(REVIEW)).otherwise("mode"),
    )


def settle(findings: pl.DataFrame) -> pl.DataFrame:
    """Adds `state` and `applied`: a person's word on the finding itself comes before its mode."""
    state = (
        pl.when("locked").then(pl.lit("locked"))
        .when("accepted").then(pl.lit("applied"))
        .when(pl.col("mode").is_in([OVERLAY, FIX])).then(pl.lit("applied"))
        .otherwise(pl.lit("open"))
    )  # fmt: skip
    return findings.with_columns(state=state).with_columns(applied=pl.col("state") == "applied")


def _locks(frames: Frames, context: PlanContext) -> pl.DataFrame:
    """`subject` (a finding or a cause) and `locked_by`, the decision that keeps it away."""
    return (
        _holding(frames, context, LOCK)
        .select(subject="finding", locked_by="decision")
        .unique("subject", keep="last", maintain_order=True)
    )


def _accepted(findings: pl.DataFrame, frames: Frames, context: PlanContext) -> pl.DataFrame:
    """`finding` and `accepted_by`: who accepted it as it stands tonight. On other values it is to be decided again."""
    tonight = findings.select("finding", now=pl.concat_list(pl.col(name).cast(pl.String) for name in STOOD))
    said_of = _holding(frames, context, APPROVAL).join(tonight, on="finding", how="inner", maintain_order="left")
    return (
        said_of.filter(pl.col("stood").is_null() | pl.col("stood").eq_missing(pl.col("now")))
        .select("finding", accepted_by="approved_by")
        .unique("finding", keep="last", maintain_order=True)
    )


def _holding(frames: Frames, context: PlanContext, kind: str) -> pl.DataFrame:
    """What people said of `kind` about findings and is still in force."""
    as_of = pl.lit(context.as_of).cast(pl.Datetime("us", "UTC"))
    until = pl.col("valid_until")
    return said(frames).filter((pl.col("kind") == kind) & (until.is_null() | (until > as_of)))
