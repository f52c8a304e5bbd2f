"""One's own account: what one may, a password of one's own, and vouching for others' as an approver."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from recon_platform.console.access import caller
from recon_platform.console.pages.answering import Approver, Reader, answer, done
from recon_platform.console.services import users as service

router = APIRouter(prefix="/p/{plant}/account", include_in_schema=False)
Text = Annotated[str, Form(max_length=500)]


@router.get("")
def account(request: Request, plant: str, visit: Reader) -> Response:
    """Who one is here, and whom one may confirm."""
    night = visit.console.nights.newest(plant)
    content, waiting = service.account(visit.store, visit.actor)
    return answer(
        request, visit, night, "account", content, "account.html", waiting=waiting if visit.may("approve") else []
    )


@router.post("/secret")
def change_secret(request: Request, plant: str, visit: Reader, old: Text, new: Text, again: Text) -> Response:
    """A password of one's own; the present one is asked for, and guessing it is limited like signing in."""
    console = visit.console
    console.logins.take(caller(request, console.settings.proxy_addresses))
    if new != again:
        raise ValueError("the new password was written in two ways; nothing was changed")
    visit.store.people.change_secret(visit.actor, old, new)
    return done(plant, visit, "account")


@router.post("/confirm")
def confirm(plant: str, visit: Approver, name: Text) -> Response:
    """Vouch that somebody chose their password themselves."""
    visit.store.people.confirm(visit.actor, name)
    return done(plant, visit, "account")
