"""A change of the rules from trial to version; users added, limited, reset and switched off, by IT alone."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from recon_platform.console.app import create_app
from recon_platform.console.settings import ConsoleSettings
from recon_platform.governance import Actor
from recon_platform.governance.agents import DEFAULTS, switch
from recon_platform.governance.in_force import versions
from tests.console.conftest import PATIENCE

SITE = "https://console.works.example"
BASE = "/p/FASTENER"


class Person:
    """Somebody signed in by the login page."""

    def __init__(self, app: FastAPI, name: str, secret: str) -> None:
        self.client = TestClient(app, base_url=SITE, headers={"origin": SITE}, follow_redirects=False)
        form = self.client.get("/login").text
        self.answer = self.client.post("/login", data={"name": name, "secret": secret, "csrf": token_in(form)})

    def see(self, page: str) -> str:
        answer = self.client.get(f"{BASE}/{page}")
        assert answer.status_code == 200, answer.text
        return answer.text

    def send(self, page: str, status: int = 303, **fields: object) -> str:
        fields["csrf"] = token_in(self.see("today"))
        answer = self.client.post(f"{BASE}/{page}", data=fields)
        assert answer.status_code == status, answer.text
        return answer.headers.get("location", answer.text)


def token_in(page: str) -> str:
    found = re.search(r'name="csrf" value="(\w+)"', page)
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def here(demo_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FastAPI, dict[str, Person]]]:
    home = tmp_path_factory.mktemp("rules") / "demo"
    shutil.copytree(demo_once, home)
    lake = home / "lake"
    app = create_app(
        ConsoleSettings(str(lake), str(lake / "governance.db"), lake / "governance.key", logins_per_minute=100)
    )
    people = json.loads((home / "people.json").read_text())
    yield app, {name: Person(app, name, secret) for name, secret in people.items()}
    app.state.console.jobs.close()


@pytest.mark.timeout(900)  # a fresh machine compiles the scheduler first
def test_a_change_of_the_rules_is_tried_asked_for_and_becomes_a_version(
    here: tuple[FastAPI, dict[str, Person]],
) -> None:
    app, people = here
    planner, manager = people["planner"], people["manager"]
    assert "The policy that the plant handed over is in force" in planner.see("rules")
    job = planner.send("rules/try", setting="capacity.stability_weight", value="0.9", nights="1").removeprefix(
        BASE + "/"
    )
    deadline = time.monotonic() + 4 * PATIENCE
    while "working" in planner.see(job) and time.monotonic() < deadline:
        time.sleep(0.5)
    shown = planner.see(job)
    assert "capacity.stability_weight: " in shown and "→ 0.9" in shown
    nights = app.state.console.nights.all("FASTENER")
    assert nights[-1].run_id in shown and "messages shown" in shown
    assert app.state.console.store.requests.find(_actor(app, planner), plant="FASTENER", kind="policy") == []
    number = planner.send(f"{job}/propose", reason="steadier").rsplit("/", 1)[1]
    asked = app.state.console.store.requests.get(_actor(app, planner), int(number))
    assert asked.content["backtest"] and asked.content["differences"][0]["to"] == 0.9
    card = manager.see(f"decisions/{number}")
    assert "capacity.stability_weight" in card
    changed = [row for row in asked.content["backtest"] if row["old"] != row["new"]]
    assert all(f"night {row['night']}" in card for row in changed)
    planner.send(f"decisions/{number}/approve", 403, digest=asked.digest, reason="mine")
    manager.send(f"decisions/{number}/approve", digest=asked.digest, reason="ok")
    (version,) = versions(app.state.console.store, "FASTENER")
    assert (version["version"], version["approved_by"]) == (1, "manager")
    after = planner.see("rules")
    assert "Policy version 1 is in force" in after and "capacity.stability_weight: " in after


def test_what_does_not_fit_is_said_and_nothing_is_asked(here: tuple[FastAPI, dict[str, Person]]) -> None:
    _, people = here
    for setting, value in (("capacity.nothing", "1"), ("capacity.stability_weight", '"much"')):
        job = people["planner"].send("rules/try", setting=setting, value=value).removeprefix(BASE + "/")
        deadline = time.monotonic() + 4 * PATIENCE
        while "working" in people["planner"].see(job) and time.monotonic() < deadline:
            time.sleep(0.2)
        shown = people["planner"].see(job)
        assert 'role="alert"' in shown and setting.rsplit(".", 1)[1] in shown
    people["auditor"].send("rules/try", 403, setting="capacity.stability_weight", value="1")


def test_users_are_added_limited_reset_and_switched_off(here: tuple[FastAPI, dict[str, Person]]) -> None:
    app, people = here
    admin = people["admin"]
    made = admin.send("users/add", 200, name="nora", full_name="Nora <New>", roles=["planner", "supervisor"])
    secret = re.search(r"<code>([\w-]+)</code>", made)
    assert secret is not None and "Nora &lt;New&gt;" in made and secret[1] not in admin.see("users")
    nora = Person(app, "nora", secret[1])
    assert nora.answer.status_code == 303 and "Nora" in nora.see("today")
    asked = app.state.console.store.requests.find(_actor(app, nora), plant="FASTENER", kind="base")[0]
    refused = nora.send(f"decisions/{asked.request}/approve", 403, digest=asked.digest, reason="ok")
    assert "cannot decide or sign yet" in refused
    own = "a secret of Nora's own"
    assert "written in two ways" in nora.send("account/secret", 422, old=secret[1], new=own, again="another thing")
    nora.send("account/secret", 403, old="wrong", new=own, again=own)
    assert "Confirm Nora" not in people["supervisor"].see("account")  # it is still the one that IT made
    nora.send("account/secret", old=secret[1], new=own, again=own)
    assert "once an approver has confirmed you" in nora.see("account")
    people["planner"].send("account/confirm", 403, name="nora")
    assert "Confirm Nora &lt;New&gt;" in people["supervisor"].see("account")
    people["supervisor"].send("account/confirm", name="nora")
    assert "own and confirmed" in nora.see("account")
    admin.send("users/plants", name="nora", plants="OTHER, ELSEWHERE")
    assert "ELSEWHERE, OTHER" in admin.see("users")
    assert nora.client.get(f"{BASE}/today").status_code == 404
    admin.send("users/plants", name="nora", plants="")
    admin.send("users/roles", name="nora", roles=["auditor"])
    assert nora.client.get(f"{BASE}/audit").status_code == 200
    assert nora.client.get(f"{BASE}/what-if").status_code == 403
    again = re.search(r"<code>([\w-]+)</code>", admin.send("users/reset", 200, name="nora"))
    assert again is not None and nora.client.get(f"{BASE}/audit").status_code == 303
    assert Person(app, "nora", again[1]).answer.status_code == 303
    admin.send("users/disable", name="nora")
    assert Person(app, "nora", again[1]).answer.status_code == 403
    for page in ("users/disable", "users/roles"):
        assert "another administrator" in admin.send(page, 403, name="admin", roles=["it"])
    trail = people["auditor"].see("audit?trail.q=nora")
    for action in ("user.add", "user.plants", "user.roles", "user.reset", "user.disable"):
        assert action in trail


def test_the_agents_page_shows_what_each_may_how_it_did_and_what_is_missing(
    here: tuple[FastAPI, dict[str, Person]],
) -> None:
    app, people = here
    auditor, store = people["auditor"], app.state.console.store
    shown = auditor.see("agents")
    assert "Nothing is switched off." in shown and all(name in shown for name in DEFAULTS)
    night = app.state.console.nights.newest("FASTENER")
    rows = list(csv.DictReader(io.StringIO(auditor.see("agents?agents.export=agents").removeprefix("\ufeff"))))
    assert [row["Agent"] for row in rows] == list(DEFAULTS)
    asked = store.requests.find(_actor(app, auditor), plant="FASTENER", kind="move", state=None)
    assert rows[-1]["Proposed"] == str(len(asked))
    store.decisions.lower(_actor(app, people["supervisor"]), switch("FASTENER", "replanner", "drill", on=False))
    assert "The replanner is off: no exceptions" in auditor.see("agents")
    assert auditor.client.get("/api/v1/plants/FASTENER/pages/agents").json()["title"] == "Agents"
    assert [row["Version"] for row in rows] == [night.manifest.pins.agents[name] for name in DEFAULTS]


def _actor(app: FastAPI, person: Person) -> Actor:
    return app.state.console.store.sessions.authenticate(person.client.cookies["__Host-recon"])
