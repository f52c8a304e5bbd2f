"""The schedule: the Gantt and the same as a table; a dragged operation becomes a pin with a reason."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from recon_platform.console.access import Visit
from recon_platform.console.pages.answering import Proposer, Reader, answer
from recon_platform.console.services import schedule as service
from recon_platform.console.services.gantt import gantt
from recon_platform.console.services.nights import Night
from recon_platform.console.services.publishing import copy_trail
from recon_platform.console.services.what_if import Tried, pin_effect
from recon_platform.console.state import Console
from recon_platform.nights.pins import pin

router = APIRouter(prefix="/p/{plant}/schedule", include_in_schema=False)
Text = Annotated[str, Form(max_length=500)]


@router.get("")
def schedule(request: Request, plant: str, visit: Reader) -> Response:
    """Tonight's plan, operation by operation."""
    nights = visit.console.nights
    night = nights.newest(plant)
    return answer(request, visit, night, "schedule", service.schedule(night, nights), "schedule.html")


@router.get("/gantt.json")
def gantt_data(plant: str, visit: Reader) -> Response:
    """What the Gantt draws."""
    return Response(gantt(visit.console.nights.newest(plant)), media_type="application/json")


@router.post("/pin")
def pin_operation(
    plant: str, visit: Proposer, work_order: Text, operation: Annotated[int, Form()], machine: Text, reason: Text = "",
    tried: Text = "",
) -> Response:  # fmt: skip
    """Keep an operation on a machine: at once where that is no exception, else as a request somebody else decides.

    `tried`: the what-if that computed its effect, which the request then carries.
    """
    if not reason.strip():
        raise ValueError("a pin needs a reason")
    console = visit.console
    night = console.nights.newest(plant)
    made = pin(
        console.lake, console.store, visit.actor, night.manifest, work_order=work_order, op_seq=operation, machine=machine,
        reason=reason, effect=_effect(console, visit, night, tried, work_order, operation, machine),
    )  # fmt: skip
    copy_trail(console)
    return RedirectResponse(f"/p/{plant}/decisions/{made.request}", 303)


def _effect(
    console: Console, visit: Visit, night: Night, tried: str, work_order: str, operation: int, machine: str
) -> dict[str, Any] | None:
    found = console.jobs.find(tried, visit.actor.name)
    if found is None or not isinstance(found.result, Tried) or found.result.run_id != night.run_id:
        return None
    return pin_effect(found.result, work_order, operation, machine)
