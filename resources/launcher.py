"""Runs in processes of the code server, and whether such a process is still there.

Dagster's own default launcher starts runs the same way but cannot tell that a code server died and its runs with it:
they would count as under way until their longest time is over, and hold up the plant's next night until then. With
this one run monitoring finds them at its next look, marks them failed, and their retry goes on where they stood.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from dagster import DagsterRun, DefaultRunLauncher, Field, IntSource
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
    """Starts runs in the code server, as Dagster's default does, and asks it whether they are still running.

    `quiet_seconds`: how long a run that its server does not know has to be silent before it counts as dead. 0 behind
    `dagster api grpc`, which knows all its runs; longer than any stage behind `dagster code-server start`, where after
    a *Reload* runs go on in a server that is not asked any more.
    """

    def __init__(self, inst_data: ConfigurableClassData | None = None, quiet_seconds: int = 0) -> None:
        super().__init__(inst_data)
        self.quiet_seconds = quiet_seconds

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return {"quiet_seconds": Field(IntSource, is_required=False, default_value=0)}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]) -> Self:
        return cls(inst_data, **config_value)

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
                return self._unless_heard_of(run, "its code server is gone")
            return CheckRunHealthResult(WorkerStatus.RUNNING, "its code server does not answer now", transient=True)
        if deserialize_value(found, CanCancelExecutionResult).can_cancel:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return self._unless_heard_of(run, "its code server was started again since")

    def _unless_heard_of(self, run: DagsterRun, why: str) -> CheckRunHealthResult:
        if self.quiet_seconds:
            newest = self._instance.get_records_for_run(run.run_id, limit=1, ascending=False).records
            silent = time.time() - newest[0].timestamp if newest else float("inf")
            if silent < self.quiet_seconds:
                return CheckRunHealthResult(WorkerStatus.RUNNING, f"{why}, but heard of {silent:.0f} s ago")
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, why)


def _listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as one:
        try:
            one.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            return False
    return True
