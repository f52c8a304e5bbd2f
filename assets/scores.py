"""The scoreboard of the agents, kept night by night beside the plan it speaks of."""

from collections.abc import Iterator

import dagster as dg

from assets.catalog import derived_key, spec
from assets.checks import check_specs
from assets.steps import recorded
from recon_platform.tables.governance import AGENT_SCORES
from resources.nights import NightsResource
from resources.partitions import NIGHTS

NAME = AGENT_SCORES.name
KEY = derived_key(NAME)

SPEC = spec(
    AGENT_SCORES, KEY, "metrics", "published",
    [derived_key(name) for name in ("metrics", "order_promises", "shipments", "exception_moves", "rule_precision")],
)  # fmt: skip


@dg.multi_asset(
    name=NAME, specs=[SPEC], check_specs=check_specs([SPEC]), partitions_def=NIGHTS,
    description="Counts what people decided and measures what approved moves promised a week before. Empty without a governance store.",
)  # fmt: skip
def agent_scores(
    context: dg.AssetExecutionContext, nights: NightsResource
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    outcome = nights.score(context)
    notes: dict[str, dg.MetadataValue] = {
        f"{row['agent']}: {name}": dg.MetadataValue.float(float(row[name]))
        for row in outcome.frames[NAME].iter_rows(named=True)
        for name in ("acceptance", "precision", "hours_saved")
        if row[name] is not None
    }
    lines = outcome.frames[NAME].select("promised_lines", "measured_lines", "kept_lines").sum().row(0, named=True)
    notes |= {name.replace("_", " "): dg.MetadataValue.int(int(value)) for name, value in lines.items()}
    yield from recorded(outcome, {NAME: KEY}, {NAME: AGENT_SCORES}, notes)


ASSETS = [agent_scores]
