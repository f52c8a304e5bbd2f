"""Origins of the reconciled backlog: findings, orders, operations, changes."""

from __future__ import annotations

from recon_platform.tables.provenance.notation import MadeFrom

_COUNTS = "operation_status.good_qty,scrap_qty,in_process_qty,rework_qty"
_STATE = "work_orders.status operation_status.status order_status.status"
_SAID = "decisions_in_force.kind,subject,value,valid_until"
_ERP_SIDE = (
    "work_orders.status,qty,completed_qty,scrapped_qty material_issues.issued_qty work_order_operations.operation_code"
)
_MES_SIDE = f"{_COUNTS} operation_status.status,operation_code,routing order_status.status material_consumption.qty"
_BILL = "bom_lines.qty_per,fixed_qty,scrap,op_seq,backflush,bulk"
_FIRED = f"{_ERP_SIDE} {_MES_SIDE} {_BILL} @rules @policy"
_TIMES = "operation_status.started_at,ended_at,reported_at"
_MADE_AS = "work_order_operations.{0} routings.{0}"

MADE_FROM: dict[str, MadeFrom] = {
    "findings": MadeFrom({
        "finding": "work_orders.work_order operation_status.order,op_seq material_issues.component_item feeds.table @rules",
        "rule": _FIRED,
        "rule_version": "@rules", "severity": "@rules", "entity_type": "@rules", "category": "@rules",
        "mode": f"{_FIRED} items.cost,lot_traced accounting_periods.open work_centers.line rule_precision.automatic {_SAID}",
        "entity": "work_orders.work_order operation_status.order,op_seq material_issues.component_item "
        "bom_lines.parent_item,component_item operation_codes.operation_code feeds.table",
        "field": "@rules",
        "erp_value": f"{_ERP_SIDE} {_BILL} feeds.watermark previous.deliveries.rows",
        "mes_value": f"{_MES_SIDE} feeds.watermark row_counts.rows_in",
        "correction": f"{_FIRED} inventory.qty substitutes.substitute_item operation_codes.operation_code",
        "applied": "findings.state",
        "value_at_stake": f"{_ERP_SIDE} {_MES_SIDE} {_BILL} items.cost",
        "evidence": f"{_ERP_SIDE} {_MES_SIDE} {_BILL} {_TIMES} inventory.qty inventory_transactions.qty,reversal_of "
        "uom_conversions.factor lots.parent_lot key_map.raw_key previous.pegging.demand feeds.extracted_at",
        "work_order": "work_orders.work_order operation_status.order material_issues.work_order",
        "item": "work_orders.item material_issues.component_item",
        "state": f"findings.mode {_SAID}",
        "held_by": "work_orders.qty,item items.cost,lot_traced accounting_periods.period_start,period_end,open "
        f"work_centers.line rule_precision.automatic,switched_off inventory.qty {_SAID} @policy",
        "orders_behind": "previous.pegging.supply,demand work_orders.sales_order,line sales_orders.status",
        "group": "findings.rule,entity,item operation_status.machine",
        "rank": "findings.severity,value_at_stake,orders_behind,state,group @policy",
    }),
    "reconciled_orders": MadeFrom({
        "status": f"{_STATE} {_COUNTS} findings.rule {_SAID}",
        "completed_qty": "work_orders.qty,completed_qty,status operation_status.good_qty findings.rule,state",
        "scrapped_qty": "work_orders.qty,scrapped_qty,status operation_status.scrap_qty findings.rule,state",
        "remaining_qty": "reconciled_orders.qty,completed_qty,scrapped_qty",
        "expected_qty": f"reconciled_orders.remaining_qty,status {_COUNTS} routings.yield items.yield",
        "supply_confirmed": f"findings.rule,state {_TIMES}",
        "not_before": "operation_status.rework_qty @run @policy",
        "rules": "findings.rule,work_order",
        "erp_status": "work_orders.status",
        "unposted_qty": "reconciled_orders.completed_qty work_orders.completed_qty",
        "over_qty": "work_orders.qty,completed_qty,scrapped_qty operation_status.good_qty,scrap_qty",
        "rework_qty": "operation_status.rework_qty",
    }, carried="work_orders"),
    "reconciled_operations": MadeFrom({
        "work_order": "work_orders.work_order",
        "op_seq": "work_order_operations.op_seq operation_status.op_seq",
        "operation_code": "work_order_operations.operation_code routings.operation_code operation_status.operation_code",
        "work_center": "work_order_operations.work_center routings.work_center machines.work_center",
        "machine": "operation_status.machine work_order_operations.machine",
        "status": "operation_status.status order_status.status",
        "qty": "work_orders.qty operation_status.good_qty,rework_qty routings.yield",
        "good_qty": "operation_status.good_qty work_order_operations.completed_qty",
        "scrap_qty": "operation_status.scrap_qty",
        "in_process_qty": "operation_status.in_process_qty,good_qty,scrap_qty,rework_qty work_orders.qty",
        "remaining_qty": "reconciled_operations.qty,good_qty,scrap_qty,status reconciled_orders.status",
        "setup_min": _MADE_AS.format("setup_min"),
        "run_min_per_unit": _MADE_AS.format("run_min_per_unit"),
        "started_at": "operation_status.started_at",
        "ended_at": "operation_status.ended_at",
    }, carried="routings"),
    "order_changes": MadeFrom({
        "work_order": "findings.work_order", "purchase_order": "@words",
        "change": "findings.rule", "field": "findings.rule,field,item", "from": "findings.erp_value",
        "to": "findings.mes_value,erp_value,correction", "reason": "findings.rule,correction",
        "approved_by": f"findings.mode,applied {_SAID} decisions_in_force.approved_by @rules",
        "idempotency_key": "findings.work_order,rule,field,erp_value,mes_value", "finding": "findings.finding",
    }),
    "finding_groups": MadeFrom({
        "group": "findings.group", "rules": "findings.rule", "findings": "findings.finding",
        "orders": "findings.work_order", "value_at_stake": "findings.value_at_stake",
        "orders_behind": "findings.orders_behind", "proposal": "findings.group,correction,rule",
        "examples": "findings.finding", "rank": "findings.rank",
    }),
    "finding_sample": MadeFrom(carried="findings"),
    "rule_precision": MadeFrom({
        "rule": "@rules", "rule_version": "@rules",
        "right": f"previous.rule_precision.right {_SAID}", "wrong": f"previous.rule_precision.wrong {_SAID}",
        "precision": "rule_precision.right,wrong", "threshold": "@policy",
        "automatic": f"previous.rule_precision.automatic rule_precision.precision {_SAID} @policy",
        "switched_off": _SAID, "as_of": "@run",
    }),
}  # fmt: skip
"""By table, in the order of the registry."""
