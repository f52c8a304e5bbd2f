"""`recon material-effects` on a real night: text for people, JSON for programs, and what is wrong said in one line."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from recon_platform.cli.app import REFUSED, execute
from recon_platform.connectors import read_landing
from recon_platform.lake import Lake
from recon_platform.nights.night import run_night
from recon_platform.nights.records import Manifest
from recon_platform.planning.stages import STAGES
from recon_platform.plantsim import generate


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Manifest]:
    """A generated plant's night up to material, in a lake."""
    folder = tmp_path_factory.mktemp("what-if")
    generate(folder / "landing", orders=40)
    landing = read_landing(next(iter(sorted(p.parent for p in (folder / "landing").rglob("plant.toml")))))
    lake = str(folder / "lake")
    return lake, run_night(Lake(lake), landing, stages=STAGES[:3]).manifest


def busiest(lake: str, manifest: Manifest) -> str:
    """An item that stock serves."""
    served = manifest.read(Lake(lake), "pegging").filter(
        (pl.col("supply_type") == "stock") & ~pl.col("demand_type").is_in(["surplus", "safety_stock"])
    )
    return str(served.sort(["qty", "item"], descending=[True, False]).item(0, "item"))


def test_a_withdrawal_is_shown_in_json_and_in_words(
    planned: tuple[str, Manifest], capsys: pytest.CaptureFixture[str]
) -> None:
    lake, manifest = planned
    item = busiest(lake, manifest)
    stock = manifest.read(Lake(lake), "inventory").filter((pl.col("item") == item) & (pl.col("status") == "available"))
    asked = ["material-effects", "--lake", lake, "--withdraw", f"{item}={stock['qty'].sum()}"]
    assert execute([*asked, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["run"] == manifest.run_id
    assert told["orders"] or told["messages"]
    assert {
        "messages",
        "orders",
        "levels",
        "load_hours",
        "tools",
        "skills",
        "vendors",
        "money",
        "frozen",
        "fenced",
    } <= set(told)
    assert {cause["category"] for cause in told["causes"]} <= {"UNPLANNED_TXN"}
    assert execute(asked) == 0
    shown = capsys.readouterr().out
    assert "nothing is changed" in shown and "Work centers, hours" in shown
    assert manifest.read(Lake(lake), "inventory").height >= stock.height


def test_a_parameter_that_stays_as_it_is_has_no_effect(
    planned: tuple[str, Manifest], capsys: pytest.CaptureFixture[str]
) -> None:
    lake, manifest = planned
    row = manifest.read(Lake(lake), "items").sort("item").row(0, named=True)
    same = f"{row['item']}.lead_time_days={row['lead_time_days']}"
    assert execute(["material-effects", "--lake", lake, "--parameter", same, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["orders"] == [] and told["messages"] == [] and told["money"] == 0 and told["causes"] == []


def test_what_is_asked_wrongly_is_said_in_one_line(
    planned: tuple[str, Manifest], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    lake, _ = planned
    for arguments, said in (
        ([], "say what to try"),
        (["--withdraw", "X"], "expected ITEM=QTY"),
        (["--withdraw", "X=much"], "'much' is no number"),
        (["--demand", "X=3"], "ITEM@DATE=QTY"),
        (["--supply", "NOWHERE=2026-03-04"], "found none"),
    ):
        assert execute(["material-effects", "--lake", lake, *arguments]) == REFUSED
        lines = capsys.readouterr().err.strip().splitlines()
        assert len(lines) == 1 and said in lines[0]


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("causes", "Beside it"),
        ("balance", "Asked tonight"),
        ("lead-times", "Stacked lead times"),
        ("vendors", "Reliability of vendors"),
        ("use-up", "When what is there"),
    ],
)
def test_questions_about_a_night_are_answered(
    planned: tuple[str, Manifest], capsys: pytest.CaptureFixture[str], question: str, title: str
) -> None:
    assert execute(["material", question, "--lake", planned[0]]) == 0
    assert title in capsys.readouterr().out


def test_a_late_purchase_is_caught_up_in_json_and_a_wrong_question_names_the_right_ones(
    planned: tuple[str, Manifest], capsys: pytest.CaptureFixture[str]
) -> None:
    lake, manifest = planned
    served = manifest.read(Lake(lake), "pegging").filter(
        (pl.col("supply_type") == "purchase_order") & (pl.col("demand_type") == "work_order")
    )
    order, need = served.sort("need_date", "supply").select("supply", "need_date").row(0)
    late = (need + timedelta(days=14)).isoformat()
    assert execute(["material", "catch-up", order, "--on", late, "--lake", lake, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["run"] == manifest.run_id
    assert told["tables"]["Orders to firm, from the lowest level up"]
    assert told["tables"]["Back on schedule?"][0]["days_left_open"] >= 0
    assert execute(["material", "why", "--lake", lake]) == REFUSED
    assert "expected one of causes, balance" in capsys.readouterr().err
