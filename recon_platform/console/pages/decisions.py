"""Decisions: cards to approve, reject, postpone or sign, one by one or as a bundle; then publishing."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from recon_platform.console import rendering
from recon_platform.console.access import Visit
from recon_platform.console.page import Page
from recon_platform.console.pages.answering import Approver, Proposer, Publisher, Reader
from recon_platform.console.services import decisions as service
from recon_platform.console.services.nights import Night
from recon_platform.console.services.publishing import copy_trail, publish
from recon_platform.console.words import count
from recon_platform.governance.errors import GovernanceError
from recon_platform.governance.signatures import Signing

router = APIRouter(prefix="/p/{plant}", include_in_schema=False)
MEANING = "approval of this exception"
Text = Annotated[str, Form(max_length=2_000)]


@router.get("/decisions")
def decisions(request: Request, plant: str, visit: Reader, state: str = "open") -> Response:
    """Everything that waits for a person, ranked."""
    night = visit.console.nights.newest(plant)
    wanted = state if state in {"open", "approved", "rejected"} else "open"
    groups = service.cards(visit.store, visit.actor, plant, visit.may, wanted)
    total = sum(len(group.cards) for group in groups)
    yours = sum(card.decides and not card.expired for group in groups for card in group.cards)
    if wanted == "open":
        said = (
            f"{count(total, 'decision')} {'waits' if total == 1 else 'wait'}; {yours or 'none'} of them you may decide."
        )
    else:
        said = f"{count(total, 'request')} {'was' if total == 1 else 'were'} {wanted}."
    content = Page("Decisions", said[:1].upper() + said[1:])
    return rendering.page(
        "decisions.html", request, visit, night, "decisions", content, groups=groups, state=wanted,
        publishable=_publishable(visit, night),
    )  # fmt: skip


@router.get("/decisions/{number}")
def one(request: Request, plant: str, number: int, visit: Reader) -> Response:
    """One card, with its decision and signature."""
    night = visit.console.nights.newest(plant)
    found = service.find(visit.store, visit.actor, plant, number)
    card = service.card(found, visit.actor, visit.may, visit.store.clock())
    content = Page(f"Request {number}", card.sentence)
    return rendering.page("decision.html", request, visit, night, "decisions", content, card=card)


@router.post("/decisions/{number}/approve")
def approve(
    request: Request, plant: str, number: int, visit: Approver, digest: Text, reason: Text = "", secret: Text = "",
    meaning: Text = MEANING,
) -> Response:  # fmt: skip
    """Approve exactly what was shown; sign it where it has to be signed."""
    found = service.find(visit.store, visit.actor, plant, number)
    signing = Signing(secret, meaning) if found.signature and secret else None
    visit.store.decisions.approve(visit.actor, number, digest=digest, reason=reason, signing=signing)
    return _decided(request, visit, plant, number)


@router.post("/decisions/{number}/reject")
def reject(
    request: Request, plant: str, number: int, visit: Approver, digest: Text, reason: Text = "",
    days: Annotated[int, Form(ge=0, le=90)] = 7,
) -> Response:  # fmt: skip
    """Reject it; the same advice stays away for some days."""
    service.find(visit.store, visit.actor, plant, number)
    visit.store.decisions.reject(visit.actor, number, digest=digest, reason=reason, lock=timedelta(days=days))
    return _decided(request, visit, plant, number)


@router.post("/decisions/{number}/withdraw")
def withdraw(request: Request, plant: str, number: int, visit: Proposer, reason: Text = "") -> Response:
    """Take back one's own request."""
    service.find(visit.store, visit.actor, plant, number)
    visit.store.requests.withdraw(visit.actor, number, reason)
    return _decided(request, visit, plant, number)


@router.post("/decisions/bundle")
def bundle(
    request: Request, plant: str, visit: Approver, reason: Text = "", chosen: Annotated[list[str] | None, Form()] = None
) -> Response:
    """Approve several that need no signature, each with the digest that was shown; says what became of each."""
    night = visit.console.nights.newest(plant)
    results = []
    for entry in chosen or []:
        number, _, digest = entry.partition(":")
        if not number.isdecimal():
            continue
        found = service.find(visit.store, visit.actor, plant, int(number))
        try:
            visit.store.decisions.approve(visit.actor, found.request, digest=digest, reason=reason)
            results.append((found.title, "approved"))
        except GovernanceError as error:
            results.append((found.title, f"not approved: {error}"))
    copy_trail(visit.console)
    content = Page("Bundle", f"{count(sum(said == 'approved' for _, said in results), 'request')} approved.")
    return rendering.page("bundle.html", request, visit, night, "decisions", content, results=results)


@router.post("/publish")
def publishing(plant: str, visit: Publisher, run: Text) -> Response:
    """Put the approved plan in force; the answer follows on the job's page."""
    visit.console.nights.run(plant, run)
    console, actor = visit.console, visit.actor
    job = console.jobs.start(actor.name, "Publishing", lambda: publish(console, actor, run))
    return RedirectResponse(f"/p/{plant}/jobs/{job.job}", 303)


@router.get("/jobs/{job}")
def job_page(request: Request, plant: str, job: str, visit: Reader) -> Response:
    """A piece of work of one's own: waiting, or what came of it."""
    night = visit.console.nights.newest(plant)
    found = visit.console.jobs.find(job, visit.actor.name)
    if request.headers.get("hx-request"):
        return rendering.render("job_part.html", job=found, base=f"/p/{plant}")
    content = Page(found.title if found else "Work", "This runs beside your other work; you may leave the page.")
    return rendering.page("job.html", request, visit, night, "decisions", content, job=found)


def _publishable(visit: Visit, night: Night) -> bool:
    """Whether the newest run's base plan is approved and not in force yet."""
    plant = night.context.plant.code
    standing = visit.store.publications.in_force(plant)
    if standing is not None and standing.run_id == night.run_id:
        return False
    approved = visit.store.requests.find(visit.actor, plant=plant, state="approved", kind="base")
    return any(request.run_id == night.run_id for request in approved)


def _decided(request: Request, visit: Visit, plant: str, number: int) -> Response:
    copy_trail(visit.console)
    if not request.headers.get("hx-request"):
        return RedirectResponse(f"/p/{plant}/decisions/{number}", 303)
    found = service.find(visit.store, visit.actor, plant, number)
    card = service.card(found, visit.actor, visit.may, visit.store.clock())
    night = visit.console.nights.newest(plant)
    return rendering.render(
        "card_part.html", card=card, base=f"/p/{plant}", visit=visit, zone=night.context.plant.zone,
        publishable=_publishable(visit, night),
    )  # fmt: skip
