"""The lines of docs/playbook.md that back up and restore a store in PostgreSQL, run on one."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pgserver
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from recon_platform.governance import Store
from tests.governance.plant import KEY, Governed, StandingClock

PLAYBOOK = Path(__file__).resolve().parents[2] / "docs" / "playbook.md"
PROGRAMS = Path(pgserver.__file__).parent / "pginstall" / "bin"


@pytest.mark.parametrize("address", ["postgresql"], indirect=True)
def test_a_store_in_postgresql_comes_back_from_its_dump(governed: Governed, postgres: str, tmp_path: Path) -> None:
    decided = governed.approve("sam", governed.pin())
    administrator = create_engine(postgres, isolation_level="AUTOCOMMIT")
    with administrator.connect() as connection:
        connection.execute(text("create database restored"))
    (tmp_path / "safe").mkdir()
    new = make_url(postgres).set(database="restored")
    environment = {
        **os.environ, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
        "ADDRESS": plain(governed.store.url), "NEW_ADDRESS": plain(new.render_as_string(hide_password=False)),
    }  # fmt: skip
    lines = re.findall(r"^(?:pg_dump|psql) .*$", PLAYBOOK.read_text(encoding="utf-8"), re.MULTILINE)
    assert [line.split()[0] for line in lines] == ["pg_dump", "psql"]
    for line in lines:
        subprocess.run(line, shell=True, check=True, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL)
    restored = Store(new.render_as_string(hide_password=False), clock=StandingClock(), key=KEY)
    ava = restored.sessions.authenticate(governed.tokens["ava"])
    assert restored.requests.get(ava, decided.request.request).state == "approved"
    assert restored.audit.verify(ava).holds
    restored.close()
    with administrator.connect() as connection:
        connection.execute(text("drop database restored with (force)"))
    administrator.dispose()


def plain(url: str) -> str:
    """The address as PostgreSQL's own programs take it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
