"""The vocabulary of action messages: every code, when it appears, and what other systems call it.

`docs/messages.md` has a row for each; a test keeps both together.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MessageCode:
    """A code: what to do, what triggers it, and the exception numbers of SAP MRP that say the same (codes are stable,
    groups are not: map by code)."""

    code: str
    meaning: str
    trigger: str
    sap: tuple[str, ...] = ()
    information: bool = False


CODES: tuple[MessageCode, ...] = (
    MessageCode("ORDER_NEW", "A planned order that last night's plan did not have.",
                "A net requirement with a planned order of a new item and day.", ("01",), True),
    MessageCode("RELEASE", "Start or order it now.",
                "The start of a planned or firm order is inside the release window; compressed_by > 0 where it has passed.",
                ("02", "03", "04", "05", "06")),
    MessageCode("EXPEDITE", "Bring an open order forward.",
                "It is needed before its date; qty_early is the part needed so soon; feasible says whether the need is "
                "still ahead.", ("10",)),
    MessageCode("DELAY", "Push an open order back.", "It is needed after its date.", ("15",)),
    MessageCode("CANCEL", "Cancel an open order.", "Nothing in the horizon needs it.", ("20",)),
    MessageCode("DECREASE", "Order less.",
                "Part of an order is never needed, beyond the tolerance, and the lot rule allows a smaller order.",
                ("25", "26")),
    MessageCode("INCREASE", "Order more instead of opening another order.",
                "A firm order can still be changed while a planned order of the item should have started."),
    MessageCode("FENCE_CONFLICT", "Planning is barred where an order would be needed.",
                "A planned order is due inside the planning time fence of its item.", ("56",)),
    MessageCode("PAST_DUE_SUPPLY", "An open order is overdue.", "Its date has passed and it is still open.", ("07",)),
    MessageCode("PAST_DUE_DEMAND", "A customer waits.", "The date of an open customer line has passed."),
    MessageCode("UNCOVERED", "Stock runs out.",
                "The projected stock falls below zero at the dates supply has now, planned orders received."),
    MessageCode("BELOW_SS", "Stock falls into safety stock.", "The projected stock is between zero and safety stock.",
                ("96",)),
    MessageCode("EXCESS", "Stock that nothing needs.",
                "More than the tolerance share of an item's stock has no demand in the horizon.", ("25", "26")),
    MessageCode("ORDER_QTY_RULE", "The quantity breaks a rule.",
                "A firm or untouched order is below the minimum, above the maximum or no multiple.", ("70",)),
    MessageCode("FPO_DRIFT", "A firm order is needed on another day.",
                "The need of a firm order differs from its date; it stays where it was put.", ("10", "15", "20"), True),
    MessageCode("PHASE_OUT", "A receipt after the item's last use.",
                "An order comes after the last bill of material that uses its item has ended.", ("57", "58", "59")),
    MessageCode("PARENT_AT_RISK", "A component is late for an order.",
                "What is pegged to a made order comes after its start, at the dates supply really has."),
    MessageCode("DATA_ERROR", "Data that cannot be planned with.",
                "A BOM loop, an unknown item, a made item without BOM, a bought one without lead time.",
                ("50", "52", "53", "54", "55", "61", "62", "63", "64", "69", "82", "98")),
    MessageCode("OVERLOAD", "A work center is asked for more than it has.",
                "Loaded minutes, set-up included, exceed the available minutes of a week; on the capacity page."),
)  # fmt: skip
BY_CODE = {entry.code: entry for entry in CODES}
