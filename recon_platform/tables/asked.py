"""Tables that are read when somebody asks for them: a stage may read many and, on a given day, needs few.

Belongs here: mappings of tables that hold names and get tables. Where a table comes from is said by whoever makes one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import polars as pl

from recon_platform.tables.model import Frames


class WhenAsked(Mapping[str, pl.DataFrame]):
    """Tables by name; `get` is called with a name each time its table is asked for, with no other name ever."""

    def __init__(self, names: Iterable[str], get: Callable[[str], pl.DataFrame]) -> None:
        self._names, self._get = dict.fromkeys(names), get

    def __getitem__(self, name: str) -> pl.DataFrame:
        if name not in self._names:
            raise KeyError(name)
        return self._get(name)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def laid_over(frames: Frames, others: Frames) -> Frames:
    """`frames` with `others` in the place of those of the same name, none of them read for it."""
    return WhenAsked([*frames, *others], lambda name: others[name] if name in others else frames[name])
