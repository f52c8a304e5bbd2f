"""Refusals of the door itself; what governance refuses has its own errors."""

from __future__ import annotations


class LoginNeeded(Exception):  # noqa: N818 - not an error: the visitor is sent to the login page
    """Nobody is signed in, or the session ended. `said` is shown on the login page."""

    def __init__(self, said: str = "") -> None:
        super().__init__(said or "sign in first")
        self.said = said


class ForgedRequestError(Exception):
    """A write that does not come from a page of this console: wrong origin, or without its token."""


class TooManyRequestsError(Exception):
    """More requests than allowed; `seconds` until the next is."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many requests; try again in {seconds} seconds")
        self.seconds = seconds


class NotHereError(Exception):
    """There is no such page, plant, order or request here."""
