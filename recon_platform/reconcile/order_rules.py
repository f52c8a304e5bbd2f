"""Predicates of the rules that judge a work order as a whole, in their order of evaluation.

Each is one expression over the observed orders (`observe`). A predicate sees the outcome of the earlier rules it
declares in the catalogue as columns `fired.<rule>`, and of no other.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import polars as pl

from recon_platform.reconcile.catalogue import POSITION, rule
from recon_platform.tables.context import PlanContext
from recon_platform.tables.policy import ReconciliationPolicy

Predicate = Callable[[ReconciliationPolicy, PlanContext], pl.Expr]

COUNTING_NOISE = 1e-9  # of the order quantity: what unit conversion may leave behind

_q, _tau = pl.col("qty"), pl.col("tau")
_good_mes, _good_erp = pl.col("mes_good"), pl.col("erp_good")
_scrap_mes, _scrap_erp = pl.col("mes_scrap"), pl.col("erp_scrap")
_wip, _rework = pl.col("mes_wip"), pl.col("mes_rework")
_has_mes = pl.col("has_mes")
_open = pl.col("erp_status").is_in(["released", "in_process"])
_unreleased = pl.col("erp_status").is_in(["planned", "firm"])
_over = pl.col("erp_status").is_in(["complete", "closed"])
_emptied = _has_mes & pl.col("finished") & (_wip <= 0)
_quiet_rework = (_rework <= 0) & ~pl.col("on_hold")


def _fired(rule_id: str) -> pl.Expr:
    return pl.col(f"fired.{rule_id}")


def _units_comparable() -> pl.Expr:
    return ~_fired("UM-01")


def _unit_mistake(policy: ReconciliationPolicy, _: PlanContext) -> pl.Expr:
    return _has_mes & ((_good_mes - _good_erp).abs() > _tau) & pl.col("unit_factor").is_not_null()


def _balance_broken(policy: ReconciliationPolicy, _: PlanContext) -> pl.Expr:
    return (
        _units_comparable()
        & _has_mes
        & ((pl.col("max_over_count") > _tau) | (pl.col("max_over_good") > COUNTING_NOISE * _q))
    )


def _closable(policy: ReconciliationPolicy) -> pl.Expr:
    return (
        _units_comparable()
        & _emptied
        & _open
        & (_good_mes + _scrap_mes >= _q - _tau)
        & ((_scrap_mes - _scrap_erp).abs() <= _tau)
        & (pl.col("quiet_hours") >= policy.quiet_hours).fill_null(False)
        & _quiet_rework
    )


def _complete_agreed(policy: ReconciliationPolicy, _: PlanContext) -> pl.Expr:
    return _closable(policy) & ((_good_mes - _good_erp).abs() <= _tau)


def _complete_unposted(policy: ReconciliationPolicy, _: PlanContext) -> pl.Expr:
    return _closable(policy) & (_good_erp < _good_mes - _tau)


def _ended_short(policy: ReconciliationPolicy, _: PlanContext) -> pl.Expr:
    return _units_comparable() & _emptied & _open & (_rework <= 0) & (_good_mes + _scrap_mes < _q - _tau)


def _closed_with_wip(policy: ReconciliationPolicy, _: PlanContext) -> pl.Expr:
    return _over & (_wip > _tau)


def _cancelled_running(policy: ReconciliationPolicy, _: PlanContext) -> pl.Expr:
    return (pl.col("erp_status") == "cancelled") & _has_mes & pl.col("running")


def _started_unreleased(policy: ReconciliationPolicy, _: PlanContext) -> pl.Expr:
    return _unreleased & _has_mes & pl.col("ops_started") & ~_emptied


def _complete_unreleased(policy: ReconciliationPolicy, _: PlanContext) -> pl.Expr:
    return _unreleased & _emptied


def _not_dispatched(policy: ReconciliationPolicy, context: PlanContext) -> pl.Expr:
    latest_start = context.planning_date - timedelta(days=policy.not_dispatched_days)
    silent = ~_has_mes & pl.col("mes_order_status").is_null()
    return (pl.col("erp_status") == "released") & silent & (pl.col("start_date") < latest_start).fill_null(False)


def _stalled(policy: ReconciliationPolicy, _: PlanContext) -> pl.Expr:
    patience = pl.max_horizontal(pl.lit(policy.stalled_days * 24.0), 3.0 * pl.col("usual_hours").fill_null(0.0))
    return (
        (_wip > 0)
        & ~_over
        & (pl.col("erp_status") != "cancelled")
        & (pl.col("quiet_hours") > patience).fill_null(False)
    )


def _held(policy: ReconciliationPolicy, _: PlanContext) -> pl.Expr:
    return _open & pl.col("on_hold")


def _forgotten(policy: ReconciliationPolicy, context: PlanContext) -> pl.Expr:
    oldest_due = context.planning_date - timedelta(days=policy.stale_past_due_days)
    still = ~_has_mes | (pl.col("quiet_hours") > policy.stale_past_due_days * 24.0).fill_null(False)
    return (
        pl.col("erp_status").is_in(["firm", "released", "in_process"])
        & (pl.col("due_date") < oldest_due)
        & still
        & ~pl.col("running")
        & ~pl.col("pegged")
    )


def _under_received(policy: ReconciliationPolicy, _: PlanContext) -> pl.Expr:
    return _units_comparable() & _has_mes & (_good_mes > _good_erp + _tau)


def _over_received(policy: ReconciliationPolicy, _: PlanContext) -> pl.Expr:
    return _units_comparable() & _has_mes & (_good_erp > _good_mes + _tau)


def _scrap_unposted(policy: ReconciliationPolicy, _: PlanContext) -> pl.Expr:
    return _units_comparable() & _has_mes & (_scrap_mes > _scrap_erp + _tau)


def _scrap_overposted(policy: ReconciliationPolicy, _: PlanContext) -> pl.Expr:
    return _units_comparable() & _has_mes & (_scrap_erp > _scrap_mes + _tau)


def _work_in_process(policy: ReconciliationPolicy, _: PlanContext) -> pl.Expr:
    return _units_comparable() & _open & (_wip > 0)


def _over_completed(policy: ReconciliationPolicy, _: PlanContext) -> pl.Expr:
    return _units_comparable() & _has_mes & (_good_mes > _q * (1.0 + policy.over_completion_share))


def _unaccounted(policy: ReconciliationPolicy, _: PlanContext) -> pl.Expr:
    return _units_comparable() & _has_mes & (pl.col("max_unaccounted") > _tau)


def _in_rework(policy: ReconciliationPolicy, _: PlanContext) -> pl.Expr:
    return _units_comparable() & _has_mes & (_rework > 0)


def _partly_received(policy: ReconciliationPolicy, _: PlanContext) -> pl.Expr:
    return _open & (_good_erp > 0) & (_good_erp + _scrap_erp < _q - _tau)


def _without_routing(policy: ReconciliationPolicy, _: PlanContext) -> pl.Expr:
    return pl.col("erp_status").is_in(["firm", "released", "in_process"]) & ~pl.col("has_route")


PREDICATES: dict[str, Predicate] = {
    "UM-01": _unit_mistake,
    "QT-07": _balance_broken,
    "ST-01": _complete_agreed,
    "ST-02": _complete_unposted,
    "ST-03": _ended_short,
    "ST-04": _closed_with_wip,
    "ST-05": _cancelled_running,
    "ST-06": _started_unreleased,
    "ST-06b": _complete_unreleased,
    "ST-07": _not_dispatched,
    "ST-08": _stalled,
    "ST-09": _held,
    "ST-10": _forgotten,
    "QT-01": _under_received,
    "QT-02": _over_received,
    "QT-03": _scrap_unposted,
    "QT-04": _scrap_overposted,
    "QT-05": _work_in_process,
    "QT-06": _over_completed,
    "QT-13": _unaccounted,
    "QT-08": _in_rework,
    "QT-10": _partly_received,
    "RT-01": _without_routing,
}

NOT_A_FINDING = frozenset({"QT-10", "BF-01", "BF-12"})
"""Rules that say that nothing is wrong: they are evaluated, never listed."""


def judge(orders: pl.DataFrame, context: PlanContext) -> pl.DataFrame:
    """`orders` with one flag `fired.<rule>` per rule, evaluated one after the other in the catalogue's order."""
    policy = context.policy.reconciliation
    for rule_id in sorted(PREDICATES, key=POSITION.__getitem__):
        predicate = PREDICATES[rule_id](policy, context)
        foreign = {name for name in predicate.meta.root_names() if name.startswith("fired.")}
        undeclared = foreign - {f"fired.{earlier}" for earlier in rule(rule_id).reads}
        if undeclared:
            raise ValueError(f"rule {rule_id} reads {sorted(undeclared)}, which the catalogue does not declare")
        orders = orders.with_columns(predicate.fill_null(False).alias(f"fired.{rule_id}"))
    return orders
