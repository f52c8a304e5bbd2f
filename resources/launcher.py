"""Runs in processes of the code server, and whether such a process is still there.

Dagster's own default launcher starts runs the same way but cannot tell that a code server died and its runs with it:
they would count as under way until their longest time is over, and hold up the plant's next night until then. With
this one run monitoring finds them at its next look, marks them failed, and their retry goes on where they stood.
"""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

from dagster import DagsterRun, DefaultRunLauncher
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._grpc.client import DagsterGrpcClient
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
from dagster._serdes import deserialize_value

if TYPE_CHECKING:
    from dagster._serdes import ConfigurableClassData

ANSWER_SECONDS = 10


class CodeServerRunLauncher(DefaultRunLauncher):
    """Starts runs in the code server, as Dagster's default does, and asks it whether they are still running."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(inst_data)

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Running where the code server that was told to start `run` has it; not found where it does not know it.

        A server that does not answer says nothing about its runs, it may be busy; but one on a socket of this host at
        which nobody listens is gone, and its runs with it.
        """
        told = run.tags.get(GRPC_INFO_TAG)
        if told is None:
            return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "no code server was told to start it")
        where = json.loads(told)
        client = DagsterGrpcClient(
            port=where.get("port"), socket=where.get("socket"), host=where.get("host") or "localhost",
            use_ssl=bool(where.get("use_ssl", False)),
        )  # fmt: skip
        try:
            found = client.can_cancel_execution(CanCancelExecutionRequest(run_id=run.run_id), timeout=ANSWER_SECONDS)
        except DagsterUserCodeUnreachableError:
            if where.get("socket") and not _listens(where["socket"]):
                return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "its code server is gone")
            return CheckRunHealthResult(WorkerStatus.RUNNING, "its code server does not answer now", transient=True)
        if deserialize_value(found, CanCancelExecutionResult).can_cancel:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "its code server was started again since")


def _listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as one:
        try:
            one.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            return False
    return True
