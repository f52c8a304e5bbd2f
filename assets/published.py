"""The schedule in force: what was proposed and approved, published with its audit record."""

from collections.abc import Iterator

import dagster as dg

from assets.catalog import derived_key, spec
from assets.checks import check_specs
from assets.steps import recorded
from recon_platform.tables.runs import PUBLISHED_SCHEDULE
from resources.nights import NightsResource
from resources.partitions import NIGHTS

NAME = PUBLISHED_SCHEDULE.name
KEY = dg.AssetKey([str(PUBLISHED_SCHEDULE.layer), NAME])

SPEC = spec(
    PUBLISHED_SCHEDULE, KEY, "published", "published",
    [derived_key(name) for name in ("schedule", "exception_moves", "proposal_changes", "order_promises")],
)  # fmt: skip


@dg.multi_asset(
    name="published", specs=[SPEC], check_specs=check_specs([SPEC]), partitions_def=NIGHTS,
    description="Puts an approved plan in force. Refused for a superseded plan and for a past partition.",
)  # fmt: skip
def published(
    context: dg.AssetExecutionContext, nights: NightsResource
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    yield from recorded(nights.publish(context), {NAME: KEY}, {NAME: PUBLISHED_SCHEDULE}, {})


ASSETS = [published]
