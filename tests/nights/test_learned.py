"""A learned parameter asked for, decided and planned with: never before, and with its effects shown."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from recon_platform.cli.app import REFUSED, execute
from recon_platform.cli.doors import write_private
from recon_platform.connectors import read_landing
from recon_platform.governance import Store
from recon_platform.governance.errors import GovernanceError
from recon_platform.lake import Lake
from recon_platform.nights.learned import changes_of, propose_learned
from recon_platform.nights.night import run_night
from recon_platform.nights.records import Manifest
from recon_platform.nights.trial import material_frames
from recon_platform.planning.decisions import apply_changes, changes_in_force
from recon_platform.planning.stages import STAGES, stage
from recon_platform.plantsim import generate
from tests.governance.plant import KEY, Governed, StandingClock, furnish


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, Manifest]:
    """A generated plant's night up to material, in a lake."""
    folder = tmp_path_factory.mktemp("learned")
    made = generate(folder / "landing", orders=60)
    lake: Lake = Lake(str(folder / "lake"))
    return lake, run_night(lake, read_landing(made.nights[0]), stages=STAGES[:3]).manifest


@pytest.fixture
def governed(tmp_path: Path) -> Governed:
    clock = StandingClock()
    store = Store.create(str(tmp_path / "governance.db"), clock=clock, key=KEY)
    return Governed(store, clock, furnish(store))


def longer_lead_time(lake: Lake, manifest: Manifest) -> dict[str, object]:
    """The learned lead time that most exceeds the planned one, of an item that only its supplier delivers."""
    learned = manifest.read(lake, "parameter_proposals").filter(pl.col("kind") == "lead_time")
    buying = manifest.read(lake, "planned_orders").filter(pl.col("make_buy") == "buy")["item"].unique()
    rows = learned.filter(pl.col("item").is_in(buying.implode()))
    assert rows.height, "the plant learned no lead time of an item that is planned"
    off = (pl.col("proposed") - pl.col("current")).abs()
    return rows.sort(off, "subject", descending=[True, False]).row(0, named=True)


def test_an_approved_lead_time_is_planned_with_and_an_open_request_is_not(
    night: tuple[Lake, Manifest], governed: Governed
) -> None:
    lake, manifest = night
    code = str(manifest.pins.plant["code"])
    row = longer_lead_time(lake, manifest)
    request = propose_learned(
        lake, governed.store, governed.actor("paula"), manifest, kind="lead_time", subject=str(row["subject"]),
        reason="receipts say so",
    )  # fmt: skip
    assert request.content["learned"]["samples"] == row["samples"]
    assert request.content["effects"]["planned_orders"] > 0
    governed.clock.move(minutes=1)
    assert governed.store.decisions_in_force(code, governed.clock()).is_empty()
    with pytest.raises(GovernanceError):
        governed.approve("paula", request)
    governed.approve("mia", request)
    governed.clock.move(minutes=1)
    in_force = governed.store.decisions_in_force(code, governed.clock())
    assert in_force["kind"].to_list() == ["parameter"]
    frames = material_frames(lake, manifest)
    made = stage("material").run({**frames, "decisions_in_force": in_force}, manifest.pins.context)

    def starts(planned: pl.DataFrame) -> list[object]:
        return planned.filter(pl.col("item") == row["item"]).sort("order")["start_date"].to_list()

    assert starts(made["planned_orders"]) != starts(frames["planned_orders"])
    changed = apply_changes(frames, changes_in_force(in_force))["supplier_items"].filter(pl.col("item") == row["item"])
    assert row["proposed"] <= changed["lead_time_days"].max() < row["proposed"] + 1  # type: ignore[operator]


def test_each_kind_names_the_row_it_changes(night: tuple[Lake, Manifest]) -> None:
    lake, manifest = night
    frames = material_frames(lake, manifest)
    step = frames["routings"].filter(pl.col("valid_to").is_null()).sort("item", "routing", "op_seq").row(0, named=True)
    setup = frames["setup_matrix"].sort("work_center", "from_value", "to_value").row(0, named=True)
    operation = f"{step['item']}/{step['routing']}/{step['op_seq']}"
    change = f"{setup['work_center']}/{setup['from_value']}/{setup['to_value']}"
    for kind, subject, item, table, column in (
        ("run_time", operation, step["item"], "routings", "run_min_per_unit"),
        ("yield", operation, step["item"], "routings", "yield"),
        ("setup_time", change, None, "setup_matrix", "minutes"),
        ("downtime", setup["work_center"], None, "work_centers", "efficiency"),
    ):
        changes = changes_of({"kind": kind, "subject": subject, "item": item, "proposed": 0.125}, frames)
        made = apply_changes(frames, changes)[table]
        assert [one["table"] for one in changes] == [table]
        assert made.drop(column).equals(frames[table].drop(column))
        assert made.filter(pl.col(column) == 0.125).height == 1
    with pytest.raises(ValueError, match="work_centers: no row of NOWHERE"):
        changes_of({"kind": "downtime", "subject": "NOWHERE", "item": None, "proposed": 0.1}, frames)
    with pytest.raises(ValueError, match="setup_matrix: no row of NOWHERE/a/b"):
        changes_of({"kind": "setup_time", "subject": "NOWHERE/a/b", "item": None, "proposed": 5.0}, frames)


def test_a_lead_time_of_one_of_several_suppliers_is_no_lead_time_of_the_item(night: tuple[Lake, Manifest]) -> None:
    lake, manifest = night
    frames = material_frames(lake, manifest)
    item, supplier = frames["supplier_items"].sort("item", "supplier").select("item", "supplier").row(0)
    rows = frames["supplier_items"].filter(pl.col("item") == item)
    second = rows.head(1).with_columns(supplier=pl.lit("SECOND"))
    frames["supplier_items"] = pl.concat([frames["supplier_items"], second])
    asked = {"kind": "lead_time", "item": item, "proposed": 20.2}
    (change,) = changes_of({**asked, "subject": f"{supplier}/{item}"}, frames)
    assert (change["table"], change["values"]) == ("supplier_items", {"lead_time_days": 21})
    with pytest.raises(ValueError, match="THIRD has no agreement on"):
        changes_of({**asked, "subject": f"THIRD/{item}"}, frames)


def test_what_was_not_learned_is_refused_in_one_line(night: tuple[Lake, Manifest], governed: Governed) -> None:
    lake, manifest = night
    with pytest.raises(ValueError, match="learned no lead_time of NOBODY/NOTHING; it learned "):
        propose_learned(
            lake, governed.store, governed.actor("paula"), manifest, kind="lead_time", subject="NOBODY/NOTHING",
            reason="no",
        )  # fmt: skip
    assert governed.store.requests.find(governed.actor("paula")) == []


def test_the_commands_show_what_was_learned_and_ask_for_it(
    night: tuple[Lake, Manifest], capsys: pytest.CaptureFixture[str]
) -> None:
    lake, manifest = night
    folder = Path(lake.root)
    row = longer_lead_time(lake, manifest)
    assert execute(["parameters", "show", "--lake", str(folder), "--json"]) == 0
    shown = {(one["kind"], one["subject"]): one for one in json.loads(capsys.readouterr().out)}
    assert shown["lead_time", row["subject"]]["proposed"] == row["proposed"]
    assert execute(["parameters", "show", "--lake", str(folder), "--stale", "--json"]) == 0
    assert all(one["stale"] for one in json.loads(capsys.readouterr().out))
    store = Store.create(str(folder / "governance.db"), key=KEY)
    write_private(folder / "governance.key", KEY)
    token = furnish(store)["paula"]
    write_private(folder / "session.json", json.dumps({"token": token}).encode())
    asked = ["parameters", "propose", "lead_time", str(row["subject"]), "--lake", str(folder), "--reason", "receipts"]
    assert execute(asked) == 0
    assert "somebody else decides it with `recon approve 1`" in capsys.readouterr().out
    made = store.requests.find(store.sessions.authenticate(token))
    assert [request.kind for request in made] == ["parameter"]
    asked[3] = "NOBODY/NOTHING"
    assert execute(asked) == REFUSED
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
