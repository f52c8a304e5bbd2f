"""Planted errors of every kind the spine must find are found, and nothing else fires under their gates."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from recon_platform.bench.drift import overall, read_truth, run, score_drift, score_folders, table
from recon_platform.connectors import LandingError, read_landing
from recon_platform.plantsim import generate
from recon_platform.tables.truth import TRUTH

LEAST_PRECISION = 0.98


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plant")
    generate(folder, orders=400, drift=0.2)
    return folder


def test_every_kind_of_the_spine_is_found(plant: Path) -> None:
    scores = score_folders(plant, plant / "truth")
    spine = [score for score in scores if score.of_spine and score.observable]
    assert len(spine) >= 8
    assert [score.kind for score in spine if score.recall != 1.0] == []
    recall, precision = overall(scores, spine=True)
    assert recall == 1.0
    assert precision >= LEAST_PRECISION


@pytest.mark.long
@pytest.mark.parametrize("orders", [5_000])
def test_every_kind_of_the_spine_is_found_at_size(orders: int) -> None:
    scores = run(orders, seeds=(1, 2, 3))
    assert [score.kind for score in scores if score.of_spine and score.observable and score.recall != 1.0] == []
    assert overall(scores, spine=True)[1] >= LEAST_PRECISION


def test_the_scores_of_a_landing_are_a_frame_per_kind(plant: Path) -> None:
    night = next(path for path in plant.iterdir() if path.name != "truth")
    frame = score_drift(read_landing(night), read_truth(plant / "truth"))
    assert frame.columns[:7] == ["kind", "drift_kind", "rules", "planted", "observable", "found", "wrong"]
    assert frame.filter(pl.col("kind") == "duplicate_record")["recall"].to_list() == [1.0]


def test_what_is_planted_elsewhere_is_missed_and_what_fired_is_wrong(plant: Path, tmp_path: Path) -> None:
    truth = read_truth(plant / "truth")
    moved = truth.with_columns(row=pl.when(pl.col("kind") == "time_damaged").then(pl.col("row") + 1).otherwise("row"))
    moved.write_csv(tmp_path / "truth.csv")
    scores = {score.kind: score for score in score_folders(plant, tmp_path)}
    damaged = scores["time_damaged"]
    assert damaged.found == 0
    assert damaged.wrong == damaged.planted
    assert damaged.precision == 0.0
    assert "| time_damaged |" in table(list(scores.values()))


def test_a_folder_without_landing_or_truth_is_one_line(tmp_path: Path, plant: Path) -> None:
    with pytest.raises(LandingError, match="no landing folder"):
        score_folders(tmp_path, plant / "truth")
    with pytest.raises(LandingError, match="no truth"):
        score_folders(plant, tmp_path)
    TRUTH.empty().drop("row").write_csv(tmp_path / "truth.csv")
    with pytest.raises(LandingError, match="column 'row' is missing"):
        read_truth(tmp_path)
