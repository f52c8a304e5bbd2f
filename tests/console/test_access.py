"""Every route of console and API declares its permission, and nobody gets through a door that is not theirs."""

from __future__ import annotations

import itertools
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import APIRouter, FastAPI
from starlette.testclient import TestClient

from recon_platform.console.access import check_declared, declared
from recon_platform.console.app import create_app
from recon_platform.console.settings import ConsoleSettings
from recon_platform.governance.permissions import GRANTS, Permission, Role

SITE = "https://console.works.example"
PEOPLE = {
    "planner": Role.PLANNER,
    "supervisor": Role.SUPERVISOR,
    "manager": Role.MANAGER,
    "admin": Role.IT,
    "auditor": Role.AUDITOR,
}
READING = {Permission.READ, Permission.READ_AUDIT}


@pytest.fixture(scope="module")
def app(demo_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FastAPI, dict[str, str]]]:
    home = tmp_path_factory.mktemp("access") / "demo"
    shutil.copytree(demo_once, home)
    lake = home / "lake"
    made = create_app(
        ConsoleSettings(
            str(lake),
            str(lake / "governance.db"),
            lake / "governance.key",
            requests_per_minute=100_000,
            logins_per_minute=1_000,
        )
    )
    yield made, json.loads((home / "people.json").read_text())


def client(app: tuple[FastAPI, dict[str, str]], name: str | None) -> TestClient:
    """A browser of `name`, signed in."""
    made = TestClient(app[0], base_url=SITE, headers={"origin": SITE}, follow_redirects=False)
    if name is not None:
        form = made.get("/login").text
        answer = made.post("/login", data={"name": name, "secret": app[1][name], "csrf": token_in(form)})
        assert answer.status_code == 303, answer.text
    return made


def token_in(page: str) -> str:
    found = re.search(r'name="csrf" value="(\w+)"', page)
    assert found is not None
    return found[1]


def test_every_route_declares_what_it_needs(app: tuple[FastAPI, dict[str, str]]) -> None:
    routes = list(declared(app[0]))
    assert len(routes) > 20
    open_to_all = {route.path for route, entrance in routes if entrance is not None and entrance.permission is None}
    assert open_to_all == {"/login", "/login/openid", "/login/openid/back", "/health"}
    for route, entrance in routes:
        assert entrance is not None
        if route.methods and not route.methods <= {"GET", "HEAD"} and route.path not in OWN:
            assert entrance.permission not in READING, f"{route.path} writes with a permission to read"


def test_an_application_with_an_undeclared_route_does_not_start() -> None:
    bare = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    router = APIRouter()
    router.add_api_route("/open", lambda: {"hello": "world"})
    bare.router.routes.extend(router.routes)
    with pytest.raises(RuntimeError, match="/open"):
        check_declared(bare)


OWN = {"/login", "/logout", "/p/{plant}/account/secret"}
"""What writes, and only about whoever asks."""


@pytest.mark.parametrize("name", list(PEOPLE))
def test_who_gets_through_which_door(app: tuple[FastAPI, dict[str, str]], name: str) -> None:
    browser = client(app, name)
    token = token_in(browser.get("/p/FASTENER/today").text)
    for route, entrance in declared(app[0]):
        if entrance is None or entrance.permission is None or route.path == "/logout":
            continue
        address = route.path.replace("{plant}", "FASTENER").replace("{number}", "999999")
        address = re.sub(r"\{\w+\}", "nothing", address)
        method = next(iter(sorted(route.methods or {"GET"})))
        answer = browser.request(method, address, data={"csrf": token} if method == "POST" else None)
        allowed = entrance.permission in GRANTS[PEOPLE[name]]
        assert (answer.status_code == 403) is not allowed, (
            f"{name} {method} {address}: {answer.status_code} {answer.text[-300:]}"
        )
        assert answer.status_code < 500


def test_nobody_gets_in_without_signing_in(app: tuple[FastAPI, dict[str, str]]) -> None:
    stranger = client(app, None)
    for route, entrance in declared(app[0]):
        if entrance is None or entrance.permission is None:
            continue
        address = re.sub(r"\{\w+\}", "1", route.path)
        method = next(iter(sorted(route.methods or {"GET"})))
        answer = stranger.request(method, address)
        assert answer.status_code in {303, 401}
        assert answer.status_code == 401 or answer.headers["location"].startswith("/login")


@pytest.mark.parametrize(
    ("origin", "token"), list(itertools.product([SITE, "https://evil.example", None], ["right", "wrong", None]))
)
def test_a_write_needs_our_page(app: tuple[FastAPI, dict[str, str]], origin: str | None, token: str | None) -> None:
    browser = client(app, "planner")
    right = token_in(browser.get("/p/FASTENER/today").text)
    del browser.headers["origin"]
    sent = {} if token is None else {"csrf": right if token == "right" else "0" * 64}
    answer = browser.post(
        "/p/FASTENER/decisions/999999/withdraw",
        data={"reason": "x", **sent},
        headers={} if origin is None else {"origin": origin},
    )
    assert answer.status_code == (404 if (origin, token) == (SITE, "right") else 403)


def test_signing_in_gives_a_new_session_and_ends_the_old(app: tuple[FastAPI, dict[str, str]]) -> None:
    browser = client(app, "planner")
    fixed = browser.cookies["__Host-recon"]
    form = browser.get("/login").text
    browser.post("/login", data={"name": "planner", "secret": app[1]["planner"], "csrf": token_in(form)})
    assert browser.cookies["__Host-recon"] != fixed
    thief = TestClient(app[0], base_url=SITE, cookies={"__Host-recon": fixed}, follow_redirects=False)
    assert thief.get("/p/FASTENER/today").headers["location"].startswith("/login")
    planted = TestClient(
        app[0], base_url=SITE, headers={"origin": SITE}, cookies={"__Host-recon": "planted"}, follow_redirects=False
    )
    form = planted.get("/login").text
    answer = planted.post("/login", data={"name": "planner", "secret": app[1]["planner"], "csrf": token_in(form)})
    assert "planted" not in answer.headers["set-cookie"]


def test_cookies_and_headers_are_strict(app: tuple[FastAPI, dict[str, str]]) -> None:
    stranger = client(app, None)
    form = stranger.get("/login")
    answer = stranger.post("/login", data={"name": "planner", "secret": app[1]["planner"], "csrf": token_in(form.text)})
    cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith("__Host-recon="))
    for part in ("HttpOnly", "Secure", "SameSite=strict", "Path=/"):
        assert part in cookie
    assert "Domain" not in cookie
    for response in (form, answer, stranger.get("/static/console.css"), stranger.get("/nowhere")):
        policy = response.headers["content-security-policy"]
        assert "unsafe" not in policy and "http" not in policy
        assert response.headers["x-frame-options"] == "DENY"
        assert response.headers["x-content-type-options"] == "nosniff"
    assert form.headers["cache-control"] == "no-store"
    page = stranger.get("/p/FASTENER/today").text
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|<style", page)


def test_a_request_of_another_plant_is_not_found(app: tuple[FastAPI, dict[str, str]]) -> None:
    browser = client(app, "supervisor")
    number = re.search(r'id="card-(\d+)"', browser.get("/p/FASTENER/decisions").text)
    assert number is not None
    assert browser.get(f"/p/FASTENER/decisions/{number[1]}").status_code == 200
    token = token_in(browser.get("/p/FASTENER/today").text)
    for plant in ("OTHER", "..", "FASTENER%2F..%2FOTHER"):
        assert browser.get(f"/p/{plant}/decisions/{number[1]}").status_code == 404
        sent = {"csrf": token, "digest": "0" * 64, "reason": "x"}
        assert browser.post(f"/p/{plant}/decisions/{number[1]}/approve", data=sent).status_code == 404
