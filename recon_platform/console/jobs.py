"""Work that takes seconds (publishing, what-if), done one at a time beside the requests, and asked for by its number.

Nothing here is a record: what a job does it writes where it belongs, and a job lost in a restart is started again.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

KEPT = 200
WAITING = 20  # jobs of one person that may wait at once


@dataclass(slots=True)
class Job:
    """One piece of work of one person. `state`: waiting, done, refused."""

    job: str
    owner: str
    title: str
    state: str = "waiting"
    result: Any = None
    said: str = ""


@dataclass
class Jobs:
    """A line of work, in order."""

    _pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(max_workers=1, thread_name_prefix="console-job")
    )
    _jobs: OrderedDict[str, Job] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, owner: str, title: str, work: Callable[[], Any]) -> Job:
        """Put `work` in line. A ValueError it raises (everything the platform refuses) becomes the job's answer."""
        job = Job(secrets.token_urlsafe(12), owner, title)
        with self._lock:
            if sum(known.owner == owner and known.state == "waiting" for known in self._jobs.values()) >= WAITING:
                raise ValueError(f"{WAITING} pieces of work of yours are waiting already; let them finish first")
            self._jobs[job.job] = job
            while len(self._jobs) > KEPT:
                self._jobs.popitem(last=False)
        self._pool.submit(self._run, job, work)
        return job

    def find(self, job: str, owner: str) -> Job | None:
        """A job of `owner`; nobody sees another's."""
        found = self._jobs.get(job)
        return found if found is not None and found.owner == owner else None

    def close(self) -> None:
        """Finish what runs, start nothing more."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    @staticmethod
    def _run(job: Job, work: Callable[[], Any]) -> None:
        job.said = "It ended unexpectedly; nothing was changed. The service's log says more."
        state = "refused"
        try:
            job.result = work()
            state, job.said = "done", ""
        except ValueError as error:
            job.said = str(error)
        finally:
            job.state = state
