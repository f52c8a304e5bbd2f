"""Users as IT sees them: roles, plants, state of their secrets, and what is left to do for each."""

from __future__ import annotations

import polars as pl

from recon_platform.console.page import Column, Figure, Listing, Page, Show
from recon_platform.console.words import count
from recon_platform.governance import Actor, Store
from recon_platform.governance.people import User

CREDENTIAL = {
    "temporary": "has to change the temporary secret", "unconfirmed": "an approver has to confirm them, on the page Your account",
    "confirmed": "",
}  # fmt: skip


def users(store: Store, actor: Actor) -> tuple[Page, list[User]]:
    """The page, and the users it lists."""
    found = store.people.all(actor)
    now = store.clock()
    active = [user for user in found if user.active]
    undone = [user for user in active if user.credential != "confirmed" and user.kind == "person"]
    rows = [
        {
            "name": user.name, "full_name": user.full_name, "kind": user.kind, "roles": ", ".join(user.roles),
            "plants": ", ".join(user.plants) or "every plant", "contact": user.contact, "state": _state(user),
            "todo": CREDENTIAL[user.credential] if user.active else "", "locked_until": user.locked_until,
        }
        for user in found
    ]  # fmt: skip
    schema = dict.fromkeys(
        ("name", "full_name", "kind", "roles", "plants", "contact", "state", "todo", "locked_until"), pl.String
    )
    frame = pl.DataFrame(rows, schema=schema).with_columns(
        pl.col("locked_until").str.to_datetime(time_zone="UTC", time_unit="us")
    )
    locked = frame.filter(pl.col("locked_until") > now).height
    return (
        Page(
            "Users",
            f"{count(len(active), 'user')} may sign in, {locked or 'none'} of them {'is' if locked == 1 else 'are'} locked; "
            f"{count(len(undone), 'person', 'people')} cannot decide or sign until confirmed.",
            figures=(
                Figure("May sign in", len(active), Show.WHOLE, "users", f"{len(found) - len(active)} switched off"),
                Figure("Not confirmed", len(undone), Show.WHOLE, "people", "an approver confirms that the secret is their own", attention=bool(undone)),
            ),
            listings=(
                Listing(
                    "users", "Users",
                    (
                        Column("name", "Name", Show.KEY), Column("full_name", "Full name"), Column("kind", "Is a"), Column("roles", "Roles"),
                        Column("plants", "Works for"), Column("contact", "Contact"), Column("state", "State"), Column("todo", "Left to do"),
                        Column("locked_until", "Locked until", Show.INSTANT),
                    ),
                    frame, "There is no user; `recon init` makes the first.",
                ),
            ),
        ),
        found,
    )  # fmt: skip


def _state(user: User) -> str:
    return "active" if user.active else "switched off"


OWN = {
    "temporary": "your password was set by somebody else: change it, then an approver confirms you",
    "unconfirmed": "your password is your own; you decide and sign once an approver has confirmed you",
    "confirmed": "your password is your own and confirmed",
}


def account(store: Store, actor: Actor) -> tuple[Page, list[User]]:
    """The page about `actor`, and the people who have changed their password and wait for an approver's word."""
    found = store.people.all(actor)
    own = next(user for user in found if user.name == actor.name)
    waiting = [user for user in found if user.active and user.credential == "unconfirmed" and user.name != actor.name]
    return (
        Page(
            "Your account",
            f"{own.full_name}, signed in as {own.name}; {OWN[own.credential]}.",
            figures=(
                Figure("Roles", ", ".join(own.roles), Show.TEXT),
                Figure("Works for", ", ".join(own.plants) or "every plant", Show.TEXT),
                Figure("Notices go to", own.contact, Show.TEXT, against="IT changes it"),
            ),
        ),
        waiting,
    )
