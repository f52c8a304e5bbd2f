"""A stored run as the tables a what-if plans from, so that a question asked by day meets the night's own plan."""

from __future__ import annotations

import polars as pl

from recon_platform.lake import Lake
from recon_platform.nights.night import read_input
from recon_platform.nights.records import Manifest
from recon_platform.planning.stages import trial_stages

READS = tuple(dict.fromkeys(name for step in trial_stages() for name in (*step.reads, *step.writes)))


def run_frames(lake: Lake, manifest: Manifest) -> dict[str, pl.DataFrame]:
    """What the run read and made, as far as planning again needs it, by the names the stages use."""
    frames = {
        name: read_input(lake, name, entry) for name, entry in manifest.pins.inputs.items() if name in READS
    }  # fmt: skip
    return frames | {name: manifest.read(lake, name) for name in READS if name in manifest.outputs}
