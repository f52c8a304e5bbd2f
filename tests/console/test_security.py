"""The API against its own description, and what attackers try first: forged forms, other plants' numbers, hostile text."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl
import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy import select
from starlette.requests import Request as StarletteRequest
from starlette.testclient import TestClient

from recon_platform.console import cookies, rendering
from recon_platform.console.access import declared
from recon_platform.console.app import create_app
from recon_platform.console.csv_export import to_csv
from recon_platform.console.page import Column, Listing, Show
from recon_platform.console.settings import ConsoleSettings
from recon_platform.governance import Actor, Door, Permission, Store, schema
from recon_platform.governance.permissions import GRANTS, Role
from recon_platform.governance.requests import Draft, Request

SITE = "https://console.works.example"
PLANT = "FASTENER"
HOSTILE = """=HYPERLINK("http://evil.example","x")<script>alert(1)</script>"' onmouseover=alert(1) {{7*7}}"""
EXAMPLES = 12
RECORDS = (schema.requests, schema.decisions, schema.signatures, schema.in_force, schema.publications, schema.outbox)


@dataclass
class Installation:
    """A console over a demo plant of its own, and tokens of its people."""

    app: FastAPI
    store: Store
    people: dict[str, str]
    tokens: dict[str, str]

    def actor(self, name: str) -> Actor:
        return self.store.sessions.authenticate(self.tokens[name], door=Door.API)

    def program(self, name: str | None) -> TestClient:
        """A program of `name` at the API."""
        headers = {} if name is None else {"authorization": f"Bearer {self.tokens[name]}"}
        return TestClient(self.app, base_url=SITE, headers=headers, follow_redirects=False)

    def browser(self, name: str) -> TestClient:
        """A browser in which `name` is signed in, as another site would use it: the cookie goes along, nothing else."""
        made = TestClient(self.app, base_url=SITE, follow_redirects=False)
        made.cookies.set("__Host-recon", self.tokens[name])
        return made

    def records(self) -> list[Any]:
        """Everything that people decide, as it stands."""
        with self.store.reading() as tx:
            return [tx.connection.execute(select(table)).all() for table in RECORDS]

    def open(self) -> Request:
        """A request that waits for a decision."""
        return self.store.requests.find(self.actor("auditor"), plant=PLANT)[0]


@pytest.fixture(scope="module")
def here(demo_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    home = tmp_path_factory.mktemp("security") / "demo"
    shutil.copytree(demo_once, home)
    lake = home / "lake"
    app = create_app(
        ConsoleSettings(
            str(lake), str(lake / "governance.db"), lake / "governance.key", requests_per_minute=1_000_000,
            logins_per_minute=1_000,
        )
    )  # fmt: skip
    people: dict[str, str] = json.loads((home / "people.json").read_text())
    store: Store = app.state.console.store
    tokens = {name: store.sessions.login(name, secret, door=Door.API).token for name, secret in people.items()}
    yield Installation(app, store, people, tokens)


def probed(here: Installation, name: str, checks: list[Callable[..., Any]]) -> set[int]:
    """Every operation of the description with generated requests of `name`; gives the statuses answered."""
    bearer = {"authorization": f"Bearer {here.tokens[name]}"}
    described = schemathesis.openapi.from_asgi("/api/v1/openapi.json", here.app, headers=bearer)
    statuses: set[int] = set()
    open_now, turn = here.open().request, itertools.count()
    operations = [result.ok() for result in described.get_all_operations()]
    assert len(operations) >= 7
    for operation in operations:

        @given(case=operation.as_strategy())
        @settings(
            max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.generate],
        )  # fmt: skip
        def ask(case: schemathesis.Case) -> None:
            true = (
                {"plant": PLANT, "number": open_now} if next(turn) % 2 else {}
            )  # else nothing that is there is asked for
            case.path_parameters.update({name: true[name] for name in true if name in case.path_parameters})
            answer = case.call(headers=bearer)
            statuses.add(answer.status_code)
            case.validate_response(answer, checks=checks, headers=bearer)

        ask()
    return statuses


def test_the_api_is_what_it_says_and_never_fails(here: Installation) -> None:
    """Supervisor: may write, so the writes themselves are exercised."""
    checks = [
        not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance, ignored_auth,
    ]  # fmt: skip
    statuses = probed(here, "supervisor", checks)
    assert {200, 404, 409} <= statuses and max(statuses) < 500


@pytest.mark.parametrize("name", ["planner", "auditor", "admin"])
def test_no_generated_request_writes_without_the_right_to(here: Installation, name: str) -> None:
    before = here.records()
    assert max(probed(here, name, [not_a_server_error, status_code_conformance])) < 500
    assert here.records() == before


def test_nobody_writes_through_the_api_without_the_right_to(here: Installation) -> None:
    """With everything right but the person: a true number, the true digest, the true run."""
    asked, before = here.open(), here.records()
    base = f"/api/v1/plants/{PLANT}"
    bodies: dict[str, tuple[Permission, dict[str, Any]]] = {
        f"{base}/requests/{asked.request}/approve": (Permission.APPROVE, {"digest": asked.digest, "reason": "x"}),
        f"{base}/requests/{asked.request}/reject": (Permission.APPROVE, {"digest": asked.digest, "reason": "x"}),
        f"{base}/publish": (Permission.PUBLISH, {"run": asked.run_id}),
    }
    written = {
        route.path for route, _ in declared(here.app) if route.path.startswith("/api/") and route.methods != {"GET"}
    }
    assert len(written) == len(bodies)
    for name, role in (("planner", Role.PLANNER), ("auditor", Role.AUDITOR), ("admin", Role.IT), (None, None)):
        for address, (permission, body) in bodies.items():
            if role is not None and permission in GRANTS[role]:
                continue
            assert here.program(name).post(address, json=body).status_code == (401 if name is None else 403)
    assert here.records() == before


def test_a_form_of_another_site_is_refused_on_every_route_that_writes(here: Installation) -> None:
    before = here.records()
    evil = here.browser("supervisor")
    for route, entrance in declared(here.app):
        if route.methods == {"GET"} or entrance is None or entrance.permission is None:
            continue
        address = route.path.replace("{plant}", PLANT).replace("{number}", str(here.open().request))
        address = re.sub(r"\{\w+\}", "nothing", address)
        for headers in (
            {"origin": "https://evil.example"},
            {"origin": "null"},
            {"referer": "https://evil.example/"},
            {},
        ):
            for body in ({"data": {"reason": "x", "digest": "0" * 64}}, {"json": {"reason": "x", "digest": "0" * 64}}):
                answer = evil.post(address, headers=headers, **body)  # type: ignore[arg-type]
                assert answer.status_code == 403, (address, headers, answer.status_code)
    assert here.records() == before


def test_a_person_of_one_plant_finds_nothing_of_another(here: Installation) -> None:
    """Every address with true numbers of the demo plant, as people who work for another plant only."""
    asked, before = here.open(), None
    run = str(asked.run_id)
    order = here.app.state.console.nights.newest(PLANT).read("schedule").get_column("work_order")[0]
    true = {"number": str(asked.request), "run_id": run, "table": "schedule", "order": order}
    try:
        for name in ("supervisor", "auditor", "planner"):
            here.store.people.set_plants(here.actor("admin"), name, ["ELSEWHERE"])
            before = here.records()
            browser, program = here.browser(name), here.program(name)
            token = cookies.form_token(here.tokens[name])
            for route, entrance in declared(here.app):
                if "{plant}" not in route.path or entrance is None:
                    continue
                if entrance.permission not in GRANTS[Role(name)]:
                    continue
                address = route.path.replace("{plant}", PLANT)
                address = re.sub(r"\{(\w+)\}", lambda found: true.get(found[1], "today"), address)
                method = next(iter(route.methods or {"GET"}))
                if route.path.startswith("/api/"):
                    answer = program.request(method, address, json={"digest": asked.digest, "reason": "x"})
                else:
                    answer = browser.request(
                        method, address, headers={"origin": SITE},
                        data={"csrf": token, "digest": asked.digest, "reason": "x", "run": run} if method == "POST" else None,
                    )  # fmt: skip
                assert answer.status_code == 404, (name, method, address, answer.status_code)
                assert order not in answer.text.replace(address, "")
            assert program.get("/api/v1/plants").json() == []
            assert browser.get("/").status_code == 404
            assert here.records() == before
    finally:
        for name in ("supervisor", "auditor", "planner"):
            here.store.people.set_plants(here.actor("admin"), name, [])
    assert here.program("planner").get("/api/v1/plants").json() == [PLANT]


def test_a_request_of_another_plant_is_not_decided_through_this_one(here: Installation) -> None:
    other = here.store.requests.propose(
        here.actor("planner"), Draft("override", "ELSEWHERE", "WO-1", "a value", "because", {"change": []})
    )
    here.store.people.set_plants(here.actor("admin"), "supervisor", [PLANT])
    try:
        program = here.program("supervisor")
        for plant in (PLANT, "ELSEWHERE"):
            address = f"/api/v1/plants/{plant}/requests/{other.request}"
            assert program.get(address).status_code == 404
            body = {"digest": other.digest, "reason": "x"}
            assert program.post(f"{address}/approve", json=body).status_code == 404
        assert here.store.requests.get(here.actor("planner"), other.request).state == "open"
    finally:
        here.store.people.set_plants(here.actor("admin"), "supervisor", [])


def test_text_of_people_and_plants_is_only_text(here: Installation) -> None:
    """A hostile subject, title, reason and order number run nowhere: not in pages, not in attributes, not in a template."""
    made = here.store.requests.propose(
        here.actor("planner"),
        Draft("override", PLANT, HOSTILE, HOSTILE, HOSTILE, {"change": [], "evidence": {HOSTILE: [HOSTILE]}}),
    )
    page = here.browser("supervisor").get(f"/p/{PLANT}/decisions/{made.request}").text
    audit = here.browser("auditor").get(f"/p/{PLANT}/audit").text
    notes = Listing(
        "notes", "Notes", (Column("order", "Order", Show.KEY, "work-orders/{order}"), Column("note", "Note")),
        pl.DataFrame({"order": [HOSTILE], "note": [HOSTILE]}), "none",
    )  # fmt: skip
    scope = {"type": "http", "query_string": b"notes.q=" + quote("<script>").encode(), "headers": []}
    table = rendering.table(StarletteRequest(scope), notes)
    listed = rendering.ENVIRONMENT.get_template("list_part.html").render(table=table, zone=rendering.UTC, base="/p/X")
    for shown in (page, audit, listed):
        assert "alert(1)" in shown
        assert "<script>alert" not in shown and 'onmouseover=alert(1)"' not in shown and " {{7*7}}" in shown
        assert not re.search(r"<[^>]*\son\w+=", shown.replace("&#34;", "").replace("&#39;", ""))
    here.store.requests.withdraw(here.actor("planner"), made.request, "tried")


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1+cmd", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "＝1", "＠x"])
def test_no_cell_of_an_export_is_a_formula(start: str) -> None:
    notes = Listing(
        "notes", "Notes", (Column("note", "Note"), Column("qty", "Quantity", Show.NUMBER)), pl.DataFrame(), "none"
    )
    rows = pl.DataFrame({"note": [start, f'{start}","=2', "harmless"], "qty": [-1.5, 2.0, None]})
    cells = list(csv.reader(io.StringIO(to_csv(notes, rows, "UTC").decode("utf-8-sig"))))
    assert [row[0] for row in cells[1:]] == [f"'{start}", f'\'{start}","=2', "harmless"]
    assert [row[1] for row in cells[1:]] == ["-1.5", "2.0", ""]


def test_the_export_of_a_page_carries_no_formula(here: Installation) -> None:
    made = here.store.requests.propose(
        here.actor("planner"), Draft("override", PLANT, "=cmd|'/c calc'!A1", "a title", "because", {"change": []})
    )
    here.store.requests.withdraw(here.actor("planner"), made.request, "tried")
    answer = here.browser("auditor").get(f"/p/{PLANT}/audit?trail.export=trail")
    cells = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(cells) > 2
    assert not [cell for row in cells for cell in row if re.match(r"\s*[=+@]", cell)]
