"""Properties 1 to 3 through every door there is: web pages, JSON API, command line, the door for agents."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from starlette.testclient import TestClient

from recon_platform.agents.desk import Desk
from recon_platform.cli import doors, output
from recon_platform.cli.app import execute
from recon_platform.console.access import declared
from recon_platform.console.app import create_app
from recon_platform.console.settings import ConsoleSettings
from recon_platform.governance import GRANTS, Door, Permission, Role, Store
from recon_platform.governance.clock import system_clock
from recon_platform.governance.permissions import granted
from recon_platform.governance.plant_time import anchor
from recon_platform.governance.requests import Draft, Request
from tests.governance.night_lake import NightLake
from tests.governance.plant import AGENT, KEY, NOON, PEOPLE, SECRET

SITE = "https://console.works.example"
EVERYBODY = (*PEOPLE, AGENT)
PROPOSERS = tuple(
    name for name in EVERYBODY if name == AGENT or Permission.PROPOSE in granted(frozenset(PEOPLE[name][1]))
)
DECIDERS = tuple(name for name in PEOPLE if Permission.APPROVE in granted(frozenset(PEOPLE[name][1])))


@dataclass
class House:
    """One plant with all its doors open."""

    night: NightLake
    store: Store
    app: FastAPI
    tmp: Path
    _browsers: dict[str, tuple[TestClient, str]] = field(default_factory=dict)

    def asked(self, proposer: str, door: Door = Door.CLI) -> Request:
        """A request that `proposer` made, of a kind that every proposer may make."""
        actor = self.store.sessions.authenticate(self.night.tokens[proposer], door=door)
        draft = Draft("pin", self.night.plant, f"WO-{proposer}", "keep it", "the die is mounted", {"change": []})
        return self.store.requests.propose(actor, draft)

    def state(self, request: Request) -> str:
        return self.store.requests.get(self.night.actor(self.store, "ava"), request.request).state

    def by_web(self, name: str, request: Request, verdict: str) -> bool:
        browser, csrf = self.browser(name)
        answer = browser.post(
            f"/p/{self.night.plant}/decisions/{request.request}/{verdict}",
            data={"csrf": csrf, "digest": request.digest, "reason": "seen"},
        )
        assert answer.status_code in {303, 403}, answer.text[-300:]
        return answer.status_code == 303

    def by_api(self, name: str, request: Request, verdict: str) -> bool:
        answer = self.program(name).post(
            f"/api/v1/plants/{self.night.plant}/requests/{request.request}/{verdict}",
            json={"digest": request.digest, "reason": "seen"},
        )
        assert answer.status_code in {200, 403}, answer.text
        return answer.status_code == 200

    def by_command(self, name: str, request: Request, verdict: str) -> bool:
        return self.command(name, verdict, str(request.request), "--reason", "seen") == 0

    def command(self, name: str, *arguments: str) -> int:
        home, lake = self.tmp / name, str(self.night.folder / "lake")
        doors.write_private(
            doors.session_file(lake, home), output.json_bytes({"user": name, "token": self.night.tokens[name]})
        )
        where = ["--lake", lake, "--governance", str(self.night.folder / "governance.db"), "--home", str(home)]
        return execute([*arguments, *where])

    def browser(self, name: str) -> tuple[TestClient, str]:
        """A browser of `name`, signed in with the secret, and the token of its forms."""
        if name not in self._browsers:
            made = TestClient(self.app, base_url=SITE, headers={"origin": SITE}, follow_redirects=False)
            sent = {"name": name, "secret": SECRET, "csrf": form_token(made.get("/login").text)}
            assert made.post("/login", data=sent).status_code == 303
            self._browsers[name] = (made, form_token(made.get(f"/p/{self.night.plant}/decisions").text))
        return self._browsers[name]

    def program(self, name: str) -> TestClient:
        """A program that sends the token of `name`."""
        bearer = {"authorization": f"Bearer {self.night.tokens[name]}"}
        return TestClient(self.app, base_url=SITE, headers=bearer, follow_redirects=False)


def form_token(page: str) -> str:
    found = re.search(r'name="csrf" value="(\w+)"', page)
    assert found is not None
    return found[1]


@pytest.fixture
def house(planned: NightLake, tmp_path: Path) -> Iterator[House]:
    standing = planned.store()
    anchor(standing, NOON, system_clock)  # the doors open the store themselves: their clock must find sessions alive
    standing.close()
    key = tmp_path / "governance.key"
    key.write_bytes(KEY)
    url = str(planned.folder / "governance.db")
    settings = ConsoleSettings(
        str(planned.folder / "lake"), url, key, requests_per_minute=1_000_000, logins_per_minute=1_000
    )
    store = Store(url, key=KEY)
    yield House(planned, store, create_app(settings), tmp_path)
    store.close()


Decide = Callable[[House, str, Request, str], bool]
DECIDING: dict[str, Decide] = {"web": House.by_web, "api": House.by_api, "cli": House.by_command}


@pytest.mark.parametrize("door", DECIDING)
def test_01_nobody_decides_their_own_request_and_a_different_approver_does(house: House, door: str) -> None:
    decide, people = DECIDING[door], [name for name in PROPOSERS if name != AGENT]
    for proposer in people:
        request = house.asked(proposer)
        for verdict in ("approve", "reject"):
            assert not decide(house, proposer, request, verdict), f"{proposer} came through {door}"
        assert house.state(request) == "open"
        other = next(name for name in DECIDERS if name != proposer)
        assert decide(house, other, request, "approve"), f"{other} was refused at {door}"
        assert house.state(request) == "approved"


@pytest.mark.parametrize("door", DECIDING)
def test_01_not_after_a_change_of_role_and_not_with_a_role_that_was_lost(house: House, door: str) -> None:
    decide, ian = DECIDING[door], house.night.actor(house.store, "ian")
    if door == "web":
        house.browser("paula"), house.browser("sam")  # signed in before the change
    own, others = house.asked("paula"), house.asked("peter")
    house.store.people.set_roles(ian, "paula", [Role.SUPERVISOR])
    assert not decide(house, "paula", own, "approve")
    assert decide(house, "paula", others, "approve")
    house.store.people.set_roles(ian, "sam", [Role.PLANNER])
    assert not decide(house, "sam", own, "approve")
    assert house.state(own) == "open"


def test_01_a_bundle_on_the_web_passes_over_ones_own(house: House) -> None:
    own, others = house.asked("sam"), house.asked("paula")
    browser, csrf = house.browser("sam")
    chosen = [f"{request.request}:{request.digest}" for request in (own, others)]
    answer = browser.post(
        f"/p/{house.night.plant}/decisions/bundle", data={"csrf": csrf, "reason": "seen", "chosen": chosen}
    )
    assert answer.status_code == 200
    assert (house.state(own), house.state(others)) == ("open", "approved")


def test_02_an_agents_token_opens_no_way_to_decide(house: House) -> None:
    request = house.asked("paula")
    for verdict in ("approve", "reject"):
        assert not house.by_api(AGENT, request, verdict)
        assert not house.by_command(AGENT, request, verdict)
        answer = house.program(AGENT).post(
            f"/p/{house.night.plant}/decisions/{request.request}/{verdict}",
            data={"digest": request.digest, "reason": "seen"},
        )
        assert answer.status_code == 403
    assert house.state(request) == "open"
    offered = {name for name in vars(Desk) if not name.startswith("_")}
    assert not {
        name for name in offered if re.search("approve|reject|decide|sign|publish", name) and name != "published"
    }


@pytest.mark.parametrize("name", EVERYBODY)
def test_03_every_route_lets_in_exactly_whom_its_permission_names(house: House, name: str) -> None:
    roles = frozenset({Role.AGENT}) if name == AGENT else frozenset(PEOPLE[name][1])
    held = granted(roles)
    if name == AGENT:
        visitor, csrf = house.program(name), ""
    else:
        visitor, csrf = house.browser(name)
    seen = 0
    for route, entrance in declared(house.app):
        if entrance is None or entrance.permission is None or route.path == "/logout":
            continue
        address = route.path.replace("{plant}", house.night.plant).replace("{number}", "999999")
        address = re.sub(r"\{\w+\}", "nothing", address)
        method = sorted(route.methods or {"GET"})[0]
        answer = visitor.request(method, address, data={"csrf": csrf} if method == "POST" else None)
        assert (answer.status_code == 403) is (entrance.permission not in held), f"{method} {address}"
        seen += method == "POST"
    assert seen > 8


THEIR_OWN = ("/logout", "/p/{plant}/account/secret")  # session and password of whoever signed in


@pytest.mark.parametrize("name", ["ian", "ava"])
def test_03_it_and_auditor_write_nothing_that_others_decide(house: House, name: str) -> None:
    writing = {
        route.path for route, entrance in declared(house.app)
        if entrance is not None and entrance.permission in GRANTS[PEOPLE[name][1][0]]
        and not (route.methods or set()) <= {"GET", "HEAD"} and route.path not in THEIR_OWN
    }  # fmt: skip
    may_publish = {"/p/{plant}/publish", "/api/v1/plants/{plant}/publish"}
    assert {path for path in writing if re.search("approve|reject|withdraw|propose|pin|bundle", path)} == set()
    assert name != "ava" or writing == set()
    assert may_publish <= writing or name == "ava"


READING = (
    ["schedule", "show"], ["schedule", "show", "--proposed"], ["bias"], ["schedule", "rebuild", "1"], ["explain", "WO-1"],
    ["delta"], ["history", "items"], ["fallback", "status"], ["rules", "show"], ["parameters", "show"], ["replay"],
)  # fmt: skip


def test_of_another_plant_the_command_line_reads_nothing(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    plant, ian = house.night.plant, house.night.actor(house.store, "ian")
    for name in ("paula", "ava"):
        house.store.people.set_plants(ian, name, ["ELSEWHERE"])
    with house.store.engine.begin() as connection:  # nobody limits themselves, and there is one administrator
        connection.execute(text("insert into user_plants values ('ian', 'ELSEWHERE', '', 'x')"))
    for line in READING:
        name = "ian" if line == ["replay"] else "paula"
        assert house.command(name, *line, "--plant", plant) != 0, line
        assert f"{name} works for ELSEWHERE, not for plant {plant}" in capsys.readouterr().err, line
    for line in (["schedule", "show"], ["delta"], ["history", "items"]):
        assert house.command("paula", *line) != 0, line
    assert house.command("paula", "schedule", "show", "--proposed", "--plant", plant) != 0
    assert house.command("paula", "delta", "--run", house.night.run_id) != 0
    assert plant not in capsys.readouterr().out
    doors.write_private(house.night.folder / "lake" / "governance.key", KEY)
    assert house.command("ava", "audit", "export", "--to", str(house.tmp / "off-host")) == 0
    exported = next((house.tmp / "off-host").glob("*.csv")).read_text(encoding="utf-8")
    assert plant not in exported and "session.start" in exported
