"""Rules: what is in force and why; a change tried on past nights, then asked for."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from recon_platform.console import rendering
from recon_platform.console.page import Page
from recon_platform.console.pages.answering import ChangeProposer, Reader, answer
from recon_platform.console.services import rules as service
from recon_platform.console.services.publishing import copy_trail

router = APIRouter(prefix="/p/{plant}/rules", include_in_schema=False)
Text = Annotated[str, Form(max_length=500)]
MOST_NIGHTS = 30


@router.get("")
def rules(request: Request, plant: str, visit: Reader) -> Response:
    """Settings, versions, requests and rules."""
    night = visit.console.nights.newest(plant)
    content = service.rules(visit.store, visit.actor, night)
    return answer(request, visit, night, "rules", content, "rules.html", settings=service.names())


@router.post("/try")
def try_out(
    plant: str, visit: ChangeProposer, setting: Text, value: Text,
    nights: Annotated[int, Form(ge=1, le=MOST_NIGHTS)] = service.NIGHTS,
) -> Response:  # fmt: skip
    """Plan past nights with it; the answer follows on its page."""
    console = visit.console
    night = console.nights.newest(plant)
    job = console.jobs.start(
        visit.actor.name, f"Planning {nights} past night{'s' if nights > 1 else ''} with {setting} = {value}",
        lambda: service.try_out(console, night, setting, value, nights),
    )  # fmt: skip
    return RedirectResponse(f"/p/{plant}/rules/{job.job}", 303)


@router.get("/{job}")
def tried(request: Request, plant: str, job: str, visit: ChangeProposer) -> Response:
    """Past nights under old and new, side by side."""
    night = visit.console.nights.newest(plant)
    found = visit.console.jobs.find(job, visit.actor.name)
    trial = found.result.content if found is not None and isinstance(found.result, service.Trial) else None
    if request.headers.get("hx-request"):
        return rendering.render("rules_part.html", base=f"/p/{plant}", visit=visit, job=found, trial=trial)
    content = Page("A change of the rules", "The same past nights, as they were and with the change.")
    return rendering.page("rules_answer.html", request, visit, night, "rules", content, job=found, trial=trial)


@router.post("/{job}/propose")
def propose(plant: str, job: str, visit: ChangeProposer, reason: Text = "") -> Response:
    """Ask somebody else to decide it, with its backtest."""
    night = visit.console.nights.newest(plant)
    found = visit.console.jobs.find(job, visit.actor.name)
    if found is None or not isinstance(found.result, service.Trial) or found.result.plant != plant:
        raise ValueError("this trial is not known any more; try it again")
    made = service.propose(visit.console, visit.actor, night, found.result, reason)
    copy_trail(visit.console)
    return RedirectResponse(f"/p/{plant}/decisions/{made.request}", 303)
