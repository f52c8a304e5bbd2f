"""Templates: one environment, values in plant time, and the same table for every list."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

import jinja2
import polars as pl
from starlette.requests import Request
from starlette.responses import HTMLResponse

from recon_platform.console import words
from recon_platform.console.access import Visit
from recon_platform.console.page import Column, Listing, Page, Show
from recon_platform.console.services import standing
from recon_platform.console.services.nights import Night
from recon_platform.governance import Permission

FOLDER = Path(__file__).parent / "templates"
ROWS = 50
NUMERIC = frozenset({Show.NUMBER, Show.WHOLE, Show.SHARE, Show.MONEY})
UTC = ZoneInfo("UTC")

NAVIGATION: tuple[tuple[str, str, Permission], ...] = (
    ("today", "Today", Permission.READ),
    ("changes", "Changes", Permission.READ),
    ("decisions", "Decisions", Permission.READ),
    ("schedule", "Schedule", Permission.READ),
    ("dispatch", "Dispatch lists", Permission.READ),
    ("backlog", "Backlog health", Permission.READ),
    ("material", "Material", Permission.READ),
    ("capacity", "Capacity", Permission.READ),
    ("what-if", "What if", Permission.PROPOSE),
    ("value", "Value", Permission.READ),
    ("rules", "Rules", Permission.READ),
    ("agents", "Agents", Permission.READ),
    ("audit", "Audit", Permission.READ_AUDIT),
    ("users", "Users", Permission.MANAGE_USERS),
)


def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    made.filters.update(
        words=words.words, day=words.day, instant=words.instant, stamp=words.stamp, number=words.number,
        signed=words.signed, cell=words.cell, unit=words.unit,
    )  # fmt: skip
    made.globals.update(
        Show=Show,
        numeric=lambda column: column.show in NUMERIC,
        link=link,
        count=words.count,
        language=words.language,
        label=words.label,
    )
    return made


def link(column: Column, row: dict[str, Any], base: str) -> str | None:
    """Address that a cell leads to; None where the column has none or the row lacks a value for it."""
    if column.link is None:
        return None
    names = [name for _, name, _, _ in string.Formatter().parse(column.link) if name]
    if any(row.get(name) is None for name in names):
        return None
    return base + "/" + column.link.format(**{name: quote(str(row[name]), safe="") for name in names})


ENVIRONMENT = _environment()


def render(template: str, code: int = 200, **values: Any) -> HTMLResponse:
    """A template as an answer."""
    return HTMLResponse(ENVIRONMENT.get_template(template).render(**values), status_code=code)


def page(
    template: str, request: Request, visit: Visit, night: Night, here: str, content: Page | None = None, *,
    status: int = 200, **values: Any,
) -> HTMLResponse:  # fmt: skip
    """A page inside the frame: version bar, navigation, who is signed in."""
    plant = night.context.plant
    return render(
        template, status,
        visit=visit, plant=plant, zone=plant.zone, here=here, base=f"/p/{quote(plant.code, safe='')}", page=content,
        bar=standing.bar(visit.store, visit.console.nights, night), night=night,
        plants=visit.plants, tables=tables(request, content), title=content.title if content else here,
        navigation=[entry for entry in NAVIGATION if visit.may(entry[2])], dagster=visit.console.settings.dagster_url,
        **values,
    )  # fmt: skip


def tables(request: Request, content: Page | None) -> list[dict[str, Any]]:
    """Every list of a page as this request asks to see it: searched, sorted, and one page of rows."""
    return [] if content is None else [table(request, listing) for listing in content.listings]


def table(request: Request, listing: Listing) -> dict[str, Any]:
    """One list. Parameters are named after it, so that several lists of a page do not disturb each other."""
    asked = request.query_params
    name = listing.name
    search, sort = asked.get(f"{name}.q", ""), asked.get(f"{name}.sort", "")
    descending = asked.get(f"{name}.desc") == "1"
    found = listing.selected(search, sort, descending)
    shown = _whole(asked.get(f"{name}.rows"), ROWS)
    kept = {key: value for key, value in asked.items() if not key.startswith(f"{name}.")}

    def address(**changes: str) -> str:
        values = {"q": search, "sort": sort, "desc": "1" if descending else "", **changes}
        return "?" + urlencode({**kept, **{f"{name}.{key}": value for key, value in values.items() if value}})

    return {
        "listing": listing, "rows": found.head(shown).to_dicts(), "found": found.height, "total": listing.rows.height,
        "search": search, "sort": sort, "descending": descending, "shown": min(shown, found.height), "kept": kept,
        "more": address(rows=str(shown + ROWS * 4)) if found.height > shown else None,
        "sorted_by": lambda column: address(
            sort=column.name, desc="1" if sort == column.name and not descending else ""
        ),
        "export": address(export=name),
    }  # fmt: skip


def _whole(text: str | None, default: int) -> int:
    return min(5_000, int(text)) if text is not None and text.isdecimal() and len(text) < 6 else default


def exported(request: Request, content: Page) -> tuple[Listing, pl.DataFrame] | None:
    """The list that the request asks to export, with exactly the rows it shows; None where it asks for none."""
    for listing in content.listings:
        if request.query_params.get(f"{listing.name}.export") == listing.name:
            asked = request.query_params
            name = listing.name
            return listing, listing.selected(
                asked.get(f"{name}.q", ""), asked.get(f"{name}.sort", ""), asked.get(f"{name}.desc") == "1"
            )
    return None
