"""The generated plant: consistent without drift, the same from the same seed, truth that says what was planted."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from recon_platform.plantsim import GeneratedPlant, generate
from recon_platform.plantsim.landing import LANDING
from recon_platform.plantsim.night import as_of_minute, true_tables
from recon_platform.plantsim.state import State, state_at

ORDERS = 300
INFO_ONLY = {"QT-05", "QT-09", "QT-10", "BF-01", "BF-12"}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> GeneratedPlant:
    return generate(tmp_path_factory.mktemp("clean"), orders=ORDERS, nights=3, seed=3, drift=0.0)


@pytest.fixture(scope="module")
def drifted(tmp_path_factory: pytest.TempPathFactory) -> GeneratedPlant:
    return generate(tmp_path_factory.mktemp("drifted"), orders=ORDERS, nights=3, seed=3, drift=0.2)


def _night(plant: GeneratedPlant, number: int) -> State:
    day = date.fromisoformat(plant.nights[number].name)
    return state_at(plant.history, as_of_minute(plant.history, day))


def _read(folder: Path, table: str) -> pl.DataFrame:
    return pl.read_csv(folder / f"{table}.csv", infer_schema=False)


def test_a_folder_a_night_with_every_table_it_can_fill(clean: GeneratedPlant) -> None:
    assert [path.name for path in clean.nights] == ["2026-03-02", "2026-03-03", "2026-03-04"]
    for folder in clean.nights:
        names = {path.stem for path in folder.glob("*.csv")}
        assert names <= set(LANDING)
        required = {name for name, table in LANDING.items() if not table.optional}
        assert required <= names
        assert (folder / "plant.toml").exists()
        feeds = _read(folder, "feeds")
        for name, rows in zip(feeds["table"], feeds["rows"], strict=True):
            assert _read(folder, name).height == int(rows)


def test_columns_are_the_contract(clean: GeneratedPlant) -> None:
    for path in clean.nights[0].glob("*.csv"):
        known = LANDING[path.stem].column_names
        found = _read(clean.nights[0], path.stem).columns
        assert [name for name in known if name in found] == found


def test_master_data_and_books_pass_their_own_schemas(clean: GeneratedPlant) -> None:
    tables = true_tables(_night(clean, 1))
    for name, frame in tables.items():
        LANDING[name].pandera().validate(frame)


def test_same_seed_same_bytes_and_more_nights_only_add(tmp_path: Path, drifted: GeneratedPlant) -> None:
    again = generate(tmp_path, orders=ORDERS, nights=2, seed=3, drift=0.2)
    for one, two in zip(again.nights, drifted.nights, strict=False):
        files = sorted(path.name for path in one.iterdir())
        assert files == sorted(path.name for path in two.iterdir())
        for name in files:
            assert (one / name).read_bytes() == (two / name).read_bytes(), f"{one.name}/{name}"


def test_about_as_many_open_orders_as_asked(clean: GeneratedPlant) -> None:
    for number in range(3):
        open_orders = _night(clean, number).orders.filter(~pl.col("status").is_in(["closed", "complete"]))
        assert 0.75 * ORDERS <= len(open_orders) <= 1.35 * ORDERS


def test_units_are_conserved_operation_by_operation(clean: GeneratedPlant) -> None:
    for number in range(3):
        state = _night(clean, number)
        ops = state.operations.sort("order", "op_seq")
        first = (ops["order"] != ops["order"].shift(1)).fill_null(True)
        before = ops["good"].shift(1).fill_null(0)
        begun = ops["status"] != "waiting"
        entered = pl.Series(np.where(first, np.where(begun, ops["units_in"], 0), before))
        assert (ops["good"] + ops["scrap"] + ops["in_process"] == entered).all()
        assert ops.select(pl.min_horizontal("good", "scrap", "in_process").min()).item() >= 0
        complete = ops.filter(pl.col("status") == "complete")
        assert (complete["in_process"] == 0).all()


def test_erp_and_mes_agree_exactly_without_drift(clean: GeneratedPlant) -> None:
    for folder in clean.nights:
        orders = _read(folder, "work_orders").with_columns(
            pl.col("qty", "completed_qty", "scrapped_qty").cast(pl.Float64)
        )
        reports = _read(folder, "operation_status").with_columns(
            pl.col("good_qty", "scrap_qty").cast(pl.Float64), pl.col("op_seq").cast(pl.Int64)
        )
        floor = (
            reports.sort("order", "op_seq").group_by("order").agg(pl.col("good_qty").last(), pl.col("scrap_qty").sum())
        )
        both = orders.join(floor, left_on="work_order", right_on="order", how="left").fill_null(0.0)
        assert (both["completed_qty"] * 1000 - both["good_qty"]).abs().max() < 1e-6
        assert (both["scrapped_qty"] * 1000 - both["scrap_qty"]).abs().max() < 1e-6
        unreleased = orders.filter(pl.col("status").is_in(["planned", "firm"]))
        assert unreleased.join(reports, left_on="work_order", right_on="order", how="semi").is_empty()


def test_wire_is_conserved_by_lot(clean: GeneratedPlant) -> None:
    state = _night(clean, 2)
    stock = true_tables(state)["inventory"].filter(pl.col("location") == "WIRE")
    assert stock["qty"].min() > 0
    book = state.history.book
    drawn = state.drawn.filter(pl.col("component_index") >= 0).group_by("purchase").agg(pl.col("issued").sum())
    wires = book.purchases.filter(pl.col("kind") == "wire").join(drawn, on="purchase")
    received = state.history.world.clock.local_days(np.array([state.now]))[0]
    arrived = wires.filter(pl.col("second_day") < received)
    left = arrived.join(stock.select("lot", on_hand="qty"), on="lot", how="left").fill_null(0.0)
    assert (left["qty"] - left["issued"] - left["on_hand"]).abs().max() < 0.06


def test_a_machine_does_one_thing_at_a_time_and_only_while_it_works(clean: GeneratedPlant) -> None:
    ops = clean.history.operations.filter((pl.col("machine") >= 0) & (pl.col("batch_max") == 0)).sort(
        "machine", "setup_start"
    )
    same = ops["machine"] == ops["machine"].shift(1)
    assert ((ops["setup_start"] >= ops["end"].shift(1)) | ~same).fill_null(True).all()
    machine, intervals = ops["machine"].to_numpy(), clean.history.intervals
    worked = intervals.worked(machine, ops["end"].to_numpy()) - intervals.worked(machine, ops["start"].to_numpy())
    inside = ops["end"].to_numpy() < clean.history.horizon
    assert (worked[inside] == ops["minutes"].to_numpy()[inside]).all()


def test_nights_evolve_forward(clean: GeneratedPlant) -> None:
    one, two = (_read(folder, "operation_status") for folder in clean.nights[:2])
    both = one.join(two, on=["order", "op_seq"], suffix="_later")
    good, later = both["good_qty"].cast(pl.Float64), both["good_qty_later"].cast(pl.Float64)
    assert (later >= good).all()
    assert (later > good).any()


def test_truth_points_at_the_rows_it_speaks_of(drifted: GeneratedPlant) -> None:
    truth = pl.read_parquet(drifted.truth)
    assert set(truth["night"].dt.to_string("%Y-%m-%d")) == {path.name for path in drifted.nights}
    cells = truth.filter(pl.col("row").is_not_null() & (pl.col("field") != "*") & (pl.col("kind") != "routing_missing"))
    assert cells.height > 100
    for (night, table), part in cells.group_by("night", "table"):
        frame = _read(drifted.out / str(night), str(table))
        for row in part.iter_rows(named=True):
            if row["field"] in frame.columns:
                assert frame[row["field"]][row["row"] - 1] == row["reported_value"], row


def test_every_planted_error_names_its_rules_and_differs_from_the_truth(drifted: GeneratedPlant) -> None:
    truth = pl.read_parquet(drifted.truth)
    observable = truth.filter("observable")
    assert (observable["expected_rules"].str.len_chars() > 0).all()
    assert not set(truth["expected_rules"].str.split(",").explode()) & INFO_ONLY
    values = truth.filter((pl.col("field") != "*") & (pl.col("kind") != "other_routing"))
    assert (values["true_value"].fill_null("") != values["reported_value"].fill_null("")).all()
    one_story = (
        truth.filter(pl.col("entity_type") == "work_order").group_by("night", "entity").agg(pl.col("kind").n_unique())
    )
    assert (one_story["kind"] == 1).all()


def test_drift_rate_sets_how_many_orders_err(tmp_path: Path) -> None:
    def planted(rate: float) -> int:
        plant = generate(tmp_path / str(rate), orders=1000, seed=5, drift=rate)
        return pl.read_parquet(plant.truth).filter("observable")["entity"].n_unique()

    low, high = planted(0.05), planted(0.2)
    assert 25 <= low <= 110
    assert 2.0 * low < high < 7.0 * low


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"orders": 0}, "orders"), ({"nights": 0}, "nights"), ({"drift": 1.5}, "drift"), ({"plant": "bakery"}, "bakery")],
)
def test_wrong_arguments_are_named(tmp_path: Path, arguments: dict[str, object], message: str) -> None:
    settings: dict[str, object] = {"orders": 10, **arguments}
    with pytest.raises(ValueError, match=message):
        generate(tmp_path, **settings)  # type: ignore[arg-type]


@pytest.mark.long
def test_a_hundred_thousand_orders_in_under_a_minute(tmp_path: Path) -> None:
    import time

    began = time.process_time()
    plant = generate(tmp_path, orders=100_000)
    assert time.process_time() - began < 90
    assert (plant.nights[0] / "operation_status.parquet").exists()
