"""Signing in and out, and the way to the plant."""

from __future__ import annotations

import hmac
import json
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from recon_platform.console import cookies, openid, rendering
from recon_platform.console.access import PUBLIC, caller, vouched_name
from recon_platform.console.pages.answering import Reader
from recon_platform.console.refusals import ForgedRequestError, NotHereError
from recon_platform.console.state import Console
from recon_platform.governance import Door
from recon_platform.governance.errors import SignInError
from recon_platform.governance.sessions import Login

router = APIRouter(include_in_schema=False)
BACK = "/login/openid/back"


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
    """The form. Its token belongs to a cookie that only this browser has. Whom a trusted proxy names needs none."""
    console: Console = request.app.state.console
    named = vouched_name(request, console.settings)
    if named is not None:
        try:
            return _signed_in(request, console.store.sessions.vouched(named, "the proxy", door=Door.WEB), "/")
        except SignInError as error:
            return _form(request, _sentence(error), status=403)
    said = "Your session has ended. Nothing you had saved is lost; sign in again." if ended else ""
    return _form(request, said)


@router.post("/login", dependencies=[Depends(PUBLIC)])
def login(
    request: Request, name: Annotated[str, Form()] = "", secret: Annotated[str, Form()] = "",
    csrf: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """A new session, whatever session this browser had before."""
    console: Console = request.app.state.console
    console.logins.take(caller(request, console.settings.proxy_addresses))
    cookies.check_origin(request, console.settings.origins)
    before = request.cookies.get(cookies.BEFORE_LOGIN, "")
    if not before or not hmac.compare_digest(csrf.encode(), cookies.form_token(before).encode()):
        raise ForgedRequestError("the form is too old; load the page again")
    try:
        made = console.store.sessions.login(name.strip(), secret, door=Door.WEB)
    except SignInError as error:
        return _form(request, _sentence(error), name, 403)
    return _signed_in(request, made, "/")


@router.get("/login/openid", dependencies=[Depends(PUBLIC)])
def leave(request: Request) -> Response:
    """To the company's sign-in."""
    console, provider = _provider(request)
    console.logins.take(caller(request, console.settings.proxy_addresses))
    secret = cookies.new_secret()
    try:
        answer = RedirectResponse(provider.begin(secret, _back(request, console)), 303)
    except SignInError as error:
        return _form(request, _sentence(error), status=403)
    cookies.keep(answer, openid.COOKIE, secret, returning=True)
    return answer


@router.get(BACK, dependencies=[Depends(PUBLIC)])
def come_back(request: Request, state: str = "", code: str = "") -> Response:
    """From there. What follows is a page of ours: a cookie that is never sent from other sites waits for it."""
    console, provider = _provider(request)
    console.logins.take(caller(request, console.settings.proxy_addresses))
    try:
        name = provider.finish(request.cookies.get(openid.COOKIE, ""), _back(request, console), state, code)
        made = console.store.sessions.vouched(name, provider.settings.issuer, door=Door.WEB)
    except SignInError as error:
        answer = _form(request, _sentence(error), status=403)
    else:
        answer = _signed_in(request, made, None)
    cookies.drop(answer, openid.COOKIE)
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


def _signed_in(request: Request, made: Login, to: str | None) -> Response:
    """The session's cookie, on the way `to` or with a page that goes on by itself; this browser's old session ends."""
    console: Console = request.app.state.console
    answer: Response = rendering.render("signed_in.html") if to is None else RedirectResponse(to, 303)
    cookies.keep(answer, cookies.SESSION, made.token)
    cookies.drop(answer, cookies.BEFORE_LOGIN)
    _end(console, request.cookies.get(cookies.SESSION))
    return answer


def _provider(request: Request) -> tuple[Console, openid.OpenId]:
    console: Console = request.app.state.console
    if console.openid is None:
        raise NotHereError("no company sign-in is set up here")
    return console, console.openid


def _back(request: Request, console: Console) -> str:
    """Our own address as browsers know it: a proxy's where one stands in front."""
    origins = console.settings.origins
    return (origins[0] if origins else f"{request.url.scheme}://{request.headers.get('host', '')}") + BACK


def _sentence(error: SignInError) -> str:
    return f"{str(error)[:1].upper()}{str(error)[1:]}."


def _form(request: Request, said: str, name: str = "", status: int = 200) -> Response:
    console: Console = request.app.state.console
    secret = cookies.new_secret()
    answer = rendering.render(
        "login.html", status, said=said, name=name, csrf=cookies.form_token(secret), demo=_demo(console),
        openid=console.openid is not None,
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
