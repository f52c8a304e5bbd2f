"""What can go wrong with the lake, each saying what was expected, what was found and what to do."""

from __future__ import annotations


class LakeError(ValueError):
    """Something about the lake; every error of this package is one."""


class MissingTableError(LakeError):
    """A table, or a version of it, is not there."""


class SchemaChangedError(LakeError):
    """A stored column has another type than the code now gives it."""


class ConflictError(LakeError):
    """Others kept committing to the same night; the write was given up after bounded retries."""
