"""A plan does not depend on the form in which a source hands over: CSV, Parquet, or either through the lake."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from recon_platform.conform import conform
from recon_platform.connectors import Landing, read_landing
from recon_platform.lake import frame_digest
from recon_platform.lake.raw import packed, raw_text, unpacked
from recon_platform.nights.context import landing_context
from recon_platform.plantsim import generate

FILE_COLUMNS = {"source_file", "file"}


def digests(landing: Landing, *, through_the_lake: bool) -> dict[str, str]:
    """Digest of every conformed table, without the names of the files."""
    frames = dict(landing.frames)
    if through_the_lake:
        frames = {name: unpacked(name, packed(name, raw_text(name, frame))[1]) for name, frame in frames.items()}
    made = conform(frames, landing_context(landing))
    return {name: frame_digest(_without_file_names(frame)) for name, frame in made.items()}


def _without_file_names(frame: pl.DataFrame) -> pl.DataFrame:
    """Findings about a row name its file in their text: only the ending differs between the forms."""
    return frame.drop(FILE_COLUMNS & set(frame.columns)).with_columns(
        pl.col(pl.String).str.replace_all(".parquet", ".csv", literal=True)
    )


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = {}
    for form, parquet in (("csv", False), ("parquet", True)):
        root = tmp_path_factory.mktemp(form)
        generate(root, orders=30, seed=3, parquet=parquet)
        made[form] = next(path for path in sorted(root.iterdir()) if (path / "plant.toml").exists())
    return made


def test_csv_and_parquet_conform_to_the_same_tables_with_and_without_lake(folders: dict[str, Path]) -> None:
    expected = digests(read_landing(folders["csv"]), through_the_lake=False)
    assert digests(read_landing(folders["csv"]), through_the_lake=True) == expected
    assert digests(read_landing(folders["parquet"]), through_the_lake=False) == expected
    assert digests(read_landing(folders["parquet"]), through_the_lake=True) == expected
