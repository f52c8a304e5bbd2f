"""A morning from end to end in a real browser: proposed, signed by somebody else, published, written back, read by audit.

With RECON_PICTURES=docs/images it also takes the pictures of docs/planner.md (`make pictures`).
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from recon_platform.governance import Store
from tests.console.conftest import SignIn
from tests.console.test_accessibility import violations


def picture(page: Page, name: str) -> None:
    """Keep what the page shows, where pictures are asked for."""
    folder = os.environ.get("RECON_PICTURES")
    if folder:
        page.screenshot(path=Path(folder) / f"console-{name}.png", caret="initial")


@pytest.mark.timeout(900)  # a fresh machine compiles the scheduler first
def test_a_morning_from_proposal_to_audit(sign_in: SignIn) -> None:
    base = sign_in.served.base

    planner = sign_in("planner")
    expect(planner.locator(".answer")).to_contain_text("Tonight's plan")
    expect(planner.locator(".bar")).to_contain_text("A newer plan is ready and not in force yet")
    picture(planner, "today")
    planner.get_by_role("link", name="What if").click()
    form = planner.locator("form", has=planner.get_by_role("heading", name="A substitute stands in"))
    form.get_by_label("Quantity to replace").fill("100")
    form.get_by_role("button", name="Try the substitute").click()
    planner.get_by_role("button", name="Make it a proposal").wait_for()
    picture(planner, "what-if")
    assert violations(planner) == []
    planner.get_by_label("Reason").fill("the usual wire stays for the rush order")
    planner.get_by_role("button", name="Make it a proposal").click()
    expect(planner.locator(".card")).to_contain_text("You proposed this; somebody else decides it")
    assert planner.get_by_role("button", name="approve").count() == 0
    number = planner.url.rsplit("/", 1)[1]
    digest = planner.locator("dd.digest").text_content()

    # The proposer cannot approve, whatever the page offers: the door refuses a request made by hand.
    token = planner.locator(".me input[name=csrf]").get_attribute("value") or ""
    refused = planner.request.post(
        f"{base}/decisions/{number}/approve", headers={"origin": sign_in.served.url},
        form={"csrf": token, "digest": digest or "", "reason": "mine", "secret": sign_in.served.people["planner"]},
    )  # fmt: skip
    assert refused.status == 403
    assert "may not approve" in refused.text()

    supervisor = sign_in("supervisor")
    supervisor.goto(f"{base}/decisions")
    picture(supervisor, "decisions")
    card = supervisor.locator(f"#card-{number}")
    card.locator("input[name=digest]").evaluate("field => { field.value = 'f'.repeat(64); }")
    card.get_by_label("Reason").fill("certificate checked")
    card.get_by_label("Your password, to sign").fill(sign_in.served.people["supervisor"])
    card.get_by_role("button", name="Sign and approve").click()
    expect(supervisor.get_by_role("alert")).to_contain_text("is not what you were shown")

    supervisor.goto(f"{base}/decisions/{number}")
    card = supervisor.locator(f"#card-{number}")
    card.get_by_label("Reason").fill("certificate checked")
    card.get_by_label("Your password, to sign").fill(sign_in.served.people["supervisor"])
    picture(supervisor, "sign")
    card.get_by_role("button", name="Sign and approve").click()
    expect(supervisor.locator(".signed")).to_contain_text("signed by Sam Supervisor (supervisor)")
    expect(supervisor.locator(".signed")).to_contain_text("UTC: approval of this exception")

    supervisor.goto(f"{base}/decisions")
    plan = supervisor.locator("section[aria-label='The plan'] .card").first
    plan.get_by_label("Reason").fill("fits the shift")
    plan.get_by_role("button", name="Approve", exact=True).click()
    expect(supervisor.locator(".said-approved")).to_contain_text("Approved by supervisor")
    supervisor.goto(f"{base}/decisions")
    supervisor.get_by_role("button", name="Publish the schedule").click()
    expect(supervisor.locator("#job")).to_contain_text("Schedule version 2 is in force")
    picture(supervisor, "published")
    assert violations(supervisor) == []
    supervisor.get_by_role("link", name="What goes to the ERP").click()
    expect(supervisor.locator("#list-outbox")).to_contain_text("planned start")
    picture(supervisor, "delivery")

    store = Store(str(sign_in.served.lake / "governance.db"))
    dates = [m for m in store.outbox.find() if m.kind == "finite_dates" and m.schedule_version == 2]
    in_force = store.publications.in_force("FASTENER")
    store.close()
    assert dates
    assert in_force is not None and any(str(a["request"]) == number for a in in_force.record["approvals"])

    auditor = sign_in("auditor")
    expect(auditor.locator(".bar")).to_contain_text("Schedule version 2 in force")
    auditor.get_by_role("link", name="Audit", exact=True).click()
    trail = auditor.locator("#list-trail")
    expect(trail).to_contain_text("request.approved")
    expect(trail).to_contain_text("certificate checked")
    expect(trail).to_contain_text("schedule.publish")
    auditor.get_by_role("link", name="Verify the trail").click()
    expect(auditor.locator("#verdict")).to_contain_text("The trail holds")
    picture(auditor, "audit")
    assert violations(auditor) == []
    assert sign_in.complaints == []
    assert {url.split("/p/")[0].split("/static")[0].removesuffix("/") for url in sign_in.requested} <= {
        sign_in.served.url, sign_in.served.url + "/login", sign_in.served.url + "/logout",
    }  # fmt: skip
