"""What if: a finished night planned again with changes, beside the night as it stands. Nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from recon_platform.lake import Lake
from recon_platform.nights.night import read_input
from recon_platform.nights.records import Manifest
from recon_platform.planning.decisions import apply_changes, changes_in_force
from recon_platform.planning.stages import stage, trial_stages

if TYPE_CHECKING:
    import polars as pl

    from recon_platform.planning.decisions import Change
    from recon_platform.proposal.evaluate import Effect


def night_frames(lake: Lake, manifest: Manifest) -> dict[str, pl.DataFrame]:
    """Every table that planning the night again reads, as the run made or read it."""
    names = {name for stage in trial_stages() for name in (*stage.reads, *stage.writes)}
    frames = {name: read_input(lake, name, entry) for name, entry in manifest.pins.inputs.items() if name in names}
    frames.update((name, entry.read(lake)) for name, entry in manifest.outputs.items() if name in names)
    return frames


def material_frames(lake: Lake, manifest: Manifest) -> dict[str, pl.DataFrame]:
    """The tables the material stage of a run read and made, with the decisions of that run applied."""
    material = stage("material")
    names = [name for name in (*material.required, *material.writes) if name in manifest.outputs]
    frames = {name: manifest.read(lake, name) for name in names}
    decisions = manifest.pins.inputs.get("decisions_in_force")
    in_force = None if decisions is None else read_input(lake, "decisions_in_force", decisions)
    return dict(apply_changes(frames, changes_in_force(in_force)))


def effect_of(frames: dict[str, pl.DataFrame], manifest: Manifest, changes: Sequence[Change]) -> Effect:
    """The effect of `changes` on the night of `manifest`, whose tables are `frames`: the way moves are measured."""
    from recon_platform.proposal.evaluate import compare, pinned, plan_again  # noqa: PLC0415 - loads compiled kernels

    context = manifest.pins.context
    return compare(frames, plan_again(frames, context, [*pinned(frames, context), *changes]), context)
