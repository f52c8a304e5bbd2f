"""Agents as people answer for them: how far each may go, how it did by their decisions, and what came of its moves."""

from __future__ import annotations

import polars as pl

from recon_platform.console.page import Column, Figure, Listing, Page, Show
from recon_platform.console.services.nights import Night
from recon_platform.console.words import count
from recon_platform.governance import Actor, Store
from recon_platform.governance.agents import Agent, Level
from recon_platform.governance.allowed import without
from recon_platform.governance.scoreboard import MINUTES_PER_CASE
from recon_platform.nights.effects import board, effects


def agents(store: Store, actor: Actor, night: Night) -> Page:
    """The scoreboard of the newest night's plant. Takes the right to read."""
    plant = night.context.plant.code
    rows = store.agents(actor, plant)
    scores = board(night.lake, store, actor, plant)
    about = pl.DataFrame(
        [
            {
                "agent": name, "meaning": row.meaning, "owner": row.owner, "state": "on" if row.on else "off",
                "limits": _limits(row), "version": night.manifest.pins.agents.get(name),
            }
            for name, row in rows.items()
        ]
    )  # fmt: skip
    sums = (
        scores.select("hours_saved", "sent_alone", "promised_lines", "measured_lines", "kept_lines")
        .sum()
        .row(0, named=True)
    )
    off = [name for name, row in rows.items() if not row.on]
    alone = [name for name, row in rows.items() if row.on and Level.APPLY in row.actions.values()]
    return Page(
        "Agents",
        f"{count(len(rows) - len(off), 'agent')} of {len(rows)} at work, {len(alone) or 'none'} of them may act without a person. "
        + ("; ".join(without(off)).capitalize() + "." if off else "Nothing is switched off."),
        figures=(
            Figure("Switched off", len(off), Show.WHOLE, "agents", "`recon agents on` asks for them back", attention=bool(off)),
            Figure("Time saved", sums["hours_saved"], Show.NUMBER, "hours", f"{MINUTES_PER_CASE:g} minutes a case by hand, assumed"),
            Figure("Sent by rules alone", sums["sent_alone"], Show.WHOLE, "corrections", "a sample of them is judged", "decisions"),
            Figure(
                "Lines kept a week later", sums["kept_lines"], Show.WHOLE, "lines",
                f"of {sums['measured_lines']} that approved moves promised; {sums['promised_lines']} promised in all",
                attention=sums["kept_lines"] < sums["measured_lines"],
            ),
        ),
        listings=(
            Listing(
                "agents", "What each may do, and how it did",
                (
                    Column("agent", "Agent", Show.KEY), Column("state", "State"), Column("meaning", "What it does"),
                    Column("levels", "May"), Column("limits", "Acts alone within"), Column("owner", "Who answers for it"),
                    Column("version", "Version", Show.KEY), Column("proposed", "Proposed", Show.WHOLE),
                    Column("accepted", "Accepted", Show.WHOLE), Column("rejected", "Rejected", Show.WHOLE),
                    Column("acceptance", "Acceptance", Show.SHARE), Column("precision", "Precision", Show.SHARE),
                    Column("sent_alone", "Sent alone", Show.WHOLE), Column("promised_lines", "Lines promised", Show.WHOLE),
                    Column("measured_lines", "of them measured", Show.WHOLE), Column("kept_lines", "of these kept", Show.WHOLE),
                    Column("hours_saved", "Hours saved", Show.NUMBER),
                ),
                scores.join(about, on="agent", how="left", maintain_order="left"), "There is no agent.",
                "Precision: corrections and samples that people judged right. A change of a row is asked for with `recon agents propose`.",
            ),
            Listing(
                "moves", "What approved moves promised, and what came of it",
                (
                    Column("request", "Request", Show.WHOLE, "decisions/{request}"), Column("title", "Move"),
                    Column("planning_date", "Night", Show.DAY), Column("decided_by", "Approved by", Show.KEY),
                    Column("promised_lines", "Lines promised", Show.WHOLE), Column("kept_lines", "Kept a week later", Show.WHOLE),
                    Column("measured_on", "Measured in the night of", Show.DAY), Column("agent_version", "Version", Show.KEY),
                ),
                effects(night.lake, store, actor, plant).sort("request", descending=True),
                "No move was approved yet.",
                "A line is kept where it ships, or is still planned to ship, by the day that was promised when the move was signed.",
            ),
        ),
    )  # fmt: skip


def _limits(row: Agent) -> str:
    """The limits of a row in words; empty where it may not act alone."""
    if Level.APPLY not in row.actions.values():
        return ""
    limits = row.limits
    said = [
        f"{limits.orders_share:.0%} of the open orders a night" if limits.orders_share < 1 else "",
        f"a value of {limits.value:g} a night" if limits.value is not None else "",
        f"not for {', '.join(limits.customers)}" if limits.customers else "",
        f"{limits.hours[0]} to {limits.hours[1]} h" if limits.hours is not None else "",
    ]
    return "; ".join(part for part in said if part) or "no limit of its own"
