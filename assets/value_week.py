"""The weekly value report as a table: the last whole week of a plant beside its baseline, kept night by night."""

from collections.abc import Iterator

import dagster as dg

from assets.catalog import derived_key, spec
from assets.checks import check_specs
from assets.steps import recorded
from recon_platform.tables.metrics import VALUE_WEEK
from resources.nights import NightsResource
from resources.partitions import NIGHTS

NAME = VALUE_WEEK.name
KEY = derived_key(NAME)

# The measures close a night; before them it is no plan yet.
SPEC = spec(
    VALUE_WEEK, KEY, "metrics", "published",
    [derived_key(name) for name in ("sales_orders", "shipments", "customers", "labour_hours", "metrics")],
)  # fmt: skip


@dg.multi_asset(
    name=NAME, specs=[SPEC], check_specs=check_specs([SPEC]), partitions_def=NIGHTS,
    description="Service and effort of the last whole week beside the baseline captured before go-live, with money.",
)  # fmt: skip
def value_week(
    context: dg.AssetExecutionContext, nights: NightsResource
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    outcome = nights.value_week(context)
    notes: dict[str, dg.MetadataValue] = {
        row["metric"]: dg.MetadataValue.float(float(row["value"])) for row in outcome.frames[NAME].iter_rows(named=True)
    }
    saved = outcome.frames[NAME]["saved"].drop_nulls()
    notes |= {"saved": dg.MetadataValue.float(float(saved.sum()))} if len(saved) else {}
    yield from recorded(outcome, {NAME: KEY}, {NAME: VALUE_WEEK}, notes)


ASSETS = [value_week]
