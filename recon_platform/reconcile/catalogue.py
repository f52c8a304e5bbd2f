"""The rules of reconciliation as a table: what each looks for, how bad it is, what it may do, in order of evaluation.

Belongs here: facts about rules. The predicates stand in `order_rules`, `component_rules`, `routing_rules`, `mapping`
and `guards`; a test holds them and this table together.
"""

from __future__ import annotations

from dataclasses import dataclass

BLOCK = "block"
OVERLAY = "auto_overlay"
FIX = "auto_fix"
REVIEW = "planner_review"

RECORD_ERROR = "RECORD_ERROR"
PLANT_FALLDOWN = "PLANT_FALLDOWN"
SCRAP = "SCRAP"
UNPLANNED = "UNPLANNED_TXN"
ENGINEERING = "ENGINEERING_CHANGE"
PLANNER_ACTION = "PLANNER_ACTION"

RULE_SET_VERSION = "1"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    `reads` names the earlier rules whose outcome it looks at; nothing else of another rule may be read. `category` is
    the cause a schedule change carries when this finding is behind it; None where a rule states no cause.
    """

    id: str
    condition: str
    action: str
    severity: str
    mode: str
    evidence: str
    category: str | None = None
    reads: tuple[str, ...] = ()
    version: str = RULE_SET_VERSION


_EARLY_BLOCKS = ("UM-01", "QT-07", "ST-05", "ST-06", "ST-06b")

RULES: tuple[Rule, ...] = (
    Rule("G0-FRESH", "the feeds of ERP and MES lie too far apart in time, or a feed has far fewer rows than usual",
         "no correction leaves the platform tonight; everything is reported", "critical", BLOCK,
         "watermark and row count per feed, usual count"),
    Rule("G1-BREAKER", "tonight's corrections exceed their share of open orders or their value",
         "no correction leaves the platform tonight; all wait for a person", "critical", BLOCK,
         "number and value of corrections, limits"),
    Rule("UM-01", "good quantities of MES and ERP differ by a known unit factor",
         "treat as a unit mistake; quantity rules of the order are not evaluated", "high", REVIEW,
         "both quantities, factor, units", RECORD_ERROR),
    Rule("MP-01", "the MES reports on an order the ERP does not know",
         "map it to an order or list it as an orphan", "high", REVIEW,
         "first and last report, item, machine", RECORD_ERROR),
    Rule("MP-02", "several MES orders or lots belong to one ERP order (a split)",
         "add them up before anything is compared", "medium", OVERLAY, "the parts with their quantities"),
    Rule("QT-09", "a transaction and its reversal: same quantity, opposite sign, linked",
         "taken out on both sides before anything is compared", "info", OVERLAY, "both transactions"),
    Rule("QT-07", "an operation reports more than entered it, or more good than the one before gave it",
         "believe the lower count; the order's supply is not confirmed until somebody looked", "high", REVIEW,
         "operation table, in and out", RECORD_ERROR, reads=("UM-01",)),
    Rule("ST-01", "every operation done, nothing in process, both sides agree on good and scrap, quiet, no rework",
         "close the order in the ERP", "low", FIX, "operation table, last report", RECORD_ERROR,
         reads=("UM-01",)),
    Rule("ST-02", "as ST-01, but the ERP received less than the MES finished",
         "post the missing receipt, then close", "medium", FIX, "operation table, receipts", RECORD_ERROR,
         reads=("UM-01",)),
    Rule("ST-03", "every operation done or ended, nothing in process or rework, less came out than was started",
         "close short; the demand it leaves uncovered is shown", "high", REVIEW, "shortfall, demand behind",
         PLANT_FALLDOWN, reads=("UM-01",)),
    Rule("ST-04", "complete or closed in the ERP, units in process in the MES",
         "reopen, or clear the work in process after a look at the floor", "high", REVIEW,
         "units by operation, age", RECORD_ERROR),
    Rule("ST-05", "cancelled in the ERP, running in the MES",
         "stop work; no correction of the order goes out", "critical", REVIEW, "running operation, machine",
         PLANNER_ACTION),
    Rule("ST-06", "started in the MES, not released in the ERP",
         "release afterwards or stop; allocate material; no correction of the order goes out", "high", REVIEW,
         "first report, ERP status", UNPLANNED),
    Rule("ST-06b", "complete in the MES, not released in the ERP",
         "as ST-06; receipts are never posted without a person", "high", REVIEW, "first and last report, ERP status",
         UNPLANNED),
    Rule("ST-07", "released in the ERP, unknown to the MES some days after its start",
         "find out whether it was dispatched or the interface lost it", "medium", REVIEW, "start date, feed",
         PLANT_FALLDOWN),
    Rule("ST-08", "units in process, and no report for a long time",
         "its supply date is not believed tonight", "medium", OVERLAY, "operation, age", PLANT_FALLDOWN),
    Rule("ST-09", "on hold in the MES, normal in the ERP",
         "its supply is not confirmed tonight", "high", OVERLAY, "operation on hold, since when", PLANT_FALLDOWN),
    Rule("ST-10", "open in the ERP, long past due, nobody works on it, nobody waits for it",
         "propose to cancel", "low", REVIEW, "age, demand", RECORD_ERROR),
    Rule("QT-01", "the MES finished more good units than the ERP received",
         "plan with the MES count; post the difference when small, cheap and consistent", "medium", FIX,
         "receipts against reports", RECORD_ERROR, reads=_EARLY_BLOCKS),
    Rule("QT-02", "the ERP received more good units than the MES finished",
         "ask for a count; the plan keeps the ERP's figure until somebody decided", "high", REVIEW, "both ledgers",
         RECORD_ERROR, reads=("UM-01",)),
    Rule("QT-03", "the MES scrapped more than the ERP knows",
         "plan with what is left; post the scrap within limits", "medium", FIX, "scrap by operation", SCRAP,
         reads=_EARLY_BLOCKS),
    Rule("QT-04", "the ERP scrapped more than the MES knows",
         "look whether a reversal is missing", "medium", REVIEW, "scrap on both sides", RECORD_ERROR,
         reads=("UM-01",)),
    Rule("QT-05", "released or in process, with units on the floor",
         "expect what work in process and unstarted units will yield, at most the order quantity", "info", OVERLAY,
         "units by operation, yields", SCRAP, reads=("UM-01",)),
    Rule("QT-06", "more good units than ordered beyond the tolerance",
         "accept to stock and reduce a later order, or find the double report; the plan counts the order quantity",
         "medium", REVIEW, "reports with times", RECORD_ERROR, reads=("UM-01",)),
    Rule("QT-13", "an operation accounts for fewer units than entered it",
         "plan them as waiting at that operation; look for them", "medium", REVIEW, "operation table, last move",
         RECORD_ERROR, reads=("UM-01",)),
    Rule("QT-08", "units in rework", "neither good nor scrap; supply later by the rework time", "medium", OVERLAY,
         "units in rework by operation", PLANT_FALLDOWN, reads=("UM-01",)),
    Rule("QT-10", "some of the order received, the rest open", "nothing: the rest is what is open", "info", OVERLAY,
         "receipts"),
    Rule("BF-12", "bulk, phantom or by-product component", "left out, or counted with its sign turned", "info", OVERLAY,
         "flag"),
    Rule("BF-01", "issued and expected agree", "nothing", "info", OVERLAY, "expected and issued"),
    Rule("BF-09", "issued and expected differ by a known unit factor", "treat as a unit mistake", "high", REVIEW,
         "both quantities, factor", RECORD_ERROR),
    Rule("BF-06", "a component of the bill was not issued, one that is not on the bill was, in matching quantity",
         "pair them as a substitution: approval and genealogy", "high", REVIEW, "both components, lots", ENGINEERING),
    Rule("BF-08", "a correction would touch lot-controlled material", "never without a person", "high", REVIEW,
         "component, lots"),
    Rule("BF-10", "a correction would fall into a closed accounting period", "finance decides", "medium", REVIEW,
         "posting date, period"),
    Rule("BF-07", "a correction would take stock below zero",
         "post nothing; count; netting keeps the true signed balance", "high", REVIEW, "stock and correction",
         RECORD_ERROR),
    Rule("BF-02", "a backflushed component was expected and nothing was issued", "post the expected quantity", "medium",
         FIX, "how the expectation was reached, stock", RECORD_ERROR, reads=_EARLY_BLOCKS),
    Rule("BF-03", "less was issued than expected",
         "when the ERP's own count explains it, post with the receipt; else look for a substitute", "medium", FIX,
         "expectation at the ERP's and the MES's count", RECORD_ERROR, reads=(*_EARLY_BLOCKS, "QT-01")),
    Rule("BF-04", "a whole multiple of the expectation was issued", "reverse the double backflush", "high", REVIEW,
         "pairs of postings", RECORD_ERROR),
    Rule("BF-05", "more was issued than expected", "unreported scrap, a wrong bill or a wrong count: look", "medium",
         REVIEW, "history of the component", SCRAP),
    Rule("BF-11", "the same component is off in the same direction on many orders in a row",
         "correct the bill, not the orders", "medium", REVIEW, "trend over the orders", ENGINEERING,
         reads=("BF-02", "BF-03", "BF-04", "BF-05", "BF-09")),
    Rule("RT-01", "the order has no routing", "listed for a planner; not scheduled", "high", REVIEW,
         "item, routings of the item", RECORD_ERROR),
    Rule("RT-02", "the MES reports an operation code that is not in the order's routing",
         "nearest code proposed as an alias; a planner confirms", "medium", REVIEW, "code, where, how often",
         ENGINEERING),
    Rule("RT-03", "the MES follows another routing than the ERP", "planned with the MES routing; looked at", "medium",
         REVIEW, "both routings", ENGINEERING),
    Rule("RT-04", "an operation code is not in the list of codes that conform",
         "nearest code proposed; still planned on its work center", "medium", REVIEW, "code, where used, nearest",
         RECORD_ERROR),
)  # fmt: skip

BY_ID: dict[str, Rule] = {rule.id: rule for rule in RULES}
POSITION: dict[str, int] = {rule.id: position for position, rule in enumerate(RULES)}


def rule(rule_id: str) -> Rule:
    """The rule called `rule_id`; KeyError lists the ids."""
    try:
        return BY_ID[rule_id]
    except KeyError:
        raise KeyError(f"no rule {rule_id!r}; the rules are {', '.join(BY_ID)}") from None
