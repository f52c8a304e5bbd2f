"""The schedule: the Gantt and the same as a table."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from recon_platform.console.pages.answering import Reader, answer
from recon_platform.console.services import schedule as service

router = APIRouter(prefix="/p/{plant}/schedule", include_in_schema=False)


@router.get("")
def schedule(request: Request, plant: str, visit: Reader) -> Response:
    """Tonight's plan, operation by operation."""
    nights = visit.console.nights
    night = nights.newest(plant)
    return answer(request, visit, night, "schedule", service.schedule(night, nights))
