"""The stages of a night in the order of the asset graph, from the one list that knows it."""

from __future__ import annotations

from functools import cache

from recon_platform.planning.stages import Stage


@cache
def night_stages() -> tuple[Stage, ...]:
    """All stages from conform to metrics, the proposal among them."""
    from recon_platform.proposal.stages import NIGHT_STAGES

    return NIGHT_STAGES


def night_stage(name: str) -> Stage:
    """The stage called `name`; KeyError lists the names."""
    for stage in night_stages():
        if stage.name == name:
            return stage
    raise KeyError(f"no stage {name!r} in a night; the stages are {', '.join(s.name for s in night_stages())}")
