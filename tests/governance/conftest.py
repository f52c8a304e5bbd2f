"""A governed plant on SQLite and on a real PostgreSQL, copied per test from one that was furnished once."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from recon_platform.governance import Store, passwords
from tests.governance.night_lake import NightLake, both_nights, first_night, second_night
from tests.governance.plant import KEY, Governed, StandingClock, furnish


@pytest.fixture(scope="session", autouse=True)
def quick_secrets() -> Iterator[None]:
    """Hash with argon2's cheapest parameters: what is tested is who may what, not how slow a guess is."""
    patch = pytest.MonkeyPatch()
    cheap = PasswordHasher.from_parameters(CHEAPEST)
    patch.setattr(passwords, "_hasher", lambda: cheap)
    yield
    patch.undo()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    path = tmp_path_factory.mktemp("governance") / "template.db"
    store = Store.create(str(path), clock=StandingClock(), key=KEY)
    tokens = furnish(store)
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    return path, tokens


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Address of a PostgreSQL that lives as long as the session. Its folder must be open to the user it runs as."""
    import pgserver

    folder = Path(tempfile.mkdtemp(prefix="pg"))
    server = pgserver.get_server(folder / "data", cleanup_mode="stop")
    yield make_url(server.get_uri()).set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def empty_postgres(postgres: str) -> Iterator[str]:
    """Address of a database with nothing in it."""
    name = f"g{uuid.uuid4().hex[:12]}"
    _administer(postgres, f"CREATE DATABASE {name}")
    yield _named(postgres, name)
    _administer(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgres_template(postgres: str) -> tuple[str, dict[str, str]]:
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):
        _administer(postgres, f"ALTER SYSTEM SET {setting} = off")  # a test does not outlive its machine
    _administer(postgres, "SELECT pg_reload_conf()")
    _administer(postgres, "CREATE DATABASE template_governance")
    store = Store.create(_named(postgres, "template_governance"), clock=StandingClock(), key=KEY)
    tokens = furnish(store)
    store.close()
    return "template_governance", tokens


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Address and tokens of a fresh copy of the furnished store."""
    if request.param == "sqlite":
        path, tokens = request.getfixturevalue("sqlite_template")
        copy = tmp_path / "governance.db"
        shutil.copy(path, copy)
        yield str(copy), tokens
        return
    postgres = request.getfixturevalue("postgres")
    template, tokens = request.getfixturevalue("postgres_template")
    name = f"g{uuid.uuid4().hex[:12]}"
    _administer(postgres, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield _named(postgres, name), tokens
    _administer(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def governed(address: tuple[str, dict[str, str]]) -> Iterator[Governed]:
    """A governed plant at noon."""
    url, tokens = address
    clock = StandingClock()
    store = Store(url, clock=clock, key=KEY)
    yield Governed(store, clock, tokens)
    store.close()


@pytest.fixture
def reopen(address: tuple[str, dict[str, str]]) -> Callable[[StandingClock], Store]:
    """Open the same store again, as another process would."""
    return lambda clock: Store(address[0], clock=clock, key=KEY)


def _named(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


def _administer(url: str, statement: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


@pytest.fixture(scope="session")
def first_once(tmp_path_factory: pytest.TempPathFactory) -> NightLake:
    return first_night(tmp_path_factory.mktemp("first"))


@pytest.fixture(scope="session")
def second_once(first_once: NightLake, tmp_path_factory: pytest.TempPathFactory) -> NightLake:
    return second_night(first_once, tmp_path_factory.mktemp("second"))


@pytest.fixture(scope="session")
def both_once(second_once: NightLake, tmp_path_factory: pytest.TempPathFactory) -> NightLake:
    return both_nights(second_once, tmp_path_factory.mktemp("both"))


@pytest.fixture
def planned(first_once: NightLake, tmp_path: Path) -> NightLake:
    """A lake with one night planned and proposed, of its own."""
    return first_once.copy(tmp_path / "planned")


@pytest.fixture
def second(second_once: NightLake, tmp_path: Path) -> NightLake:
    """A lake with one night in force and the next one proposed, of its own."""
    return second_once.copy(tmp_path / "second")


@pytest.fixture
def both(both_once: NightLake, tmp_path: Path) -> NightLake:
    """A lake with two nights that were in force, one after the other, of its own."""
    return both_once.copy(tmp_path / "both")
