"""Pages that only show: changes, backlog, material, capacity, agents, value, delivery, and the evidence behind a row."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from recon_platform.console.pages.answering import Reader, answer
from recon_platform.console.services import agents as agents_service
from recon_platform.console.services import backlog as backlog_service
from recon_platform.console.services import capacity as capacity_service
from recon_platform.console.services import changes as changes_service
from recon_platform.console.services import material as material_service
from recon_platform.console.services import orders, value
from recon_platform.console.services import schedule as schedule_service
from recon_platform.console.weekly import week, weekly_report

router = APIRouter(prefix="/p/{plant}", include_in_schema=False)


@router.get("/changes")
def changes(request: Request, plant: str, visit: Reader) -> Response:
    """What tonight's plan does differently."""
    night = visit.console.nights.newest(plant)
    return answer(request, visit, night, "changes", changes_service.changes(night))


@router.get("/backlog")
def backlog(request: Request, plant: str, visit: Reader) -> Response:
    """What ERP and MES disagree on."""
    nights = visit.console.nights
    night = nights.newest(plant)
    return answer(request, visit, night, "backlog", backlog_service.backlog(night, nights.all(plant)))


@router.get("/material")
def material(request: Request, plant: str, visit: Reader) -> Response:
    """What is short and what planners are asked to do."""
    nights = visit.console.nights
    night = nights.newest(plant)
    return answer(request, visit, night, "material", material_service.material(night, nights.all(plant)))


@router.get("/capacity")
def capacity(request: Request, plant: str, visit: Reader, work_center: str | None = None) -> Response:
    """Load against capacity."""
    night = visit.console.nights.newest(plant)
    return answer(request, visit, night, "capacity", capacity_service.capacity(night, work_center))


@router.get("/agents")
def agents(request: Request, plant: str, visit: Reader) -> Response:
    """What agents may do and how they did."""
    night = visit.console.nights.newest(plant)
    return answer(request, visit, night, "agents", agents_service.agents(visit.store, visit.actor, night))


@router.get("/value")
def value_page(request: Request, plant: str, visit: Reader) -> Response:
    """Measures as run charts."""
    nights = visit.console.nights
    night = nights.newest(plant)
    return answer(request, visit, night, "value", value.value(night, nights.all(plant)), "value.html")


@router.get("/value/weekly.pdf")
def weekly(plant: str, visit: Reader) -> Response:
    """The week on paper."""
    nights = visit.console.nights
    night = nights.newest(plant)
    made: bytes = night.derived("weekly", lambda: weekly_report(nights.all(plant)), 200_000)
    name = f"{plant}-{week(night)}.pdf"
    return Response(
        made, media_type="application/pdf", headers={"content-disposition": f'attachment; filename="{name}"'}
    )


@router.get("/delivery")
def delivery(request: Request, plant: str, visit: Reader) -> Response:
    """What goes to ERP and people."""
    night = visit.console.nights.newest(plant)
    return answer(request, visit, night, "schedule", schedule_service.delivery(visit.store, night))


@router.get("/dispatch")
def dispatch(request: Request, plant: str, visit: Reader, work_center: str | None = None) -> Response:
    """What a work center or vendor does next."""
    night = visit.console.nights.newest(plant)
    return answer(request, visit, night, "dispatch", schedule_service.dispatch(night, work_center), "dispatch.html")


@router.get("/work-orders/{order}")
def work_order(request: Request, plant: str, order: str, visit: Reader) -> Response:
    """One work order and its evidence."""
    night = visit.console.nights.newest(plant)
    return answer(request, visit, night, "schedule", orders.work_order(night, order))


@router.get("/orders/{sales_order}/{line}")
def order_line(request: Request, plant: str, sales_order: str, line: str, visit: Reader) -> Response:
    """One customer order line and its evidence."""
    night = visit.console.nights.newest(plant)
    return answer(request, visit, night, "changes", orders.order_line(night, sales_order, line))


@router.get("/items/{item}")
def item(request: Request, plant: str, item: str, visit: Reader) -> Response:
    """One item and its netting record."""
    night = visit.console.nights.newest(plant)
    return answer(request, visit, night, "material", orders.item(night, item))
