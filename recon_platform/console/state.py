"""What one running console holds: its settings, the governance store, the lake's nights, background work, rate limits."""

from __future__ import annotations

from dataclasses import dataclass, field

from recon_platform.console.jobs import Jobs
from recon_platform.console.limits import RateLimit
from recon_platform.console.openid import OpenId
from recon_platform.console.services.nights import Nights
from recon_platform.console.settings import ConsoleSettings
from recon_platform.governance import Store
from recon_platform.lake import Lake


@dataclass(frozen=True, slots=True)
class Console:
    """One console. Nothing in it must survive a restart."""

    settings: ConsoleSettings
    store: Store
    lake: Lake
    nights: Nights
    requests: RateLimit
    logins: RateLimit
    jobs: Jobs = field(default_factory=Jobs)
    openid: OpenId | None = None


def open_console(settings: ConsoleSettings) -> Console:
    """Open lake and store; NotInitialisedError where there is no governance store."""
    lake = Lake(settings.lake, storage_options=settings.lake_options or None)
    key = settings.key.read_bytes() if settings.key is not None and settings.key.exists() else None
    return Console(
        settings=settings, store=Store(settings.governance, key=key), lake=lake, nights=Nights(lake),
        requests=RateLimit(settings.requests_per_minute), logins=RateLimit(settings.logins_per_minute),
        openid=None if settings.openid is None else OpenId(settings.openid),
    )  # fmt: skip
