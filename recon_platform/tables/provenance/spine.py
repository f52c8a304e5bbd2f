"""Origins of what conforming makes beside the landing tables, and of the histories.

The conformed landing tables themselves are led back by the tables that conforming works by, not from here.
"""

from __future__ import annotations

from recon_platform.tables.history import RECORDED, history_name
from recon_platform.tables.provenance.notation import MadeFrom

_SHIFT = "calendars.calendar,weekday,start,end calendar_exceptions.calendar,date,start,end planned_downtime.start,end"
_LEARNED_FROM = (
    "receipts.received_on purchase_orders.ordered_on cycle_times.run_min,setup_min,qty machines.speed "
    "work_centers.efficiency operation_status.status,good_qty,scrap_qty,started_at,ended_at working_time.start,end,kind"
)
_KNOWN = "@run"

MADE_FROM: dict[str, MadeFrom] = {
    "working_time": MadeFrom({
        "machine": "machines.machine",
        "work_center": "machines.work_center",
        "start": f"{_SHIFT} work_centers.calendar,external",
        "end": f"{_SHIFT} work_centers.calendar,external",
        "kind": "calendars.kind calendar_exceptions.kind work_centers.external",
    }),
    "plant_days": MadeFrom({
        "day": "calendars.weekday,kind calendar_exceptions.date,kind",
        "ordinal": "calendars.weekday,kind calendar_exceptions.date,kind @run",
        "first_start": "calendars.start calendar_exceptions.start",
        "last_end": "calendars.start,end calendar_exceptions.start,end",
    }),
    "key_map": MadeFrom({
        "source": "@words", "table": "@words", "column": "@words",
        "raw_key": "raw.*.key",
        "key": "raw.*.key raw.item_xref.key raw.work_center_xref.key raw.order_xref.key",
        "rule": "raw.*.key raw.item_xref.source_key raw.work_center_xref.source_key raw.order_xref.source_key @policy",
    }),
    "quarantine": MadeFrom({
        "table": "@words", "source": "@words",
        "file": "raw.*.key", "row": "raw.*.key",
        "column": "raw.*.* @rules", "value": "raw.*.*", "reason": "raw.*.* @rules", "severity": "raw.*.* @rules",
        "gate": "raw.*.* @rules", "reasons": "raw.*.*",
    }),
    "row_counts": MadeFrom({
        "table": "@words", "rows_in": "raw.*.key", "rows_out": "raw.*.key quarantine.row",
        "rows_quarantined": "quarantine.row",
    }),
    "availability": MadeFrom({
        "table": "@words", "present": "raw.*.key", "rows": "row_counts.rows_out", "note": "raw.*.key @words",
    }),
    "data_findings": MadeFrom({
        "finding": "raw.*.key @rules", "rule": "@rules", "rule_version": "@rules", "severity": "@rules", "mode": "@rules",
        "entity_type": "@rules", "entity": "raw.*.key", "field": "raw.*.* @rules", "erp_value": "raw.*.*",
        "mes_value": "raw.*.*", "correction": "raw.*.* @rules", "applied": "@rules", "value_at_stake": "@words",
        "evidence": "raw.*.* previous.deliveries.rows @policy", "category": "@rules",
    }),
    "key_proposals": MadeFrom({
        "source": "@words", "table": "@words", "column": "@words", "raw_key": "raw.*.key", "proposed_key": "raw.*.key",
        "score": "raw.*.key", "second_score": "raw.*.key", "rows": "raw.*.key",
    }),
    "lot_roots": MadeFrom({
        "lot": "lots.lot", "root": "lots.lot,parent_lot", "depth": "lots.parent_lot",
    }),
    "parameter_proposals": MadeFrom({
        "kind": "@words",
        "subject": "purchase_orders.supplier,item work_orders.item,routing cycle_times.op_seq,from_value,to_value "
        "operation_status.op_seq machines.work_center",
        "item": "purchase_orders.item work_orders.item",
        "current": "supplier_items.lead_time_days items.lead_time_days routings.run_min_per_unit,yield "
        "setup_matrix.minutes work_centers.efficiency",
        "proposed": _LEARNED_FROM, "p50": _LEARNED_FROM, "p80": _LEARNED_FROM, "samples": _LEARNED_FROM,
        "unit": "@words",
        "stale": f"{_LEARNED_FROM} items.lead_time_days supplier_items.lead_time_days routings.run_min_per_unit,yield "
        "setup_matrix.minutes work_centers.efficiency @policy",
    }),
    "deliveries": MadeFrom({
        "night": "previous.deliveries.night @run", "table": "row_counts.table previous.deliveries.table",
        "rows": "row_counts.rows_in previous.deliveries.rows",
    }),
    "parameters_history": MadeFrom({
        "parameter": "previous.parameters_history.parameter @policy",
        "value": "previous.parameters_history.value @policy",
        "known_from": "previous.parameters_history.known_from @run",
        "known_to": "previous.parameters_history.known_to @run",
    }),
    **{
        history_name(name): MadeFrom(
            {
                column: f"previous.{history_name(name)}.{column} {_KNOWN}" for column in ("known_from", "known_to")
            },
            carried=f"{name} previous.{history_name(name)}",
        )
        for name in RECORDED
    },
}  # fmt: skip
"""By table, in the order of the registry."""
