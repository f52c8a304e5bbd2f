"""The Gantt in a real browser: dragging asks, never changes; keys do what the mouse does; the JSON API decides and publishes."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from starlette.testclient import TestClient

from recon_platform.console.app import create_app
from recon_platform.console.settings import ConsoleSettings
from recon_platform.governance import Door, Store
from tests.console.conftest import PLANT, SignIn
from tests.console.test_accessibility import violations

HEAD, LABEL, ROW, PER_PIXEL, BEFORE_NOW = 36, 128, 24, 10, 480  # as the Gantt begins, see static/gantt.js


def shown_operation(data: dict[str, Any], width: float) -> tuple[int, float, float]:
    """An operation of a work order in sight, alone where it is, and where its middle is drawn."""
    op, begin = data["op"], data["now"] - BEFORE_NOW
    for i, (start, end, lane) in enumerate(zip(op["start"], op["end"], op["lane"], strict=True)):
        middle = (start + end) / 2
        x = LABEL + (middle - begin) / PER_PIXEL
        alone = not any(
            op["lane"][k] == lane and op["setup"][k] <= middle <= op["end"][k]
            for k in range(len(op["start"]))
            if k != i
        )
        if not data["orders"][op["order"][i]].startswith("PL-") and LABEL + 20 < x < width - 100 and alone:
            return i, x, HEAD + lane * ROW + ROW / 2
    raise AssertionError("no operation of a work order is in sight")


def fed(links: list[list[int]], order: int, near: int) -> set[int]:
    """`order` with everything that it leads to (`near` 0) or that leads to it (1)."""
    found, line = {order}, [order]
    while line:
        at = line.pop()
        line += [link[1 - near] for link in links if link[near] == at and link[1 - near] not in found]
        found.update(line)
    return found


def drag(page: Page, x: float, y: float, to_x: float, to_y: float) -> None:
    box = page.locator("#gantt").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + x, box["y"] + y)
    page.mouse.down()
    page.mouse.move(box["x"] + to_x, box["y"] + to_y, steps=5)
    page.mouse.up()


def test_dragging_asks_and_changes_nothing_by_itself(sign_in: SignIn) -> None:
    base = sign_in.served.base
    page = sign_in("planner")
    page.goto(f"{base}/schedule")
    page.locator("canvas[data-ready]").wait_for()
    data = page.request.get(f"{base}/schedule/gantt.json").json()
    width = float(page.locator("#gantt").evaluate("canvas => canvas.clientWidth"))
    i, x, y = shown_operation(data, width)
    lane, order = data["lanes"][data["op"]["lane"][i]], data["orders"][data["op"]["order"][i]]
    store = Store(str(sign_in.served.lake / "governance.db"))
    asked = store.requests.find(_anybody(store, sign_in), plant=PLANT, state=None)

    other = next(k for k, found in enumerate(data["lanes"]) if found["work_center"] != lane["work_center"])
    page.locator("#gantt").scroll_into_view_if_needed()
    drag(page, x, y, x + 30, HEAD + other * ROW + ROW / 2)
    expect(page.locator("#told")).to_contain_text(f"is no machine of {lane['work_center']}")
    expect(page.locator("#pin")).to_be_hidden()

    drag(page, x, y, x + 60, y)
    form = page.locator("#pin")
    expect(form.get_by_label("Work order")).to_have_value(order)
    expect(form.get_by_label("Keep on machine")).to_have_value(lane["machine"])
    effect = page.locator("#effect article")
    expect(effect).to_contain_text(f"{order}/{data['op']['seq'][i]}: {lane['machine']} → {lane['machine']}")
    expect(effect.locator("tr", has_text="Operations that move")).to_contain_text(re.compile(r"[±+]\d"))
    assert violations(page) == []
    assert store.requests.find(_anybody(store, sign_in), plant=PLANT, state=None) == asked
    form.get_by_label("Reason").fill("its tool is set up there")
    form.get_by_role("button", name="Propose the pin").click()
    page.locator("article.card").wait_for()
    made = store.requests.get(_anybody(store, sign_in), int(page.url.rsplit("/", 1)[1]))
    assert (made.kind, made.subject) == ("pin", f"{order}/{data['op']['seq'][i]}")
    assert made.state in {"entered", "open"}
    assert made.content["change"][0]["values"] == {"machine": lane["machine"]}
    assert made.content["operations_moved"] == 0 and made.content["lines_lost"] == 0  # it is planned there already
    expect(page.locator("article.card .effect")).to_contain_text("Operations that move")
    store.close()
    assert sign_in.complaints == []


def test_keys_do_what_the_mouse_does(sign_in: SignIn) -> None:
    page = sign_in("auditor")
    page.goto(f"{sign_in.served.base}/schedule")
    page.locator("canvas[data-ready]").wait_for()
    assert page.locator("#pin").count() == 0  # reads only
    page.locator("#gantt").press("n")
    order = page.locator("#told a").text_content()
    data = page.request.get(f"{sign_in.served.base}/schedule/gantt.json").json()
    first = data["op"]["order"][0]
    lit = len(fed(data["links"], first, 0) | fed(data["links"], first, 1)) - 1
    if lit:
        expect(page.locator("#told")).to_contain_text(f"Lit with it: {lit} order")
    assert data["links"] and set(data["op"]["waits"]) <= set(range(len(data["waits"])))
    page.locator("#gantt").press("Enter")
    expect(page.locator("h1")).to_contain_text(f"Work order {order}")


def _anybody(store: Store, sign_in: SignIn) -> Any:
    return store.sessions.authenticate(store.sessions.login("auditor", sign_in.served.people["auditor"]).token)


@pytest.mark.timeout(900)  # a fresh machine compiles the scheduler first
def test_programs_decide_and_publish_by_the_api(demo_once: Path, tmp_path: Path) -> None:
    home = tmp_path / "demo"
    shutil.copytree(demo_once, home)
    lake, people = home / "lake", json.loads((home / "people.json").read_text())
    app = create_app(ConsoleSettings(str(lake), str(lake / "governance.db"), lake / "governance.key"))
    store = app.state.console.store

    def program(name: str) -> TestClient:
        token = store.sessions.login(name, people[name], door=Door.API).token
        return TestClient(app, headers={"authorization": f"Bearer {token}"})

    supervisor, base = program("supervisor"), f"/api/v1/plants/{PLANT}"
    waiting = supervisor.get(f"{base}/requests").json()
    plan = next(found for found in waiting if found["kind"] == "base")
    moves = [found for found in waiting if found["kind"] == "move" and found["needs"] == "approve"]
    signed = next((found for found in moves if found["signature"]), None)
    plain = next(found for found in moves if not found["signature"])
    address = f"{base}/requests/{plan['request']}/approve"
    assert supervisor.post(f"{base}/publish", json={"run": plan["run"]}).status_code == 422  # nobody approved it yet
    assert supervisor.post(address, json={"digest": "0" * 64, "reason": "ok"}).status_code == 409
    assert supervisor.post(address, json={"digest": plan["digest"], "reason": "ok"}).json()["state"] == "approved"
    assert supervisor.post(address, json={"digest": plan["digest"], "reason": "ok"}).status_code == 409
    rejected = supervisor.post(
        f"{base}/requests/{plain['request']}/reject", json={"digest": plain["digest"], "reason": "not now"}
    ).json()
    assert (rejected["state"], rejected["decided_by"]) == ("rejected", "supervisor")
    if signed is not None:
        sent = {"digest": signed["digest"], "reason": "certificate checked"}
        assert supervisor.post(f"{base}/requests/{signed['request']}/approve", json=sent).status_code == 422
    published = supervisor.post(f"{base}/publish", json={"run": plan["run"]})
    assert published.status_code == 200, published.text
    assert published.json()["schedule_version"] == 2
    page = program("auditor").get(f"{base}/pages/schedule").json()
    assert page["answer"].startswith("This is the schedule in force")
    store.close()
