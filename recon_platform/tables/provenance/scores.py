"""Origins of the agents' scoreboard: what people decided, and what the nights measured of it."""

from __future__ import annotations

from recon_platform.tables.provenance.notation import MadeFrom

_KEPT = "exception_moves.lines order_promises.promised,projected_ship,short_qty sales_orders.status shipments.shipped_on @decided"

MADE_FROM: dict[str, MadeFrom] = {
    "agent_scores": MadeFrom({
        "agent": "@words", "on": "@decided", "levels": "@words @decided", "proposed": "@decided", "accepted": "@decided",
        "rejected": "@decided", "acceptance": "agent_scores.accepted,rejected", "precision": "@decided",
        "sent_alone": "order_changes.approved_by @decided", "promised_lines": "exception_moves.lines_won @decided",
        "measured_lines": "exception_moves.lines @decided", "kept_lines": _KEPT,
        "hours_saved": "agent_scores.accepted,sent_alone @words",
    }),
}  # fmt: skip
