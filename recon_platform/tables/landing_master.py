"""Landing tables of the ERP that say how things are made: items, structures, resources, calendars, suppliers, units.

Belongs here: master data as the plant hands it over. Orders, stock and transactions stand in `landing_erp`, what the
MES reports in `landing_mes`. Column order is the order of the landing contract.
"""
# fmt: off
# One line per column reads as the table it is.

from __future__ import annotations

from recon_platform.tables.model import Column, Kind, Layer, Table

KEY, TEXT, NUMBER, WHOLE = Kind.KEY, Kind.TEXT, Kind.NUMBER, Kind.WHOLE
FLAG, DAY, INSTANT, CLOCK = Kind.FLAG, Kind.DAY, Kind.INSTANT, Kind.CLOCK
LOT_RULES = ("lot_for_lot", "fixed", "minimum", "period", "part_period", "silver_meal")


def _table(name: str, meaning: str, key: tuple[str, ...], *columns: Column, optional: bool = False) -> Table:
    return Table(name, Layer.LANDING, meaning, columns, key, optional, source="erp", owner="master data")


ITEMS = _table(
    "items", "Everything that is bought, made, stocked or sold, with the parameters that plan it.", ("item",),
    Column("item", KEY, "The item."),
    Column("description", TEXT, "What people call it.", nullable=True),
    Column("make_buy", TEXT, "Made here, bought, or a phantom that exists only inside its parent.",
           allowed=("make", "buy", "phantom")),
    Column("uom", TEXT, "Base unit: stock, netting and `qty_per` of its components are counted in it."),
    Column("lead_time_days", WHOLE, "Time from release to availability.",
           unit="buy: calendar days; make: working days", minimum=0),
    Column("lot_rule", TEXT, "How net requirements become orders.", allowed=LOT_RULES),
    Column("lot_qty", NUMBER, "Quantity of the `fixed` and `minimum` rules; none or 0: the rule has no quantity.",
           True, "base uom", minimum=0),
    Column("lot_periods", WHOLE, "Periods of 7 days that one order of the `period` rule covers.",
           True, "periods of 7 days", minimum=0),
    Column("min_qty", NUMBER, "Smallest order; none or 0: no limit.", True, "base uom", minimum=0),
    Column("max_qty", NUMBER, "Largest order; none or 0: no limit.", True, "base uom", minimum=0),
    Column("multiple_qty", NUMBER, "Orders are whole multiples of this; none or 0: any quantity.",
           True, "base uom", minimum=0),
    Column("setup_cost", NUMBER, "Cost of one order, for the rules that balance it with holding.",
           True, "plant currency", minimum=0),
    Column("holding_cost_per_day", NUMBER, "Cost of keeping one unit for a day.",
           True, "plant currency per base uom and day", minimum=0),
    Column("safety_stock", NUMBER, "Stock that netting keeps back.", True, "base uom", minimum=0),
    Column("yield", NUMBER, "Good share of what is started on an order; none: 1.", True, "share", maximum=1, above=0),
    Column("cost", NUMBER, "Value of one unit.", True, "plant currency per base uom", minimum=0),
    Column("family", KEY, "Product family.", True),
    Column("grade", TEXT, "Material grade.", True),
    Column("alloy", TEXT, "Alloy of the material.", True),
    Column("property_class", TEXT, "Strength class of a fastener, as 8.8 or 10.9.", True),
    Column("tensile_mpa", NUMBER, "Least tensile strength.", True, "MPa", minimum=0),
    Column("corrosion_class", TEXT, "Corrosion class; a substitute never changes it.", True),
    Column("weight_kg", NUMBER, "Weight of one unit; ties pieces to kilograms.", True, "kg per base uom", minimum=0),
    Column("lot_traced", FLAG, "Stock and consumption are kept by lot.", True),
    Column("planner", TEXT, "Person or group that plans it.", True),
    Column("planning_fence_days", WHOLE, "Inside this time orders are neither made nor moved without a person.",
           True, "working days", minimum=0),
)

CUSTOMERS = _table(
    "customers", "Who is delivered to, how important they are, and what they tolerate.", ("customer",),
    Column("customer", KEY, "The customer."),
    Column("name", TEXT, "Name.", True),
    Column("class", TEXT, "Class that weighs lateness: A before B before C.", allowed=("A", "B", "C")),
    Column("annual_revenue", NUMBER, "Revenue of a year; used by the bias test only, never to sequence.",
           True, "plant currency", minimum=0),
    Column("days_early", WHOLE, "Days before the date at which a delivery still counts as on time.",
           True, "days", minimum=0),
    Column("days_late", WHOLE, "Days after the date at which a delivery still counts as on time.",
           True, "days", minimum=0),
    Column("under_pct", NUMBER, "Shortfall that still counts as in full.", True, "percent", minimum=0, maximum=100),
    Column("over_pct", NUMBER, "Excess the customer accepts.", True, "percent", minimum=0),
    Column("contact", TEXT, "Whom to tell.", True),
)

CUSTOMER_REQUIREMENTS = _table(
    "customer_requirements", "What a customer forbids or demands for an item or a family.",
    ("customer", "item", "family", "requirement", "value"),
    Column("customer", KEY, "The customer.", refers_to="customers"),
    Column("item", KEY, "Item it holds for; none: every item of the family.", True, refers_to="items"),
    Column("family", KEY, "Family it holds for.", True),
    Column("requirement", TEXT, "`exclude_grade`, `certificate`, `no_substitute` or another kind the plant uses."),
    Column("value", TEXT, "The grade, the certificate type, …"),
    optional=True,
)

BOM_LINES = _table(
    "bom_lines", "What one unit of a parent consumes, and from when to when that holds.",
    ("parent_item", "component_item", "op_seq", "valid_from"),
    Column("parent_item", KEY, "Item that is made.", refers_to="items"),
    Column("component_item", KEY, "Item it consumes.", refers_to="items"),
    Column("qty_per", NUMBER, "Consumption per base unit of the parent.",
           unit="uom of the line per base uom of the parent", minimum=0),
    Column("uom", TEXT, "Unit of `qty_per` and `fixed_qty`."),
    Column("fixed_qty", NUMBER, "Consumption per order, whatever its quantity.", True, "uom of the line", minimum=0),
    Column("scrap", NUMBER, "Share of the component lost on top of what goes in.",
           True, "share", minimum=0, maximum=0.99),
    Column("op_seq", WHOLE, "Operation that consumes it; none: the first.", True),
    Column("backflush", FLAG, "Posted from the quantity reported instead of being issued.", True),
    Column("bulk", FLAG, "Floor stock: not netted.", True),
    Column("valid_from", DAY, "First day it holds; none: always did.", True),
    Column("valid_to", DAY, "Last day it holds; none: still does.", True),
    Column("change_no", KEY, "Engineering change that brought it.", True, refers_to="engineering_changes"),
)

ENGINEERING_CHANGES = _table(
    "engineering_changes", "Changes of structures that are to take effect.", ("change_no",),
    Column("change_no", KEY, "The change."),
    Column("kind", TEXT, "At once, when the old part is used up, or together with others on one day.",
           allowed=("mandatory", "phase_in", "block")),
    Column("effective_date", DAY, "Day it takes effect."),
    Column("use_up", FLAG, "Old stock is to be used up first.", True),
    optional=True,
)

ROUTINGS = _table(
    "routings", "The operations that make an item, in order, with what each needs.",
    ("item", "routing", "op_seq", "valid_from"),
    Column("item", KEY, "Item that is made.", refers_to="items"),
    Column("routing", KEY, "`main` is taken first, others are alternates."),
    Column("op_seq", WHOLE, "Position; operations run in ascending order."),
    Column("operation_code", KEY, "What is done.", refers_to="operation_codes"),
    Column("work_center", KEY, "Where.", refers_to="work_centers"),
    Column("setup_min", NUMBER, "Set-up, unless the set-up matrix says otherwise.", unit="minutes", minimum=0),
    Column("run_min_per_unit", NUMBER, "Run time at 100 % efficiency.", unit="minutes per base uom", minimum=0),
    Column("setup_skill", KEY, "Skill that sets up.", True),
    Column("setup_people", NUMBER, "People while setting up.", True, "people", minimum=0),
    Column("run_skill", KEY, "Skill that attends the run.", True),
    Column("run_people", NUMBER, "People per machine while running; 0.25 is one person for four machines.",
           True, "people", minimum=0),
    Column("queue_min", NUMBER, "Planned waiting before the operation.", True, "minutes", minimum=0),
    Column("move_min", NUMBER, "Time to the next operation.", True, "minutes", minimum=0),
    Column("max_wait_min", NUMBER, "Longest wait after the operation before the next must start.",
           True, "minutes", minimum=0),
    Column("setup_family", KEY, "No change-over between operations of one family.", True),
    Column("overlap_qty", NUMBER, "The next operation may start once this much is through.",
           True, "base uom", minimum=0),
    Column("yield", NUMBER, "Good share of what enters; none: 1.", True, "share", maximum=1, above=0),
    Column("pausable", FLAG, "May stop at the end of a shift and go on at the next; none: yes.", True),
    Column("batch_min", NUMBER, "Smallest load of a batch resource.", True, "base uom", minimum=0),
    Column("batch_max", NUMBER, "Largest load of a batch resource.", True, "base uom", minimum=0),
    Column("batch_minutes", NUMBER, "Time of one load, whatever it holds.", True, "minutes", minimum=0),
    Column("tool", KEY, "Tool it needs.", True, refers_to="tools"),
    Column("external_days", NUMBER, "Time at the vendor.", True, "calendar days", minimum=0),
    Column("valid_from", DAY, "First day it holds; none: always did.", True),
    Column("valid_to", DAY, "Last day it holds; none: still does.", True),
)

OPERATION_CODES = _table(
    "operation_codes", "The operation codes that conform; others go to a planner.", ("operation_code",),
    Column("operation_code", KEY, "The code."),
    Column("description", TEXT, "What is done.", True),
    optional=True,
)

WORK_CENTERS = _table(
    "work_centers", "Groups of machines that do the same work, and vendors that do it outside.", ("work_center",),
    Column("work_center", KEY, "The work center."),
    Column("description", TEXT, "What people call it.", True),
    Column("line", KEY, "Production line; roll-out and plan adherence are by line.", True),
    Column("calendar", KEY, "When it works.", refers_to="calendars"),
    Column("machines", WHOLE, "Parallel machines.", unit="machines", minimum=0),
    Column("efficiency", NUMBER, "Divides run time; none: 1.", True, "share", maximum=10, above=0),
    Column("sibling_group", KEY, "Work centers of one group can take each other's work.", True),
    Column("sibling_speed", NUMBER, "Speed on work taken from a sibling; none: 1.", True, "share", above=0),
    Column("external", FLAG, "A vendor.", True),
    Column("supplier", KEY, "Which vendor.", True, refers_to="suppliers"),
    Column("overtime_allowed", FLAG, "May work overtime shifts.", True),
    Column("cost_per_hour", NUMBER, "Machine cost.", True, "plant currency per hour", minimum=0),
    Column("continuity", TEXT, "What is to stay together in sequence.", True, allowed=("lot", "coil", "campaign")),
)

MACHINES = _table(
    "machines", "The machines of a work center and what stands on them now.", ("machine",),
    Column("machine", KEY, "The machine."),
    Column("work_center", KEY, "Its work center.", refers_to="work_centers"),
    Column("mes_machine", TEXT, "Its name in the MES.", True),
    Column("speed", NUMBER, "Speed against the routing; none: 1.", True, "share", above=0),
    Column("current_setup", TEXT, "Family or attribute value it is set up for.", True),
    Column("current_lot", KEY, "Lot or coil on it.", True),
    optional=True,
)

TOOLS = _table(
    "tools", "Tools of which there are only so many.", ("tool",),
    Column("tool", KEY, "The tool."),
    Column("copies", WHOLE, "How many can be in use at once.", unit="copies", minimum=0),
    Column("life_units", NUMBER, "Units one copy lasts.", True, "base uom", minimum=0),
    Column("used_units", NUMBER, "Units already made with it.", True, "base uom", minimum=0),
    optional=True,
)

CALENDARS = _table(
    "calendars", "Shifts of a week.", ("calendar", "weekday", "shift", "start"),
    Column("calendar", KEY, "The calendar."),
    Column("weekday", WHOLE, "Day on which the shift starts, 1 = Monday.", minimum=1, maximum=7),
    Column("shift", KEY, "The shift."),
    Column("kind", TEXT, "Regular working time or overtime.", allowed=("regular", "overtime")),
    Column("start", CLOCK, "Start in plant time."),
    Column("end", CLOCK, "End in plant time; before the start: on the next day."),
)

CALENDAR_EXCEPTIONS = _table(
    "calendar_exceptions", "Days on which a calendar is closed or works extra.", ("calendar", "date", "start"),
    Column("calendar", KEY, "The calendar.", refers_to="calendars"),
    Column("date", DAY, "The day."),
    Column("kind", TEXT, "Closed or extra work.", allowed=("closed", "extra")),
    Column("start", CLOCK, "From; none: the whole day.", True),
    Column("end", CLOCK, "To.", True),
    Column("reason", TEXT, "Why.", True),
    optional=True,
)

PLANNED_DOWNTIME = _table(
    "planned_downtime", "Time in which a work center or machine will not work.", ("work_center", "machine", "start"),
    Column("work_center", KEY, "All machines of this work center.", True, refers_to="work_centers"),
    Column("machine", KEY, "Or this machine only.", True, refers_to="machines"),
    Column("start", INSTANT, "From."),
    Column("end", INSTANT, "To."),
    Column("kind", TEXT, "`maintenance`, `forecast` or another kind the plant uses."),
    Column("reason", TEXT, "Why.", True),
    optional=True,
)

SETUP_MATRIX = _table(
    "setup_matrix", "Change-over time by attribute: of those that change the longest counts, and replaces `setup_min`.",
    ("work_center", "attribute", "from_value", "to_value"),
    Column("work_center", KEY, "Where it holds.", refers_to="work_centers"),
    Column("attribute", TEXT, "What changes: `diameter`, `length`, `coil`, `heat`, `family`, …"),
    Column("from_value", TEXT, "Value before, or `*`."),
    Column("to_value", TEXT, "Value after, or `*`."),
    Column("minutes", NUMBER, "Change-over.", unit="minutes", minimum=0),
    optional=True,
)

SETUP_ATTRIBUTES = _table(
    "setup_attributes", "The values by which an item sets up.", ("item", "attribute"),
    Column("item", KEY, "The item.", refers_to="items"),
    Column("attribute", TEXT, "The attribute."),
    Column("value", TEXT, "Its value."),
    optional=True,
)

LABOUR = _table(
    "labour", "People by skill and shift.", ("skill", "calendar", "shift"),
    Column("skill", KEY, "The skill."),
    Column("calendar", KEY, "Calendar the shift belongs to.", refers_to="calendars"),
    Column("shift", KEY, "The shift."),
    Column("people", NUMBER, "People present.", unit="people", minimum=0),
    Column("overtime_people", NUMBER, "People who can work overtime.", True, "people", minimum=0),
    Column("cost_per_hour", NUMBER, "Cost of one person.", True, "plant currency per hour", minimum=0),
    optional=True,
)

LABOUR_EXCEPTIONS = _table(
    "labour_exceptions", "Shifts on which other numbers of people are there.", ("skill", "date", "shift"),
    Column("skill", KEY, "The skill."),
    Column("date", DAY, "Day on which the shift starts."),
    Column("shift", KEY, "The shift."),
    Column("people", NUMBER, "People present instead.", unit="people", minimum=0),
    optional=True,
)

SUPPLIERS = _table(
    "suppliers", "Who is bought from.", ("supplier",),
    Column("supplier", KEY, "The supplier."),
    Column("name", TEXT, "Name.", True),
    optional=True,
)

SUPPLIER_ITEMS = _table(
    "supplier_items", "What a supplier sells, in what time and to what conditions.", ("supplier", "item"),
    Column("supplier", KEY, "The supplier.", refers_to="suppliers"),
    Column("item", KEY, "The item.", refers_to="items"),
    Column("lead_time_days", WHOLE, "Agreed delivery time.", unit="calendar days", minimum=0),
    Column("min_qty", NUMBER, "Smallest order.", True, "base uom", minimum=0),
    Column("multiple_qty", NUMBER, "Whole multiples of this.", True, "base uom", minimum=0),
    Column("price", NUMBER, "Price of one unit.", True, "plant currency per base uom", minimum=0),
    Column("expedite_fee", NUMBER, "Price of having one order sooner.", True, "plant currency", minimum=0),
    Column("expedite_days", WHOLE, "Delivery time when expedited.", True, "calendar days", minimum=0),
    Column("committed_qty_per_week", NUMBER, "Capacity the supplier holds for us.",
           True, "base uom per week", minimum=0),
    Column("flexible_share", NUMBER, "Share of it that may still be moved.", True, "share", minimum=0, maximum=1),
    optional=True,
)

SUBSTITUTES = _table(
    "substitutes", "Items that may stand in for others, as approved.", ("item", "substitute_item", "valid_from"),
    Column("item", KEY, "Item that is replaced.", refers_to="items"),
    Column("substitute_item", KEY, "Item that replaces it.", refers_to="items"),
    Column("ratio", NUMBER, "Units of the substitute for one unit of the item.", unit="base uom per base uom", above=0),
    Column("approved", FLAG, "On the approved list."),
    Column("approval_ref", TEXT, "Document of the approval.", True),
    Column("valid_from", DAY, "First day it may be used.", True),
    Column("valid_to", DAY, "Last day it may be used.", True),
    Column("certificate_required", TEXT, "Certificate type the lot must have.", True),
    Column("note", TEXT, "Remark; data, never an instruction.", True),
    optional=True,
)

ACCOUNTING_PERIODS = _table(
    "accounting_periods", "Periods in which postings are open or closed.", ("period_start",),
    Column("period_start", DAY, "First day."),
    Column("period_end", DAY, "Last day."),
    Column("open", FLAG, "Postings are still allowed."),
    optional=True,
)


def _xref(name: str, what: str, of: str) -> Table:
    return _table(
        name, f"What other systems call the {what}.", ("source", "source_key", "valid_from"),
        Column("source", TEXT, "System that uses the other name: `erp`, `mes`, …"),
        Column("source_key", TEXT, "The name as that system writes it."),
        Column("key", KEY, f"The {what} meant.", refers_to=of),
        Column("valid_from", DAY, "First day it holds; none: always did.", True),
        Column("valid_to", DAY, "Last day it holds; none: still does.", True),
        optional=True,
    )


ITEM_XREF = _xref("item_xref", "item", "items")
WORK_CENTER_XREF = _xref("work_center_xref", "work center", "work_centers")
ORDER_XREF = _xref("order_xref", "work order", "work_orders")

UOM_CONVERSIONS = _table(
    "uom_conversions", "Factors between units that physics does not give: pieces per box, kilograms per thousand.",
    ("item", "from_uom", "to_uom"),
    Column("item", KEY, "Item it holds for; none: every item.", True, refers_to="items"),
    Column("from_uom", TEXT, "Unit that is given."),
    Column("to_uom", TEXT, "Unit that is wanted."),
    Column("factor", NUMBER, "`from` × factor = `to`.", unit="to_uom per from_uom", above=0),
    optional=True,
)

TABLES: tuple[Table, ...] = (
    ITEMS, CUSTOMERS, CUSTOMER_REQUIREMENTS, BOM_LINES, ENGINEERING_CHANGES, ROUTINGS, OPERATION_CODES, WORK_CENTERS,
    MACHINES, TOOLS, CALENDARS, CALENDAR_EXCEPTIONS, PLANNED_DOWNTIME, SETUP_MATRIX, SETUP_ATTRIBUTES, LABOUR,
    LABOUR_EXCEPTIONS, SUPPLIERS, SUPPLIER_ITEMS, SUBSTITUTES, ACCOUNTING_PERIODS, ITEM_XREF, WORK_CENTER_XREF,
    ORDER_XREF, UOM_CONVERSIONS,
)
