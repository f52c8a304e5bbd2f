"""Tables of material planning: requirements, planned orders, pegging, action messages with causes, shortages.

Belongs here: the shape of what netting makes. Does not belong here: how it is made (`recon_platform.material`).
"""

from __future__ import annotations

from recon_platform.tables.model import SIGNED, Column, Kind, Layer, Table

SUPPLY_TYPES = ("stock", "purchase_order", "work_order", "planned")
DEMAND_TYPES = (
    "sales_order", "forecast", "interplant", "spare_parts", "family_mix", "work_order", "planned", "safety_stock", "surplus",
)  # fmt: skip
MESSAGE_CODES = (
    "ORDER_NEW", "RELEASE", "EXPEDITE", "DELAY", "CANCEL", "DECREASE", "INCREASE", "FENCE_CONFLICT", "PAST_DUE_SUPPLY",
    "PAST_DUE_DEMAND", "UNCOVERED", "BELOW_SS", "EXCESS", "ORDER_QTY_RULE", "FPO_DRIFT", "PHASE_OUT", "PARENT_AT_RISK",
    "DATA_ERROR", "OVERLOAD",
)  # fmt: skip
ORDER_TYPES = ("purchase_order", "work_order", "planned", "item", "sales_order", "work_center")
LIFECYCLES = ("NEW", "CHANGED", "PERSISTING", "FLIPPED", "CLEARED", "ON_PLAN", "CARRY_OVER")
CATEGORIES = (
    "RECORD_ERROR", "UNEXPLAINED", "UNPLANNED_TXN", "SCRAP", "YIELD_CHANGE", "OVER_RECEIPT", "VENDOR_FALLDOWN",
    "PLANT_FALLDOWN", "ENGINEERING_CHANGE", "LEAD_TIME_CHANGE", "LOT_SIZE_CHANGE", "SAFETY_STOCK_CHANGE", "CALENDAR",
    "POLICY_VERSION", "MPS_CHANGE", "PLANNER_ACTION",
)  # fmt: skip
"""Every cause there is, in the order in which causes are applied when there are too many for exact shares."""

REQUIREMENTS = Table(
    name="requirements",
    layer=Layer.MATERIAL,
    meaning="The netting record: what each item needs and has on each day on which something happens.",
    key=("item", "date"),
    columns=(
        Column("item", Kind.KEY, "Item netted.", refers_to="items"),
        Column("date", Kind.DAY, "Working day."),
        Column("gross", Kind.NUMBER, "Gross requirement of the day.", unit="base uom", minimum=0),
        Column("receipts", Kind.NUMBER, "Open orders at their current due date.", unit="base uom", minimum=0),
        Column("planned_receipts", Kind.NUMBER, "Good quantity of planned orders.", unit="base uom", minimum=0),
        Column(
            "projected_available", Kind.NUMBER,
            "Running balance with open orders at their current dates, without planned orders, safety stock deducted.",
            unit="base uom",
        ),
        Column(
            "projected_with_planned", Kind.NUMBER, "The same balance with planned orders received.", unit="base uom"
        ),
        Column(
            "net", Kind.NUMBER, "What the day lacks after every open order is used, before lot sizing.",
            unit="base uom", minimum=0,
        ),
    ),
)  # fmt: skip

PLANNED_ORDERS = Table(
    name="planned_orders",
    layer=Layer.MATERIAL,
    meaning="Orders the plan needs that nobody has opened yet; firm ones come from the master schedule.",
    key=("order",),
    columns=(
        Column("order", Kind.KEY, "Identity; the same item and day give the same one in every run."),
        Column("item", Kind.KEY, "Item to make or buy.", refers_to="items"),
        Column("qty", Kind.NUMBER, "Quantity to start or to order.", unit="base uom", above=0),
        Column("good_qty", Kind.NUMBER, "Quantity expected good: qty × yield.", unit="base uom", above=0),
        Column("start_date", Kind.DAY, "Latest day to start or to order; before the planning date when compressed."),
        Column("due_date", Kind.DAY, "Working day on which it is needed."),
        Column("firm", Kind.FLAG, "Fixed by the master schedule; netting never moves it."),
        Column("make_buy", Kind.TEXT, "Made here, bought, or passed through.", allowed=("make", "buy", "phantom")),
    ),
)

PEGGING = Table(
    name="pegging",
    layer=Layer.MATERIAL,
    meaning="Which supply serves which demand: first needed, first served, item by item.",
    key=("item", "supply_type", "supply", "demand_type", "demand"),
    columns=(
        Column("supply_type", Kind.TEXT, "Kind of supply.", allowed=SUPPLY_TYPES),
        Column("supply", Kind.KEY, "Stock (the item), purchase order/line, work order or planned order."),
        Column("demand_type", Kind.TEXT, "Kind of demand; surplus is what nothing needs.", allowed=DEMAND_TYPES),
        Column("demand", Kind.KEY, "Sales order/line, work order, planned order, master-schedule line, or the item."),
        Column("item", Kind.KEY, "Item that changes hands.", refers_to="items"),
        Column("qty", Kind.NUMBER, "Quantity pegged.", unit="base uom", above=0),
        Column("level", Kind.WHOLE, "Low-level code of the item; 0 is sold."),
        Column("need_date", Kind.DAY, "Day of the demand; null for surplus.", nullable=True),
    ),
)

ACTION_MESSAGES = Table(
    name="action_messages",
    layer=Layer.MATERIAL,
    meaning="What a planner should look at, raw: filters hide rows, they never remove them.",
    key=("message",),
    columns=(
        Column("message", Kind.KEY, "Identity: code, order type and order; the same from night to night."),
        Column("code", Kind.TEXT, "What to do.", allowed=MESSAGE_CODES),
        Column(
            "order_type", Kind.TEXT, "What it speaks of.",
            allowed=ORDER_TYPES,
        ),
        Column("order", Kind.KEY, "Order, item or work center."),
        Column("item", Kind.KEY, "Item concerned.", nullable=True),
        Column("from_date", Kind.DAY, "Current date.", nullable=True),
        Column("to_date", Kind.DAY, "Date the plan needs; null where it is never needed.", nullable=True),
        Column("need_date", Kind.DAY, "First day on which the order is needed.", nullable=True),
        Column("qty", Kind.NUMBER, "Quantity of the order, or the quantity to cancel, cut or add.", unit="base uom"),
        Column("qty_early", Kind.NUMBER, "Part needed before the current date.", unit="base uom", minimum=0),
        Column("feasible", Kind.FLAG, "The new date can be kept with the least lead time that remains.", nullable=True),
        Column("compressed_by", Kind.WHOLE, "Lead time that is missing.", unit="days", minimum=0),
        Column("value", Kind.NUMBER, "Quantity concerned × item cost.", unit="plant currency", nullable=True),
        Column("resource", Kind.KEY, "Supplier, or work center of the next operation.", nullable=True),
        Column("visibility", Kind.TEXT, "Shown, hidden by a filter, or put aside by a planner for a while.", allowed=("SHOWN", "SUPPRESSED", "SNOOZED")),
        Column("suppressed_by", Kind.TEXT, "Filter and its value that hides it, or who put it aside until when.", nullable=True),
        Column("lifecycle", Kind.TEXT, "How it relates to last night.", allowed=LIFECYCLES),
        Column("phoney", Kind.FLAG, "All changes behind it relieve, and it still asks for more or sooner."),
        Column("age_nights", Kind.WHOLE, "Runs in a row that showed it before this one.", minimum=0),
        Column(
            "original_date", Kind.DAY, "Current date when the order was first messaged; drift is measured to it.",
            nullable=True,
        ),
        Column("planner", Kind.TEXT, "Planner of the item.", nullable=True),
        Column("detail", Kind.TEXT, "The facts behind it, where the columns do not say it all.", nullable=True),
    ),
)  # fmt: skip

MESSAGE_CAUSES = Table(
    name="message_causes",
    layer=Layer.MATERIAL,
    meaning="What changed since the run before and how far each change moved the order; rows add up to the shift.",
    key=("order_type", "order", "category", "event"),
    columns=(
        Column("message", Kind.KEY, "The message; for a masked cause, the identity it would have had."),
        Column("order_type", Kind.TEXT, "Kind of order that moved."),
        Column("order", Kind.KEY, "Order that moved."),
        Column("category", Kind.TEXT, "Kind of change.", allowed=CATEGORIES),
        Column("event", Kind.KEY, "The recorded change; `*` for the whole category."),
        Column(
            "contribution_days", Kind.NUMBER, "Shapley share of need − due; negative asks for the order sooner.",
            unit="days",
        ),
        Column("need_days", Kind.NUMBER, "The part of it that moved the need.", unit="days"),
        Column(
            "label", Kind.TEXT, "The event alone, only with others, or one of several that each suffice.",
            allowed=("sole", "joint", "redundant"), nullable=True,
        ),
        Column("amplifier", Kind.TEXT, "What made the change larger on its way down.", nullable=True),
        Column("method", Kind.TEXT, "Exact shares, or sequential for more than six categories.",
               allowed=("shapley", "sequential")),
        Column("masked", Kind.FLAG, "Cancelled by others tonight: no message, but tomorrow's noise."),
        Column("carried", Kind.FLAG, "From an earlier night: the message was not acted on since."),
        Column("detail", Kind.TEXT, "The event in words: from stored rows only.", nullable=True),
    ),
)  # fmt: skip

SUPPLY_ORDERS = Table(
    name="supply_orders",
    layer=Layer.MATERIAL,
    meaning="Every made order the scheduler must place, with the day it is needed and how much it matters.",
    key=("order",),
    columns=(
        Column("order", Kind.KEY, "Work order or planned order."),
        Column("kind", Kind.TEXT, "Open in the ERP, or planned.", allowed=("work_order", "planned")),
        Column("item", Kind.KEY, "Item made.", refers_to="items"),
        Column("qty", Kind.NUMBER, "Good still expected of a work order; to be started of a planned one.",
               unit="base uom"),
        Column("start_date", Kind.DAY, "Latest start by lead time.", nullable=True),
        Column("need_date", Kind.DAY, "Day it is needed; its due date when nothing needs it."),
        Column("due_at", Kind.INSTANT, "End of the last shift of the need date."),
        Column("weight", Kind.NUMBER, "Largest class weight among the demand it serves.", above=0),
        Column("customer_class", Kind.TEXT, "Class that gives the weight.", nullable=True),
        Column("sales_order", Kind.KEY, "Customer order line that gives the weight.", nullable=True),
        Column("line", Kind.KEY, "Line of it.", nullable=True),
        Column("earliest_at", Kind.INSTANT, "When its bought and stocked components can be there."),
        Column("material_bound", Kind.TEXT, "What decides that; null when it is there now.", nullable=True),
    ),
)  # fmt: skip

ORDER_LINKS = Table(
    name="order_links",
    layer=Layer.MATERIAL,
    meaning="Made supply that feeds another made order.",
    key=("supply_order", "demand_order", "item", "op_seq"),
    columns=(
        Column("supply_order", Kind.KEY, "Order that makes the component."),
        Column("demand_order", Kind.KEY, "Order that consumes it."),
        Column("item", Kind.KEY, "Component.", refers_to="items"),
        Column("qty", Kind.NUMBER, "Quantity it takes.", unit="base uom", above=0),
        Column("op_seq", Kind.WHOLE, "Operation that consumes it; null is the first.", nullable=True),
    ),
)

SHORTAGES = Table(
    name="shortages",
    layer=Layer.MATERIAL,
    meaning="Components that will not be there when an order needs them, at the dates supply really has.",
    key=("item", "work_order", "op_seq"),
    agent="shortage_finder",
    columns=(
        Column("item", Kind.KEY, "Component that is short.", refers_to="items"),
        Column("work_order", Kind.KEY, "Work order or planned order that lacks it."),
        Column(
            "op_seq",
            Kind.WHOLE,
            "First operation that consumes it; null where no record and no bill says.",
            nullable=True,
        ),
        Column("required_qty", Kind.NUMBER, "Quantity the order still needs.", unit="base uom", above=0),
        Column("short_qty", Kind.NUMBER, "Part that is not there in time.", unit="base uom", above=0),
        Column("needed_at", Kind.DAY, "Day the order starts."),
        Column("covered_at", Kind.DAY, "Day on which the last of it is there; null if never.", nullable=True),
        Column("covered_by", Kind.TEXT, "Supply that closes it.", nullable=True),
        Column("days_short", Kind.WHOLE, "Days between need and cover.", unit="days", nullable=True),
        Column(
            "unusable_qty",
            Kind.NUMBER,
            "In stock and on hold, in quality, blocked or expired.",
            unit="base uom",
            minimum=0,
        ),
        Column(
            "customer_lines",
            Kind.WHOLE,
            "Customer order lines that wait for the order, through all levels.",
            unit="lines",
            minimum=0,
        ),
        Column("named_lines", Kind.TEXT, "The first of these lines by name.", nullable=True),
        Column("value", Kind.NUMBER, "Short quantity × cost of the component.", unit="plant currency", nullable=True),
        Column("remedy", Kind.TEXT, "What could be done; a proposal.", nullable=True),
        *SIGNED,
    ),
)

NERVOUSNESS = Table(
    name="nervousness",
    layer=Layer.MATERIAL,
    meaning="How far tonight's releases and messages moved against last night's plan rolled forward, level by level.",
    key=("level", "measure"),
    columns=(
        Column("level", Kind.WHOLE, "Low-level code; −1 is the plant as a whole."),
        Column("measure", Kind.KEY, "What is measured; docs/material.md says how."),
        Column("value", Kind.NUMBER, "The value; null where nothing stands in the denominator.", nullable=True),
        Column("unit", Kind.TEXT, "Unit of the value."),
    ),
)

TOOL_NEEDS = Table(
    name="tool_needs",
    layer=Layer.MATERIAL,
    meaning="When each tool must stand ready, for which operation of which open or planned order.",
    key=("tool", "order", "op_seq"),
    columns=(
        Column("tool", Kind.KEY, "The tool.", refers_to="tools"),
        Column("order", Kind.KEY, "Work order or planned order that needs it."),
        Column("op_seq", Kind.WHOLE, "Operation that uses it."),
        Column("kind", Kind.TEXT, "Open in the ERP, or planned.", allowed=("work_order", "planned")),
        Column("item", Kind.KEY, "Item made.", refers_to="items"),
        Column("work_center", Kind.KEY, "Where."),
        Column("need_date", Kind.DAY, "Day the operation begins, by the order's own dates; past where it is late."),
        Column("units", Kind.NUMBER, "Units made with it.", unit="base uom", minimum=0),
        Column("hours", Kind.NUMBER, "Set-up and run.", unit="hours", minimum=0),
        Column("copies", Kind.WHOLE, "Copies there are; null where the tool is unknown.", nullable=True, minimum=0),
        Column("copies_short", Kind.WHOLE, "Copies too few on that day.", minimum=0),
        Column("worn", Kind.FLAG, "What its copies still last does not reach to here."),
    ),
)

VENDOR_DISPATCH = Table(
    name="vendor_dispatch",
    layer=Layer.MATERIAL,
    meaning="What each vendor should deliver first: open lines by the day they are needed, not by the day promised.",
    key=("supplier", "position"),
    columns=(
        Column("supplier", Kind.KEY, "The vendor."),
        Column("position", Kind.WHOLE, "1 is the most urgent.", minimum=1),
        Column("purchase_order", Kind.KEY, "Order/line."),
        Column("item", Kind.KEY, "Item.", refers_to="items"),
        Column("qty", Kind.NUMBER, "Still to come.", unit="base uom", above=0),
        Column("promised_date", Kind.DAY, "Date promised, else asked for."),
        Column("need_date", Kind.DAY, "First day it is needed; null where nothing needs it.", nullable=True),
        Column("critical_ratio", Kind.NUMBER, "Days until needed ÷ days until promised; below 1 the promise is too late.",
               nullable=True),
        Column("week", Kind.DAY, "Monday of the week the commitment is counted in.", nullable=True),
        Column("committed", Kind.TEXT, "Place in the weekly commitment; null where none was agreed.",
               allowed=("fixed", "flexible", "beyond"), nullable=True),
    ),
)  # fmt: skip

PLAN_SETTINGS = Table(
    name="plan_settings",
    layer=Layer.MATERIAL,
    meaning="The settings of netting tonight, so that the next night can say what a change of policy moved.",
    key=("setting",),
    columns=(
        Column("setting", Kind.KEY, "Setting of [policy.material]."),
        Column("value", Kind.TEXT, "Its value as JSON; null is no limit."),
    ),
)

PLANNED_FORECAST = Table(
    name="planned_forecast",
    layer=Layer.MATERIAL,
    meaning="The forecast this night planned with: a revision below the significance share of it changes nothing.",
    key=("item", "due_date"),
    columns=(
        Column("item", Kind.KEY, "Item.", refers_to="items"),
        Column("due_date", Kind.DAY, "Day the forecast is for."),
        Column("qty", Kind.NUMBER, "Forecast planned with, before customer orders consume it.", unit="base uom", above=0),
        Column("landed_qty", Kind.NUMBER, "Forecast as it came tonight; 0 where the line is gone.", unit="base uom", minimum=0),
        Column("absorbed", Kind.FLAG, "The two differ, by too little to plan anew."),
    ),
)  # fmt: skip

TABLES: tuple[Table, ...] = (
    REQUIREMENTS, PLANNED_ORDERS, PEGGING, ACTION_MESSAGES, MESSAGE_CAUSES, SUPPLY_ORDERS, ORDER_LINKS, SHORTAGES,
    NERVOUSNESS, TOOL_NEEDS, VENDOR_DISPATCH, PLAN_SETTINGS, PLANNED_FORECAST,
)  # fmt: skip
