"""What the morning's reader sees of a table just written: rows, versions, a sample, a picture where one helps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.pictures import gantt_picture, load_picture
from assets.summaries import SUMMARIES

if TYPE_CHECKING:
    import polars as pl

SAMPLE_ROWS = 5
SAMPLE_COLUMNS = 12
CELL_CHARACTERS = 40

PICTURES: dict[str, Callable[[pl.DataFrame], str | None]] = {
    "required_load": load_picture,
    "capacity_load": load_picture,
    "schedule": gantt_picture,
}


def sample(frame: pl.DataFrame) -> str:
    """The first rows as a Markdown table; wide tables are cut, and say so."""
    shown = frame.head(SAMPLE_ROWS).select(frame.columns[:SAMPLE_COLUMNS])
    more = f"\n\n… and {frame.width - SAMPLE_COLUMNS} more columns" if frame.width > SAMPLE_COLUMNS else ""
    return as_markdown(shown) + more


def as_markdown(frame: pl.DataFrame) -> str:
    """All rows as a Markdown table."""
    lines = ["| " + " | ".join(frame.columns) + " |", "|" + " --- |" * frame.width]
    lines += ["| " + " | ".join(_cell(value) for value in row) + " |" for row in frame.iter_rows()]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    text = "" if value is None else str(value).replace("|", "\\|").replace("\n", " ")
    return text if len(text) <= CELL_CHARACTERS else text[: CELL_CHARACTERS - 1] + "…"


def description(
    table: str, frame: pl.DataFrame, *, version: int, digest: str, inputs: Mapping[str, int]
) -> dict[str, dg.MetadataValue]:
    """Metadata of one materialization: `inputs` are the Delta versions of what it was made from."""
    metadata: dict[str, dg.MetadataValue] = {
        "dagster/row_count": dg.MetadataValue.int(frame.height),
        "delta_version": dg.MetadataValue.int(version),
        "digest": dg.MetadataValue.text(digest),
        "input_versions": dg.MetadataValue.json(dict(sorted(inputs.items()))),
    }
    if frame.height:
        metadata["sample"] = dg.MetadataValue.md(sample(frame))
    if frame.height and table in SUMMARIES:
        metadata["summary"] = dg.MetadataValue.md(as_markdown(SUMMARIES[table](frame)))
    draw = PICTURES.get(table)
    picture = draw(frame) if draw is not None else None
    if picture is not None:
        metadata["picture"] = dg.MetadataValue.md(picture)
    return metadata
