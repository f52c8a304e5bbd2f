"""Whether a plan with approved moves in it does what was shown of them to whoever approved.

A move is shown with what it brings alone, the proposed set with the measures of its plan (`expected_impact`), and moves that
came back once with what they bring together. Figures of moves that were shown only one by one are expected to add up; where
they do not, nobody was shown what would be published.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from recon_platform.proposal.evaluate import COMPARED, compare
from recon_platform.proposal.impact import measures
from recon_platform.proposal.moves import shown_effect

if TYPE_CHECKING:
    from recon_platform.governance.requests import Request
    from recon_platform.lake import Lake
    from recon_platform.nights.records import Manifest
    from recon_platform.tables.model import Frames

Figures = dict[str, Any]
"""Name of a figure → its value; parts of `lines` and `effect` stand beside the others."""

ROUNDED = 0.005  # what rounding each of several figures shown can make their sum differ by
TOLD = 4
WORDS = (
    ("lines_won", "lines won"), ("lines_lost", "lost"), ("late_days_saved", "weighted late days saved"), ("cost", "cost"),
    ("overtime_hours", "h of overtime"), ("operations_moved", "operations moved"),
)  # fmt: skip


def brought(lake: Lake, manifest: Manifest, approved: Sequence[Request], solved: Frames) -> Figures:
    """What the plan with all of `approved` (`solved`) brings against the plan of the run, figure by figure as a move shows it."""
    context = manifest.pins.context
    direct = sum(json.loads(request.content["effect"])["direct_cost"] for request in approved)
    base = {name: manifest.read(lake, name) for name in COMPARED}
    return _flat(shown_effect(compare(base, solved, context), context, direct))


def differing(
    lake: Lake, manifest: Manifest, approved: Sequence[Request], solved: Frames, now: Figures
) -> dict[str, tuple[Any, Any]]:
    """Figure → (shown, now) where `solved`, which brings `now`, is not what was shown of `approved`; empty where it is."""
    contents = [request.content for request in approved]
    moves = sorted(str(content["move"]) for content in contents)
    together = [content.get("together", {}) for content in contents]
    if all(one == together[0] for one in together) and together[0].get("moves") == moves:
        return _apart(together[0]["brings"], now, 0.0)
    proposed = manifest.read(lake, "exception_moves").filter("in_set").get_column("move").sort().to_list()
    if len(moves) > 1 and moves == proposed:
        impact = manifest.read(lake, "expected_impact")
        shown = dict(impact.select("measure", "with_moves").iter_rows())
        return _apart(shown, measures(solved["order_promises"], solved, manifest.pins.context), 0.0)
    alone = [_flat(content) for content in contents]
    total = {name: _sum([figures.get(name) for figures in alone]) for name in now}
    return _apart(total, now, ROUNDED * len(alone) if len(alone) > 1 else 0.0)


def said(moves: Sequence[str], now: Figures) -> str:
    """In words: what moves bring together."""
    return f"with {', '.join(moves)} approved together: " + ", ".join(f"{now[name]:g} {word}" for name, word in WORDS)


def differences(found: Mapping[str, tuple[Any, Any]]) -> str:
    """In words: what was shown, and what it is now."""
    told = [
        f"{name.replace('_', ' ')} {_short(now)}, shown was {_short(shown)}" for name, (shown, now) in found.items()
    ]
    return "; ".join(told[:TOLD]) + (f"; {len(told) - TOLD} figures more" if len(told) > TOLD else "")


def _flat(content: Mapping[str, Any]) -> Figures:
    """The figures of a row of `exception_moves`, those in its JSON beside the others."""
    plain = ("lines_won", "lines_lost", "late_days_saved", "labour_hours", "overtime_hours", "cost", "operations_moved")
    return {name: content[name] for name in plain} | json.loads(content["lines"]) | json.loads(content["effect"])


def _sum(values: Sequence[Any]) -> Any:
    """Figures of several moves as one: numbers added, by class or level where they are by it, names united."""
    if isinstance(values[0], list):
        return sorted({name for value in values for name in value})
    if isinstance(values[0], dict):
        return {
            key: sum(value.get(key, 0) for value in values) for key in sorted({k for value in values for k in value})
        }
    return sum(values)


def _apart(shown: Mapping[str, Any], now: Mapping[str, Any], tolerance: float) -> dict[str, tuple[Any, Any]]:
    return {name: (shown.get(name), now[name]) for name in now if not _alike(shown.get(name), now[name], tolerance)}


def _alike(shown: Any, now: Any, tolerance: float) -> bool:
    if isinstance(shown, Mapping) and isinstance(now, Mapping):
        return all(_alike(shown.get(key, 0), now.get(key, 0), tolerance) for key in {*shown, *now})
    if isinstance(shown, (int, float)) and isinstance(now, (int, float)):
        return abs(shown - now) <= tolerance
    return bool(shown == now)


def _short(value: Any) -> str:
    if isinstance(value, (int, float)):
        return f"{value:g}"
    return json.dumps(value, ensure_ascii=False) if value is not None else "nothing"
