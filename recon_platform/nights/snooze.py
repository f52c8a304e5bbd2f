"""A planner puts a message aside for some days: nothing but the planner's own list changes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from recon_platform.governance.actors import Actor
from recon_platform.governance.decisions import Decision
from recon_platform.governance.requests import Draft
from recon_platform.lake import Lake
from recon_platform.nights.records import Manifest
from recon_platform.tables.governance import MESSAGE_SUBJECT

if TYPE_CHECKING:
    from recon_platform.governance import Store


def snooze(
    lake: Lake, store: Store, actor: Actor, manifest: Manifest, *, message: str, days: int, reason: str
) -> Decision:
    """Keep `message` out of the list for `days` from now on, as long as it asks for the date it asks for now.

    It stays in `action_messages`, as SNOOZED. Raises ValueError where the newest plan has no such message.
    """
    messages = manifest.read(lake, "action_messages").filter(pl.col("lifecycle") != "CLEARED")
    found = messages.filter(pl.col("message") == message)
    if found.is_empty():
        alike = messages.filter(pl.col("order") == message).get_column("message").to_list()
        known = f"; that order has {', '.join(alike)}" if alike else "; list them with `recon material`"
        raise ValueError(f"message {message!r}: expected a message of run {manifest.run_id}, found none{known}")
    asked = found.get_column("to_date")[0]
    return store.decisions.enter(
        actor,
        Draft(
            "lock", str(manifest.pins.plant["code"]), MESSAGE_SUBJECT + message, f"put {message} aside for {days} days", reason,
            {"to_date": None if asked is None else asked.isoformat()}, effect_until=store.clock() + timedelta(days=days),
        ),
    )  # fmt: skip
