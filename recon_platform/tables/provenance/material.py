"""Origins of the material plan: netting, planned orders, pegging, messages and causes, what the scheduler is told."""

from __future__ import annotations

from recon_platform.tables.provenance.notation import MadeFrom

_DEMAND = "sales_orders.qty,shipped_qty,promised_date,requested_date master_schedule.qty,due_date,source"
_COMPONENTS = "bom_lines.qty_per,fixed_qty,scrap,valid_from,valid_to material_issues.required_qty,issued_qty"
_STOCK = "inventory.qty,status,expiry allocations.qty items.safety_stock"
_OPEN = (
    "reconciled_orders.expected_qty,unposted_qty,due_date purchase_orders.qty,received_qty,promised_date,due_date "
    "master_schedule.qty,due_date,firm"
)
_FORECAST = "master_schedule.{0} previous.planned_forecast.{0}"
_LOT = "items.lot_rule,lot_qty,lot_periods,min_qty,max_qty,multiple_qty,setup_cost,holding_cost_per_day,yield"
_DAYS = "plant_days.day"
_NET = f"{_DEMAND} {_COMPONENTS} {_STOCK} {_OPEN} {_LOT} items.lead_time_days {_DAYS} @policy"
_ORDER_NAMES = "reconciled_orders.work_order purchase_orders.purchase_order,line planned_orders.order"
_DEMAND_NAMES = (
    "sales_orders.sales_order,line master_schedule.item,due_date reconciled_orders.work_order planned_orders.order"
)
_CURRENT = "reconciled_orders.due_date purchase_orders.promised_date,due_date planned_orders.due_date"
_NEED = "pegging.need_date"
_CHANGES = (
    "previous.sales_orders.qty,promised_date previous.master_schedule.qty,due_date previous.inventory.qty "
    "previous.purchase_orders.qty,promised_date previous.reconciled_orders.due_date,expected_qty "
    "previous.bom_lines.qty_per previous.items.lead_time_days,lot_rule,safety_stock,yield previous.plant_days.day "
    "previous.plan_settings.value previous.material_issues.issued_qty previous.allocations.qty "
    "previous.inventory_transactions.qty"
)
_SHIFT = f"action_messages.need_date,from_date {_CHANGES} {_DEMAND} {_COMPONENTS} {_STOCK} {_OPEN} {_LOT}"
_TOOL_USE = "supply_orders.{0}"

MADE_FROM: dict[str, MadeFrom] = {
    "requirements": MadeFrom({
        "item": "items.item", "date": f"{_DAYS} sales_orders.promised_date master_schedule.due_date",
        "gross": f"{_DEMAND} {_COMPONENTS} planned_orders.qty,start_date",
        "receipts": _OPEN, "planned_receipts": "planned_orders.good_qty,due_date",
        "projected_available": f"requirements.gross,receipts {_STOCK}",
        "projected_with_planned": "requirements.projected_available,planned_receipts",
        "net": f"requirements.gross,receipts {_STOCK}",
    }),
    "planned_orders": MadeFrom({
        "order": "planned_orders.item,due_date master_schedule.item,due_date", "item": "items.item",
        "qty": _NET, "good_qty": "planned_orders.qty items.yield",
        "start_date": f"planned_orders.due_date items.lead_time_days {_DAYS}", "due_date": _NET,
        "firm": "master_schedule.firm,source", "make_buy": "items.make_buy",
    }),
    "pegging": MadeFrom({
        "supply_type": "@words", "supply": f"items.item {_ORDER_NAMES}",
        "demand_type": "master_schedule.source @words", "demand": f"items.item {_DEMAND_NAMES}",
        "item": "items.item", "qty": f"{_DEMAND} {_COMPONENTS} {_STOCK} {_OPEN} planned_orders.good_qty",
        "level": "bom_lines.parent_item,component_item",
        "need_date": "sales_orders.promised_date,requested_date master_schedule.due_date reconciled_orders.start_date,"
        "due_date planned_orders.start_date",
    }),
    "action_messages": MadeFrom({
        "message": "action_messages.code,order_type,order", "code": f"{_CURRENT} {_NEED} requirements.net,projected_available",
        "order_type": "@words", "order": f"items.item {_ORDER_NAMES} sales_orders.sales_order,line work_centers.work_center",
        "item": "items.item", "from_date": _CURRENT, "to_date": _NEED, "need_date": _NEED,
        "qty": "reconciled_orders.expected_qty purchase_orders.qty,received_qty planned_orders.qty pegging.qty",
        "qty_early": "pegging.qty,need_date", "feasible": f"{_NEED} items.lead_time_days {_DAYS}",
        "compressed_by": f"{_NEED} items.lead_time_days planned_orders.start_date {_DAYS}",
        "value": "action_messages.qty items.cost", "resource": "purchase_orders.supplier routings.work_center",
        "visibility": "action_messages.code,from_date,to_date,qty,value,lifecycle items.safety_stock "
        "decisions_in_force.subject,value @policy",
        "suppressed_by": "action_messages.visibility decisions_in_force.approved_by,valid_until @policy",
        "lifecycle": "previous.action_messages.message,code,to_date,qty previous.planned_orders.order action_messages.to_date",
        "phoney": "message_causes.category,contribution_days action_messages.code",
        "age_nights": "previous.action_messages.age_nights,message", "original_date": "previous.action_messages.original_date "
        "action_messages.from_date",
        "planner": "items.planner",
        "detail": "requirements.net pegging.demand purchase_orders.firm items.lot_rule,min_qty,multiple_qty",
    }),
    "message_causes": MadeFrom({
        "message": "action_messages.message previous.message_causes.message", "order_type": "action_messages.order_type",
        "order": "action_messages.order", "category": _SHIFT, "event": _SHIFT, "contribution_days": _SHIFT,
        "need_days": _SHIFT, "label": _SHIFT, "amplifier": f"{_LOT} bom_lines.scrap items.lead_time_days", "method": "@words",
        "masked": _SHIFT, "carried": "previous.message_causes.message previous.action_messages.age_nights",
        "detail": f"{_SHIFT} decisions_in_force.subject,reason inventory_transactions.reason,user",
    }),
    "supply_orders": MadeFrom({
        "order": "reconciled_orders.work_order planned_orders.order", "kind": "@words",
        "item": "reconciled_orders.item planned_orders.item",
        "qty": "reconciled_orders.expected_qty planned_orders.qty",
        "start_date": "reconciled_orders.start_date,due_date planned_orders.start_date items.lead_time_days",
        "need_date": f"{_NEED} reconciled_orders.due_date planned_orders.due_date",
        "due_at": "supply_orders.need_date plant_days.last_end", "weight": "pegging.demand customers.class @policy",
        "customer_class": "pegging.demand customers.class", "sales_order": "pegging.demand sales_orders.sales_order",
        "line": "pegging.demand sales_orders.line",
        "earliest_at": "pegging.supply purchase_orders.promised_date,due_date planned_orders.due_date items.lead_time_days "
        "plant_days.first_start reconciled_orders.not_before",
        "material_bound": "pegging.supply purchase_orders.purchase_order,line",
    }),
    "order_links": MadeFrom({
        "supply_order": "pegging.supply", "demand_order": "pegging.demand", "item": "pegging.item", "qty": "pegging.qty",
        "op_seq": "bom_lines.op_seq material_issues.op_seq",
    }),
    "nervousness": MadeFrom({
        "level": "pegging.level", "measure": "@words",
        "value": "planned_orders.qty,start_date previous.planned_orders.qty,start_date action_messages.code,value "
        "previous.action_messages.code items.cost reconciled_orders.due_date purchase_orders.due_date",
        "unit": "@words",
    }),
    "tool_needs": MadeFrom({
        "tool": "routings.tool", "order": _TOOL_USE.format("order"), "op_seq": "routings.op_seq",
        "kind": _TOOL_USE.format("kind"), "item": _TOOL_USE.format("item"), "work_center": "routings.work_center",
        "need_date": "supply_orders.start_date,need_date routings.setup_min,run_min_per_unit,batch_minutes,external_days",
        "units": "supply_orders.qty",
        "hours": "supply_orders.qty routings.setup_min,run_min_per_unit,batch_minutes,external_days",
        "copies": "tools.copies", "copies_short": "tools.copies tool_needs.need_date",
        "worn": "tools.life_units,used_units,copies tool_needs.units",
    }),
    "vendor_dispatch": MadeFrom({
        "supplier": "purchase_orders.supplier", "position": "vendor_dispatch.need_date,promised_date,critical_ratio",
        "purchase_order": "purchase_orders.purchase_order,line", "item": "purchase_orders.item",
        "qty": "purchase_orders.qty,received_qty", "promised_date": "purchase_orders.promised_date,due_date",
        "need_date": _NEED, "critical_ratio": "vendor_dispatch.need_date,promised_date @run",
        "week": "vendor_dispatch.need_date,promised_date",
        "committed": "supplier_items.committed_qty_per_week,flexible_share purchase_orders.qty",
    }),
    "plan_settings": MadeFrom({"setting": "@policy", "value": "@policy"}),
    "planned_forecast": MadeFrom({
        "item": _FORECAST.format("item"), "due_date": _FORECAST.format("due_date"), "qty": _FORECAST.format("qty"),
        "landed_qty": "master_schedule.qty,source", "absorbed": "planned_forecast.qty,landed_qty @policy",
    }),
    "shortages": MadeFrom({
        "item": "pegging.item", "work_order": "pegging.demand", "op_seq": "bom_lines.op_seq material_issues.op_seq",
        "required_qty": "pegging.qty", "short_qty": "pegging.qty,supply,need_date",
        "needed_at": "pegging.need_date reconciled_orders.start_date planned_orders.start_date",
        "covered_at": "purchase_orders.promised_date,due_date reconciled_orders.due_date planned_orders.due_date "
        "items.lead_time_days receipts.received_on purchase_orders.ordered_on",
        "covered_by": "pegging.supply_type,supply", "days_short": "shortages.needed_at,covered_at",
        "unusable_qty": "inventory.qty,status,expiry", "customer_lines": "pegging.demand order_links.demand_order",
        "named_lines": "pegging.demand", "value": "shortages.short_qty items.cost",
        "remedy": "substitutes.substitute_item,approved supplier_items.expedite_days inventory.qty,status",
    }),
}  # fmt: skip
"""By table, in the order of the registry."""
