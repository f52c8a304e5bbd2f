"""What governance refuses, and why, each as its own kind of ValueError so that every door can answer in its own way."""

from __future__ import annotations


class GovernanceError(ValueError):
    """Anything governance refuses; the message says what was refused and what to do."""


class NotInitialisedError(GovernanceError):
    """There is no governance store at the address, or it is of another version."""


class SignInError(GovernanceError):
    """Name, secret or token is not accepted. Never says which of them was wrong."""


class LockedOutError(SignInError):
    """Too many failed attempts; nothing is accepted until the lock expires."""


class PermissionDeniedError(GovernanceError):
    """Whoever asks may not do this, by role, by record, or because the credentials are not confirmed."""


class UnknownRecordError(GovernanceError):
    """No request, user or version of that name."""


class StaleError(GovernanceError):
    """What was shown is not what stands there now: another digest, a newer run, or past its validity."""


class AlreadyDecidedError(GovernanceError):
    """The request was decided before; a second decision is refused."""


class SignatureError(GovernanceError):
    """A signature is missing, does not fit the record, or was made without fresh credentials."""


class AuditError(GovernanceError):
    """The audit trail does not hold together; the message names the first bad row."""


class PublishError(GovernanceError):
    """A schedule may not become the one in force."""
