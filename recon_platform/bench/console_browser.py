"""The Gantt in a real Chromium: until it can be used, and each redraw while it is moved, zoomed and searched.

Chromium counts its main thread's own time beside the wall's, so that the figure is right on a machine that is busy.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recon_platform.bench.console_lake import Prepared

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page

REDRAWS = 40
KEYS = ("ArrowRight", "-", "ArrowDown", "+", "ArrowLeft", "n", "ArrowUp", "-")
PATIENCE_S = 300


@dataclass(frozen=True, slots=True)
class GanttFigure:
    """Milliseconds. `ready`: from asking for the data to the first picture; `thread`: of it on Chromium's main thread."""

    operations: int
    rows: str
    ready_wall_ms: float
    ready_thread_ms: float
    redraw_wall_ms: float
    redraw_worst_ms: float
    redraw_thread_ms: float


def run(prepared: Prepared) -> list[GanttFigure]:
    """The Gantt by work center and by order. Raises ValueError where there is no browser or no driver for one."""
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only this bench drives a browser
    except ImportError:
        raise ValueError(
            "the bench drives a browser with playwright: run it in the test environment (`make setup-test`)"
        ) from None
    path = os.environ.get("RECON_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        raise ValueError("no Chromium was found; install one, or name it with RECON_CHROMIUM=/path/to/chromium")
    with _served(prepared) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1600, "height": 900})
        page.set_default_timeout(1_000 * PATIENCE_S)
        page.goto(f"{url}/login")
        page.get_by_label("Name").fill("planner")
        page.get_by_label("Password").fill(prepared.people["planner"])
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.locator(".answer").wait_for()
        clock = page.context.new_cdp_session(page)
        clock.send("Performance.enable", {"timeDomain": "threadTicks"})
        address = f"{url}/p/{prepared.plant}/schedule"
        page.goto(address)  # once, so that server and browser hold what they keep
        page.locator("canvas[data-ready]").wait_for()
        page.goto("about:blank")
        page.goto(address)
        page.locator("canvas[data-ready]").wait_for()
        ready, on_thread = _number(page, "ready"), _thread_ms(clock)
        figures = []
        for option, rows in (("machine", "by work center"), ("order", "by order")):
            page.locator("#rows").select_option(option)
            figures.append(GanttFigure(prepared.operations, rows, round(ready), round(on_thread), *_moved(page, clock)))
        browser.close()
    return figures


def _moved(page: Page, clock: CDPSession) -> tuple[float, float, float]:
    """Redraws by key: median and worst as the page times itself, and the mean of the thread's own time."""
    canvas = page.locator("#gantt")
    canvas.focus()
    begun, walls = _thread_ms(clock), []
    for step in range(REDRAWS):
        before = page.evaluate("document.getElementById('gantt').dataset.draws")
        canvas.press(KEYS[step % len(KEYS)])
        page.locator(f"canvas#gantt:not([data-draws='{before}'])").wait_for()
        walls.append(_number(page, "redraw"))
    walls.sort()
    return (
        round(walls[len(walls) // 2], 2), round(walls[-1], 2), round((_thread_ms(clock) - begun) / REDRAWS, 2)
    )  # fmt: skip


def _number(page: Page, name: str) -> float:
    return float(page.evaluate(f"document.getElementById('gantt').dataset.{name}"))


def _thread_ms(clock: CDPSession) -> float:
    """What the page has taken of its main thread's own time so far: scripts, reading JSON, layout, painting."""
    metrics: list[dict[str, Any]] = clock.send("Performance.getMetrics")["metrics"]
    return 1_000 * float(next(m["value"] for m in metrics if m["name"] == "TaskDuration"))


@contextmanager
def _served(prepared: Prepared) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "recon_platform.cli", "serve", "--lake", str(prepared.lake), "--port", str(port)],
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + PATIENCE_S
        while process.poll() is None and time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{url}/health", timeout=5):
                    break
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=60)
