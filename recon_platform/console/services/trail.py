"""Audit: who did what, when and why; whether the trail holds; every schedule that was in force and every night."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from recon_platform.console.page import Column, Figure, Listing, Page, Show
from recon_platform.console.services.nights import Nights
from recon_platform.console.services.standing import approved_at
from recon_platform.console.words import count
from recon_platform.governance import Actor, Store
from recon_platform.governance.audit import detail

ROWS = 5_000
VERSION_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "version": pl.Int64, "kind": pl.String, "state": pl.String, "run": pl.String, "approved_by": pl.String,
    "approved": pl.Datetime("us", "UTC"), "published_by": pl.String, "published": pl.Datetime("us", "UTC"),
    "replaces": pl.Int64, "digest": pl.String,
}  # fmt: skip


def trail(store: Store, actor: Actor, nights: Nights, plant: str) -> Page:
    """The trail, newest first; versions and nights to travel to."""
    rows = store.audit.rows(actor, limit=ROWS)
    rows = rows.filter(pl.col("plant").is_null() | (pl.col("plant") == plant)).reverse()
    told = rows.with_columns(
        pl.Series("told", [detail(row) for row in rows.iter_rows(named=True)], dtype=pl.String),
        pl.col("at").str.to_datetime(time_zone="UTC", time_unit="us", strict=False).alias("when"),
    )
    versions = store.publications.history(plant)
    back = rows.filter(pl.col("clock") == "set_back").height
    return Page(
        "Audit",
        f"{count(rows.height, 'event')} recorded, the last by {rows.get_column('actor')[0] if rows.height else 'nobody'}; "
        f"{count(len(versions), 'schedule version')} so far."
        + (f" The clock was set back {count(back, 'time')}." if back else ""),
        figures=(Figure("Events shown", rows.height, Show.WHOLE), Figure("Schedule versions", len(versions), Show.WHOLE)),
        listings=(
            Listing(
                "trail", "The trail, newest first",
                (
                    Column("sequence", "Row", Show.WHOLE), Column("when", "When", Show.INSTANT), Column("actor", "Who", Show.KEY),
                    Column("actor_kind", "Is a"), Column("door", "Came by"), Column("action", "Did", Show.KEY),
                    Column("subject", "To", Show.KEY), Column("told", "Why and what else"), Column("hash", "Hash", Show.KEY),
                ),
                told, "Nothing was recorded yet.",
            ),
            Listing(
                "versions", "Schedules that were in force",
                (
                    Column("version", "Version", Show.WHOLE), Column("kind", "How"), Column("state", "State"),
                    Column("run", "Run", Show.KEY), Column("approved_by", "Approved by"), Column("approved", "Approved", Show.INSTANT),
                    Column("published_by", "Published by"), Column("published", "Published", Show.INSTANT),
                    Column("replaces", "Replaces", Show.WHOLE), Column("digest", "Digest", Show.KEY),
                ),
                pl.DataFrame(
                    [
                        (
                            v.schedule_version, v.kind, v.state, v.run_id,
                            ", ".join(sorted({a["decided_by"] for a in v.record.get("approvals", [])})) or "policy",
                            approved_at(v.record), v.started_by, v.published_at, v.replaces, v.digest,
                        )
                        for v in reversed(versions)
                    ],
                    schema=VERSION_SCHEMA, orient="row",
                ),
                "No schedule was published yet.",
            ),
            _nights(nights, plant),
        ),
    )  # fmt: skip


def _nights(nights: Nights, plant: str) -> Listing:
    rows: list[tuple[str, datetime, datetime, str, str, str, str]] = [
        (
            n.run_id, n.context.as_of, n.manifest.finished_at, n.manifest.actor, n.manifest.pins.rule_version,
            n.manifest.pins.policy_digest, n.manifest.pins.code_version,
        )
        for n in reversed(nights.all(plant))
    ]  # fmt: skip
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "run": pl.String, "as_of": pl.Datetime("us", "UTC"), "finished": pl.Datetime("us", "UTC"), "by": pl.String,
        "rules": pl.String, "policy": pl.String, "code": pl.String,
    }  # fmt: skip
    return Listing(
        "nights", "Every night, to look at as it was",
        (
            Column("run", "Run", Show.KEY, "nights/{run}"), Column("as_of", "Data as of", Show.INSTANT),
            Column("finished", "Finished", Show.INSTANT), Column("by", "Run by"), Column("rules", "Rules", Show.KEY),
            Column("policy", "Policy", Show.KEY), Column("code", "Code", Show.KEY),
        ),
        pl.DataFrame(rows, schema=schema, orient="row"), "No night was planned yet.",
    )  # fmt: skip
