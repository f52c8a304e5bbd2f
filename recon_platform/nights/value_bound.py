"""The bound of a value study: the lines that would be on time if nothing ever waited for a machine, a setter or a set-up.

A claim of more points than lie between a policy and this bound cannot hold in that world, whoever decides.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta

from recon_platform.nights.value_measured import Cell, Result, Rows
from recon_platform.plantsim.executing import begin
from recon_platform.plantsim.floor import Floor
from recon_platform.plantsim.night import AS_OF_MINUTE, true_tables
from recon_platform.plantsim.state import state_at
from recon_platform.plantsim.unlimited import without_queues


def run_unlimited(cell: Cell) -> Result:
    """Service of the cell's world on a floor without queues; nothing else is measured, because nothing is decided."""
    began, nights = time.process_time(), 7 * cell.weeks
    plant = begin(orders=cell.orders, nights=nights, seed=cell.seed, drift=cell.drift, plant=cell.parameters)
    ran, rows = without_queues(plant), Rows(plant.history.book)
    for week in range(1, cell.weeks + 1):
        monday = plant.day + timedelta(days=7 * week)
        now = plant.history.world.clock.minute(monday, AS_OF_MINUTE)
        then = replace(ran, day=monday, floor=Floor(ran.floor.arrays, ran.floor.state, now))
        rows.service(then, true_tables(state_at(then.current(), now), plant.master))
    return Result(rows.frame(), time.process_time() - began, nights, 0, 0)
