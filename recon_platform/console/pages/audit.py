"""Audit: the trail, its verification, and any night as it was."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from recon_platform.console import rendering
from recon_platform.console.pages.answering import AuditReader, answer
from recon_platform.console.services import orders, trail
from recon_platform.nights.audit_trail import LakeAudit

router = APIRouter(prefix="/p/{plant}", include_in_schema=False)


@router.get("/audit")
def audit(request: Request, plant: str, visit: AuditReader) -> Response:
    """Who did what, when and why."""
    nights = visit.console.nights
    night = nights.newest(plant)
    return answer(request, visit, night, "audit", trail.trail(visit.store, visit.actor, nights, plant), "audit.html")


@router.get("/audit/verify")
def verify(plant: str, visit: AuditReader) -> Response:
    """Whether every row of the trail and its copy in the lake hold."""
    visit.console.nights.newest(plant)
    verdict = visit.store.audit.verify(visit.actor, copy=LakeAudit(visit.console.lake))
    return rendering.render("verdict_part.html", verdict=verdict)


@router.get("/nights/{run_id}")
def night_as_it_was(request: Request, plant: str, run_id: str, visit: AuditReader) -> Response:
    """Every table that a run read and wrote, at the version it had."""
    nights = visit.console.nights
    return answer(request, visit, nights.newest(plant), "audit", orders.run(nights.run(plant, run_id)))


@router.get("/nights/{run_id}/{table}")
def table_as_it_was(request: Request, plant: str, run_id: str, table: str, visit: AuditReader) -> Response:
    """One table of a run, row by row."""
    nights = visit.console.nights
    return answer(request, visit, nights.newest(plant), "audit", orders.table(nights.run(plant, run_id), table))
