"""A mapping profile turns an extract into landing tables, says what it assumed, and fails in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from recon_platform.connectors import LandingError, read_landing
from recon_platform.connectors.mapping import apply_profile, shipped_profiles

PROFILE = """
name = "tiny"
[plant]
plant = "TINY"
timezone = "UTC"
calendar = "DAY"
as_of = "$as_of"
[sources]
parts = "parts.csv"
[assumptions.as_of]
value = "2026-03-02T06:00:00"
text = "rewound"
[assumptions.calendar]
text = "none given"
[absent]
feeds = "no feeds"
[facts.blank]
text = "parts without a name"
sql = "select count(*) from parts where name is null"
"""
ITEMS = (
    "select id as item, 'buy' as make_buy, 'PCE' as uom, '1' as lead_time_days, 'lot_for_lot' as lot_rule from parts"
)


def _profile(folder: Path, items: str = ITEMS, text: str = PROFILE) -> Path:
    (folder / "tables").mkdir(parents=True)
    (folder / "profile.toml").write_text(text)
    (folder / "tables" / "items.sql").write_text(items)
    return folder


def _source(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "parts.csv").write_text("id,name\n007,bolt\n8,\n")
    return folder


def test_a_profile_writes_landing_tables_and_what_it_assumed(tmp_path: Path) -> None:
    report = apply_profile(_profile(tmp_path / "p"), _source(tmp_path / "s"), tmp_path / "out")
    assert report.tables == {"items": 2}
    assert report.sources == {"parts": 2}
    assert [fact.count for fact in report.facts] == [1]
    assert (tmp_path / "out" / "items.csv").read_text().splitlines()[1] == "007,buy,PCE,1,lot_for_lot"
    assert "assumed as_of = 2026-03-02T06:00:00: rewound" in report.lines()
    stored = json.loads((tmp_path / "out" / "mapping_report.json").read_text())
    assert stored["assumptions"][1] == {"name": "calendar", "text": "none given", "value": None}


def test_an_assumption_can_be_given_another_value(tmp_path: Path) -> None:
    items = ITEMS.replace("'1' as lead", "getvariable('as_of') as description, '1' as lead")
    profile, source = _profile(tmp_path / "p", items), _source(tmp_path / "s")
    apply_profile(profile, source, tmp_path / "out", assume={"as_of": "2020-01-01T00:00:00"})
    assert "2020-01-01T00:00:00" in (tmp_path / "out" / "items.csv").read_text()
    assert 'as_of = "2020-01-01T00:00:00"' in (tmp_path / "out" / "plant.toml").read_text()
    with pytest.raises(LandingError, match="assumption 'due' is not declared"):
        apply_profile(profile, source, tmp_path / "out", assume={"due": 1})


def test_the_same_source_gives_the_same_bytes(tmp_path: Path) -> None:
    profile, source = _profile(tmp_path / "p"), _source(tmp_path / "s")
    for name in ("a", "b"):
        apply_profile(profile, source, tmp_path / name)
    for file in ("items.csv", "plant.toml"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_queries_see_the_sources_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    items = f"select * from read_csv('{tmp_path / 'secret.csv'}')"
    with pytest.raises(LandingError, match="the query fails"):
        apply_profile(_profile(tmp_path / "p", items), _source(tmp_path / "s"), tmp_path / "out")


BROKEN = {
    "unknown column": ("select colour from parts", PROFILE, "the query fails.*tables/items.sql"),
    "not of the contract": (ITEMS.replace("id as item", "id as item, name"), PROFILE, "'name' is not in the contract"),
    "missing source": (ITEMS, PROFILE.replace("parts.csv", "more.csv"), "missing.*more.csv"),
    "bad TOML": (ITEMS, "name = ", "not valid TOML"),
    "unknown setting": (ITEMS, "colour = 1\n" + PROFILE, "unknown setting 'colour'"),
    "no sources": (ITEMS, 'name = "x"\n[plant]\nplant = "X"\n', "sources is missing"),
    "bad time zone": (ITEMS, PROFILE.replace('"UTC"', '"Mars"'), "timezone must be"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_profile_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    items, text, message = BROKEN[name]
    with pytest.raises(LandingError, match=message) as caught:
        apply_profile(_profile(tmp_path / "p", items, text), _source(tmp_path / "s"), tmp_path / "out")
    assert "\n" not in str(caught.value)


def test_profiles_ship_with_the_platform() -> None:
    assert set(shipped_profiles()) >= {"adventureworks", "odoo17", "production_log"}
    with pytest.raises(LandingError, match="no profile 'sap'; shipped are adventureworks, odoo17, production_log"):
        apply_profile("sap", Path(), Path())


def test_what_a_profile_wrote_is_a_landing_folder_with_its_assumptions(tmp_path: Path) -> None:
    text = PROFILE.replace("[absent]\n", "[absent]\n" + "".join(
        f'{name} = "none"\n' for name in (
            "customers", "sales_orders", "bom_lines", "routings", "work_centers", "calendars", "inventory",
            "purchase_orders", "work_orders", "operation_status",
        )
    ))  # fmt: skip
    apply_profile(_profile(tmp_path / "p", text=text), _source(tmp_path / "s"), tmp_path / "out")
    landing = read_landing(tmp_path / "out")
    assert landing.assumptions["as_of"] == "2026-03-02T06:00:00: rewound"
    assert landing.assumptions["absent_feeds"] == "no feeds"
    assert landing.frames["items"]["item"].to_list() == ["007", "8"]
    assert landing.frames["work_orders"].is_empty()
