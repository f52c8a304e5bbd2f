"""Something that listens in a thread of its own until it is told to end; a collector is made of some of these."""

from __future__ import annotations

from abc import ABC, abstractmethod
from threading import Event, Thread


class Worker(ABC):
    """`run` is the work; it ends soon after `ended` is set. `alive` is False after something that a restart must mend."""

    def __init__(self, name: str) -> None:
        self.ended = Event()
        self._thread = Thread(target=self.run, name=name, daemon=True)

    @property
    def alive(self) -> bool:
        """Whether it is at work; waiting for whom it listens to is work."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin, and return at once."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self.ended.set()
        self._thread.join(10)

    @abstractmethod
    def run(self) -> None:
        """The work."""
