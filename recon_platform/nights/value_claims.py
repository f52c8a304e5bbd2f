"""What the field claims for such platforms, and what a study found of it: the ranges, and on which side of them it stands.

Ranges: on time in full +3 to +7 points, expedites and premium freight −20 to −40 %, overtime −10 to −25 %, each against how
things were before. Belongs here: ranges and verdicts. Does not belong here: the differences (`value_findings`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from recon_platform.metrics.definitions import BY_NAME
from recon_platform.nights.value_findings import Difference


@dataclass(frozen=True, slots=True)
class Claim:
    """A range of gains, least and most; in points of a share, else as a share of what it was before."""

    name: str
    metric: str
    least: float
    most: float
    points: bool = False


CLAIMS = (
    Claim("on time in full", "otif_first_promised", 0.03, 0.07, points=True),
    Claim("expedites", "expedites", 0.20, 0.40),
    Claim("premium freight", "premium_freight", 0.20, 0.40),
    Claim("overtime", "overtime", 0.10, 0.25),
)


@dataclass(frozen=True, slots=True)
class Found:
    """The gain a study found for a claim (up is good), with half its 95 % interval where there is one."""

    claim: Claim
    gain: float
    half: float | None

    @property
    def verdict(self) -> str:
        """Where the gain stands: beyond the range (surely, if the whole interval is), inside, or below it."""
        low = self.gain if self.half is None else self.gain - self.half
        if self.gain > self.claim.most:
            return "beyond, with the whole interval" if self.half is not None and low > self.claim.most else "beyond"
        return "inside" if self.gain >= self.claim.least else "below"


def held_against(differences: Iterable[Difference]) -> list[Found]:
    """What was found for every claim whose measure is among `differences`; where the other's mean is zero a share says nothing."""
    by_metric = {one.metric: one for one in differences}
    found = []
    for claim in CLAIMS:
        one = by_metric.get(claim.metric)
        if one is None or (not claim.points and not one.before):
            continue
        up = 1.0 if BY_NAME[claim.metric].better == "up" else -1.0
        scale = up if claim.points else up / one.before
        found.append(Found(claim, scale * one.of.mean, None if one.of.half is None else abs(scale) * one.of.half))
    return found
