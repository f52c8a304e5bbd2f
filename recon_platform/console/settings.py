"""How an installation runs its console: where lake and governance are, who stands in front of it, what it may trust."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class OpenIdProvider:
    """An OpenID Connect provider: `issuer` as its discovery document names it. Users must exist here under `claim`."""

    issuer: str
    client_id: str
    client_secret: str
    claim: str = "preferred_username"


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """`lake` and `governance` are addresses as on the command line; `key` is the file that seals signatures.

    `origins` are further addresses under which browsers reach the console (a reverse proxy's); its own is always
    allowed. `proxy_header` names the header in which a proxy at one of `proxy_addresses` says who is signed in; it is
    believed from nowhere else, and never suffices to sign. `demo_people` is the file of a generated plant's people:
    where it is given, the login page names them. `warm`: load tables and kernels before anybody asks.
    """

    lake: str
    governance: str
    key: Path | None = None
    origins: tuple[str, ...] = ()
    dagster_url: str | None = None
    demo_people: Path | None = None
    proxy_header: str | None = None
    proxy_addresses: tuple[str, ...] = ()
    openid: OpenIdProvider | None = None
    requests_per_minute: int = 600
    logins_per_minute: int = 10
    warm: bool = False
    lake_options: dict[str, str] = field(default_factory=dict)
