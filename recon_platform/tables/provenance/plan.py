"""Origins of load, schedule, promises, the proposal, the measures and the published schedule."""

from __future__ import annotations

from recon_platform.tables.provenance.notation import MadeFrom

_WORK = (
    "reconciled_operations.remaining_qty,setup_min,run_min_per_unit,batch_minutes,external_days work_centers.efficiency "
    "planned_orders.qty routings.setup_min,run_min_per_unit,batch_minutes,external_days setup_matrix.minutes"
)
_DATES = "supply_orders.start_date,need_date"
_PLACED = (
    "supply_orders.earliest_at,due_at,weight order_links.supply_order,demand_order working_time.start,end "
    "downtime_events.started_at,ended_at,expected_end reconciled_operations.status,max_wait_min,overlap_qty,queue_min,move_min "
    "machines.speed,current_setup setup_attributes.value published.schedule.start,machine labour.people tools.copies "
    f"decisions_in_force.value {_WORK} @policy"
)
_OPERATION = "reconciled_operations.{0} routings.{0}"
_TIMES = "schedule.setup_start,start,end"
_SHIPS = "pegging.supply,qty schedule.end purchase_orders.promised_date,due_date supply_orders.order"
_BEFORE = "published.schedule.machine,start"
_AFTER = "schedule.machine,start"
_REASONS = (
    "schedule.bound_by,terms downtime_events.started_at reconciled_operations.status,qty reconciled_orders.status "
    "supply_orders.earliest_at,material_bound unscheduled.reason message_causes.category action_messages.code"
)
_TRIED = (  # every move is tried by planning again from these
    "schedule.start,end,machine order_promises.projected_ship,late_days,short_qty pegging.supply,demand "
    "capacity_load.overtime_min supply_orders.earliest_at,due_at,weight"
)
_MOVED = (
    "supply_orders.order purchase_orders.purchase_order,line work_centers.work_center shortages.item "
    "substitutes.substitute_item"
)
_MEASURED = (
    "sales_orders.qty,requested_date,first_promised_date,rush shipments.shipped_on,qty,freight_cost receipts.received_on,qty "
    "purchase_orders.due_date,promised_date labour_hours.regular_hours,overtime_hours findings.rule,severity,state "
    "reconciled_orders.status,erp_status inventory_transactions.qty,book_qty published.schedule.start,machine schedule.start,"
    "machine operation_status.ended_at previous.capacity_load.loaded_min,available_min"
)
_OF_A_WEEK = (
    "sales_orders.qty,requested_date,first_promised_date,rush shipments.shipped_on,qty,freight_cost "
    "labour_hours.regular_hours,overtime_hours"
)
_WEEK = {
    "metric": "@rules", "period_start": "@run", "period_end": "@run", "numerator": _OF_A_WEEK, "denominator": _OF_A_WEEK,
    "value": _OF_A_WEEK, "unit": "@rules",
}  # fmt: skip

_LOAD = {
    "bucket_start": f"{_DATES} working_time.start", "basis": "@words",
    "available_min": "working_time.start,end,kind", "setup_min": f"{_WORK} {_DATES}",
}  # fmt: skip
_SCHEDULE = {
    "work_order": "supply_orders.order", "op_seq": _OPERATION.format("op_seq"),
    "work_center": _OPERATION.format("work_center"),
    "machine": "machines.machine reconciled_operations.machine published.schedule.machine",
    "setup_start": _PLACED, "start": _PLACED, "end": _PLACED,
    "qty": "reconciled_operations.remaining_qty supply_orders.qty",
    "frozen": "published.schedule.start reconciled_operations.status decisions_in_force.value @policy",
    "forced": "published.schedule.start schedule.start,frozen", "bound_by": _PLACED, "terms": _PLACED,
    "previous_start": "published.schedule.start",
}  # fmt: skip

MADE_FROM: dict[str, MadeFrom] = {
    "required_load": MadeFrom({
        **_LOAD, "work_center": _OPERATION.format("work_center"), "loaded_min": f"{_WORK} {_DATES}",
        "overtime_min": "working_time.kind",
    }),
    "capacity_load": MadeFrom({
        "work_center": "required_load.work_center schedule.work_center",
        "bucket_start": f"required_load.bucket_start {_TIMES}", "basis": "@words",
        "available_min": "required_load.available_min working_time.start,end,kind",
        "loaded_min": f"required_load.loaded_min {_TIMES}", "setup_min": "required_load.setup_min schedule.setup_start,start",
        "overtime_min": f"working_time.kind {_TIMES}",
    }),
    "schedule": MadeFrom(_SCHEDULE),
    "unscheduled": MadeFrom({
        "work_order": "supply_orders.order reconciled_orders.work_order",
        "reason": f"{_OPERATION.format('work_center')} machines.machine {_PLACED}",
    }),
    "dispatch_list": MadeFrom({
        "position": "schedule.setup_start,start", "material_ready": "supply_orders.earliest_at,material_bound",
        "due": "supply_orders.due_at", "note": "schedule.bound_by,frozen,forced supply_orders.material_bound",
        "start": "schedule.setup_start",
    }, carried="schedule"),
    "dispatch_settings": MadeFrom({
        "k1": "@policy decisions_in_force.value", "k2": "@policy decisions_in_force.value", "lateness": _PLACED,
        "taken": _PLACED, "in_turn": _PLACED,
    }),
    "order_promises": MadeFrom({
        "customer_class": "customers.class", "qty": "sales_orders.qty,shipped_qty", "requested": "sales_orders.requested_date",
        "first_promised": "sales_orders.first_promised_date,promised_date",
        "promised": "sales_orders.promised_date,requested_date", "projected_ship": _SHIPS,
        "previous_projection": "previous.order_promises.projected_ship", "short_qty": "sales_orders.qty,shipped_qty pegging.qty",
        "late_days": "order_promises.projected_ship,promised", "bound_by_type": f"pegging.supply_type {_SHIPS}",
        "bound_by": _SHIPS,
    }, carried="sales_orders"),
    "proposal_changes": MadeFrom({
        "work_order": "schedule.work_order published.schedule.work_order",
        "op_seq": "schedule.op_seq published.schedule.op_seq",
        "what": f"{_BEFORE} {_AFTER} reconciled_orders.status reconciled_operations.status",
        "from": _BEFORE, "to": _AFTER, "shift_minutes": "published.schedule.start schedule.start",
        "by_facts_minutes": f"published.schedule.start {_REASONS}", "sequenced_anew": f"schedule.start,machine {_REASONS}",
        "reason": _REASONS, "cause": _REASONS, "root": _REASONS, "further": _REASONS, "frozen": "schedule.frozen",
        "otif_effect": "order_promises.projected_ship,promised published.schedule.end",
        "labour_effect": f"{_TIMES} published.schedule.setup_start,end",
    }),
    "exception_moves": MadeFrom({
        "move": "exception_moves.kind,subject,change", "kind": "@words", "subject": _MOVED,
        "from": f"{_MOVED} schedule.start,machine", "to": f"{_MOVED} working_time.start machines.machine",
        "change": _MOVED, "reason": "order_promises.late_days,bound_by shortages.short_qty capacity_load.loaded_min",
        "evidence": "order_promises.late_days,bound_by shortages.short_qty,covered_at schedule.bound_by substitutes.approval_ref "
        "inventory.lot,grade,certificate customer_requirements.requirement",
        "lines_won": _TRIED, "lines_lost": _TRIED, "lines": _TRIED, "late_days_saved": _TRIED, "labour_hours": _TRIED,
        "overtime_hours": _TRIED, "cost": f"{_TRIED} supplier_items.expedite_fee labour.cost_per_hour items.cost @policy",
        "operations_moved": _TRIED, "effect": _TRIED, "needs": _TRIED, "excludes": "exception_moves.change", "in_set": _TRIED,
        "approval_needed": "exception_moves.kind,change schedule.frozen @rules @policy", "signature": "exception_moves.kind @rules",
        "valid_until": "exception_moves.kind @policy @run", "rule": "@rules", "rule_version": "@rules",
        "rank": "exception_moves.lines_won,late_days_saved,operations_moved",
        "digest": "exception_moves.move,change,effect,evidence",
        "state": "decisions_in_force.subject,value",
    }),
    "expected_impact": MadeFrom({
        "measure": "@words", "unit": "@words",
        "in_force": "published.schedule.end order_promises.promised pegging.supply,qty",
        "proposed": "order_promises.projected_ship,late_days,short_qty schedule.setup_start,end capacity_load.overtime_min",
        "with_moves": "exception_moves.in_set,change expected_impact.proposed",
    }),
    "metrics": MadeFrom({
        "metric": "@rules", "definition_version": "@rules", "scope": "@rules",
        "subject": "work_centers.line,work_center customers.class suppliers.supplier purchase_orders.supplier findings.rule",
        "period_start": "@run", "period_end": "@run", "numerator": _MEASURED, "denominator": _MEASURED,
        "value": "metrics.numerator,denominator", "unit": "@rules", "note": f"{_MEASURED} @words",
    }),
    "value_baseline": MadeFrom({"baseline_of": "@run", **_WEEK}),
    "value_week": MadeFrom({
        **_WEEK, "week_before": "value_week.numerator,denominator",
        **dict.fromkeys(("baseline", "low", "high", "baseline_weeks"), "value_baseline.value"),
        "outside": "value_week.value,low,high", "saved": "value_week.numerator,denominator value_baseline.numerator,denominator @run",
    }),
    "published_schedule": MadeFrom(
        {"schedule_version": "previous.published_schedule.schedule_version",
         **{name: f"schedule.{name} exception_moves.change" for name in ("machine", "setup_start", "start", "end")}},
        carried="schedule",
    ),
}  # fmt: skip
"""By table, in the order of the registry."""
