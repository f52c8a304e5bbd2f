"""Before the first visitor: the newest nights' tables into memory, and the scheduler's kernels into this process.

A fresh process reads its tables and loads its kernels at the first question that needs them; done ahead, the first
what-if and the first look of the morning are as quick as the others. Nothing depends on it: what fails here is said in
the log and met again, with its words, by whoever asks for it.
"""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

from recon_platform.connectors import read_landing
from recon_platform.console.services.gantt import gantt
from recon_platform.console.services.today import report
from recon_platform.console.state import Console
from recon_platform.console.words import speaking_for
from recon_platform.nights.context import landing_context
from recon_platform.planning import STAGES, inputs, run_stages
from recon_platform.plantsim import generate

LOG = logging.getLogger("recon.console")
ORDERS = 60  # of a plant that is planned for its kernels' sake and forgotten


def warm(console: Console) -> None:
    """Load what the first visitor would wait for."""
    try:
        for plant in console.nights.plants():
            night = console.nights.newest(plant)
            with speaking_for(night.context.plant):
                report(night)
                gantt(night)
        _kernels()
    except (ValueError, OSError) as error:
        LOG.warning("warming up ended early: %s", error)


def _kernels() -> None:
    with tempfile.TemporaryDirectory() as folder:
        landing = read_landing(generate(Path(folder), orders=ORDERS).nights[0])
        run_stages(STAGES, inputs(landing.frames, None, None, None), landing_context(landing))
