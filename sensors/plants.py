"""New plant folders become partitions."""

import dagster as dg

from resources.landing import LandingResource
from resources.partitions import PLANTS


def plants_sensor(interval_seconds: int) -> dg.SensorDefinition:
    """A plant whose first night has landed is added to the dynamic partition `plants`; none is ever removed."""

    @dg.sensor(
        name="plants", minimum_interval_seconds=interval_seconds, default_status=dg.DefaultSensorStatus.RUNNING,
        description="Adds a partition for every plant whose first landing folder is there.",
    )  # fmt: skip
    def plants(context: dg.SensorEvaluationContext, landing: LandingResource) -> dg.SensorResult:
        known = set(context.instance.get_dynamic_partitions(str(PLANTS.name)))
        new = [plant for plant in landing.plants() if plant not in known]
        if not new:
            return dg.SensorResult(skip_reason=f"no new plant; known: {', '.join(sorted(known)) or 'none'}")
        return dg.SensorResult(dynamic_partitions_requests=[PLANTS.build_add_request(new)])

    return plants
