"""Signing in and out, and the way to the plant."""

from __future__ import annotations

import hmac
import json
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from recon_platform.console import cookies, rendering
from recon_platform.console.access import PUBLIC, caller
from recon_platform.console.pages.answering import Reader
from recon_platform.console.refusals import ForgedRequestError
from recon_platform.console.state import Console
from recon_platform.governance import Door
from recon_platform.governance.errors import SignInError

router = APIRouter(include_in_schema=False)


@router.get("/", dependencies=[])
def home(visit: Reader) -> Response:
    """The first plant's morning."""
    plants = visit.plants
    if not plants:
        return rendering.render(
            "refusal.html", 404, said="No night was planned yet. Run one with `recon night`.", status=404
        )
    return RedirectResponse(f"/p/{plants[0]}/today", 303)


@router.get("/login", dependencies=[Depends(PUBLIC)])
def login_page(request: Request, ended: str = "") -> Response:
    """The form. Its token belongs to a cookie that only this browser has."""
    said = "Your session has ended. Nothing you had saved is lost; sign in again." if ended else ""
    return _form(request, said)


@router.post("/login", dependencies=[Depends(PUBLIC)])
def login(
    request: Request, name: Annotated[str, Form()] = "", secret: Annotated[str, Form()] = "",
    csrf: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """A new session, whatever session this browser had before."""
    console: Console = request.app.state.console
    console.logins.take(caller(request))
    cookies.check_origin(request, console.settings.origins)
    before = request.cookies.get(cookies.BEFORE_LOGIN, "")
    if not before or not hmac.compare_digest(csrf.encode(), cookies.form_token(before).encode()):
        raise ForgedRequestError("the form is too old; load the page again")
    try:
        made = console.store.sessions.login(name.strip(), secret, door=Door.WEB)
    except SignInError as error:
        return _form(request, f"{str(error)[:1].upper()}{str(error)[1:]}.", name, 403)
    answer = RedirectResponse("/", 303)
    cookies.keep(answer, cookies.SESSION, made.token)
    cookies.drop(answer, cookies.BEFORE_LOGIN)
    _end(console, request.cookies.get(cookies.SESSION))
    return answer


@router.post("/logout")
def logout(visit: Reader) -> Response:
    """End the session here and in the store."""
    visit.store.sessions.logout(visit.actor)
    answer = RedirectResponse("/login", 303)
    cookies.drop(answer, cookies.SESSION)
    return answer


@router.get("/health", dependencies=[Depends(PUBLIC)])
def health() -> dict[str, str]:
    """Whether the console answers."""
    return {"state": "ok"}


def _form(request: Request, said: str, name: str = "", status: int = 200) -> Response:
    console: Console = request.app.state.console
    secret = cookies.new_secret()
    answer = rendering.render(
        "login.html", status, said=said, name=name, csrf=cookies.form_token(secret), demo=_demo(console),
        openid=console.settings.openid is not None,
    )  # fmt: skip
    cookies.keep(answer, cookies.BEFORE_LOGIN, secret)
    return answer


def _demo(console: Console) -> dict[str, str]:
    """Names and secrets of a generated plant's people; none in an installation of a real plant."""
    file = console.settings.demo_people
    if file is None or not file.exists():
        return {}
    return {str(name): str(secret) for name, secret in json.loads(file.read_text(encoding="utf-8")).items()}


def _end(console: Console, token: str | None) -> None:
    """End the session that this browser had before, if it still stands."""
    if token is None:
        return
    try:
        actor = console.store.sessions.authenticate(token, door=Door.WEB)
    except SignInError:
        return  # it had ended already
    console.store.sessions.logout(actor)
