"""The questions a planner asks of a night's material plan, each answered by tables. Nothing here changes a plan.

Belongs here: which question is answered by what, and what it needs to be told. The answers are made elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from recon_platform.material.balance import accepted, asked, balance, delay_candidates
from recon_platform.material.cause_shares import cause_shares, cause_summary
from recon_platform.material.engineering import phase_in, use_up_dates
from recon_platform.material.lead_times import lead_time_stacks, unstable_lot_rules
from recon_platform.material.remedies import compress, cycle_counts, split_parent
from recon_platform.material.shortening import shortening
from recon_platform.material.siblings import siblings_to_delay
from recon_platform.material.vendors import realistic_lead_times, vendor_reliability
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames

Answer = dict[str, pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question is asked about: `subject` (order, message, item or change), the day `on`, `days`, a column `by`."""

    subject: str | None = None
    on: date | None = None
    days: int = 5
    by: str = "category"

    def named(self, what: str) -> str:
        """The subject. Raises ValueError where there is none."""
        if not self.subject:
            raise ValueError(f"subject: expected {what}, found nothing; name it after the question")
        return self.subject


def answer(question: str, frames: Frames, context: PlanContext, about: Asked) -> Answer:
    """Tables by title that answer `question` (one of `QUESTIONS`) from the tables of a planned night.

    Raises ValueError for another question, and where `about` lacks what it needs.
    """
    if question not in QUESTIONS:
        raise ValueError(f"question: expected one of {', '.join(QUESTIONS)}, found {question!r}")
    return QUESTIONS[question](frames, context, about)


def _causes(frames: Frames, context: PlanContext, about: Asked) -> Answer:
    messages, causes = frames["action_messages"], frames["message_causes"]
    if about.by not in {*causes.columns, *messages.columns}:
        raise ValueError(f"by: expected a column of message_causes or action_messages, found {about.by!r}")
    beside = cause_summary(messages, causes)
    return {
        f"Who made tonight's messages, by {about.by}": cause_shares(messages, causes, about.by),
        "Beside it": pl.DataFrame({"figure": list(beside), "value": list(beside.values())}),
    }


def _balance(frames: Frames, context: PlanContext, about: Asked) -> Answer:
    tonight, done = asked(frames), accepted(frames)
    slack = (pl.col("to_date") - pl.col("from_date")).dt.total_days().alias("slack_days")
    return {
        "Asked tonight (hours at a work center, value at a vendor)": balance(tonight, pl.col("weight")),
        "Carried out since last night": balance(done, pl.col("weight")),
        "Delays that would pay, the most slack first": delay_candidates(
            tonight, tonight.select("order_type", "order", slack)
        ),
    }


def _counts(frames: Frames, context: PlanContext, about: Asked) -> Answer:
    return {"What to count next": cycle_counts(frames["action_messages"], frames["message_causes"])}


def _lead_times(frames: Frames, context: PlanContext, about: Asked) -> Answer:
    if about.subject is None:
        stacks = lead_time_stacks(frames, context).sort(["stack_days", "item"], descending=[True, False])
        return {"Stacked lead times, the longest first": stacks}
    saved = shortening(frames, about.subject, about.days, context)
    return {f"Each step below {about.subject} shorter by {about.days} days": saved}


def _lots(frames: Frames, context: PlanContext, about: Asked) -> Answer:
    return {"Dynamic lots inside the stacked lead time": unstable_lot_rules(frames, context)}


def _vendors(frames: Frames, context: PlanContext, about: Asked) -> Answer:
    percentile = context.policy.material.realistic_lead_time_percentile
    return {
        "Reliability of vendors": vendor_reliability(frames),
        f"Lead times as they were ({percentile:.0%} of lines took no longer)": realistic_lead_times(frames, percentile),
    }


def _catch_up(frames: Frames, context: PlanContext, about: Asked) -> Answer:
    order = about.named("an order that comes late")
    if about.on is None:
        raise ValueError("on: expected the day the order really comes, found nothing")
    siblings = siblings_to_delay(frames, order, about.on)
    kind = frames["pegging"].filter(pl.col("supply") == order).item(0, "supply_type")
    found = compress(frames, kind, order, about.on)
    verdict = pl.DataFrame({"back_on_schedule": [found.feasible], "days_left_open": [found.open_days]})
    return {
        "Back on schedule?": verdict,
        "Orders to firm, from the lowest level up": found.orders,
        "Other components that may wait": siblings,
    }


def _split(frames: Frames, context: PlanContext, about: Asked) -> Answer:
    return {"The parent's lot in two parts": split_parent(frames, about.named("an EXPEDITE message"))}


def _use_up(frames: Frames, context: PlanContext, about: Asked) -> Answer:
    if about.subject is None:
        dates = use_up_dates(frames).filter(pl.col("use_up_date").is_not_null()).sort("use_up_date", "item")
        return {"When what is there and on order is used up": dates}
    return {f"Dates for {about.subject} and what each brings": phase_in(frames, about.subject, context)}


QUESTIONS: Mapping[str, Callable[[Frames, PlanContext, Asked], Answer]] = {
    "causes": _causes, "balance": _balance, "counts": _counts, "lead-times": _lead_times, "lots": _lots,
    "vendors": _vendors, "catch-up": _catch_up, "split": _split, "use-up": _use_up,
}  # fmt: skip
