"""Why an order or a message is as it is, from the stored tables of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from recon_platform.cli import output
from recon_platform.material.explain import explain_message

if TYPE_CHECKING:
    from recon_platform.lake import Lake
    from recon_platform.nights.records import Manifest


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything stored about one subject, each part ranked."""

    subject: str
    run: str
    order: pl.DataFrame
    operations: pl.DataFrame
    messages: pl.DataFrame
    causes: pl.DataFrame
    shortages: pl.DataFrame
    promises: pl.DataFrame
    findings: pl.DataFrame
    words: tuple[str, ...] = ()
    screen: tuple[str, ...] = ()  # why the order starts when it starts, and what would bring it forward


def explanation(lake: Lake, manifest: Manifest, subject: str, op: int | None) -> Explanation:
    """What `manifest`'s tables say of `subject`; ValueError where they do not know it."""
    messages = manifest.read(lake, "action_messages")
    of_message = messages.filter(pl.col("message") == subject)
    order = subject if of_message.is_empty() else str(of_message.get_column("order")[0])
    schedule = manifest.read(lake, "schedule").filter(pl.col("work_order") == order).sort("op_seq")
    if op is not None:
        schedule = schedule.filter(pl.col("op_seq") == op)
    about = messages.filter(pl.col("order") == order) if of_message.is_empty() else of_message
    causes = manifest.read(lake, "message_causes").filter(
        pl.col("message").is_in(about.get_column("message").to_list())
    )
    promises = manifest.read(lake, "order_promises").filter(
        (pl.col("bound_by") == order) | (pl.col("sales_order") == order)
    )
    tables = {name: manifest.read(lake, name) for name in ("action_messages", "message_causes", "pegging")}
    said = Explanation(
        subject=subject,
        run=manifest.run_id,
        order=manifest.read(lake, "reconciled_orders").filter(pl.col("work_order") == order),
        operations=schedule,
        messages=about,
        causes=causes.sort("message", "contribution_days", descending=[False, True]),
        shortages=manifest.read(lake, "shortages").filter(pl.col("work_order") == order),
        promises=promises,
        findings=manifest.read(lake, "findings").filter((pl.col("work_order") == order) | (pl.col("entity") == order)),
        screen=_screen(lake, manifest, order, op),
        words=tuple(explain_message(tables, message).text for message in about.get_column("message").sort()),
    )
    if all(frame.is_empty() for frame in (said.order, schedule, about, promises, said.shortages, said.findings)):
        raise ValueError(
            f"run {manifest.run_id} knows nothing of {subject!r}; give a work order, sales order or message"
        )
    return said


def _screen(lake: Lake, manifest: Manifest, order: str, op: int | None) -> tuple[str, ...]:
    """The order's place in the schedule in words, or why it has none; empty where the scheduler never saw it."""
    from recon_platform.capacity.explain import explain_operation, order_screen

    names = ("schedule", "supply_orders", "unscheduled")
    frames = {name: manifest.read(lake, name) for name in names}
    left_out = frames["unscheduled"].filter(pl.col("work_order") == order)
    if left_out.height:
        return (f"{order} is not scheduled: {left_out['reason'][0]}",)
    placed = frames["schedule"].filter(pl.col("work_order") == order)
    if op is not None:
        placed = placed.filter(pl.col("op_seq") == op)
    if placed.is_empty():
        return ()
    context = manifest.pins.context
    return tuple(order_screen(explain_operation(frames, order, op, as_of=context.as_of), context.plant.timezone))


def render(said: Explanation) -> None:
    """Print an explanation for people."""
    output.say(f"{said.subject} in run {said.run}")
    for text in said.words:
        output.say(text)
    if said.order.height:
        output.print_frame("Order", said.order.select("item", "status", "qty", "remaining_qty", "due_date", "rules"))
    for text in said.screen:
        output.say(text)
    if said.messages.height:
        output.print_frame(
            "Messages",
            said.messages.select("code", "from_date", "to_date", "need_date", "feasible", "visibility", "detail"),
        )
    if said.causes.height:
        output.print_frame("Causes", said.causes.select("category", "event", "contribution_days", "label", "detail"))
    if said.shortages.height:
        output.print_frame("Missing material", said.shortages.drop("work_order"))
    if said.promises.height:
        output.print_frame(
            "Customer lines",
            said.promises.select("sales_order", "line", "promised", "projected_ship", "late_days", "bound_by"),
        )
    if said.findings.height:
        output.print_frame(
            "Findings",
            said.findings.select("rule", "severity", "field", "erp_value", "mes_value", "correction", "applied"),
        )
