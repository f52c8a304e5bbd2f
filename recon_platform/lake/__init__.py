"""The lake: Delta tables by layer, written in one commit per night and table, read at any version, never half."""

from recon_platform.lake.digest import frame_digest
from recon_platform.lake.errors import ConflictError, LakeError, MissingTableError, SchemaChangedError
from recon_platform.lake.lake import Lake, Written
from recon_platform.tables.order import canonical_order

__all__ = [
    "ConflictError",
    "Lake",
    "LakeError",
    "MissingTableError",
    "SchemaChangedError",
    "Written",
    "canonical_order",
    "frame_digest",
]
