"""Signing in by the company's account and by a proxy's header: who is believed, and that neither ever signs."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from playwright.sync_api import expect
from starlette.testclient import TestClient

from recon_platform.console.app import create_app
from recon_platform.console.settings import ConsoleSettings, OpenIdProvider
from recon_platform.governance import Actor, Store
from tests.console.conftest import Served, SignIn
from tests.console.openid_provider import CLIENT, SECRET

SITE = "https://console.works.example"
Make = Callable[..., FastAPI]


@pytest.fixture(scope="module")
def make(demo_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Make]:
    """Consoles over one lake, with the settings a test asks for."""
    home = tmp_path_factory.mktemp("openid") / "demo"
    shutil.copytree(demo_once, home)
    lake, made = home / "lake", []

    def application(**settings: object) -> FastAPI:
        app = create_app(
            ConsoleSettings(
                str(lake), str(lake / "governance.db"), lake / "governance.key", logins_per_minute=1_000, **settings,
            )
        )  # fmt: skip
        made.append(app)
        app.state.people = json.loads((home / "people.json").read_text())
        return app

    yield application
    for app in made:
        app.state.console.jobs.close()
        app.state.console.store.close()


def browser(app: FastAPI, peer: str = "10.0.0.9", **headers: str) -> TestClient:
    return TestClient(
        app, base_url=SITE, follow_redirects=False, client=(peer, 50_000), headers={"origin": SITE, **headers}
    )


def come_back(visitor: TestClient, account: str, fault: str = "") -> httpx.Response:
    """Through the provider's page and back, as a browser goes."""
    left = visitor.get("/login/openid")
    assert left.status_code == 303, left.text
    page = httpx.get(left.headers["location"]).text
    fields = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page))
    form = {name: unescape(value) for name, value in fields.items()} | {"account": account, "fault": fault}
    answer = httpx.post(left.headers["location"].split("?")[0], data=form)
    assert answer.status_code == 303
    return visitor.get(answer.headers["location"])


def test_a_person_of_the_company_is_who_they_are_here(make: Make, provider: str) -> None:
    app = make(openid=OpenIdProvider(provider, CLIENT, SECRET))
    visitor = browser(app)
    answer = come_back(visitor, "supervisor")
    assert answer.status_code == 200 and 'content="0;url=/"' in answer.text
    assert "SameSite=strict" in next(c for c in answer.headers.get_list("set-cookie") if c.startswith("__Host-recon="))
    page = visitor.get("/p/FASTENER/decisions").text
    assert "Sam Supervisor" in page
    rows = app.state.console.store.audit.rows(_actor(app, "auditor"), action="session.start", who="supervisor")
    assert provider in rows.get_column("detail")[-1]
    assert come_back(browser(app), "stranger").status_code == 403
    app.state.console.store.people.disable(_actor(app, "admin"), "planner")
    assert come_back(browser(app), "planner").status_code == 403


@pytest.mark.parametrize("fault", ["issuer", "audience", "expired", "nonce", "nobody", "signature", "unsigned"])
def test_an_answer_that_breaks_a_rule_is_not_believed(make: Make, provider: str, fault: str) -> None:
    visitor = browser(make(openid=OpenIdProvider(provider, CLIENT, SECRET)))
    answer = come_back(visitor, "supervisor", fault)
    assert answer.status_code == 403 and "company" in answer.text
    assert visitor.get("/p/FASTENER/today").status_code == 303


def test_an_answer_counts_once_and_in_the_browser_that_asked(make: Make, provider: str) -> None:
    app = make(openid=OpenIdProvider(provider, CLIENT, SECRET))
    thief, victim = browser(app), browser(app)
    left = thief.get("/login/openid").headers["location"]
    form = dict(httpx.QueryParams(left.split("?", 1)[1])) | {"account": "supervisor"}
    back = httpx.post(left.split("?")[0], data=form).headers["location"]
    assert victim.get(back).status_code == 403  # never asked for
    victim.get("/login/openid")
    assert victim.get(back).status_code == 403  # asked for another
    forged = app.state.console.openid.begin("", f"{SITE}/login/openid/back")  # for a browser that has no cookie of ours
    form = dict(httpx.QueryParams(forged.split("?", 1)[1])) | {"account": "supervisor"}
    lured = httpx.post(forged.split("?")[0], data=form).headers["location"]
    assert browser(app).get(lured).status_code == 403
    assert thief.get(back).status_code == 200
    assert thief.get(back).status_code == 403  # a second time
    wrong = browser(make(openid=OpenIdProvider(provider, CLIENT, "wrong")))
    assert come_back(wrong, "supervisor").status_code == 403
    gone = browser(make(openid=OpenIdProvider("http://127.0.0.1:9", CLIENT, SECRET)))
    assert "does not answer" in gone.get("/login/openid").text
    assert browser(make()).get("/login/openid").status_code == 404


def test_a_header_is_believed_from_the_proxy_alone(make: Make) -> None:
    app = make(proxy_header="x-user", proxy_addresses=("10.1.0.0/16",))
    outside = browser(app, peer="10.2.0.1", **{"x-user": "supervisor", "x-forwarded-for": "10.1.0.5"})
    assert outside.get("/login").status_code == 200 and "__Host-recon" not in outside.cookies
    proxied = browser(app, peer="10.1.0.5", **{"x-user": "supervisor"})
    assert proxied.get("/login").headers["location"] == "/"
    assert "Sam Supervisor" in proxied.get("/p/FASTENER/today").text
    proxied.headers["x-user"] = "auditor"  # somebody else sits there now: the session of before is no longer theirs
    assert proxied.get("/p/FASTENER/today").headers["location"].startswith("/login")
    assert browser(app, peer="10.1.0.5", **{"x-user": "stranger"}).get("/login").status_code == 403


def test_whoever_was_vouched_for_still_signs_with_their_own_secret(make: Make) -> None:
    app = make(proxy_header="x-user", proxy_addresses=("10.1.0.5",))
    store: Store = app.state.console.store
    asked = next(r for r in store.requests.find(_actor(app, "manager"), plant="FASTENER") if not r.signature)
    with store.writing() as tx:
        tx.connection.exec_driver_sql(f"update requests set signature = 1 where request = {asked.request}")
    proxied = browser(app, peer="10.1.0.5", **{"x-user": "supervisor"})
    proxied.get("/login")
    token = re.search(r'name="csrf" value="(\w+)"', proxied.get("/p/FASTENER/today").text)
    assert token is not None
    sent = {"csrf": token[1], "digest": asked.digest, "reason": "ok"}
    address = f"/p/FASTENER/decisions/{asked.request}/approve"
    for secret in ({}, {"secret": "x-user"}):
        assert proxied.post(address, data={**sent, **secret}).status_code in {403, 422}
    assert store.requests.get(_actor(app, "manager"), asked.request).state == "open"
    assert proxied.post(address, data={**sent, "secret": app.state.people["supervisor"]}).status_code == 303


def test_in_a_real_browser(served: Served, sign_in: SignIn) -> None:
    page = sign_in.browser.new_context().new_page()
    page.goto(f"{served.url}/login")
    page.get_by_role("link", name="Sign in with the company account").click()
    page.get_by_label("Account").fill("auditor")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator(".me")).to_contain_text("Ava Auditor")
    page.reload()
    expect(page.locator(".me")).to_contain_text("Ava Auditor")
    page.context.close()


def _actor(app: FastAPI, name: str) -> Actor:
    sessions = app.state.console.store.sessions
    return sessions.authenticate(sessions.login(name, app.state.people[name]).token)
