"""Planted cases: a very small plant, one thing that goes wrong, and the remedy a good planner takes.

`CASES` is the list behind `docs/remedies.md`: name → what is planted, the remedy expected, and the plant. A case with
`best` None is one where nothing may be offered of the kind named in `never`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.proposal.small import Small, at, day


@dataclass(frozen=True, slots=True)
class Case:
    """`best`: kind of the move ranked first, or None; `to`: part of its `to`; `never`: kinds that must not be offered."""

    story: str
    remedy: str
    plant: Callable[[], Small]
    best: str | None
    to: str = ""
    never: tuple[str, ...] = ()
    useless: tuple[str, ...] = ()  # kinds that may be offered and win no line


CASES: dict[str, Case] = {}


def case(
    name: str, story: str, remedy: str, best: str | None, to: str = "", *, never: tuple[str, ...] = (),
    useless: tuple[str, ...] = (),
) -> Callable[[Callable[[], Small]], Callable[[], Small]]:  # fmt: skip
    def keep(plant: Callable[[], Small]) -> Callable[[], Small]:
        CASES[name] = Case(story, remedy, plant, best, to, never, useless)
        return plant

    return keep


def wire_short(customer: str = "A1", late: int = 8, **offer: Any) -> Small:
    """10 bolts due Thursday; their wire comes `late` days from now."""
    plant = Small().center("PRESS")
    plant.add("items", item="BOLT")
    plant.add(
        "items", item="WIRE", make_buy="buy", lead_time_days=20, tensile_mpa=800.0, corrosion_class="plain", grade="G1",
        cost=2.0,
    )  # fmt: skip
    plant.line("S1", "BOLT", 10.0, 3, customer).work_order(
        "W1", "BOLT", 10.0, [{"work_center": "PRESS", "hours": 4}], due=3
    )
    plant.add("bom_lines", parent_item="BOLT", component_item="WIRE")
    plant.add(
        "purchase_orders", purchase_order="P1", item="WIRE", qty=10.0, received_qty=0.0, due_date=day(late),
        promised_date=day(late), ordered_on=day(-12),
    )  # fmt: skip
    if offer:
        plant.add("supplier_items", item="WIRE", **offer)
    return plant


def with_substitute(
    *, item: dict[str, Any] | None = None, approval: dict[str, Any] | None = None, lot: dict[str, Any] | None = None
) -> Small:
    """Wire is short; WIRE2 lies in stock. Each part may be planted wrong."""
    plant = wire_short()
    facts = {"tensile_mpa": 800.0, "corrosion_class": "plain", "grade": "G2", "cost": 2.0}
    plant.add("items", **{"item": "WIRE2", "make_buy": "buy", "lead_time_days": 20, **facts, **(item or {})})
    plant.add("substitutes", **{"item": "WIRE", "substitute_item": "WIRE2", **(approval or {})})
    plant.add("inventory", **{"item": "WIRE2", "lot": "L1", "qty": 50.0, "certificate": "3.1", **(lot or {})})
    return plant


@case("substitute", "Wire comes eight days late, an approved wire of the same class lies in stock.", "Use the substitute.",
      "substitute", "WIRE2")  # fmt: skip
def _() -> Small:
    return with_substitute()


@case(
    "substitute-stronger",
    "The stocked substitute is stronger than the wire.",
    "Stronger is allowed.",
    "substitute",
    "WIRE2",
)
def _() -> Small:
    return with_substitute(item={"tensile_mpa": 900.0})


@case(
    "substitute-weaker",
    "The stocked substitute is of a lower tensile class.",
    "Not offered.",
    None,
    never=("substitute",),
)
def _() -> Small:
    return with_substitute(item={"tensile_mpa": 700.0})


@case(
    "substitute-tensile-unknown",
    "Nobody wrote down how strong the substitute is.",
    "Not offered.",
    None,
    never=("substitute",),
)
def _() -> Small:
    return with_substitute(item={"tensile_mpa": None})


@case(
    "substitute-corrosion", "The substitute is of another corrosion class.", "Not offered.", None, never=("substitute",)
)
def _() -> Small:
    return with_substitute(item={"corrosion_class": "A2"})


@case(
    "substitute-not-approved", "The substitute is listed and not approved.", "Not offered.", None, never=("substitute",)
)
def _() -> Small:
    return with_substitute(approval={"approved": False})


@case("approval-over", "The approval ended yesterday.", "Not offered.", None, never=("substitute",))
def _() -> Small:
    return with_substitute(approval={"valid_to": day(-1)})


@case("approval-to-come", "The approval begins tomorrow.", "Not offered.", None, never=("substitute",))
def _() -> Small:
    return with_substitute(approval={"valid_from": day(1)})


@case("approval-last-day", "Today is the last day of the approval.", "Use the substitute today.", "substitute", "WIRE2")
def _() -> Small:
    return with_substitute(approval={"valid_to": day(0)})


@case(
    "certificate-missing",
    "The approval asks for a 3.1 certificate, the lot has none.",
    "Not offered.",
    None,
    never=("substitute",),
)
def _() -> Small:
    return with_substitute(approval={"certificate_required": "3.1"}, lot={"certificate": None})


@case(
    "certificate-wrong",
    "The approval asks for a 3.1 certificate, the lot has a 2.2.",
    "Not offered.",
    None,
    never=("substitute",),
)
def _() -> Small:
    return with_substitute(approval={"certificate_required": "3.1"}, lot={"certificate": "2.2"})


@case(
    "certificate-there",
    "The approval asks for a 3.1 certificate and the lot has it.",
    "Use the substitute.",
    "substitute",
    "WIRE2",
)
def _() -> Small:
    return with_substitute(approval={"certificate_required": "3.1"})


@case("lot-expired", "The substitute's only lot expired yesterday.", "Not offered.", None, never=("substitute",))
def _() -> Small:
    return with_substitute(lot={"expiry": day(-1)})


@case("lot-on-hold", "The substitute's only lot is on hold.", "Not offered.", None, never=("substitute",))
def _() -> Small:
    return with_substitute(lot={"status": "hold"})


@case(
    "lot-reserved", "The substitute's lot is reserved for another order.", "Not offered.", None, never=("substitute",)
)
def _() -> Small:
    return with_substitute().add("allocations", item="WIRE2", lot="L1", qty=50.0, for_order="X9")


@case("customer-forbids", "The customer accepts no substitutes.", "Not offered.", None, never=("substitute",))
def _() -> Small:
    return with_substitute().add("customer_requirements", customer="A1", requirement="no_substitute", value="yes")


@case(
    "customer-excludes-grade",
    "The customer excludes the substitute's grade.",
    "Not offered.",
    None,
    never=("substitute",),
)
def _() -> Small:
    return with_substitute().add("customer_requirements", customer="A1", requirement="exclude_grade", value="G2")


@case("customer-excludes-other-grade", "The customer excludes a grade that is not the substitute's.", "Use the substitute.",
      "substitute", "WIRE2")  # fmt: skip
def _() -> Small:
    return with_substitute().add("customer_requirements", customer="A1", requirement="exclude_grade", value="G9")


@case(
    "other-customer-forbids", "Another customer accepts no substitutes.", "Use the substitute.", "substitute", "WIRE2"
)
def _() -> Small:
    return with_substitute().add("customer_requirements", customer="B1", requirement="no_substitute", value="yes")


@case(
    "expedite",
    "The supplier delivers wire in two days for a fee of 100.",
    "Pay the fee.",
    "expedite_purchase",
    "2026-03-04",
)
def _() -> Small:
    return wire_short(expedite_days=2, expedite_fee=100.0)


@case("expedite-no-gain", "The expedited delivery takes longer than what is left of the order's own.", "Not offered.", None,
      never=("expedite_purchase",))  # fmt: skip
def _() -> Small:
    return wire_short(expedite_days=9, expedite_fee=100.0)


@case("expedite-not-offered", "The supplier does not expedite.", "Not offered.", None, never=("expedite_purchase",))
def _() -> Small:
    return wire_short(expedite_days=None)


@case("expedite-inside-flex", "The supplier may still move 20 of 100 committed; 10 are wanted.", "Expedite all of it.",
      "expedite_purchase", "2026-03-04")  # fmt: skip
def _() -> Small:
    return wire_short(expedite_days=2, expedite_fee=100.0, committed_qty_per_week=100.0, flexible_share=0.2)


@case(
    "expedite-nothing-flexible",
    "The supplier's whole week is fixed.",
    "Not offered.",
    None,
    never=("expedite_purchase",),
)
def _() -> Small:
    return wire_short(expedite_days=2, expedite_fee=100.0, committed_qty_per_week=100.0, flexible_share=0.0)


@case("substitute-or-expedite-cheap", "A substitute that costs nothing more against a fee of 400.", "Use the substitute.",
      "substitute", "WIRE2")  # fmt: skip
def _() -> Small:
    return with_substitute().add("supplier_items", item="WIRE", expedite_days=1, expedite_fee=400.0)


@case("substitute-dearer", "The substitute is worth 80 a piece more than the wire, the fee is 100.", "Pay the fee.",
      "expedite_purchase")  # fmt: skip
def _() -> Small:
    plant = with_substitute(item={"cost": 82.0})
    return plant.add("supplier_items", item="WIRE", expedite_days=1, expedite_fee=100.0)


def bought_late(**offer: Any) -> Small:
    """10 bolts due Thursday with no order opened; the press is booked for two weeks, a vendor sells the bolt."""
    plant = Small().center("PRESS", hours=(6, 8))
    plant.add("items", item="BOLT", lead_time_days=10)
    plant.add("routings", item="BOLT", work_center="PRESS", run_min_per_unit=240.0)
    plant.line("S1", "BOLT", 10.0, 8).add("supplier_items", item="BOLT", **offer)
    return plant


@case(
    "buy-instead",
    "The press needs 20 days for the lot; a vendor delivers in four.",
    "Buy instead of making.",
    "make_or_buy",
    "buy from V",
)
def _() -> Small:
    return bought_late(lead_time_days=4, price=12.0)


@case("buy-too-late", "The vendor needs 30 days as well.", "Buying wins nothing.", None, useless=("make_or_buy",))
def _() -> Small:
    return bought_late(lead_time_days=30, price=12.0)


@case("make-instead", "A bought pin takes 30 days; the lathe has a routing and bar in stock.", "Make instead of buying.",
      "make_or_buy", "make")  # fmt: skip
def _() -> Small:
    plant = Small().center("PRESS").center("LATHE")
    plant.add("items", item="BOLT").add("items", item="PIN", make_buy="buy", lead_time_days=30)
    plant.add("items", item="BAR", make_buy="buy", lead_time_days=30).add("inventory", item="BAR", qty=100.0)
    plant.add("bom_lines", parent_item="BOLT", component_item="PIN").add(
        "bom_lines", parent_item="PIN", component_item="BAR"
    )
    plant.add("routings", item="PIN", work_center="LATHE", run_min_per_unit=6.0)
    return plant.line("S1", "BOLT", 10.0, 4).work_order(
        "W1", "BOLT", 10.0, [{"work_center": "PRESS", "hours": 2}], due=4
    )


@case(
    "make-no-routing",
    "A bought pin takes 30 days and nobody can make it here.",
    "Not offered.",
    None,
    never=("make_or_buy",),
)
def _() -> Small:
    plant = Small().center("PRESS")
    plant.add("items", item="BOLT").add("items", item="PIN", make_buy="buy", lead_time_days=30)
    plant.add("bom_lines", parent_item="BOLT", component_item="PIN")
    return plant.line("S1", "BOLT", 10.0, 4).work_order(
        "W1", "BOLT", 10.0, [{"work_center": "PRESS", "hours": 2}], due=4
    )


def two_for_one(giver: str, taker: str, giver_due: int = 4) -> Small:
    """Wire for one of two orders; more in 8 days. The first served is W1, the other one is late."""
    plant = Small().center("PRESS", 2)
    plant.add("items", item="BOLT").add("items", item="NUT").add(
        "items", item="WIRE", make_buy="buy", lead_time_days=20
    )
    for parent in ("BOLT", "NUT"):
        plant.add("bom_lines", parent_item=parent, component_item="WIRE")
    plant.add("inventory", item="WIRE", qty=10.0)
    plant.add(
        "purchase_orders",
        purchase_order="P1",
        item="WIRE",
        qty=10.0,
        received_qty=0.0,
        due_date=day(8),
        promised_date=day(8),
    )
    plant.line("S1", "BOLT", 10.0, giver_due, giver).line("S2", "NUT", 10.0, 4, taker)
    step = [{"work_center": "PRESS", "hours": 4}]
    plant.work_order("W1", "BOLT", 10.0, step, start=0, due=giver_due)
    return plant.work_order("W2", "NUT", 10.0, step, start=1, due=4)


@case("coil-class", "A coil for a C customer's order; an A customer's order, due the same day, has none.", "Give the coil to the A order.",
      "reallocate", "W2")  # fmt: skip
def _() -> Small:
    return two_for_one("C1", "A1")


@case("coil-slack", "Two A orders fight for one coil; the one that has it is due two weeks later.", "Give it to the one that is due.",
      "reallocate", "W2")  # fmt: skip
def _() -> Small:
    return two_for_one("A1", "A1", giver_due=18)


@case("coil-no-robbery", "The coil is with an A order that would be late without it; a C order is late.", "Not taken away.", None,
      never=("reallocate",))  # fmt: skip
def _() -> Small:
    return two_for_one("A1", "C1")


def press_queue(*, hours: tuple[int, int] = (6, 14), second: str = "C1", **press: Any) -> Small:
    """An A order of 6 h due today stands behind a released C order of 10 h on a press that works one shift."""
    plant = Small().center("PRESS", hours=hours, **press)
    plant.add("items", item="BOLT").add("items", item="NUT")
    plant.line("S1", "BOLT", 10.0, 1).line("S2", "NUT", 10.0, 9, second)
    plant.work_order("W1", "BOLT", 10.0, [{"work_center": "PRESS", "hours": 12}], due=0)
    return plant


@case(
    "overtime",
    "12 h of work are due tomorrow, the press works 5 h a day; 8 h of overtime a day are on offer.",
    "Work overtime.",
    "overtime",
    "overtime",
)
def _() -> Small:
    return press_queue(hours=(6, 11), overtime=(14, 22), overtime_allowed=True)


@case(
    "overtime-not-allowed",
    "The same, and the work center may not work overtime.",
    "Not offered.",
    None,
    never=("overtime",),
)
def _() -> Small:
    return press_queue(hours=(6, 11), overtime=(14, 22), overtime_allowed=False)


@case(
    "overtime-none-offered",
    "Overtime is allowed and the calendar has no such shift.",
    "Not offered.",
    None,
    never=("overtime",),
)
def _() -> Small:
    return press_queue(hours=(6, 11), overtime_allowed=True)


def siblings(speed: float | None, setup: float = 0.0, group: str | None = "G") -> Small:
    """Two A orders of 20 h, both due tomorrow evening, at a press; a sibling press stands idle."""
    plant = Small().center("PRESS", sibling_group="G").center("OTHER", sibling_group=group, sibling_speed=speed)
    plant.add("items", item="BOLT").add("items", item="NUT")
    plant.line("S1", "BOLT", 10.0, 1).line("S2", "NUT", 10.0, 1)
    for name, item in (("W1", "BOLT"), ("W2", "NUT")):
        plant.work_order(name, item, 10.0, [{"work_center": "PRESS", "hours": 24, "setup_min": setup}], due=1)
    return plant


@case(
    "sibling",
    "Two orders of a day each are due tomorrow at one press; its sibling is idle.",
    "Move one to the sibling.",
    "sibling",
    "OTHER",
)
def _() -> Small:
    return siblings(1.0)


@case(
    "sibling-slower", "The sibling is a tenth slower and still in time.", "Move one to the sibling.", "sibling", "OTHER"
)
def _() -> Small:
    return siblings(0.9)


@case(
    "sibling-set-up",
    "The move to the sibling costs an hour of set-up, as it does here.",
    "Move one to the sibling.",
    "sibling",
    "OTHER",
)
def _() -> Small:
    return siblings(1.0, setup=60.0)


@case("no-sibling", "The idle press belongs to another group.", "Not offered.", None, never=("sibling",))
def _() -> Small:
    return siblings(1.0, group="H")


@case(
    "split",
    "A lot of two days of work is due tomorrow; two presses of the work center are free.",
    "Split the lot.",
    "split",
    "5 and 5",
)
def _() -> Small:
    plant = Small().center("PRESS", 2).add("items", item="BOLT").line("S1", "BOLT", 10.0, 1)
    return plant.work_order("W1", "BOLT", 10.0, [{"work_center": "PRESS", "hours": 60}], due=1)


@case("split-one-machine", "The same lot, and one press only.", "Not offered.", None, never=("split",))
def _() -> Small:
    plant = Small().center("PRESS", 1).add("items", item="BOLT").line("S1", "BOLT", 10.0, 1)
    return plant.work_order("W1", "BOLT", 10.0, [{"work_center": "PRESS", "hours": 60}], due=1)


@case("split-running", "The lot runs already.", "Not offered.", None, never=("split",))
def _() -> Small:
    plant = Small().center("PRESS", 2).add("items", item="BOLT").line("S1", "BOLT", 10.0, 1)
    step = {"work_center": "PRESS", "hours": 60, "status": "running", "machine": "PRESS-1", "started_at": at(-1)}
    return plant.work_order("W1", "BOLT", 10.0, [step], due=1)


def two_steps(hours: float = 24.0, **step: Any) -> Small:
    plant = Small().center("PRESS").center("ROLL").add("items", item="BOLT").line("S1", "BOLT", 100.0, 1)
    steps = [{"work_center": "PRESS", "hours": hours, **step}, {"work_center": "ROLL", "hours": hours}]
    return plant.work_order("W1", "BOLT", 100.0, steps, due=1)


@case(
    "overlap",
    "Pressing and rolling take a day each, one after the other; both presses are free.",
    "Overlap the two.",
    "overlap",
    "25 %",
)
def _() -> Small:
    return two_steps()


@case(
    "overlap-already", "The operations overlap already at a tenth of the lot.", "Not offered.", None, never=("overlap",)
)
def _() -> Small:
    return two_steps(40.0, overlap_qty=10.0)


@case(
    "overlap-maximum-wait",
    "The second operation must follow without waiting.",
    "Not offered.",
    None,
    never=("overlap",),
)
def _() -> Small:
    return two_steps(max_wait_min=60.0)


@case(
    "compress",
    "Two short operations with a planned wait of 40 h between them.",
    "Carry the lot through.",
    "compress",
    "carried",
)
def _() -> Small:
    plant = Small().center("PRESS").center("ROLL").add("items", item="BOLT").line("S1", "BOLT", 10.0, 1)
    steps = [{"work_center": "PRESS", "hours": 2}, {"work_center": "ROLL", "hours": 2, "queue_min": 2_400.0}]
    return plant.work_order("W1", "BOLT", 10.0, steps, due=1)


@case("no-queue", "Two operations of a day each and no planned wait.", "Not offered.", None, never=("compress",))
def _() -> Small:
    return two_steps()


@case("frozen", "The press is frozen with a C order of 20 h first; the A order behind it is due today.", "Break the frozen horizon.",
      "frozen_break")  # fmt: skip
def _() -> Small:
    plant = Small(capacity={"frozen_hours": 72.0}).center("PRESS")
    plant.add("items", item="BOLT").add("items", item="NUT")
    plant.line("S1", "BOLT", 10.0, 9).line("S2", "NUT", 10.0, 1)
    plant.work_order("W2", "NUT", 10.0, [{"work_center": "PRESS", "hours": 40}], due=1)
    plant.work_order("W1", "BOLT", 10.0, [{"work_center": "PRESS", "hours": 20}], due=9)
    plant.publish()
    plant.rows["sales_orders"] = []
    return plant.line("S1", "BOLT", 10.0, 1).line("S2", "NUT", 10.0, 9, "C1")


@case(
    "nothing-late",
    "Everything ships in time.",
    "Nothing is offered.",
    None,
    never=("rush", "overtime", "split", "delay"),
)
def _() -> Small:
    plant = Small().center("PRESS", 2).add("items", item="BOLT").line("S1", "BOLT", 10.0, 5)
    return plant.work_order("W1", "BOLT", 10.0, [{"work_center": "PRESS", "hours": 6}], due=5)
