"""Signing in with the company's account: OpenID Connect, authorization code with PKCE.

The provider says who somebody is; what they may do stands here, under the same name. Nothing is kept between leaving
and coming back but a secret in a cookie of this browser: state, nonce and verifier are derived from it, so an answer
that another browser asked for fits none of them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import OAuth2Client
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from recon_platform.console.settings import OpenIdProvider
from recon_platform.governance.errors import SignInError

COOKIE = "__Host-recon-openid"
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
DISCOVERY = "/.well-known/openid-configuration"
KEPT_SECONDS = 600.0  # how long the provider's description and keys are believed
PATIENCE_SECONDS = 10.0
LEEWAY_SECONDS = 60  # between the provider's clock and ours


@dataclass
class OpenId:
    """One provider, as `settings` names it."""

    settings: OpenIdProvider
    _known: dict[str, Any] = field(default_factory=dict)
    _until: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, secret: str, back: str) -> str:
        """The provider's address to go to; it answers at `back`. Raises SignInError where it cannot be reached."""
        with self._client(back) as client:
            address, _ = client.create_authorization_url(
                self._described()["authorization_endpoint"], state=_derived(secret, "state"), nonce=_derived(secret, "nonce"),
                code_verifier=_derived(secret, "verifier"),
            )  # fmt: skip
        return str(address)

    def finish(self, secret: str, back: str, state: str, code: str) -> str:
        """Who signed in, by the claim that `settings` names. Raises SignInError for whatever does not fit."""
        if not secret or not hmac.compare_digest(state.encode(), _derived(secret, "state").encode()):
            raise SignInError("this answer does not belong to a sign-in that began in this browser")
        described = self._described()
        try:
            with self._client(back) as client:
                token = client.fetch_token(
                    described["token_endpoint"], code=code, code_verifier=_derived(secret, "verifier")
                )
            said = jwt.decode(str(token.get("id_token", "")), described["keys"], algorithms=ALGORITHMS).claims
            jwt.JWTClaimsRegistry(
                leeway=LEEWAY_SECONDS, iss={"essential": True, "value": self.settings.issuer},
                aud={"essential": True, "value": self.settings.client_id}, exp={"essential": True},
                nonce={"essential": True, "value": _derived(secret, "nonce")},
            ).validate(said)  # fmt: skip
        except (httpx.HTTPError, AuthlibBaseError, JoseError, ValueError) as error:
            raise SignInError("the company's sign-in was not accepted; try again") from error
        name = said.get(self.settings.claim)
        if not isinstance(name, str) or not name:
            raise SignInError(f"the company's sign-in names nobody: its answer lacks {self.settings.claim}")
        return name

    def _client(self, back: str) -> OAuth2Client:
        return OAuth2Client(
            self.settings.client_id, self.settings.client_secret, scope="openid profile", redirect_uri=back,
            code_challenge_method="S256", timeout=PATIENCE_SECONDS,
        )  # fmt: skip

    def _described(self) -> dict[str, Any]:
        """The provider's description with its keys; asked for again after `KEPT_SECONDS`."""
        with self._lock:
            if time.monotonic() < self._until:
                return self._known
            try:
                with httpx.Client(timeout=PATIENCE_SECONDS) as client:
                    found = client.get(self.settings.issuer.rstrip("/") + DISCOVERY).raise_for_status().json()
                    if found.get("issuer") != self.settings.issuer:
                        raise SignInError(
                            f"the company's sign-in calls itself {found.get('issuer')}, expected {self.settings.issuer}"
                        )
                    keys = client.get(found["jwks_uri"]).raise_for_status().json()
                    found["keys"] = KeySet.import_key_set(keys)
            except (httpx.HTTPError, JoseError, KeyError, ValueError) as error:
                raise SignInError("the company's sign-in does not answer; sign in with your password here") from error
            self._known, self._until = found, time.monotonic() + KEPT_SECONDS
            return self._known


def _derived(secret: str, what: str) -> str:
    """A value that only the holder of the cookie can know, another for each purpose (43 characters, as PKCE asks)."""
    made = hmac.new(secret.encode(), what.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()
