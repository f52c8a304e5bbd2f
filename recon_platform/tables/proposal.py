"""Tables of the proposal: what each customer line gets, what changed, which exceptions could be taken and their effect."""

from __future__ import annotations

from recon_platform.tables.model import SIGNED, Column, Kind, Layer, Table

ORDER_PROMISES = Table(
    name="order_promises",
    layer=Layer.PROPOSAL,
    meaning="For every open customer order line, the day it will ship under this plan and what decides that day.",
    key=("sales_order", "line"),
    columns=(
        Column("sales_order", Kind.KEY, "Sales order.", refers_to="sales_orders"),
        Column("line", Kind.KEY, "Line of the sales order."),
        Column("customer", Kind.KEY, "Customer.", refers_to="customers"),
        Column("customer_class", Kind.TEXT, "Class of the customer.", nullable=True),
        Column("item", Kind.KEY, "Item to be shipped.", refers_to="items"),
        Column("qty", Kind.NUMBER, "Quantity still to be shipped.", unit="base uom"),
        Column("requested", Kind.DAY, "Day the customer asked for.", nullable=True),
        Column("first_promised", Kind.DAY, "Day promised first; the measure of OTIF.", nullable=True),
        Column("promised", Kind.DAY, "Day promised last; what netting plans for.", nullable=True),
        Column(
            "projected_ship", Kind.DAY, "Day the last unit is there; null if the plan has no supply.", nullable=True
        ),
        Column("previous_projection", Kind.DAY, "The same from the run before.", nullable=True),
        Column("short_qty", Kind.NUMBER, "Quantity that no supply covers.", unit="base uom", minimum=0),
        Column("late_days", Kind.NUMBER, "Projected after promised; negative when early.", unit="days", nullable=True),
        Column("bound_by_type", Kind.TEXT, "Kind of supply that decides the day.", nullable=True),
        Column("bound_by", Kind.TEXT, "The supply that decides the day, or why there is none.", nullable=True),
    ),
)

PROPOSAL_CHANGES = Table(
    name="proposal_changes",
    layer=Layer.PROPOSAL,
    meaning="Delta view: what this plan does differently from the schedule in force, and why.",
    key=("work_order", "op_seq", "what"),
    columns=(
        Column("work_order", Kind.KEY, "Order that changed."),
        Column("op_seq", Kind.WHOLE, "Operation that changed; null for the order as a whole.", nullable=True),
        Column(
            "what", Kind.TEXT, "What changed.",
            allowed=("added", "removed", "finished", "start", "machine", "start_and_machine"),
        ),
        Column("from", Kind.TEXT, "Before, in force.", nullable=True),
        Column("to", Kind.TEXT, "After, proposed.", nullable=True),
        Column("shift_minutes", Kind.NUMBER, "Start after minus start before.", unit="minutes", nullable=True),
        Column(
            "by_facts_minutes", Kind.NUMBER, "The part of it that facts make with the sequence in force held.",
            unit="minutes", nullable=True,
        ),
        Column("sequenced_anew", Kind.FLAG, "The planner moved it beyond what facts ask for."),
        Column("reason", Kind.TEXT, "Why, in words, from stored facts."),
        Column("cause", Kind.TEXT, "Cause category; SEQUENCING: no fact, the planner sequenced anew.", nullable=True),
        Column("root", Kind.TEXT, "Operation (`order/op`) whose fact is the reason; null: no fact.", nullable=True),
        Column(
            "further", Kind.TEXT, "Other facts (`order/op: fact`, a JSON list) that would still keep it from its place without that one.",
            nullable=True,
        ),
        Column("frozen", Kind.FLAG, "Lies inside the frozen horizon."),
        Column("otif_effect", Kind.WHOLE, "Customer lines won (+) or lost (−) by the order's new end.", unit="lines"),
        Column("labour_effect", Kind.NUMBER, "Change of run and set-up time.", unit="hours"),
    ),
)  # fmt: skip

EXCEPTION_MOVES = Table(
    name="exception_moves",
    layer=Layer.PROPOSAL,
    meaning="Opt-in exceptions to the base plan, each with the effect measured by planning again with it.",
    key=("move",),
    agent="replanner",
    columns=(
        Column("move", Kind.KEY, "Identity of the move; the same advice on the same facts has the same one."),
        Column(
            "kind", Kind.TEXT, "What is excepted.",
            allowed=(
                "substitute", "expedite_purchase", "overtime", "sibling", "frozen_break", "rush", "split", "overlap",
                "make_or_buy", "reallocate", "compress", "delay", "cancel", "pin", "parameter", "override",
                "bundle", "firm", "resequence",
            ),
        ),
        Column("subject", Kind.KEY, "Order, purchase line, work center or item the move is about."),
        Column("from", Kind.TEXT, "As the base plan has it.", nullable=True),
        Column("to", Kind.TEXT, "As it would be.", nullable=True),
        Column("change", Kind.TEXT, "The change to the plan's inputs, as JSON that the planner applies."),
        Column("reason", Kind.TEXT, "Why it is proposed."),
        Column("evidence", Kind.TEXT, "Stored facts behind it, as JSON."),
        Column("lines_won", Kind.WHOLE, "Customer lines late without and on time with the move.", unit="lines"),
        Column("lines_lost", Kind.WHOLE, "Customer lines on time without and late with the move.", unit="lines"),
        Column("lines", Kind.TEXT, "Their names, as JSON {won: […], lost: […]}."),
        Column("late_days_saved", Kind.NUMBER, "Weighted late days without minus with.", unit="weighted days"),
        Column("labour_hours", Kind.NUMBER, "Run and set-up hours with minus without.", unit="hours"),
        Column("overtime_hours", Kind.NUMBER, "Overtime hours with minus without.", unit="hours"),
        Column("cost", Kind.NUMBER, "What the move costs, less the lateness it saves.", unit="plant currency"),
        Column("operations_moved", Kind.WHOLE, "Operations that start at another time or place.", unit="operations"),
        Column(
            "effect", Kind.TEXT,
            "The rest of the effect, as JSON: late days saved by class, lateness cost saved, direct cost, change-overs and "
            "set-up hours with minus without, orders touched by level, work centers touched, frozen operations moved, "
            "messages made and cleared.",
        ),
        Column("needs", Kind.TEXT, "Moves a bundle consists of, as a JSON list; they help only together."),
        Column("excludes", Kind.TEXT, "Moves that cannot be taken besides this one, as a JSON list."),
        Column("in_set", Kind.FLAG, "Belongs to the set proposed to be taken together."),
        Column("approval_needed", Kind.TEXT, "Role that has to approve.", allowed=("supervisor", "manager")),
        Column("signature", Kind.FLAG, "Needs an electronic signature."),
        Column("valid_until", Kind.INSTANT, "After this the facts may have changed."),
        Column("rule", Kind.TEXT, "What proposed it."),
        Column("rule_version", Kind.TEXT, "Its version."),
        Column("rank", Kind.WHOLE, "1 is the most useful per disturbance."),
        Column("digest", Kind.TEXT, "SHA-256 of everything shown; an approval holds for exactly this."),
        Column("state", Kind.TEXT, "Where it stands.", allowed=("proposed", "approved", "rejected", "expired")),
        *SIGNED,
    ),
)  # fmt: skip

EXPECTED_IMPACT = Table(
    name="expected_impact",
    layer=Layer.PROPOSAL,
    meaning="The plan beside the schedule in force, measure by measure.",
    key=("measure",),
    columns=(
        Column("measure", Kind.TEXT, "What is compared."),
        Column("unit", Kind.TEXT, "Its unit."),
        Column("in_force", Kind.NUMBER, "If the schedule in force stayed; null if there is none.", nullable=True),
        Column("proposed", Kind.NUMBER, "Under this plan.", nullable=True),
        Column("with_moves", Kind.NUMBER, "Under this plan with the proposed set of moves.", nullable=True),
    ),
)

TABLES: tuple[Table, ...] = (ORDER_PROMISES, PROPOSAL_CHANGES, EXCEPTION_MOVES, EXPECTED_IMPACT)
