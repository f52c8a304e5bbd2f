"""Today, the first page of the morning."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from recon_platform.console.pages.answering import Reader, answer
from recon_platform.console.services import today as service
from recon_platform.console.services.waiting import waiting

router = APIRouter(prefix="/p/{plant}", include_in_schema=False)


@router.get("/today")
def today(request: Request, plant: str, visit: Reader) -> Response:
    """Does tonight's plan help, and what needs a person."""
    night = visit.console.nights.newest(plant)
    content = service.today(night, *waiting(visit.store, visit.actor, night))
    return answer(request, visit, night, "today", content, "today.html")
