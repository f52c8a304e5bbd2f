"""What if: try a change out, see its effect, make it a proposal."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from recon_platform.console import rendering
from recon_platform.console.page import Page
from recon_platform.console.pages.answering import Proposer
from recon_platform.console.services import what_if as service
from recon_platform.console.services.publishing import copy_trail

router = APIRouter(prefix="/p/{plant}/what-if", include_in_schema=False)
Text = Annotated[str, Form(max_length=500)]


@router.get("")
def what_if(request: Request, plant: str, visit: Proposer) -> Response:
    """The questions that can be asked."""
    night = visit.console.nights.newest(plant)
    content = Page(
        "What if", "Change one thing, see in seconds what it would win and lose, and ask for it if it helps."
    )
    return rendering.page(
        "what_if.html", request, visit, night, "what-if", content, choices=service.choices(night),
        parameters=service.PARAMETERS, machines=night.read("machines").get_column("machine").sort().to_list(),
    )  # fmt: skip


@router.post("/try")
def try_out(
    plant: str, visit: Proposer, kind: Text, item: Text = "", substitute: Text = "", pair: Text = "", line: Text = "",
    date: Text = "", qty: Text = "", machine: Text = "", start: Text = "", hours: Text = "", work_order: Text = "",
    operation: Text = "", parameter: Text = "", value: Text = "",
) -> Response:  # fmt: skip
    """Plan it; the answer follows on its page."""
    night = visit.console.nights.newest(plant)
    first, _, second = pair.partition("|")
    asked = {
        "item": item or first, "substitute": substitute or second, "line": line, "date": date, "qty": qty, "machine": machine,
        "start": start, "hours": hours, "work_order": work_order, "operation": operation,
        "parameter": parameter, "value": value,
    }  # fmt: skip
    job = visit.console.jobs.start(
        visit.actor.name, "Planning with the change", lambda: service.try_out(night, kind, asked)
    )
    return RedirectResponse(f"/p/{plant}/what-if/{job.job}", 303)


@router.get("/{job}")
def tried(request: Request, plant: str, job: str, visit: Proposer) -> Response:
    """What it would win and lose."""
    night = visit.console.nights.newest(plant)
    found = visit.console.jobs.find(job, visit.actor.name)
    content = Page("What if", "What the change would win and lose, planned through all stages.")
    template = "what_if_part.html" if request.headers.get("hx-request") else "what_if_answer.html"
    effect = service.shown(found.result) if found is not None and found.state == "done" else None
    if template == "what_if_part.html":
        return rendering.render(template, job=found, effect=effect, base=f"/p/{plant}", visit=visit)
    return rendering.page(template, request, visit, night, "what-if", content, job=found, effect=effect)


@router.post("/{job}/propose")
def propose(plant: str, job: str, visit: Proposer, reason: Text = "") -> Response:
    """Ask somebody else to decide it."""
    night = visit.console.nights.newest(plant)
    found = visit.console.jobs.find(job, visit.actor.name)
    if found is None or not isinstance(found.result, service.Tried):
        raise ValueError("this what-if is not known any more; try it again")
    made = service.propose(visit.console, visit.actor, night, found.result, reason)
    copy_trail(visit.console)
    return RedirectResponse(f"/p/{plant}/decisions/{made.request}", 303)
