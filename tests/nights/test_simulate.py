"""Simulated nights: one world for all policies, going on after a kill with the same results, a report from one call."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from recon_platform.nights.simulate import Settings, Simulated, simulate
from recon_platform.nights.simulation_report import BEGIN, END, by_seed, differences, summary, write_report

ORDERS = 60


class KilledError(Exception):
    """Stands for a process that ends in the middle of a night."""


def killed_in(night: int, out: Path, settings: Settings) -> None:
    def stop(text: str) -> None:
        if text.startswith(f"night {night} "):
            raise KilledError

    with pytest.raises(KilledError):
        simulate(out, settings, progress=stop)


def floor_alone(policy: str, nights: int = 4) -> Settings:
    return Settings(policy, nights, ORDERS, seed=2, through="none")


def same(one: Simulated, two: Simulated) -> None:
    assert one.measures.equals(two.measures)
    assert one.truth.equals(two.truth)


@pytest.mark.parametrize("policy", ["edd", "erp", "foreman"])
def test_a_killed_run_goes_on_and_ends_identically(tmp_path: Path, policy: str) -> None:
    whole = simulate(tmp_path / "whole", floor_alone(policy))
    killed_in(3, tmp_path / "killed", floor_alone(policy))
    assert len(list((tmp_path / "killed" / "results").glob("*.measures.parquet"))) == 2
    same(whole, simulate(tmp_path / "killed", floor_alone(policy)))
    assert whole.measures["night"].n_unique() == 4
    assert whole.seconds.height == 4


def test_a_finished_run_is_not_run_again(tmp_path: Path) -> None:
    whole = simulate(tmp_path, floor_alone("edd", 2))
    asked: list[str] = []
    same(whole, simulate(tmp_path, floor_alone("edd", 2), progress=asked.append))
    assert asked == []


def test_another_setting_needs_another_folder(tmp_path: Path) -> None:
    simulate(tmp_path, floor_alone("edd", 1))
    with pytest.raises(ValueError, match="other settings"):
        simulate(tmp_path, Settings("edd", 1, ORDERS, seed=3, through="none"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"policy": "guess"}, "guess"),
        ({"policy": "edd", "nights": 0}, "nights"),
        ({"policy": "platform", "through": "none"}, "published schedule"),
        ({"policy": "edd", "through": "moon"}, "moon"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Settings(**{"nights": 1, "orders": ORDERS, **settings})  # type: ignore[arg-type]


@pytest.mark.parametrize("through", ["core", pytest.param("lake", marks=pytest.mark.long)])
def test_with_the_platform_in_the_loop_a_killed_run_ends_identically(tmp_path: Path, through: str) -> None:
    settings = Settings("platform", 3, ORDERS, seed=2, through=through)
    whole = simulate(tmp_path / "whole", settings)
    killed_in(3, tmp_path / "killed", settings)
    again = simulate(tmp_path / "killed", settings)
    same(whole, again)
    measured = set(whole.measures["metric"])
    assert {"otif_first_promised", "days_late", "plan_adherence", "findings_per_100", "messages_per_100"} <= measured
    first, last = (
        whole.measures.filter(pl.col("night") == night) for night in whole.measures["night"].unique().sort()[[0, -1]]
    )
    findings = [frame.filter(pl.col("metric") == "findings_per_100")["value"][0] for frame in (first, last)]
    assert findings[1] < findings[0]  # what the platform found the first night was put right


def test_one_call_writes_the_page_and_the_chart(tmp_path: Path) -> None:
    results = [simulate(tmp_path / policy, floor_alone(policy, 2)) for policy in ("edd", "foreman")]
    assert summary(results).columns == ["metric", "edd", "foreman"]
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "simulation.md").write_text(f"# Head\n{BEGIN}\nold\n{END}\ntail\n", encoding="utf-8")
    write_report(docs, results)
    page, drawn = (
        (docs / "simulation.md").read_text(encoding="utf-8"),
        (docs / "images" / "simulation.svg").read_bytes(),
    )
    assert "old" not in page
    assert page.endswith("tail\n")
    assert "| otif_first_promised |" in page
    write_report(docs, results)
    assert (docs / "images" / "simulation.svg").read_bytes() == drawn
    (docs / "simulation.md").write_text("no marks", encoding="utf-8")
    with pytest.raises(ValueError, match="marks"):
        write_report(docs, results)


def test_several_seeds_are_compared_world_by_world(tmp_path: Path) -> None:
    runs = [
        simulate(tmp_path / f"{policy}{seed}", Settings(policy, 2, ORDERS, seed=seed, through="none"))
        for seed in (2, 3, 4)
        for policy in ("edd", "foreman")
    ]
    values = by_seed(runs).filter(pl.col("metric") == "days_late")
    gain = {
        seed: values.filter(pl.col("policy") == "foreman", pl.col("seed") == seed)["value"][0]
        - values.filter(pl.col("policy") == "edd", pl.col("seed") == seed)["value"][0]
        for seed in (2, 3, 4)
    }
    row = differences(runs, "foreman").row(by_predicate=pl.col("metric") == "days_late", named=True)
    mean = sum(gain.values()) / 3
    spread = (sum((one - mean) ** 2 for one in gain.values()) / 2) ** 0.5
    assert (row["other"], row["seeds"]) == ("edd", 3)
    assert row["mean"] == pytest.approx(mean)
    assert row["half"] == pytest.approx(4.303 * spread / 3**0.5)
    assert summary(runs).columns == ["metric", "edd", "foreman"]
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "simulation.md").write_text(f"{BEGIN}\n{END}\n", encoding="utf-8")
    write_report(docs, runs)
    page = (docs / "simulation.md").read_text(encoding="utf-8")
    assert "seeds 2, 3, 4" in page
    assert "| edd, seed 3 |" in page
