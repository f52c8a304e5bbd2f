"""What a store remembers of itself by name: the anchor of a generated plant's clock, how far the trail's copy has come."""

from __future__ import annotations

from sqlalchemy import Connection, select

from recon_platform.governance import schema


def read(connection: Connection, name: str) -> str | None:
    """The value of setting `name`; None where it was never written."""
    table = schema.settings
    value: str | None = connection.execute(select(table.c.value).where(table.c.name == name)).scalar()
    return value


def write(connection: Connection, name: str, value: str) -> None:
    """Set `name` to `value`, whether it was there or not."""
    table = schema.settings
    if read(connection, name) is None:
        connection.execute(table.insert().values(name=name, value=value))
    else:
        connection.execute(table.update().where(table.c.name == name).values(value=value))
