"""Rate limits: so many requests per minute and caller, as a bucket that refills steadily. Held in this process."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from recon_platform.console.refusals import TooManyRequestsError

CALLERS = 10_000  # the oldest are forgotten beyond this, so that many addresses cannot fill the memory


@dataclass
class RateLimit:
    """A bucket of `per_minute` tokens for each caller."""

    per_minute: int
    clock: Callable[[], float] = time.monotonic
    _buckets: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, caller: str) -> None:
        """One request of `caller`; TooManyRequestsError when the bucket is empty."""
        with self._lock:
            now = self.clock()
            left, since = self._buckets.pop(caller, (float(self.per_minute), now))
            left = min(float(self.per_minute), left + (now - since) * self.per_minute / 60)
            allowed = left >= 1
            self._buckets[caller] = (left - 1 if allowed else left, now)
            while len(self._buckets) > CALLERS:
                self._buckets.popitem(last=False)
        if not allowed:
            raise TooManyRequestsError(max(1, round((1 - left) * 60 / self.per_minute)))
