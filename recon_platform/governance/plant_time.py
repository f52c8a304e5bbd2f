"""The clock of a generated plant. Its nights lie on days of its own, so decisions must be dated on those days too.

A store made for a generated plant keeps an anchor: an instant of the plant and the machine's instant at which it was
set. Its clock is the anchor plus what has passed since. A store for a real plant has no anchor and uses the machine's.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from recon_platform.governance import database, settings
from recon_platform.governance.clock import Clock, from_text, to_text

if TYPE_CHECKING:
    from recon_platform.governance.store import Store

SETTING = "plant_time"


def clock_of(engine: Engine, machine: Clock) -> Clock:
    """`machine`, or the plant's clock where the store has an anchor."""
    with database.reading(engine) as connection:
        anchored = settings.read(connection, SETTING)
    if anchored is None:
        return machine
    anchor = json.loads(anchored)
    offset = from_text(anchor["plant"]) - from_text(anchor["machine"])
    return lambda: machine() + offset


def is_anchored(store: Store) -> bool:
    """Whether the store belongs to a generated plant."""
    with store.reading() as tx:
        return settings.read(tx.connection, SETTING) is not None


def anchor(store: Store, as_of: datetime, machine: Clock) -> None:
    """Set the plant's clock to `as_of`, unless it is there or further already, and let `store` use it."""
    value = json.dumps({"plant": to_text(as_of), "machine": to_text(machine())})
    with store.writing() as tx:
        if settings.read(tx.connection, SETTING) is None or tx.now < as_of:
            settings.write(tx.connection, SETTING, value)
    store.clock = clock_of(store.engine, machine)
