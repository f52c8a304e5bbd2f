"""The clock as a resource: only the shell reads it, and a rehearsal may hold it still."""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg


class ClockResource(dg.ConfigurableResource):
    """The present instant. `fixed` (ISO 8601 with offset) holds it still; empty reads the machine's clock."""

    fixed: str = ""

    def now(self) -> datetime:
        """The present instant, UTC."""
        if not self.fixed:
            return datetime.now(UTC)
        instant = datetime.fromisoformat(self.fixed)
        if instant.tzinfo is None:
            raise ValueError(f"the clock is set to {self.fixed!r}; give the instant with its offset, such as +00:00")
        return instant.astimezone(UTC)
