"""A small OpenID Connect provider, run as a process of its own: `python -m tests.console.openid_provider PORT`.

It keeps to the standard (code once, PKCE, client secret, signed token); `fault` in the sign-in makes it break one rule.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import sys
import time
from html import escape
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode

import uvicorn
from fastapi import FastAPI, Form, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "recon", "the-clients-secret"


def provider(issuer: str) -> FastAPI:
    """The provider's application."""
    app = FastAPI(openapi_url=None)
    key, stranger = RSAKey.generate_key(2048, {"kid": "1"}), RSAKey.generate_key(2048, {"kid": "1"})
    codes: dict[str, dict[str, str]] = {}

    @app.get("/.well-known/openid-configuration")
    def description() -> dict[str, str]:
        return {
            "issuer": issuer, "authorization_endpoint": f"{issuer}/authorize", "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/keys",
        }  # fmt: skip

    @app.get("/keys")
    def keys() -> dict[str, Any]:
        return {"keys": [key.as_dict(private=False)]}

    @app.get("/authorize")
    def authorize(request: Request) -> Response:
        asked = "".join(
            f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in request.query_params.items()
        )  # fmt: skip
        return HTMLResponse(
            f'<h1>The company</h1><form method="post">{asked}<label>Account <input name="account"></label>'
            '<label>Fault <input name="fault"></label><button>Continue</button></form>'
        )

    @app.post("/authorize")
    async def authorized(request: Request) -> Response:
        asked = dict(parse_qsl((await request.body()).decode()))
        if asked["client_id"] != CLIENT or asked["code_challenge_method"] != "S256":
            return JSONResponse({"error": "invalid_request"}, 400)
        code = secrets.token_urlsafe(16)
        codes[code] = asked
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}", 303)

    @app.post("/token")
    def token(
        request: Request, code: Annotated[str, Form()], code_verifier: Annotated[str, Form()],
        redirect_uri: Annotated[str, Form()],
    ) -> Response:  # fmt: skip
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        asked = codes.pop(code, None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(code_verifier.encode()).digest()).rstrip(b"=").decode()
        if request.headers.get("authorization") != f"Basic {basic}":
            return JSONResponse({"error": "invalid_client"}, 401)
        if asked is None or asked["code_challenge"] != challenge or asked["redirect_uri"] != redirect_uri:
            return JSONResponse({"error": "invalid_grant"}, 400)
        now, fault = int(time.time()), asked.get("fault", "")
        said: dict[str, Any] = {
            "iss": issuer, "aud": CLIENT, "sub": "42", "exp": now + 300, "iat": now, "nonce": asked["nonce"],
            "preferred_username": asked["account"],
        }  # fmt: skip
        said |= {
            "issuer": {"iss": "https://evil.example"}, "audience": {"aud": "another"}, "expired": {"exp": now - 3_600},
            "nonce": {"nonce": "another"}, "nobody": {"preferred_username": None},
        }.get(fault, {})  # fmt: skip
        signer = stranger if fault == "signature" else key
        made = jwt.encode({"alg": "RS256", "kid": "1"}, said, signer)
        if fault == "unsigned":
            _, body, _ = made.split(".")
            made = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode() + f".{body}."
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": made})

    return app


if __name__ == "__main__":
    port = int(sys.argv[1])
    uvicorn.run(provider(f"http://127.0.0.1:{port}"), host="127.0.0.1", port=port, log_level="warning")
