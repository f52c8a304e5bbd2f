"""A two-node Ray cluster on this machine, the job `replay_range` on it, and one node killed while it works.

`python -m tests.scale.two_nodes LAKE RUNS_PER_TASK KILL`: prints, as JSON, whether the job succeeded, what it said, the
nodes alive at its end and its seconds. Run in a network namespace of its own, so that it listens nowhere else.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

STORE_BYTES = 80_000_000


def busy_tasks() -> int:
    """Ray workers that are inside a task `replay_all` now: Ray puts the task's name into the process title."""
    found = 0
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += path.read_bytes().startswith(b"ray::replay_all")
        except OSError:
            continue  # gone meanwhile
    return found


def nodes_alive(expected: int) -> int:
    """Nodes that Ray counts as alive once it has come to `expected`, or after a minute: it misses a killed node's heartbeats
    only some seconds after it was killed, and the work may be done before that."""
    import ray

    until = time.monotonic() + 60
    while True:
        alive = sum(bool(node["Alive"]) for node in ray.nodes())
        if alive == expected or time.monotonic() > until:
            return alive
        time.sleep(0.2)


def main(lake: str, runs_per_task: int, kill: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="r", dir="/tmp", ignore_cleanup_errors=True) as folder:
        os.environ["RAY_TMPDIR"] = folder  # short: Ray's sockets lie below it
        two_nodes(lake, runs_per_task, kill)


def two_nodes(lake: str, runs_per_task: int, kill: bool) -> None:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ |= {"RAY_worker_niceness": "0"}  # by default workers give way to everything else on their host
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    import dagster as dg
    import ray
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 1, "object_store_memory": STORE_BYTES, "node_ip_address": "127.0.0.2"}
    nodes = Cluster(initialize_head=True, head_node_args=head)
    second = nodes.add_node(num_cpus=1, object_store_memory=STORE_BYTES, node_ip_address="127.0.0.3")
    nodes.wait_for_nodes()
    os.environ["RECON_RAY"] = nodes.address
    from assets.definitions import build_definitions
    from resources.nights import NightsResource

    killed = threading.Event()

    def kill_when_both_work() -> None:
        while busy_tasks() < 2:
            time.sleep(0.1)
        nodes.remove_node(second, allow_graceful=False)
        killed.set()

    if kill:
        threading.Thread(target=kill_when_both_work, daemon=True).start()
    job = build_definitions(
        nights=NightsResource(lake_root=lake, landing_root="", governance_url="none")
    ).resolve_job_def("replay_range")
    started = time.perf_counter()
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            instance=instance, raise_on_error=False,
            run_config={"ops": {"replay_runs": {"config": {"runs_per_task": runs_per_task}}}},
        )  # fmt: skip
        said = {}
        for event in result.all_events:
            if event.event_type == dg.DagsterEventType.STEP_OUTPUT:
                said = {name: value.value for name, value in event.step_output_data.metadata.items()}
    seconds = time.perf_counter() - started
    alive = nodes_alive(1 if killed.is_set() else 2)
    ray.shutdown()
    nodes.shutdown()
    print(json.dumps({
        "success": result.success, "said": said, "killed": killed.is_set(), "alive": alive, "seconds": round(seconds, 1),
    }))  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3] == "kill")
