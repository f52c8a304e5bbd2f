"""Numbers, dates, hours and money as the plant writes them: in words, on pages, in CSV, in the Gantt and on paper."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from starlette.testclient import TestClient

from recon_platform.connectors.landing_error import LandingError
from recon_platform.connectors.plant_file import read_plant_file
from recon_platform.console import words
from recon_platform.console.app import create_app
from recon_platform.console.page import Show
from recon_platform.console.settings import ConsoleSettings
from recon_platform.console.weekly import weekly_report
from recon_platform.lake import Lake
from recon_platform.nights.records import manifests, name_run, record_manifest
from recon_platform.tables.context import Plant
from recon_platform.tables.locales import LOCALES
from tests.console.test_weekly import text_of

INSTANT, BERLIN = datetime(2026, 4, 3, 12, 5, 9, tzinfo=UTC), ZoneInfo("Europe/Berlin")
SITE = "https://console.works.example"


@pytest.mark.parametrize(("locale", "number", "day", "instant", "stamp"), [
    ("en-GB", "1,234,567.5", "Fri 3 Apr 2026", "Fri 3 Apr 14:05", "Fri 3 Apr 2026 14:05:09 CEST"),
    ("en-US", "1,234,567.5", "Fri, Apr 3, 2026", "Fri, Apr 3, 2:05 PM", "Fri, Apr 3, 2026, 2:05:09 PM CEST"),
    ("de-DE", "1.234.567,5", "Fri 3 Apr 2026", "Fri 3 Apr 14:05", "Fri 3 Apr 2026 14:05:09 CEST"),
    ("de-CH", "1’234’567.5", "Fri 3 Apr 2026", "Fri 3 Apr 14:05", "Fri 3 Apr 2026 14:05:09 CEST"),
    ("fi-FI", "1 234 567,5", "Fri 3 Apr 2026", "Fri 3 Apr 14.05", "Fri 3 Apr 2026 14.05.09 CEST"),
    ("fr-FR", "1 234 567,5", "Fri 3 Apr 2026", "Fri 3 Apr 14:05", "Fri 3 Apr 2026 14:05:09 CEST"),
    ("ja-JP", "1,234,567.5", "Fri 2026-04-03", "Fri 04-03 14:05", "Fri 2026-04-03 14:05:09 CEST"),
])  # fmt: skip
def test_each_way_of_writing(locale: str, number: str, day: str, instant: str, stamp: str) -> None:
    with words.speaking_for(Plant("P", locale=locale)):
        written = [words.number(1_234_567.5), words.day(date(2026, 4, 3)), words.instant(INSTANT, BERLIN),
                   words.stamp(INSTANT, BERLIN)]  # fmt: skip
    assert [re.sub("[\u00a0\u202f]", " ", text) for text in written] == [number, day, instant, stamp]
    assert words.number(1_234_567.5) == "1,234,567.5"  # outside again


def test_money_has_the_currency_and_its_cents() -> None:
    with words.speaking_for(Plant("P", currency="CHF", locale="de-CH")):
        assert words.cell(1234.5, Show.MONEY, BERLIN) == "1’234.50"
        assert words.unit("plant currency per hour") == "CHF per hour"
        assert words.signed(-1234.5) == "−1’234.5" and words.cell(0.125, Show.SHARE, BERLIN) == "12.5\u00a0%"
    with words.speaking_for(Plant("P", currency="JPY", locale="ja-JP")):
        assert words.money(1234.4) == "1,234"


def test_noon_and_midnight_by_the_twelve_hour_clock() -> None:
    with words.speaking_for(Plant("P", locale="en-US")):
        told = [words.instant(datetime(2026, 4, 3, hour, 30, tzinfo=UTC), ZoneInfo("UTC")) for hour in (0, 11, 12, 23)]
    assert [text.split(", ")[-1] for text in told] == [
        "12:30\u00a0AM",
        "11:30\u00a0AM",
        "12:30\u00a0PM",
        "11:30\u00a0PM",
    ]


def test_the_plant_file_names_a_locale_that_is_known() -> None:
    assert read_plant_file(b'plant = "P1"').plant.locale == "en-GB"
    assert all(read_plant_file(f'plant = "P1"\nlocale = "{name}"'.encode()).plant.locale == name for name in LOCALES)
    with pytest.raises(LandingError, match=r"locale.*de-DE.*'xx-YY'"):
        read_plant_file(b'plant = "P1"\nlocale = "xx-YY"')


@pytest.fixture(scope="module")
def austrian(demo_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A planner's browser at the demo plant, had it been handed over as one in Austria that counts in dollars."""
    home = tmp_path_factory.mktemp("austria") / "demo"
    shutil.copytree(demo_once, home)
    lake = home / "lake"
    newest = manifests(Lake(str(lake)))[-1]
    pins = newest.pins
    again = replace(
        pins, plant={**pins.plant, "currency": "USD", "locale": "de-AT"}, sequence=pins.sequence + 1,
        run_id=name_run("FASTENER", date.fromisoformat(pins.planning_date), pins.sequence + 1, "0" * 12),
    )  # fmt: skip
    record_manifest(Lake(str(lake)), replace(newest, pins=again))
    app = create_app(ConsoleSettings(str(lake), str(lake / "governance.db"), lake / "governance.key"))
    console = app.state.console
    secret = json.loads((home / "people.json").read_text())["planner"]
    token = console.store.sessions.login("planner", secret).token
    yield TestClient(app, base_url=f"{SITE}/p/FASTENER", headers={"authorization": f"Bearer {token}"})
    console.jobs.close()
    console.store.close()


def test_pages_lists_gantt_and_paper_are_written_for_the_plant(austrian: TestClient) -> None:
    page = austrian.get("/backlog").text
    assert '<html lang="en">' in page and "Value at stake, USD" in page
    assert re.search(r'<td class="num">\d{1,3}(\.\d{3})*,\d\d</td>', page)
    assert not re.search(r'<td class="num">[^<]*\d\.\d{1,2}</td>', page)
    exported = austrian.get("/backlog?queue.export=queue").content.decode("utf-8-sig").splitlines()
    assert exported[0].startswith("Rank;Rule;") and re.search(r";\d+,\d+", exported[1])
    data = austrian.get("/schedule/gantt.json").json()
    assert (data["language"], data["noon"]) == ("en-GB", False)
    assert ",5 EUR" not in austrian.get("/value").text and "USD" in austrian.get("/value").text
    nights = austrian.app.state.console.nights.all("FASTENER")  # type: ignore[attr-defined]
    said = text_of(weekly_report(nights[-1:]))
    shares = re.findall(r"\d+([.,])\d ", said)
    assert shares and set(shares) == {","}


def test_one_visitors_plant_is_not_the_next_ones(austrian: TestClient) -> None:
    assert 'lang="en"' in austrian.get("/today").text
    assert words.language() == "en-GB"
    assert '<html lang="en-GB">' in austrian.get(f"{SITE}/login").text
