"""Codes for what bound the start of an operation: places in `BOUND_BY` of the capacity tables.

Belongs here: numbers that kernels write and results read, nothing else.
"""

from __future__ import annotations

import numpy as np

from recon_platform.tables.capacity import BOUND_BY

NOW = np.int64(BOUND_BY.index("now"))
MATERIAL = np.int64(BOUND_BY.index("material"))
PREDECESSOR = np.int64(BOUND_BY.index("predecessor"))
COMPONENT = np.int64(BOUND_BY.index("component"))
MACHINE = np.int64(BOUND_BY.index("machine"))
CALENDAR = np.int64(BOUND_BY.index("calendar"))
LABOUR = np.int64(BOUND_BY.index("labour"))
TOOL = np.int64(BOUND_BY.index("tool"))
FENCE = np.int64(BOUND_BY.index("fence"))
BATCH = np.int64(BOUND_BY.index("batch"))
CONTINUITY = np.int64(BOUND_BY.index("continuity"))
MAX_WAIT = np.int64(BOUND_BY.index("max_wait"))
VENDOR = np.int64(BOUND_BY.index("vendor"))
STABILITY = np.int64(BOUND_BY.index("stability"))
RUNNING_NOW = np.int64(BOUND_BY.index("running"))
RELEASE = np.int64(BOUND_BY.index("release"))
BIG = 1e30
