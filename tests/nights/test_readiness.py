"""A night starts when its landing is there and every feed is fresh, and says what is missing otherwise."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from recon_platform.nights.readiness import unready

NOW = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)  # 02:30 in Berlin


def landing(folder: Path, *rows: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "plant.toml").write_text('plant = "P1"\ntimezone = "Europe/Berlin"\n', encoding="utf-8")
    (folder / "feeds.csv").write_text(
        "\n".join(("table,source,extracted_at,watermark,rows", *rows)) + "\n", encoding="utf-8"
    )
    return folder


def test_a_landing_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    assert unready(tmp_path / "2026-03-02", NOW) == ["landing 2026-03-02 is not there"]


def test_fresh_feeds_are_ready_local_times_read_in_the_plants_zone(tmp_path: Path) -> None:
    folder = landing(tmp_path / "n", "items,erp,2026-03-02T01:00:00,,1", "operation_status,mes,2026-03-02T00:10:00Z,,1")
    assert unready(folder, NOW) == []


def test_each_stale_feed_is_named_with_its_age(tmp_path: Path) -> None:
    folder = landing(tmp_path / "n", "items,erp,2026-03-01T02:30:00,,1", "lots,mes,2026-03-02T00:10:00Z,,1")
    assert unready(folder, NOW) == ["feed items is 24.0 h old, 12 are allowed"]


def test_the_newest_extraction_of_a_feed_counts(tmp_path: Path) -> None:
    folder = landing(tmp_path / "n", "items,erp,2026-03-02T01:00:00Z,,1", "items,erp,2026-02-01T01:00:00Z,,1")
    assert unready(folder, NOW) == []


def test_many_stale_feeds_are_counted(tmp_path: Path) -> None:
    folder = landing(tmp_path / "n", *(f"t{i},erp,2026-02-01T01:00:00Z,,1" for i in range(8)))
    assert unready(folder, NOW)[-1] == "3 more feeds"


def test_a_broken_feed_file_or_instant_is_named(tmp_path: Path) -> None:
    folder = landing(tmp_path / "n", "items,erp,tonight,,1")
    assert "feed items" in unready(folder, NOW)[0]
    (folder / "feeds.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    assert "feeds.csv" in unready(folder, NOW)[0]


def test_no_feeds_table_means_ready_with_the_landing(tmp_path: Path) -> None:
    folder = landing(tmp_path / "n")
    (folder / "feeds.csv").unlink()
    assert unready(folder, NOW) == []
