"""Partitions of the platform: one night is one planning date of one plant.

Assets, sensors and jobs share these definitions. Dates are those of the plant's own calendar; plants are added by a
sensor as their landing folders appear.
"""

from __future__ import annotations

from datetime import date

import dagster as dg

from resources import settings

DATE, PLANT = "date", "plant"
FIRST_DATE = settings.value(settings.FIRST_DATE)
DAYS_AHEAD = 7  # a night may plan the next working day, and plants east of UTC are a day ahead of the daemon

PLANTS = dg.DynamicPartitionsDefinition(name="plants")
NIGHTS = dg.MultiPartitionsDefinition(
    {DATE: dg.DailyPartitionsDefinition(start_date=FIRST_DATE, end_offset=DAYS_AHEAD), PLANT: PLANTS}
)


def night_key(plant: str, planning_date: date) -> dg.MultiPartitionKey:
    """The partition of a night."""
    return dg.MultiPartitionKey({DATE: planning_date.isoformat(), PLANT: plant})


def night_of(partition_key: str | dg.MultiPartitionKey) -> tuple[str, date]:
    """Plant and planning date of a partition key as Dagster hands it over."""
    key = (
        partition_key
        if isinstance(partition_key, dg.MultiPartitionKey)
        else NIGHTS.get_partition_key_from_str(partition_key)
    )
    return key.keys_by_dimension[PLANT], date.fromisoformat(key.keys_by_dimension[DATE])
