"""The door of console and API: every route declares the one permission it needs, and is entered through it.

`Enter(permission)` is the dependency that does it; `check_declared` refuses an application with a route that has none.
What depends on a record (nobody decides what they proposed) is checked by `governance` where it is written.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.routing import Mount

from recon_platform.console import cookies
from recon_platform.console.refusals import LoginNeeded, NotHereError
from recon_platform.console.services.nights import no_plant
from recon_platform.console.settings import ConsoleSettings
from recon_platform.console.state import Console
from recon_platform.console.words import speak_for
from recon_platform.governance import Actor, Door, Permission, Role, Store
from recon_platform.governance import schema as governance_schema
from recon_platform.governance.errors import SignInError
from recon_platform.governance.permissions import granted

API_PREFIX = "/api/"
BEARER = "bearer "


@dataclass(frozen=True, slots=True)
class Visit:
    """One request by somebody who is signed in and may do what the route needs. `limits`: plants; None for every plant."""

    console: Console
    actor: Actor
    full_name: str
    roles: frozenset[Role]
    form_token: str
    limits: frozenset[str] | None = None

    @property
    def store(self) -> Store:
        return self.console.store

    def sees(self, plant: str) -> bool:
        """Whether `plant` is one that the visitor works for."""
        return self.limits is None or plant in self.limits

    @property
    def plants(self) -> list[str]:
        """Plants with a finished night that the visitor works for."""
        return [plant for plant in self.console.nights.plants() if self.sees(plant)]

    def may(self, permission: Permission | str) -> bool:
        """Whether to offer something; the doors check again."""
        return Permission(permission) in granted(self.roles)


class Enter:
    """The declared permission of a route, and the check of it. `None`: open to everybody (login, health, style)."""

    def __init__(self, permission: Permission | None) -> None:
        self.permission = permission

    async def __call__(self, request: Request) -> Visit | None:
        console: Console = request.app.state.console
        addresses = console.settings.proxy_addresses
        console.requests.take(caller(request, addresses))
        if self.permission is None:
            return None
        token, from_cookie = _token(request)
        door = Door.API if request.url.path.startswith(API_PREFIX) else Door.WEB
        visit = await run_in_threadpool(_recognise, console, token, door, self.permission)
        if request.method not in cookies.SAFE and from_cookie:
            cookies.check_origin(request, console.settings.origins)
            await cookies.check_token(request, token)
        named = vouched_name(request, console.settings)
        if named is not None and from_cookie and named != visit.actor.name:
            raise LoginNeeded  # the proxy speaks for somebody else by now
        plant = request.path_params.get("plant")
        if plant is not None and not visit.sees(plant):
            raise NotHereError(no_plant(plant))  # in the words for a plant that does not exist
        known = None if plant is None else await run_in_threadpool(console.nights.plant, plant)
        if known is not None:
            speak_for(known)
        return visit


PUBLIC = Enter(None)


def connected(request: Request) -> str:
    """The address that is connected, whatever headers say."""
    return request.client.host if request.client is not None else "local"


def caller(request: Request, proxies: tuple[str, ...] = ()) -> str:
    """Who is counted: the address that is connected, or for which a trusted proxy says that it asks."""
    forwarded = request.headers.get("x-forwarded-for", "").rsplit(",", 1)[-1].strip()
    return forwarded if forwarded and trusted_proxy(request, proxies) else connected(request)


def vouched_name(request: Request, settings: ConsoleSettings) -> str | None:
    """Who a trusted proxy says is signed in; None from everywhere else, whatever the header says."""
    if settings.proxy_header is None or not trusted_proxy(request, settings.proxy_addresses):
        return None
    return request.headers.get(settings.proxy_header) or None


def trusted_proxy(request: Request, addresses: tuple[str, ...]) -> bool:
    """Whether the connection itself comes from one of the proxy's addresses or networks."""
    try:
        own = ipaddress.ip_address(connected(request))
    except ValueError:
        return False
    return any(own in ipaddress.ip_network(address, strict=False) for address in addresses)


def _token(request: Request) -> tuple[str, bool]:
    """The session token sent, and whether by a cookie. A program's own header wins: it cannot be forged by a page."""
    header = request.headers.get("authorization", "")
    if header.lower().startswith(BEARER):
        return header[len(BEARER) :].strip(), False
    cookie = request.cookies.get(cookies.SESSION)
    if not cookie:
        raise LoginNeeded
    return cookie, True


def _recognise(console: Console, token: str, door: Door, permission: Permission) -> Visit:
    store = console.store
    try:
        actor = store.sessions.authenticate(token, door=door)
    except SignInError as error:
        raise LoginNeeded("Your session has ended. Nothing you had saved is lost; sign in again.") from error
    users = governance_schema.users
    with store.reading() as tx:
        roles = tx.allow(actor, permission)
        limits = tx.plants_of(actor)
        full_name = tx.connection.execute(select(users.c.full_name).where(users.c.name == actor.name)).scalar_one()
    return Visit(console, actor, full_name, roles, cookies.form_token(token), limits)


def declared(app: FastAPI) -> Iterator[tuple[APIRoute, Enter | None]]:
    """Every route with the permission it declares (None: it declares none at all)."""
    for route in app.routes:
        if isinstance(route, APIRoute):
            yield route, _entrance(route.dependant)


def _entrance(dependant: Dependant) -> Enter | None:
    if isinstance(dependant.call, Enter):
        return dependant.call
    return next((found for inner in dependant.dependencies if (found := _entrance(inner)) is not None), None)


def check_declared(app: FastAPI) -> None:
    """Raise RuntimeError for a route that declares no permission, or is of a kind that cannot."""
    bare = [route.path for route, entrance in declared(app) if entrance is None]
    other: list[Any] = [r for r in app.routes if not isinstance(r, APIRoute | Mount)]
    if bare or other:
        raise RuntimeError(f"routes without a declared permission: {[*bare, *(str(route) for route in other)]}")
