"""Nights in which one rule is made to be wrong: how soon its autonomy is withdrawn, and whether anything wrong leaves after.

A simulated plant runs night after night; conforming and reconciling run on its files, requests and the outbox in a governance
store. A person judges the sample of what rules sent alone by the plant's own truth. From a given night on, some corrections of one
rule name another order than the one the rule was right about. Nothing else is told that, least of all the platform.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from recon_platform.governance import Actor, Store
    from recon_platform.plantsim.executing import Landed
    from recon_platform.tables.context import PlanContext

SECRET, KEY = "a secret of the bench", b"bench" * 8
RULE = "ST-01"
POLICY = "\n[policy.reconciliation]\nbreaker_share = 0.5\n"
"""So much drift in so small a plant would trip the breaker every night, and then nothing leaves alone at all."""
LOOKED_AT_AFTER = timedelta(hours=6)
SCHEMA = {
    "night": pl.Int64, "day": pl.Date, "rule": pl.String, "sent": pl.Int64, "wrong_sent": pl.Int64, "right": pl.Int64,
    "wrong": pl.Int64, "automatic": pl.Boolean,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sabotage:
    """From night `start` (1 is the first) on, a `share` of the corrections of `rule` is wrong."""

    rule: str = RULE
    share: float = 0.2
    start: int = 11

    def of(self, changes: pl.DataFrame, night: int) -> pl.DataFrame:
        """The rows of `order_changes` that are made wrong in `night`: drawn by a hash of their identity."""
        drawn = pl.col("idempotency_key").hash(seed=night) % 1_000 < int(1_000 * self.share)
        mine = pl.col("approved_by").str.starts_with(f"rule {self.rule} ") & drawn
        return changes.filter(mine if night >= self.start else pl.lit(value=False))


def run(
    nights: int = 30, orders: int = 600, *, drift: float = 0.25, seed: int = 1, sabotage: Sabotage | None = None,
    say: Callable[[str], None] | None = None,
) -> pl.DataFrame:  # fmt: skip
    """Columns of `SCHEMA`: per night and rule that sends by itself, what left, what of it was wrong, how it was judged."""
    from recon_platform.governance import Role, Store  # noqa: PLC0415 - a bench is loaded when it is asked for
    from recon_platform.plantsim.executing import begin, land, run_day  # noqa: PLC0415
    from recon_platform.plantsim.generate import DEFAULT_START  # noqa: PLC0415
    from recon_platform.plantsim.landing import write_folder  # noqa: PLC0415
    from recon_platform.plantsim.night import plant_toml  # noqa: PLC0415
    from recon_platform.plantsim.policies import POLICIES, order_numbers  # noqa: PLC0415

    sabotage = sabotage or Sabotage()
    rows: list[pl.DataFrame] = []
    plant = begin(orders=orders, nights=nights, seed=seed, drift=drift, plant="fastener", start=DEFAULT_START)
    policy = POLICIES["foreman"]()
    before: dict[str, pl.DataFrame] | None = None
    truth: set[tuple[str, str]] = set()
    with tempfile.TemporaryDirectory() as folder:
        clock = _Clock()
        store = Store.create(str(Path(folder) / "governance.db"), clock=clock, key=KEY)
        store.people.found("supervisor", "Supervisor", [Role.SUPERVISOR], SECRET)
        for night in range(1, nights + 1):
            if say is not None:
                say(f"night {night}")
            landed = land(plant)
            path = Path(folder) / landed.day.isoformat()
            write_folder(path, landed.text, plant_toml=plant_toml(plant.history, plant.day) + POLICY, parquet=False)
            made = _Night(store, clock, path, before=before, sabotage=sabotage, night=night)
            truth |= _true(landed)
            made.judge(truth)
            rows.append(made.row(landed))
            before = made.frames
            corrected = order_numbers(made.sent["work_order"].drop_nulls())
            plant = run_day(plant, landed, policy, None).with_corrected(corrected)
        store.close()
    return pl.concat(rows)


@dataclass
class _Clock:
    at: datetime | None = None

    def __call__(self) -> datetime:
        return self.at or datetime.fromisoformat("2026-01-01T00:00:00+00:00")


class _Night:
    """One night: files to corrections, proposed through the store, with the sabotage in between."""

    def __init__(
        self, store: Store, clock: _Clock, folder: Path, *, before: dict[str, pl.DataFrame] | None, sabotage: Sabotage,
        night: int,
    ) -> None:  # fmt: skip
        from recon_platform.connectors import read_landing  # noqa: PLC0415
        from recon_platform.nights.context import landing_context  # noqa: PLC0415
        from recon_platform.planning.plan import inputs, run_stage  # noqa: PLC0415
        from recon_platform.planning.stages import stage  # noqa: PLC0415

        landing = read_landing(folder)
        self.context: PlanContext = landing_context(landing)
        clock.at = self.context.as_of
        self.store, self.clock, self.number = store, clock, night
        decisions = store.decisions_in_force(self.context.plant.code, self.context.as_of)
        frames = inputs(landing.frames, decisions, before, None)
        for name in ("conform", "reconcile"):
            frames.update(run_stage(stage(name), frames, self.context))
        self.wrong = sabotage.of(frames["order_changes"], night)
        frames["order_changes"] = _made_wrong(frames["order_changes"], self.wrong, frames["reconciled_orders"])
        self.sent = self._propose(frames)
        self.frames: dict[str, pl.DataFrame] = {
            name: frames[name] for name in ("feeds", "rule_precision", "deliveries") if name in frames
        }

    def _propose(self, frames: dict[str, pl.DataFrame]) -> pl.DataFrame:
        """Open the night's requests; gives the corrections that went to the outbox without a person."""
        from recon_platform.governance import service  # noqa: PLC0415
        from recon_platform.nights.corrections import of_tables  # noqa: PLC0415
        from recon_platform.tables.proposal import EXCEPTION_MOVES  # noqa: PLC0415

        code, day = self.context.plant.code, self.context.planning_date.isoformat()
        drafts, automatic = of_tables(frames, self.context, f"{code}.{day}")
        self.store.requests.open_run(
            service("night", "bench"), plant=code, planning_date=day, sequence=0, run_id=f"{code}.{day}",
            base={"digest": day}, moves=EXCEPTION_MOVES.empty(), corrections=drafts, automatic=automatic,
        )  # fmt: skip
        queued = {message.key.removeprefix(f"{code}/") for message in self.store.outbox.find(limit=1_000_000)}
        tonight = {message.key.removeprefix(f"{code}/") for message in automatic} & queued
        return frames["order_changes"].filter(pl.col("idempotency_key").is_in(list(tonight)))

    def judge(self, truth: set[tuple[str, str]]) -> None:
        """The supervisor looks at each sampled correction: right where the plant's truth says so and it was not made wrong."""
        self.clock.at = self.context.as_of + LOOKED_AT_AFTER
        actor = self._supervisor()
        broken = set(self.wrong["finding"])
        for request in self.store.requests.find(actor, kind="sample"):
            finding = str(request.content["finding"])
            rule, entity = finding.split(":")[:2]  # an order, or an order's component
            right = (entity, rule) in truth and finding not in broken
            decide = self.store.decisions.approve if right else self.store.decisions.reject
            decide(actor, request.request, digest=request.digest, reason="looked at the floor")
        self.store.sessions.logout(actor)

    def row(self, landed: Landed) -> pl.DataFrame:
        """Per rule that may send by itself: what left tonight, what of it was wrong, its judgements before tonight."""
        rule = pl.col("approved_by").str.extract(r"^rule (\S+)")
        sent = self.sent.select(rule=rule, wrong=pl.col("finding").is_in(self.wrong["finding"].implode()))
        counts = sent.group_by("rule").agg(sent=pl.len(), wrong_sent=pl.col("wrong").sum())
        precision = self.frames["rule_precision"].join(counts, on="rule", how="left")
        seen = precision.filter(pl.col("sent").is_not_null() | (pl.col("right") + pl.col("wrong") > 0))
        return seen.select(
            pl.lit(self.number, pl.Int64).alias("night"), pl.lit(landed.day).alias("day"), "rule",
            pl.col("sent").fill_null(0).cast(pl.Int64), pl.col("wrong_sent").fill_null(0).cast(pl.Int64),
            "right", "wrong", "automatic",
        ).cast(pl.Schema(SCHEMA))  # fmt: skip

    def _supervisor(self) -> Actor:
        return self.store.sessions.authenticate(self.store.sessions.login("supervisor", SECRET).token)


def _true(landed: Landed) -> set[tuple[str, str]]:
    """(entity, rule) for every planted error of the night."""
    expected = landed.truth.filter(pl.col("expected_rules").is_not_null())
    pairs = expected.select("entity", pl.col("expected_rules").str.split(",")).explode("expected_rules")
    return set(pairs.select("entity", pl.col("expected_rules").str.strip_chars()).iter_rows())


def _made_wrong(changes: pl.DataFrame, wrong: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    """`changes` with those in `wrong` naming an order that is in process instead of the one that is meant."""
    others = orders.filter(pl.col("status") == "in_process")["work_order"].sort()
    if wrong.is_empty() or others.is_empty():
        return changes
    drawn = pl.col("idempotency_key").is_in(wrong["idempotency_key"].implode())
    victim = others.gather([hash_ % len(others) for hash_ in changes["idempotency_key"].hash(seed=7)])
    return changes.with_columns(work_order=pl.when(drawn).then(victim).otherwise("work_order"))


def withdrawn_after(measured: pl.DataFrame, sabotage: Sabotage) -> int | None:
    """Nights from the first wrong correction that left to the first night in which its rule no longer acts alone."""
    mine = measured.filter(pl.col("rule") == sabotage.rule)
    wrong = mine.filter(pl.col("wrong_sent") > 0)["night"].min()
    off = mine.filter(~pl.col("automatic"))["night"].min()
    return int(off) - int(wrong) if isinstance(wrong, int) and isinstance(off, int) else None


def chart(measured: pl.DataFrame, sabotage: Sabotage, path: Path) -> None:
    """A run chart as SVG: what each rule sent by itself, night by night, and what of the sabotaged rule's was wrong."""
    import matplotlib as mpl  # noqa: PLC0415 - only whoever draws needs it

    mpl.use("svg")
    import matplotlib.pyplot as plt  # noqa: PLC0415

    with plt.rc_context(
        {"svg.hashsalt": "sabotage", "font.size": 8, "axes.spines.top": False, "axes.spines.right": False}
    ):
        figure, axis = plt.subplots(figsize=(8, 3.2), layout="constrained")
        for rule in measured["rule"].unique().sort():
            mine = measured.filter(pl.col("rule") == rule).sort("night")
            axis.plot(mine["night"], mine["sent"], label=f"{rule} sent alone", linewidth=1.2)
        broken = measured.filter((pl.col("rule") == sabotage.rule) & (pl.col("wrong_sent") > 0))
        axis.scatter(broken["night"], broken["wrong_sent"], color="black", marker="x", label=f"{sabotage.rule} wrong")
        axis.axvline(sabotage.start, color="grey", linestyle=":", label="sabotage begins")
        off = measured.filter((pl.col("rule") == sabotage.rule) & ~pl.col("automatic"))["night"].min()
        if off is not None:
            axis.axvline(off, color="grey", linestyle="--", label="autonomy withdrawn")
        axis.set(xlabel="night", ylabel="corrections", ylim=(0, None))
        axis.legend(frameon=False, fontsize=7)
        figure.savefig(path, format="svg", metadata={"Date": None})
        plt.close(figure)
