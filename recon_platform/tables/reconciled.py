"""Tables of the reconciled backlog: what was found, what the backlog is after it, and what the ERP is told.

Belongs here: descriptions only. The rules and the arithmetic live in `recon_platform.reconcile`.
"""

from __future__ import annotations

from recon_platform.tables.model import SIGNED, Column, Kind, Layer, Table

MODES = ("block", "auto_overlay", "auto_fix", "planner_review")
ORDER_STATUSES = ("planned", "firm", "released", "in_process", "complete", "closed", "cancelled")
OPERATION_STATUSES = ("waiting", "setup", "running", "paused", "hold", "complete")

FINDING_COLUMNS: tuple[Column, ...] = (
    Column("finding", Kind.KEY, "Identity `rule:entity[:field]`: the same facts give the same finding every night."),
    Column("rule", Kind.KEY, "Rule that fired."),
    Column("rule_version", Kind.TEXT, "Version of that rule."),
    Column(
        "severity", Kind.TEXT, "How bad it is if nothing is done.",
        allowed=("info", "low", "medium", "high", "critical"),
    ),
    Column(
        "mode", Kind.TEXT,
        "What happens with it tonight: block stops what it guards, auto_overlay changes the plan only, auto_fix also "
        "tells the ERP, planner_review waits for a person.",
        allowed=MODES,
    ),
    Column(
        "entity_type", Kind.TEXT, "What it is about.",
        allowed=("plant", "feed", "work_order", "operation", "component", "item", "mes_order", "operation_code", "row",
                 "work_center", "machine"),
    ),
    Column("entity", Kind.KEY, "Key of what it is about; parts are joined by `/`."),
    Column("field", Kind.TEXT, "Field in doubt.", nullable=True),
    Column("erp_value", Kind.TEXT, "What the ERP says.", nullable=True),
    Column("mes_value", Kind.TEXT, "What the MES says.", nullable=True),
    Column("correction", Kind.TEXT, "What is done or proposed.", nullable=True),
    Column("applied", Kind.FLAG, "Done by itself tonight: in the plan (overlay) or in plan and ERP (fix)."),
    Column("value_at_stake", Kind.NUMBER, "Quantity in doubt at item cost.", unit="plant currency", minimum=0),
    Column("evidence", Kind.TEXT, "Both sides' values, operation table and times, as JSON."),
    Column("category", Kind.TEXT, "Cause category for attribution; null: the rule states no cause.", nullable=True),
)  # fmt: skip

FINDINGS = Table(
    name="findings",
    layer=Layer.RECONCILED,
    meaning="Every disagreement of ERP and MES, with its evidence, its correction and who decides.",
    key=("finding",),
    agent="reconciler",
    columns=(
        *FINDING_COLUMNS,
        Column("work_order", Kind.KEY, "Order it belongs to, if any.", nullable=True, refers_to="work_orders"),
        Column("item", Kind.KEY, "Item it belongs to, if any.", nullable=True, refers_to="items"),
        Column(
            "state", Kind.TEXT, "Where it stands: done by itself, waiting for a person, or kept back.",
            allowed=("applied", "open", "locked"),
        ),
        Column("held_by", Kind.TEXT, "Limits, guards or locks that keep a correction back, comma separated.",
               nullable=True),
        Column("orders_behind", Kind.WHOLE, "Customer order lines that wait for the order.", minimum=0),
        Column("group", Kind.KEY, "Findings with one common cause share a group: one thing to decide.", nullable=True),
        Column("rank", Kind.WHOLE, "Place on the list for people, 1 first; null where nobody has to look.",
               nullable=True, minimum=1),
        *SIGNED,
    ),
)  # fmt: skip

RECONCILED_ORDERS = Table(
    name="reconciled_orders",
    layer=Layer.RECONCILED,
    meaning="Every work order of the ERP with the one status and the quantities the plan believes. "
    "completed + scrapped + remaining = qty always; what was made beyond qty stands in over_qty.",
    key=("work_order",),
    columns=(
        Column("work_order", Kind.KEY, "Work order.", refers_to="work_orders"),
        Column("item", Kind.KEY, "Item made.", refers_to="items"),
        Column("routing", Kind.KEY, "Routing it follows; null: main.", nullable=True),
        Column("status", Kind.TEXT, "Status the plan works with.", allowed=ORDER_STATUSES),
        Column("qty", Kind.NUMBER, "Units started.", unit="base uom"),
        Column("completed_qty", Kind.NUMBER, "Good units finished, at most qty.", unit="base uom", minimum=0),
        Column("scrapped_qty", Kind.NUMBER, "Units lost.", unit="base uom", minimum=0),
        Column("remaining_qty", Kind.NUMBER, "Units neither finished nor lost.", unit="base uom", minimum=0),
        Column("expected_qty", Kind.NUMBER,
               "Good units the floor is still expected to finish (yields and work in process counted); 0 once the "
               "order needs no more work.", unit="base uom", minimum=0),
        Column("start_date", Kind.DAY, "Start date of the ERP.", nullable=True),
        Column("due_date", Kind.DAY, "Due date of the ERP."),
        Column("sales_order", Kind.KEY, "Sales order it is made for.", nullable=True),
        Column("line", Kind.KEY, "Line of that sales order.", nullable=True),
        Column("lot", Kind.KEY, "Lot made.", nullable=True),
        Column("campaign", Kind.KEY, "Campaign it belongs to.", nullable=True),
        Column("supply_confirmed", Kind.FLAG, "False where its supply date cannot be believed: hold, stalled, frozen."),
        Column("not_before", Kind.INSTANT, "Earliest instant its supply can be there, where something delays it.",
               nullable=True),
        Column("rules", Kind.TEXT, "Rules that fired on it, in order of evaluation, comma separated."),
        Column("erp_status", Kind.TEXT, "Status as the ERP has it.", allowed=ORDER_STATUSES),
        Column("unposted_qty", Kind.NUMBER,
               "Good units finished that the ERP's stock does not hold yet: supply that is there now.",
               unit="base uom", minimum=0),
        Column("over_qty", Kind.NUMBER, "Units reported beyond qty, kept apart.", unit="base uom", minimum=0),
        Column("rework_qty", Kind.NUMBER, "Units in rework: neither good nor scrap.", unit="base uom", minimum=0),
    ),
)  # fmt: skip

RECONCILED_OPERATIONS = Table(
    name="reconciled_operations",
    layer=Layer.RECONCILED,
    meaning="The operations of every order that still needs work: what is done, what is left, and how it is made.",
    key=("work_order", "op_seq"),
    columns=(
        Column("work_order", Kind.KEY, "Work order.", refers_to="work_orders"),
        Column("op_seq", Kind.WHOLE, "Place in the routing."),
        Column("operation_code", Kind.KEY, "What is done.", nullable=True),
        Column("work_center", Kind.KEY, "Where.", refers_to="work_centers"),
        Column("machine", Kind.KEY, "Machine it runs or ran on, or is bound to.", nullable=True),
        Column("status", Kind.TEXT, "State on the floor.", allowed=OPERATION_STATUSES),
        Column("qty", Kind.NUMBER, "Units entering the operation in total.", unit="base uom", minimum=0),
        Column("good_qty", Kind.NUMBER, "Good so far.", unit="base uom", minimum=0),
        Column("scrap_qty", Kind.NUMBER, "Scrap so far.", unit="base uom", minimum=0),
        Column("in_process_qty", Kind.NUMBER, "Units at the operation now, queue included.", unit="base uom",
               minimum=0),
        Column("remaining_qty", Kind.NUMBER, "Units still to process here; 0 when complete.", unit="base uom",
               minimum=0),
        Column("setup_min", Kind.NUMBER, "Set-up.", unit="minutes", minimum=0),
        Column("run_min_per_unit", Kind.NUMBER, "Run time per base unit at 100 % efficiency.", unit="minutes",
               minimum=0),
        Column("started_at", Kind.INSTANT, "When it started.", nullable=True),
        Column("ended_at", Kind.INSTANT, "When it ended.", nullable=True),
        Column("setup_skill", Kind.KEY, "Skill that sets up.", nullable=True),
        Column("setup_people", Kind.NUMBER, "People of that skill.", nullable=True),
        Column("run_skill", Kind.KEY, "Skill that runs.", nullable=True),
        Column("run_people", Kind.NUMBER, "People of that skill; a fraction where one attends several.", nullable=True),
        Column("queue_min", Kind.NUMBER, "Wait before it.", unit="minutes", minimum=0),
        Column("move_min", Kind.NUMBER, "Move after it.", unit="minutes", minimum=0),
        Column("max_wait_min", Kind.NUMBER, "Longest wait allowed before it.", unit="minutes", nullable=True),
        Column("setup_family", Kind.KEY, "Set-up family.", nullable=True),
        Column("overlap_qty", Kind.NUMBER, "Units after which the next operation may start.", unit="base uom",
               nullable=True),
        Column("yield", Kind.NUMBER, "Good out of what enters.", above=0),
        Column("pausable", Kind.FLAG, "May stop over a break in working time."),
        Column("batch_min", Kind.NUMBER, "Smallest batch.", nullable=True),
        Column("batch_max", Kind.NUMBER, "Largest batch.", nullable=True),
        Column("batch_minutes", Kind.NUMBER, "Time of one batch.", unit="minutes", nullable=True),
        Column("tool", Kind.KEY, "Tool it needs.", nullable=True),
        Column("external_days", Kind.NUMBER, "Days at the vendor.", unit="calendar days", nullable=True),
    ),
)  # fmt: skip

ORDER_CHANGES = Table(
    name="order_changes",
    layer=Layer.RECONCILED,
    meaning="What the ERP is told about its orders. approved_by names the rule that may act alone; empty: a person "
    "has to approve before anything is sent.",
    key=("idempotency_key",),
    agent="reconciler",
    columns=(
        Column("work_order", Kind.KEY, "Work order to change.", nullable=True),
        Column("purchase_order", Kind.KEY, "Purchase order to change.", nullable=True),
        Column(
            "change", Kind.TEXT, "What changes.",
            allowed=("close", "cancel", "quantity", "due_date", "component"),
        ),
        Column("field", Kind.TEXT, "Field or component concerned.", nullable=True),
        Column("from", Kind.TEXT, "Value in the ERP now; an answer is refused when it no longer holds.", nullable=True),
        Column("to", Kind.TEXT, "Value to be.", nullable=True),
        Column("reason", Kind.TEXT, "Why, in words."),
        Column("approved_by", Kind.TEXT, "Rule and version that acts within limits; null: waits for a person.",
               nullable=True),
        Column("idempotency_key", Kind.KEY, "A second delivery with the same key changes nothing."),
        Column("finding", Kind.KEY, "Finding behind it."),
        *SIGNED,
    ),
)  # fmt: skip

FINDING_GROUPS = Table(
    name="finding_groups",
    layer=Layer.RECONCILED,
    meaning="Findings that one cause explains: one thing to decide, with the single fix proposed.",
    key=("group",),
    columns=(
        Column("group", Kind.KEY, "Identity `kind/what`: the same cause gives the same one every night."),
        Column("rules", Kind.TEXT, "Rules of its findings, comma separated."),
        Column("findings", Kind.WHOLE, "Findings in it.", minimum=1),
        Column("orders", Kind.WHOLE, "Work orders concerned.", minimum=0),
        Column("value_at_stake", Kind.NUMBER, "Sum over its findings.", unit="plant currency", minimum=0),
        Column("orders_behind", Kind.WHOLE, "Customer order lines that wait behind.", minimum=0),
        Column("proposal", Kind.TEXT, "The one fix proposed."),
        Column("examples", Kind.TEXT, "Up to three of its findings."),
        Column("rank", Kind.WHOLE, "Best rank among its findings.", nullable=True),
    ),
)

RULE_PRECISION = Table(
    name="rule_precision",
    layer=Layer.RECONCILED,
    meaning="How often people found each rule right, carried from night to night, and whether it may act alone.",
    key=("rule",),
    columns=(
        Column("rule", Kind.KEY, "Rule."),
        Column("rule_version", Kind.TEXT, "Version people judged."),
        Column("right", Kind.WHOLE, "Findings people confirmed since the rule was last approved.", minimum=0),
        Column("wrong", Kind.WHOLE, "Findings people rejected.", minimum=0),
        Column("precision", Kind.NUMBER, "right ÷ (right + wrong); null while nobody judged.", nullable=True),
        Column("threshold", Kind.NUMBER, "Below it the automatic mode is lost."),
        Column("automatic", Kind.FLAG, "May act alone; once lost only a new approval brings it back."),
        Column("switched_off", Kind.FLAG, "Switched off by a person, as is every rule with the reconciler."),
        Column("as_of", Kind.INSTANT, "Decisions up to here are counted."),
    ),
)

FINDING_SAMPLE = Table(
    name="finding_sample",
    layer=Layer.RECONCILED,
    meaning="Corrections that went out alone tonight and that a person is asked to judge, drawn by chance per rule.",
    key=("finding",),
    columns=(
        Column("finding", Kind.KEY, "Finding drawn.", refers_to="findings"),
        Column("rule", Kind.KEY, "Its rule."),
        Column("rule_version", Kind.TEXT, "Version of the rule."),
        Column("work_order", Kind.KEY, "Order corrected.", nullable=True),
        Column("item", Kind.KEY, "Item concerned.", nullable=True),
        Column("correction", Kind.TEXT, "What was done.", nullable=True),
        Column("evidence", Kind.TEXT, "The finding's evidence, as JSON."),
    ),
)

TABLES: tuple[Table, ...] = (
    FINDINGS,
    RECONCILED_ORDERS,
    RECONCILED_OPERATIONS,
    ORDER_CHANGES,
    FINDING_GROUPS,
    RULE_PRECISION,
    FINDING_SAMPLE,
)
