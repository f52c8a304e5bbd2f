"""The protocol's own client drives the server over both transports: reads, what-if, proposal, refusal of the rest."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

from recon_platform.cli import doors, output
from tests.agents.conftest import Counter
from tests.agents.test_desk import first_late_purchase
from tests.governance.plant import AGENT

TOOLS = {"standing", "read_table", "published_schedule", "what_if", "my_proposals", "propose"}
Connect = Callable[[Counter, str], Any]


def command(counter: Counter, *more: str) -> list[str]:
    folder = counter.night.folder
    return [
        "-m", "recon_platform.cli", "agents", "serve", "--lake", str(folder / "lake"),
        "--governance", str(folder / "governance.db"), "--home", str(folder / "home"), "--what-ifs", "2", *more,
    ]  # fmt: skip


@asynccontextmanager
async def over_stdio(counter: Counter, user: str) -> AsyncIterator[Client]:
    session = doors.session_file(str(counter.night.folder / "lake"), counter.night.folder / "home")
    doors.write_private(session, output.json_bytes({"user": user, "token": counter.night.tokens[user]}))
    async with Client(stdio_client(StdioServerParameters(command=sys.executable, args=command(counter)))) as client:
        yield client


@contextmanager
def serving(counter: Counter) -> Any:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, *command(counter, "--transport", "http", "--port", str(port))])
    try:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, "the server ended"
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        process.wait(20)


@asynccontextmanager
async def over_http(counter: Counter, user: str) -> AsyncIterator[Client]:
    with serving(counter) as address:
        headers = {"Authorization": f"Bearer {counter.night.tokens.get(user, user)}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=60) as http,
            Client(streamable_http_client(address, http_client=http)) as client,
        ):
            yield client


@pytest.mark.parametrize("connect", [over_stdio, over_http])
def test_an_agent_reads_asks_and_proposes_and_can_do_nothing_else(counter: Counter, connect: Connect) -> None:
    async def talk() -> None:
        async with connect(counter, AGENT) as client:
            assert {tool.name for tool in (await client.list_tools()).tools} == TOOLS
            plant = {"plant": counter.plant}
            stands = await said(client.call_tool("standing", plant))
            assert (stands["state"], stands["newest_run"]) == ("none", counter.night.run_id)
            page = await said(client.call_tool("read_table", {**plant, "table": "schedule", "rows": 3}))
            assert len(page["rows"]) == 3 < page["rows_in_all"]
            asked = {**plant, "changes": [first_late_purchase(counter)]}
            tried = await said(client.call_tool("what_if", asked))
            made = await said(client.call_tool("propose", {**asked, "reason": "the supplier called"}))
            assert made["effect"] == tried["effect"]
            await refused(client.call_tool("what_if", asked), "quota of 2 what-ifs")
            await refused(client.call_tool("read_table", {**plant, "table": "audit_events"}), "expected one of")
            await refused(client.call_tool("published_schedule", plant), "no schedule was ever published")
            for tool in ("approve", "sign", "publish", "sql", "run_night", "login"):
                with pytest.raises(Exception, match=f"(?i)unknown tool.*{tool}"):
                    await said(client.call_tool(tool, plant))
            counter.store.people.disable(counter.actor("ian"), AGENT)
            if connect is over_stdio:
                await refused(client.call_tool("standing", plant), "sign in again")

    with ThreadPoolExecutor(1) as own:  # a browser of another test may keep an event loop in this thread
        own.submit(asyncio.run, talk()).result()
    (request,) = counter.store.requests.find(counter.actor("sam"), kind="override")
    assert (request.state, request.proposer) == ("open", AGENT)


def test_over_http_only_an_agents_token_opens(counter: Counter) -> None:
    hello = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    accept = {"Accept": "application/json, text/event-stream"}
    with serving(counter) as address:
        assert httpx2.post(address, json=hello, headers=accept).status_code == 401
        for token in (counter.night.tokens["sam"], counter.night.tokens["ian"], "no token that anybody ever had"):
            headers = {**accept, "Authorization": f"Bearer {token}"}
            assert httpx2.post(address, json=hello, headers=headers).status_code == 401


async def said(answer: Awaitable[Any]) -> Any:
    result = await answer
    assert not result.is_error, result.content
    return result.structured_content


async def refused(answer: Awaitable[Any], why: str) -> None:
    result = await answer
    assert result.is_error
    assert why in result.content[0].text
