"""Reconciliation: ERP and MES made to agree, order by order, with evidence for every correction."""

from recon_platform.reconcile.catalogue import RULES, Rule, rule
from recon_platform.reconcile.reconciliation import reconcile

__all__ = ["RULES", "Rule", "reconcile", "rule"]
