"""How fast the console answers on a large lake: server time of each page, and the Gantt in a real Chromium.

Pages are asked of the application itself, without a network between; seconds of all its threads are counted (CPU) and
what a visitor waits for (wall). The first request of a page reads its tables; those that follow find them in memory.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from fastapi import FastAPI
from starlette.testclient import TestClient

from recon_platform.bench.console_lake import Prepared
from recon_platform.console.app import create_app
from recon_platform.console.services.nights import Night
from recon_platform.console.settings import ConsoleSettings
from recon_platform.governance import Door

SITE = "https://console.example"
LIMIT_MS = 200.0


@dataclass(frozen=True, slots=True)
class PageFigure:
    """One page. Milliseconds: its first request, and the median of those that followed."""

    page: str
    first_ms: float
    wall_ms: float
    cpu_ms: float
    kilobytes: float


def run(prepared: Prepared, repeats: int, say: Callable[[str], None]) -> list[PageFigure]:
    """The figures of every page of the console."""
    app = create_app(
        ConsoleSettings(str(prepared.lake), prepared.governance, prepared.key, requests_per_minute=10_000_000)
    )
    store = app.state.console.store
    tokens = {name: store.sessions.login(name, secret, door=Door.API).token for name, secret in prepared.people.items()}
    figures = []
    with TestClient(app, base_url=SITE, follow_redirects=False) as client:
        for name, path in addresses(app, prepared.plant):
            say(path)
            client.cookies.set("__Host-recon", tokens[name])
            figures.append(_asked(client, path, repeats))
    return figures


def addresses(app: FastAPI, plant: str) -> Iterator[tuple[str, str]]:
    """Who asks, and for what: every page, one piece of evidence of each kind, a search and a sort of the longest list."""
    night: Night = app.state.console.nights.newest(plant)
    base = f"/p/{plant}"
    pages = (
        "today", "changes", "decisions", "schedule", "schedule?operations.q=m1", "schedule?operations.sort=end",
        "schedule/gantt.json", "dispatch", "backlog", "material", "capacity", "what-if", "value", "delivery",
    )  # fmt: skip
    yield from (("planner", f"{base}/{page}") for page in pages)
    line = night.read("order_promises").row(0, named=True)
    yield "planner", f"{base}/work-orders/{_first(night, 'schedule', 'work_order')}"
    yield "planner", f"{base}/orders/{quote(line['sales_order'], safe='')}/{quote(line['line'], safe='')}"
    yield "planner", f"{base}/items/{_first(night, 'requirements', 'item')}"
    yield "auditor", f"{base}/audit"
    yield "auditor", f"{base}/nights/{night.run_id}"
    yield "auditor", f"{base}/nights/{night.run_id}/schedule"
    yield "planner", f"/api/v1/plants/{plant}/pages/schedule"


def table(figures: Sequence[PageFigure], operations: int) -> str:
    """The figures as a Markdown table, with those beyond the limit marked."""
    lines = [
        f"{operations:,} operations; milliseconds, median unless it says first", "",
        "| page | first, wall | wall | CPU | KiB |", "| --- | ---: | ---: | ---: | ---: |",
    ]  # fmt: skip
    for f in figures:
        over = " **over**" if f.cpu_ms > LIMIT_MS else ""
        lines.append(
            f"| {f.page} | {f.first_ms:,.0f} | {f.wall_ms:,.0f} | {f.cpu_ms:,.0f}{over} | {f.kilobytes:,.0f} |"
        )
    return "\n".join(lines)


def _first(night: Night, frame: str, column: str) -> str:
    return quote(str(night.read(frame).get_column(column)[0]), safe="")


def _asked(client: TestClient, path: str, repeats: int) -> PageFigure:
    walls, cpus = [], []
    for _ in range(repeats + 1):
        started, cpu = time.perf_counter(), time.process_time()
        answer = client.get(path)
        walls.append(1_000 * (time.perf_counter() - started))
        cpus.append(1_000 * (time.process_time() - cpu))
        if answer.status_code != 200:
            raise ValueError(f"{path} answered {answer.status_code}, expected 200: {answer.text[:200]}")
    return PageFigure(
        path.split("/", 3)[-1], round(walls[0], 1), round(statistics.median(walls[1:]), 1),
        round(statistics.median(cpus[1:]), 1), round(len(answer.content) / 1024, 1),
    )  # fmt: skip
