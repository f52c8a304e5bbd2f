"""The browser's session: a token in a cookie that no script reads, and a token in each form that no other site knows.

The cookie holds what `governance.sessions` gave; the store keeps only its hash. The form token is derived from the
cookie's, so that no state is kept for it and it ends with the session.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from recon_platform.console.refusals import ForgedRequestError

SESSION = "__Host-recon"
BEFORE_LOGIN = "__Host-recon-login"
FIELD, HEADER = "csrf", "x-csrf-token"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def form_token(cookie: str) -> str:
    """The token that belongs to a cookie."""
    return hmac.new(cookie.encode(), b"form", hashlib.sha256).hexdigest()


def keep(response: Response, name: str, value: str, *, returning: bool = False) -> None:
    """Set a cookie: this host only, TLS (or loopback) only, unreadable to scripts, never sent from other sites.

    `returning`: but when somebody comes back from another site by its link, as from a provider's sign-in.
    """
    response.set_cookie(name, value, secure=True, httponly=True, samesite="lax" if returning else "strict", path="/")


def drop(response: Response, name: str) -> None:
    """Remove a cookie."""
    response.delete_cookie(name, secure=True, httponly=True, samesite="strict", path="/")


def new_secret() -> str:
    """A value nobody can guess."""
    return secrets.token_urlsafe(24)


def check_origin(request: Request, origins: tuple[str, ...]) -> None:
    """ForgedRequestError unless a page of this console (or of `origins`) sent the request."""
    sent = request.headers.get("origin")
    if sent is None:
        referer = urlsplit(request.headers.get("referer", ""))
        sent = f"{referer.scheme}://{referer.netloc}" if referer.netloc else None
    own = f"{request.url.scheme}://{request.headers.get('host', '')}"
    if sent is None or sent not in {own, *origins}:
        raise ForgedRequestError(f"this request came from {sent or 'an unknown place'}, not from this console")


async def check_token(request: Request, cookie: str) -> None:
    """ForgedRequestError unless the form token fits the cookie."""
    given = request.headers.get(HEADER)
    if given is None and "form" in request.headers.get("content-type", ""):
        given = str((await request.form()).get(FIELD, ""))
    if not hmac.compare_digest((given or "").encode(), form_token(cookie).encode()):
        raise ForgedRequestError("the form is too old or was not made by this console; load the page again")
