"""WCAG 2.2 AA by axe on every page: light and dark, wide and 320 px; nothing is fetched from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from recon_platform.console.rendering import NAVIGATION
from recon_platform.governance.permissions import GRANTS, Role
from tests.console.conftest import SignIn

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
"""Rules about colours: all that the dark look, the same page in other colours, can break besides."""
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 320, "height": 640}
OPENED = {"today": "/orders/", "schedule": "/work-orders/", "material": "/items/", "audit": "/nights/"}
"""Pages whose first link of this kind is opened too: one piece of evidence of each kind."""


def violations(page: Page, rules: object = RULES) -> list[str]:
    """What axe finds wrong with the page as it stands."""
    if page.evaluate("typeof axe === 'undefined'"):
        page.evaluate(AXE)
    found: dict[str, Any] = page.evaluate(
        "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", rules
    )
    return [
        f"{violation['id']} at {node['target']}: {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


def wrong_anywhere(page: Page) -> list[str]:
    """Violations in each look, and whether the narrow one has to be scrolled sideways."""
    wrong = []
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        for look, rules in (("dark", COLOURS), ("light", RULES)):
            page.emulate_media(color_scheme=look)
            wrong += [f"{page.url} {look} at {size['width']} px: {said}" for said in violations(page, rules)]
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            wrong.append(f"{page.url} is wider than {size['width']} px")
    page.set_viewport_size(WIDE)
    return wrong


VISITED = {
    "planner": [path for path, _, permission in NAVIGATION if permission in GRANTS[Role.PLANNER]] + ["delivery", "account", "nowhere"],
    "supervisor": ["decisions", "account"],
    "auditor": ["audit"],
    "admin": ["users"],
}  # fmt: skip
"""Who looks at which pages; each of these people is offered things there that the others are not."""


def test_every_page_of_the_navigation_is_looked_at() -> None:
    assert {path for path, _, _ in NAVIGATION} <= {path for paths in VISITED.values() for path in paths}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", list(VISITED))
def test_axe_finds_nothing(name: str, sign_in: SignIn) -> None:
    page = sign_in(name)
    addresses = [f"{sign_in.served.base}/{path}" for path in VISITED[name]]
    wrong = []
    for address in addresses:
        page.goto(address)
        page.locator("main").wait_for()
        if address.endswith("/schedule"):
            page.locator("canvas[data-ready]").wait_for()
            page.locator("#gantt").press("n")
        wrong += wrong_anywhere(page)
        further = page.locator(f"main a[href*='{OPENED.get(address.rsplit('/', 1)[1], 'nothing')}']")
        if further.count():
            addresses.append(sign_in.served.url + str(further.first.get_attribute("href")))
    assert len(addresses) >= len(VISITED[name]) + sum(path in OPENED for path in VISITED[name])
    assert wrong == []
    assert all(url.startswith(sign_in.served.url + "/") for url in sign_in.requested)


def test_axe_finds_nothing_where_one_signs_in_or_signs(sign_in: SignIn) -> None:
    page = sign_in("supervisor")
    page.goto(f"{sign_in.served.base}/decisions")
    number = str(page.locator("article.card").first.get_attribute("id")).removeprefix("card-")
    page.goto(f"{sign_in.served.base}/decisions/{number}")
    page.get_by_text("Evidence, rule and digest").click()
    wrong = wrong_anywhere(page)
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("Name").fill("nobody")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("alert").wait_for()
    assert wrong + wrong_anywhere(page) == []


def test_axe_finds_nothing_after_the_company_sign_in(sign_in: SignIn) -> None:
    page = sign_in.browser.new_context().new_page()
    page.route(
        f"{sign_in.served.url}/", lambda route: route.fulfill(status=204)
    )  # the page goes on by itself: it stays
    page.goto(f"{sign_in.served.url}/login/openid")
    page.get_by_label("Account").fill("auditor")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("heading", name="Signed in").wait_for()
    wrong = wrong_anywhere(page)
    page.context.close()
    assert wrong == []


def test_axe_finds_nothing_in_answers_to_what_was_asked(sign_in: SignIn) -> None:
    base, wrong = sign_in.served.base, []
    supervisor = sign_in("supervisor")
    supervisor.goto(f"{base}/decisions")
    supervisor.get_by_label("Reason for the whole bundle").fill("none of them")
    supervisor.get_by_role("button", name="Approve the bundle").click()
    supervisor.get_by_text("No card was chosen").wait_for()
    wrong += violations(supervisor)
    supervisor.goto(f"{base}/rules")
    supervisor.get_by_label("New value").fill('"much"')
    supervisor.get_by_role("button", name="Try the change").click()
    supervisor.get_by_role("alert").wait_for()
    wrong += violations(supervisor)
    admin = sign_in("admin")
    admin.goto(f"{base}/users")
    form = admin.locator("form", has=admin.get_by_role("heading", name="Add a user"))
    form.get_by_label("Name to sign in with").fill("nora")
    form.get_by_label("Full name").fill("Nora New")
    form.get_by_label("auditor").check()
    form.get_by_role("button", name="Add").click()
    admin.get_by_text("shown this once").wait_for()
    wrong += violations(admin)
    auditor = sign_in("auditor")
    auditor.goto(f"{base}/audit")
    auditor.locator("#list-nights a[href*='/nights/']").first.click()
    auditor.locator("#list-tables a[href$='/metrics']").click()
    auditor.get_by_role("heading", name="Metrics", level=1).wait_for()
    assert wrong + violations(auditor) == []
