"""A live PostgreSQL that a generated plant was loaded into by the example's own script; a copy per test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

from recon_platform.plantsim import generate
from tests.conftest import ROOT

SCRIPT = ROOT / "examples" / "postgres" / "load_plant.py"


@dataclass
class Plant:
    """A database with schemas `erp` and `mes`, and the plant file that reads it."""

    engine: Engine
    url: str
    plant_file: Path

    def rows(self, query: str, **values: Any) -> list[Any]:
        with self.engine.connect() as connection:
            return list(connection.execute(text(query), values))

    def run(self, statement: str, **values: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(text(statement), values)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    import pgserver

    folder = Path(tempfile.mkdtemp(prefix="pg"))
    started = pgserver.get_server(folder / "data", cleanup_mode="stop")
    url = make_url(started.get_uri()).set(drivername="postgresql")
    _administer(url.render_as_string(hide_password=False), "ALTER SYSTEM SET fsync = off")
    yield url.render_as_string(hide_password=False)
    started.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def template(server: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """Name of the template database, and the plant file that names it."""
    folder = tmp_path_factory.mktemp("plant")
    night = generate(folder / "generated", orders=40, nights=1).nights[0]
    with (night / "plant.toml").open("a") as file:
        file.write("\n[policy.proposal]\nmax_moves = 1\n")
    _administer(server, "CREATE DATABASE plant_template")
    url = make_url(server).set(database="plant_template").render_as_string(hide_password=False)
    made = folder / "plant.toml"
    subprocess.run(
        [sys.executable, str(SCRIPT), str(night), "--url", url, "--plant-file", str(made)],
        check=True,
        env=dict(os.environ),
    )
    return url, made


@pytest.fixture
def plant(server: str, template: tuple[str, Path], tmp_path: Path) -> Iterator[Plant]:
    url, plant_file = template
    name = f"p{uuid.uuid4().hex[:12]}"
    _administer(server, f"CREATE DATABASE {name} TEMPLATE plant_template")
    mine = make_url(url).set(database=name).render_as_string(hide_password=False)
    (tmp_path / "plant.toml").write_text(plant_file.read_text().replace(url, mine))
    engine = create_engine(make_url(mine).set(drivername="postgresql+psycopg2"))
    yield Plant(engine, mine, tmp_path / "plant.toml")
    engine.dispose()
    _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def _administer(url: str, statement: str) -> None:
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg2"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
