"""The JSON API: pages as data, requests and decisions, on the service functions of the pages."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from recon_platform.console.page import Listing, Page
from recon_platform.console.pages.answering import Approver, Publisher, Reader
from recon_platform.console.services import (
    agents,
    backlog,
    capacity,
    changes,
    decisions,
    material,
    schedule,
    today,
    value,
)
from recon_platform.console.services.publishing import copy_trail, publish
from recon_platform.console.services.waiting import waiting
from recon_platform.governance.requests import Request as Asked
from recon_platform.governance.signatures import Signing

REFUSALS: dict[int | str, dict[str, Any]] = {
    code: {"description": meaning}
    for code, meaning in {
        400: "The request cannot be read.", 401: "Nobody is signed in.", 403: "Not allowed.", 404: "Not here.",
        409: "It has changed, or was decided already.", 422: "It does not fit.", 429: "Too many requests.",
    }.items()
}  # fmt: skip
router = APIRouter(prefix="/api/v1", responses=REFUSALS)
Plant = Annotated[str, Path(max_length=60, pattern=r"^[A-Za-z0-9_-]+$")]
Rows = Annotated[int, Query(ge=0, le=10_000, description="At most so many rows of each list.")]


class Strict(BaseModel):
    """A body without fields that mean nothing."""

    model_config = ConfigDict(extra="forbid")


class Approval(Strict):
    """An approval of exactly what has `digest`. `secret` signs, where a signature is needed."""

    digest: str = Field(min_length=64, max_length=64)
    reason: str = Field(min_length=1, max_length=2_000)
    secret: str | None = Field(default=None, max_length=500)
    meaning: str = Field(default="approval of this exception", min_length=1, max_length=200)


class Rejection(Strict):
    """A rejection of exactly what has `digest`."""

    digest: str = Field(min_length=64, max_length=64)
    reason: str = Field(min_length=1, max_length=2_000)


class Publishing(Strict):
    """Which run to put in force."""

    run: str = Field(min_length=1, max_length=200)


@router.get("/openapi.json", include_in_schema=False)
def openapi(request: Request, visit: Reader) -> JSONResponse:
    """This API's description."""
    app = request.app
    made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    made.setdefault("components", {})["securitySchemes"] = {"session": {"type": "http", "scheme": "bearer"}}
    made["security"] = [{"session": []}]
    return JSONResponse(made)


@router.get("/plants")
def plants(visit: Reader) -> list[str]:
    """Plants that have a finished night."""
    return visit.plants


@router.get("/plants/{plant}/pages/{name}")
def page(
    plant: Plant, name: Annotated[str, Path(pattern="^(today|changes|backlog|material|capacity|schedule|agents|value|delivery)$")],
    visit: Reader, rows: Rows = 500,
) -> dict[str, Any]:  # fmt: skip
    """A page as data: its answer, figures and lists."""
    nights = visit.console.nights
    night = nights.newest(plant)
    made = {
        "today": lambda: today.today(night, *waiting(visit.store, visit.actor, night)),
        "changes": lambda: changes.changes(night),
        "backlog": lambda: backlog.backlog(night, nights.all(plant)),
        "material": lambda: material.material(night, nights.all(plant)),
        "capacity": lambda: capacity.capacity(night, None),
        "schedule": lambda: schedule.schedule(night, nights),
        "agents": lambda: agents.agents(visit.store, visit.actor, night),
        "value": lambda: value.value(night, nights.all(plant)),
        "delivery": lambda: schedule.delivery(visit.store, night),
    }[name]()
    return _page(made, rows)


@router.get("/plants/{plant}/requests")
def requests(
    plant: Plant,
    visit: Reader,
    state: Annotated[str, Query(pattern="^(open|approved|rejected|superseded|withdrawn|entered)$")] = "open",
) -> list[dict[str, Any]]:
    """Requests of a plant, oldest first."""
    visit.console.nights.newest(plant)
    return [_request(found) for found in visit.store.requests.find(visit.actor, plant=plant, state=state)]


@router.get("/plants/{plant}/requests/{number}")
def request(plant: Plant, number: Annotated[int, Path(ge=1, le=2**31)], visit: Reader) -> dict[str, Any]:
    """One request, exactly as it is decided."""
    return _request(decisions.find(visit.store, visit.actor, plant, number))


@router.post("/plants/{plant}/requests/{number}/approve")
def approve(
    plant: Plant, number: Annotated[int, Path(ge=1, le=2**31)], body: Approval, visit: Approver
) -> dict[str, Any]:
    """Approve it; never one's own."""
    found = decisions.find(visit.store, visit.actor, plant, number)
    signing = Signing(body.secret, body.meaning) if found.signature and body.secret else None
    visit.store.decisions.approve(visit.actor, number, digest=body.digest, reason=body.reason, signing=signing)
    copy_trail(visit.console)
    return _request(decisions.find(visit.store, visit.actor, plant, number))


@router.post("/plants/{plant}/requests/{number}/reject")
def reject(
    plant: Plant, number: Annotated[int, Path(ge=1, le=2**31)], body: Rejection, visit: Approver
) -> dict[str, Any]:
    """Reject it; never one's own."""
    decisions.find(visit.store, visit.actor, plant, number)
    visit.store.decisions.reject(visit.actor, number, digest=body.digest, reason=body.reason)
    copy_trail(visit.console)
    return _request(decisions.find(visit.store, visit.actor, plant, number))


@router.post("/plants/{plant}/publish")
def publishing(plant: Plant, body: Publishing, visit: Publisher) -> dict[str, Any]:
    """Put the approved plan of a run in force."""
    visit.console.nights.run(plant, body.run)
    made = publish(visit.console, visit.actor, body.run)
    return {"plant": made.plant, "schedule_version": made.schedule_version, "run": made.run_id, "digest": made.digest}


def _page(page: Page, rows: int) -> dict[str, Any]:
    return {
        "title": page.title, "answer": page.answer, "why": list(page.why),
        "figures": [{"label": f.label, "value": _plain(f.value), "unit": f.unit, "against": f.against} for f in page.figures],
        "lists": [_listing(listing, rows) for listing in page.listings],
    }  # fmt: skip


def _listing(listing: Listing, rows: int) -> dict[str, Any]:
    names = [column.name for column in listing.columns]
    return {
        "name": listing.name, "title": listing.title, "total": listing.rows.height,
        "columns": [{"name": column.name, "label": column.label, "kind": column.show} for column in listing.columns],
        "rows": [{k: _plain(v) for k, v in row.items()} for row in listing.rows.select(names).head(rows).iter_rows(named=True)],
    }  # fmt: skip


def _request(found: Asked) -> dict[str, Any]:
    return {
        "request": found.request, "kind": found.kind, "plant": found.plant, "subject": found.subject, "title": found.title,
        "reason": found.reason, "content": json.loads(json.dumps(found.content)), "digest": found.digest, "needs": found.needs,
        "signature": found.signature, "proposer": found.proposer, "created_at": _plain(found.created_at),
        "valid_until": _plain(found.valid_until), "state": found.state, "run": found.run_id, "decided_by": found.decided_by,
        "decided_at": _plain(found.decided_at), "decision_reason": found.decision_reason, "signed": found.signed,
    }  # fmt: skip


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value
