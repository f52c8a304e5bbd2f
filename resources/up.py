"""`python -m resources.up`: code location, webserver, daemon and console of one installation, with one command.

Belongs here: starting, watching, restarting and stopping the processes. Does not belong here: what they serve
(`assets.definitions`), or service files for a production host (`deploy/`).

One code server is started once and shared by webserver and daemon, on a Unix socket; the webserver listens on loopback
(it has no login of its own). A child that dies is started again, so that a killed daemon or code server costs seconds;
when this process ends, whatever way, its children end with it.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
STOP_SECONDS = 15.0
RESTART_PAUSE_SECONDS = 1.0
READY_SECONDS = 90.0
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


def _die_with_parent() -> None:
    """In the child, before exec: ask the kernel (Linux) to end it when the parent ends, even by SIGKILL.

    A child inherits what its parent ignores or blocks; one that did not hear SIGTERM would outlive everybody.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class Service:
    """One child process: how it is started, and the one running now. It leads a process group of its own."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    log: Path
    prepare: Callable[[], None] | None = None
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    last_start: float = field(default=0.0)

    def start(self) -> None:
        """Start the child; what a dead one left running (the runs of a code server) ends first."""
        self.signal_group(signal.SIGKILL)
        if self.prepare is not None:
            self.prepare()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env=dict(self.environment), cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - system calls only, nothing that a thread could hold
            )  # fmt: skip
        self.starts += 1
        self.last_start = time.monotonic()

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def signal_group(self, signum: int) -> None:
        """Send `signum` to the child and everything it started; silent when the group is gone already."""
        if self.process is not None:
            try:
                os.killpg(self.process.pid, signum)
            except ProcessLookupError:
                return

    def interrupt(self) -> None:
        """Ask the child to end."""
        if self.process is not None and self.running:
            self.process.send_signal(signal.SIGINT)

    def stop(self, deadline: float) -> None:
        """Wait for the child until `deadline` (monotonic seconds), then end it and everything it started by force."""
        if self.process is None:
            return
        while self.running and time.monotonic() < deadline:
            time.sleep(0.05)
        self.signal_group(signal.SIGKILL)
        self.process.wait()


class Installation:
    """The services of one home folder: Dagster's three, and the console where its lake has a governance store."""

    def __init__(
        self, home: Path, *, host: str = "127.0.0.1", port: int = 3000, read_only: bool = False,
        console_port: int | None = None,
    ) -> None:  # fmt: skip
        self.home = home.resolve()
        self.host, self.port, self.read_only, self.console_port = host, port, read_only, console_port
        self.dagster_home = self.home / "dagster"
        self.runtime = Path(tempfile.mkdtemp(prefix="recon-"))  # short: a Unix socket path holds about 100 characters
        self.socket = self.runtime / "code.sock"
        self.services: list[Service] = []

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def environment(self) -> dict[str, str]:
        """The environment of the children: this one, the home, and the project first on the module path."""
        return {
            **os.environ, "DAGSTER_HOME": str(self.dagster_home), "RECON_HOME": str(self.home),
            "PYTHONPATH": os.pathsep.join(filter(None, [str(PROJECT), os.environ.get("PYTHONPATH", "")])),
            "PYTHONUNBUFFERED": "1",
        }  # fmt: skip

    def start(self) -> None:
        """Write the instance's configuration and the workspace file, and start the services."""
        logs = self.home / "logs"
        for folder in (self.dagster_home, logs, self.home / "landing"):
            folder.mkdir(parents=True, exist_ok=True)
        if not (self.dagster_home / "dagster.yaml").exists():
            shutil.copyfile(PROJECT / "dagster_home" / "dagster.yaml", self.dagster_home / "dagster.yaml")
        workspace = self.runtime / "workspace.yaml"
        workspace.write_text(
            f"load_from:\n  - grpc_server:\n      socket: {self.socket}\n      location_name: recon\n", encoding="utf-8"
        )
        environment = self.environment()
        python = [sys.executable, "-m"]
        web = [*python, "dagster_webserver", "-h", self.host, "-p", str(self.port), "-w", str(workspace)]
        web += ["--read-only"] if self.read_only else []
        self.services = [
            Service(
                "code server",
                [*python, "dagster", "api", "grpc", "-s", str(self.socket), "-m", "assets.definitions",
                 "--location-name", "recon", "--use-python-environment-entry-point", "--log-level", "warning"],
                environment, logs / "code-server.log", prepare=lambda: self.socket.unlink(missing_ok=True),
            ),
            Service("webserver", web, environment, logs / "webserver.log"),
            Service(
                "daemon", [*python, "dagster._daemon", "run", "-w", str(workspace)], environment, logs / "daemon.log",
            ),
        ]  # fmt: skip
        if self.console_url is not None:
            self.services.append(Service("console", [*python, *self._console()], environment, logs / "console.log"))
        code, *others = self.services
        code.start()
        self._wait_for_socket()  # the others would only complain until it is there
        for service in others:
            service.start()

    @property
    def console_url(self) -> str | None:
        """Where the console is; None where none was asked for, or nobody governs the lake yet (`recon init`)."""
        governed = (self.home / "lake" / "governance.db").exists()
        return f"http://{self.host}:{self.console_port}" if self.console_port and governed else None

    def _console(self) -> list[str]:
        people = self.home / "people.json"  # only the demo has it
        return [
            "recon_platform.cli", "serve", "--lake", str(self.home / "lake"), "--host", self.host,
            "--port", str(self.console_port), "--dagster", self.url,
            *(["--demo-people", str(people)] if people.exists() else []),
        ]  # fmt: skip

    def _wait_for_socket(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self.socket.exists() and self.services[0].running and time.monotonic() < deadline:
            time.sleep(0.05)

    def watch(self) -> list[str]:
        """Start again what has died; gives the names of the services restarted."""
        restarted = []
        for service in self.services:
            if not service.running and time.monotonic() - service.last_start > RESTART_PAUSE_SECONDS:
                service.start()
                restarted.append(service.name)
        return restarted

    def wait_until_ready(self, timeout: float = READY_SECONDS) -> bool:
        """Until the webserver has loaded the code location; False after `timeout` seconds."""
        query = json.dumps(
            {"query": "{ workspaceOrError { ... on Workspace { locationEntries { loadStatus locationOrLoadError "
                      "{ __typename } } } } }"}
        ).encode()  # fmt: skip
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            request = urllib.request.Request(f"{self.url}/graphql", query, {"Content-Type": "application/json"})
            try:
                with urllib.request.urlopen(request, timeout=5) as answer:
                    entries = json.load(answer)["data"]["workspaceOrError"].get("locationEntries", [])
                if entries and all(
                    (e["locationOrLoadError"] or {}).get("__typename") == "RepositoryLocation" for e in entries
                ):
                    return True
            except (OSError, urllib.error.URLError, ValueError):
                self.watch()
            time.sleep(0.2)
        return False

    def stop(self) -> None:
        """Stop everything, the daemon first so that nothing new is started."""
        deadline = time.monotonic() + STOP_SECONDS
        for service in reversed(self.services):
            service.interrupt()
        for service in reversed(self.services):
            service.stop(deadline)
        shutil.rmtree(self.runtime, ignore_errors=True)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m resources.up", description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, default=PROJECT / "demo", help="home folder of the installation")
    parser.add_argument("--host", default="127.0.0.1", help="address of the webserver (it has no login: keep loopback)")
    parser.add_argument("--port", type=int, default=3000, help="port of the webserver")
    parser.add_argument("--console-port", type=int, default=0, help="also serve the console on this port")
    parser.add_argument("--health-port", type=int, default=0, help="also answer /health on this port of loopback")
    parser.add_argument("--read-only", action="store_true", help="webserver for everyone but IT: look, change nothing")
    options = parser.parse_args(arguments)

    stopping: list[int] = []
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, lambda number, _frame: stopping.append(number))
    installation = Installation(
        options.home, host=options.host, port=options.port, read_only=options.read_only,
        console_port=options.console_port or None,
    )  # fmt: skip
    try:
        installation.start()
        _say(f"starting in {installation.home} …")
        ready = installation.wait_until_ready()
        if options.health_port:
            _serve_health(installation, options.health_port)
        _say(f"ready: {installation.url}" if ready else f"not ready yet; see {installation.home / 'logs'}")
        if installation.console_url is not None:
            _say(f"console: {installation.console_url}")
        while not stopping:
            for name in installation.watch():
                _say(f"{name} had ended and was started again")
            time.sleep(0.5)
    finally:
        installation.stop()
    _say("stopped")
    return 0


def _serve_health(installation: Installation, port: int) -> None:
    """Answer `/health` from this process, which outlives its children."""
    import dagster as dg

    os.environ.update(installation.environment())
    from resources import settings
    from resources.delivery import DeliveryResource
    from resources.health import health, serve
    from resources.landing import LandingResource
    from resources.nights import NightsResource

    landing = LandingResource(root=settings.value(settings.LANDING))
    nights = NightsResource(
        lake_root=settings.value(settings.LAKE), lake_options=settings.value(settings.LAKE_OPTIONS),
        landing_root=landing.root, governance_url=settings.value(settings.GOVERNANCE),
        key_file=settings.value(settings.KEY_FILE),
    )  # fmt: skip
    delivery = DeliveryResource(erp=settings.value(settings.ERP), smtp=settings.value(settings.SMTP))
    instance = dg.DagsterInstance.get()
    serve(lambda: health(instance, landing, nights, delivery), port)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
