"""ERP and MES made to agree, material netted, capacity loaded: a plan every night that people approve and anybody can replay."""

import os

# A night is hundreds of queries, most of them on few rows: setting the streaming engine going costs more than it wins, at a
# hundred thousand orders too, and memory is the same. Whoever sets the variable decides.
os.environ.setdefault("POLARS_ENGINE_AFFINITY", "in-memory")
