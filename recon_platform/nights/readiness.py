"""Whether a night can start: its landing is there, and every feed in it was extracted recently enough.

Only `plant.toml` and `feeds` are read, so that it can be asked every few minutes. Whether the rows are any good is for
the night itself to find out.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from recon_platform.connectors.delimited import read_csv, read_parquet
from recon_platform.connectors.landing_error import LandingError
from recon_platform.connectors.plant_file import parse_instant, read_plant_file

FRESH = timedelta(hours=12)
NEEDED = ("table", "extracted_at")
MOST_NAMED = 5


def unready(folder: Path, now: datetime, fresh: timedelta = FRESH) -> list[str]:
    """Why the night that lands in `folder` cannot start at `now`; an empty list when it can.

    A feed is stale when its newest `extracted_at` is more than `fresh` before `now`. A plant without a `feeds` table is
    ready as soon as its landing is there, because nothing in it says otherwise.
    """
    if not (folder / "plant.toml").is_file():
        return [f"landing {folder.name} is not there"]
    try:
        plant = read_plant_file((folder / "plant.toml").read_bytes()).plant
        feeds = _feeds(folder)
    except LandingError as error:
        return [str(error)]
    if feeds is None:
        return []
    newest = (
        feeds.select(pl.col("table").cast(pl.String), pl.col("extracted_at").cast(pl.String))
        .drop_nulls("table").sort("table", "extracted_at").group_by("table", maintain_order=True).last()
    )  # fmt: skip
    problems = []
    for name, text in newest.iter_rows():
        try:
            age = now - parse_instant(text or "", plant, setting="extracted_at", file="feeds")
        except LandingError as error:
            problems.append(f"feed {name}: {error}")
            continue
        if age > fresh:
            problems.append(
                f"feed {name} is {age.total_seconds() / 3600:.1f} h old, {fresh.total_seconds() / 3600:g} are allowed"
            )
    more = len(problems) - MOST_NAMED
    return problems[:MOST_NAMED] + ([f"{more} more feeds"] if more > 0 else [])


def _feeds(folder: Path) -> pl.DataFrame | None:
    for name, read in (("feeds.csv", read_csv), ("feeds.parquet", read_parquet)):
        path = folder / name
        if path.is_file():
            return read(path.read_bytes(), name, NEEDED)
    parts = sorted(path for path in (folder / "feeds").glob("*.*") if path.suffix in (".csv", ".parquet"))
    frames = [
        (read_csv if path.suffix == ".csv" else read_parquet)(path.read_bytes(), f"feeds/{path.name}", NEEDED).select(
            pl.col(name).cast(pl.String) for name in NEEDED
        )
        for path in parts
    ]
    return pl.concat(frames) if frames else None
