"""The application: routers, the door on every route, headers on every answer, refusals in words."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Thread

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from recon_platform.console import rendering
from recon_platform.console.access import API_PREFIX, check_declared
from recon_platform.console.api import routes as api
from recon_platform.console.headers import SecurityHeaders
from recon_platform.console.pages import ROUTERS
from recon_platform.console.refusals import ForgedRequestError, LoginNeeded, NotHereError, TooManyRequestsError
from recon_platform.console.settings import ConsoleSettings
from recon_platform.console.state import open_console
from recon_platform.console.warming import warm
from recon_platform.governance.errors import (
    AlreadyDecidedError,
    PermissionDeniedError,
    SignInError,
    StaleError,
    UnknownRecordError,
)

STATIC = Path(__file__).parent / "static"
LOG = logging.getLogger("recon.console")

STATUS: tuple[tuple[type[Exception], int], ...] = (
    (PermissionDeniedError, 403), (ForgedRequestError, 403), (StaleError, 409), (AlreadyDecidedError, 409),
    (SignInError, 403), (UnknownRecordError, 404), (NotHereError, 404), (TooManyRequestsError, 429), (ValueError, 422),
)  # fmt: skip
"""What each refusal answers; the first that fits."""


def create_app(settings: ConsoleSettings) -> FastAPI:
    """The console of one installation. Raises NotInitialisedError, and RuntimeError for a route without permission."""
    console = open_console(settings)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        if settings.warm:
            Thread(target=warm, args=(console,), name="console-warming", daemon=True).start()  # ends with the process
        yield
        console.jobs.close()
        console.store.close()

    app = FastAPI(
        title="recon console", version="1", openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan,
        description="What the console's pages show and do, for programs. Sign in with a token of `recon login`.",
    )  # fmt: skip
    app.state.console = console
    app.add_middleware(SecurityHeaders)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    for router in (*ROUTERS, api.router):
        app.router.routes.extend(router.routes)  # flat, so that every route can be asked for its permission
    app.add_exception_handler(LoginNeeded, _login)
    for refusal in (*(kind for kind, _ in STATUS), HTTPException, RequestValidationError):
        app.add_exception_handler(refusal, _refused)
    app.add_exception_handler(Exception, _failed)
    check_declared(app)
    return app


def status_of(error: Exception) -> int:
    """The status that answers a refusal."""
    if isinstance(error, HTTPException):
        return error.status_code
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


async def _login(request: Request, error: Exception) -> Response:
    said = error.said if isinstance(error, LoginNeeded) else ""
    if request.url.path.startswith(API_PREFIX):
        return JSONResponse({"detail": said or "sign in first"}, 401, {"www-authenticate": "Bearer"})
    if request.headers.get("hx-request"):
        return Response(status_code=401, headers={"hx-redirect": "/login"})
    return RedirectResponse("/login" + ("?ended=1" if said else ""), 303)


async def _refused(request: Request, error: Exception) -> Response:
    status = status_of(error)
    said = str(error)
    if isinstance(error, RequestValidationError):
        said = "; ".join(f"{'.'.join(str(part) for part in e['loc'])}: {e['msg']}" for e in error.errors())
        status = 422
    elif isinstance(error, HTTPException):
        said = "There is no such page." if status == 404 else str(error.detail)
    headers = {"retry-after": str(error.seconds)} if isinstance(error, TooManyRequestsError) else {}
    if request.url.path.startswith(API_PREFIX):
        return JSONResponse({"detail": said}, status, headers)
    template = "refusal_part.html" if request.headers.get("hx-request") else "refusal.html"
    answer = rendering.render(template, status, said=said, status=status)
    answer.headers.update(headers)
    return answer


async def _failed(request: Request, error: Exception) -> Response:
    LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
    said = "Something went wrong on our side. What you had sent before is kept; nothing of this request was."
    if request.url.path.startswith(API_PREFIX):
        return JSONResponse({"detail": said}, 500)
    return rendering.render("refusal.html", 500, said=said, status=500)
