"""The audit trail's copy in the lake: the append-only Delta table `governance.audit`, of the whole installation."""

from __future__ import annotations

import polars as pl

from recon_platform.governance.errors import AuditError
from recon_platform.lake import ConflictError, Lake, MissingTableError
from recon_platform.tables.governance import AUDIT

LAYER = "governance"


class LakeAudit:
    """Where `store.audit` copies its rows to: in order, once, whoever else copies at the same moment."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def rows(self) -> pl.DataFrame:
        """All rows of the copy, by sequence; none where it was never made."""
        try:
            return self._lake.read(LAYER, AUDIT).sort("sequence")
        except MissingTableError:
            return AUDIT.empty()

    def last_sequence(self) -> int:
        """Sequence of its last row; 0 where it is empty."""
        last = self.rows().get_column("sequence").max()
        return int(last) if isinstance(last, int) else 0

    def append(self, frame: pl.DataFrame, after: int) -> None:
        """Append rows that follow row `after`, in one commit; AuditError where another copier was faster."""
        try:
            self._lake.append_log(
                LAYER, AUDIT, frame, metadata={"first": str(after + 1), "last": str(after + frame.height)},
                once=f"audit/{after}",
            )  # fmt: skip
        except ConflictError as error:
            raise AuditError(f"another process copied the audit trail after row {after} at the same moment") from error
