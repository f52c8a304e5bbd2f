"""Charts drawn on the server as SVG: run charts with limits, load against capacity. Style comes from the style sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from recon_platform.console.page import Chart
from recon_platform.console.words import number

WIDTH, HEIGHT = 760, 200
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 12, 28
BASELINE = 20  # points of the baseline period at most
MOVING_RANGE = 2.66  # limits of an individuals chart: mean ± 2.66 × mean moving range (Shewhart, Wheeler)


@dataclass(frozen=True, slots=True)
class Limits:
    """Centre line and natural limits of the baseline period."""

    centre: float
    low: float
    high: float


def limits(values: Sequence[float]) -> Limits | None:
    """Individuals-chart limits of the first points; None for fewer than three, which say nothing of variation."""
    baseline = list(values[:BASELINE])
    if len(baseline) < 3:
        return None
    centre = sum(baseline) / len(baseline)
    ranges = [abs(b - a) for a, b in pairwise(baseline)]
    spread = MOVING_RANGE * sum(ranges) / len(ranges)
    return Limits(centre, centre - spread, centre + spread)


def run_chart(title: str, labels: Sequence[str], values: Sequence[float | None], unit: str) -> Chart:
    """Values in time order, with centre line and limits of the baseline; points outside are marked."""
    known = [value for value in values if value is not None]
    if not known:
        return Chart(title, "", "No value was computed in any night yet.")
    bounds = limits(known)
    ends = [*known, *((bounds.low, bounds.high) if bounds else ())]
    scale = _Scale(min(ends), max(ends), len(values))
    parts = [_axis(scale), _labels(labels, scale)]
    if bounds is not None:
        parts += [
            _rule(scale.y(bounds.centre), "centre"),
            _rule(scale.y(bounds.low), "limit"),
            _rule(scale.y(bounds.high), "limit"),
        ]
    points = [(scale.x(i), scale.y(v), v) for i, v in enumerate(values) if v is not None]
    parts.append(f'<polyline class="line" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)}"/>')
    outside = 0
    for x, y, value in points:
        out = bounds is not None and not bounds.low <= value <= bounds.high
        outside += out
        parts.append(f'<circle class="{"out" if out else "point"}" cx="{x:.1f}" cy="{y:.1f}" r="{5 if out else 3.5}"/>')
    said = f"Last {number(known[-1], 2)} {unit}"
    if bounds is None:
        said += f"; {len(known)} night{'s' if len(known) != 1 else ''} so far, limits from the third on."
    else:
        said += (
            f"; baseline {number(bounds.centre, 2)}, natural limits {number(bounds.low, 2)} to {number(bounds.high, 2)}; "
            f"{outside or 'no'} {'point' if outside == 1 else 'points'} outside. A change is no proof of its cause."
        )
    return Chart(title, _svg(title, said, parts), said)


def load_chart(title: str, labels: Sequence[str], load: Sequence[float], capacity: Sequence[float]) -> Chart:
    """Bars of load with the capacity of each day as a step above them; bars beyond it are marked."""
    scale = _Scale(0.0, max([*load, *capacity, 1.0]), len(load))
    wide = max(4.0, (WIDTH - LEFT - RIGHT) / max(1, len(load)) * 0.6)
    parts = [_axis(scale), _labels(labels, scale)]
    over = 0
    for i, (used, offered) in enumerate(zip(load, capacity, strict=True)):
        beyond = used > offered + 0.05
        over += beyond
        y, x = scale.y(used), scale.x(i)
        parts.append(
            f'<rect class="{"over" if beyond else "load"}" x="{x - wide / 2:.1f}" y="{y:.1f}" width="{wide:.1f}" '
            f'height="{max(0.0, scale.y(0) - y):.1f}"/>'
        )
        top = scale.y(offered)
        parts.append(f'<line class="capacity" x1="{x - wide:.1f}" x2="{x + wide:.1f}" y1="{top:.1f}" y2="{top:.1f}"/>')
    said = f"{over or 'No'} of {len(load)} days ask{'s' if over == 1 else ''} for more than there is. Bars: hours asked for; lines: hours available."
    return Chart(title, _svg(title, said, parts), said)


class _Scale:
    def __init__(self, low: float, high: float, count: int) -> None:
        pad = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
        self.low, self.high, self.count = low - (pad if low else 0), high + pad, count

    def x(self, index: int) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (index + 0.5) / max(1, self.count)

    def y(self, value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (self.high - value) / (self.high - self.low)


def _svg(title: str, said: str, parts: list[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}. {escape(said)}">'
        + "".join(parts) + "</svg>"
    )  # fmt: skip


def _axis(scale: _Scale) -> str:
    made = []
    for step in range(4):
        value = scale.low + (scale.high - scale.low) * (step + 0.5) / 4
        y = scale.y(value)
        made.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        made.append(f'<text class="tick end" x="{LEFT - 6}" y="{y + 4:.1f}">{escape(number(value))}</text>')
    return "".join(made)


def _labels(labels: Sequence[str], scale: _Scale) -> str:
    every = max(1, round(len(labels) / 8))
    return "".join(
        f'<text class="tick middle" x="{scale.x(i):.1f}" y="{HEIGHT - 8}">{escape(label)}</text>'
        for i, label in enumerate(labels)
        if i % every == 0
    )


def _rule(y: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
