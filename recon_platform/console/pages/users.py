"""Users: IT adds, limits, resets and switches off. A temporary secret is shown once, in the answer that made it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from recon_platform.console.access import Visit
from recon_platform.console.pages.answering import UserAdmin, answer, done
from recon_platform.console.services import users as service
from recon_platform.console.services.publishing import copy_trail
from recon_platform.governance import Role

router = APIRouter(prefix="/p/{plant}/users", include_in_schema=False)
Text = Annotated[str, Form(max_length=200)]
Roles = Annotated[list[Role] | None, Form()]
HUMAN = tuple(
    role for role in Role if role is not Role.AGENT
)  # agents are added on the command line, with their version


@router.get("")
def users(request: Request, plant: str, visit: UserAdmin) -> Response:
    """Everybody."""
    return _page(request, plant, visit)


@router.post("/add")
def add(
    request: Request, plant: str, visit: UserAdmin, name: Text, full_name: Text, contact: Text = "", roles: Roles = None
) -> Response:
    """A new user."""
    secret = visit.store.people.add(visit.actor, name, full_name, roles or [], contact=contact.strip() or None)
    copy_trail(visit.console)
    return _page(request, plant, visit, made=(name, secret))


@router.post("/reset")
def reset(request: Request, plant: str, visit: UserAdmin, name: Text) -> Response:
    """A new temporary secret."""
    secret = visit.store.people.reset(visit.actor, name)
    copy_trail(visit.console)
    return _page(request, plant, visit, made=(name, secret))


@router.post("/roles")
def set_roles(plant: str, visit: UserAdmin, name: Text, roles: Roles = None) -> Response:
    """Exactly these roles."""
    visit.store.people.set_roles(visit.actor, name, roles or [])
    return done(plant, visit, "users")


@router.post("/plants")
def set_plants(plant: str, visit: UserAdmin, name: Text, plants: Text = "") -> Response:
    """Only these plants; none named: every plant."""
    visit.store.people.set_plants(visit.actor, name, plants.replace(",", " ").split())
    return done(plant, visit, "users")


@router.post("/disable")
def disable(plant: str, visit: UserAdmin, name: Text) -> Response:
    """Switch a user off."""
    visit.store.people.disable(visit.actor, name)
    return done(plant, visit, "users")


def _page(request: Request, plant: str, visit: Visit, made: tuple[str, str] | None = None) -> Response:
    content, found = service.users(visit.store, visit.actor)
    night = visit.console.nights.newest(plant)
    return answer(request, visit, night, "users", content, "users.html", made=made, people=found, roles=HUMAN)
