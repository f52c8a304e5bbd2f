"""What the routes of all pages share: the plant's newest night, and a page answered as HTML, as a part, or as CSV."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import RedirectResponse, Response

from recon_platform.console import rendering
from recon_platform.console.access import Enter, Visit
from recon_platform.console.csv_export import to_csv
from recon_platform.console.page import Page
from recon_platform.console.services.nights import Night
from recon_platform.console.services.publishing import copy_trail
from recon_platform.governance import Permission

Reader = Annotated[Visit, Depends(Enter(Permission.READ))]
Proposer = Annotated[Visit, Depends(Enter(Permission.PROPOSE))]
Approver = Annotated[Visit, Depends(Enter(Permission.APPROVE))]
Publisher = Annotated[Visit, Depends(Enter(Permission.PUBLISH))]
AuditReader = Annotated[Visit, Depends(Enter(Permission.READ_AUDIT))]
UserAdmin = Annotated[Visit, Depends(Enter(Permission.MANAGE_USERS))]
ChangeProposer = Annotated[Visit, Depends(Enter(Permission.PROPOSE_CHANGE))]


def done(plant: str, visit: Visit, page: str) -> Response:
    """What a form that changed something is answered with: the trail's copy brought up to date, then `page` again."""
    copy_trail(visit.console)
    return RedirectResponse(f"/p/{plant}/{page}", 303)


def answer(
    request: Request, visit: Visit, night: Night, here: str, content: Page, template: str = "page.html", **values: Any
) -> Response:
    """The page; only one of its lists where htmx asks for it; a list as CSV where it is to be exported."""
    asked = rendering.exported(request, content)
    if asked is not None:
        listing, rows = asked
        name = f"{night.context.plant.code}-{night.context.planning_date}-{listing.name}.csv"
        return Response(
            to_csv(listing, rows, night.context.plant.timezone), media_type="text/csv; charset=utf-8",
            headers={"content-disposition": f'attachment; filename="{name}"'},
        )  # fmt: skip
    target = request.headers.get("hx-target", "")
    wanted = content.listing(target.removeprefix("list-")) if target.startswith("list-") else None
    if wanted is not None:
        return rendering.render(
            "list_part.html", table=rendering.table(request, wanted), zone=night.context.plant.zone,
            base=f"/p/{night.context.plant.code}",
        )  # fmt: skip
    return rendering.page(template, request, visit, night, here, content, **values)
