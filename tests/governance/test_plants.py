"""A user limited to plants sees, proposes, decides and publishes nothing of another; the limit came with a migration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import inspect, select

from recon_platform.governance import Store, database, schema
from recon_platform.governance.errors import NotInitialisedError, PermissionDeniedError
from recon_platform.governance.notices import tell
from tests.governance.plant import PLANT, Governed


def limited(governed: Governed, name: str, *plants: str) -> None:
    governed.store.people.set_plants(governed.actor("ian"), name, plants)


def test_of_another_plant_nothing_is_seen_or_done(governed: Governed) -> None:
    request = governed.pin("paula")
    limited(governed, "sam", "ELSEWHERE")
    sam, requests, store = governed.actor("sam"), governed.store.requests, governed.store
    assert requests.find(sam, state=None) == [] == requests.find(sam, plant=PLANT, state=None)
    forbidden: list[Callable[[], object]] = [
        lambda: requests.get(sam, request.request),
        lambda: store.decisions.approve(sam, request.request, digest=request.digest, reason="ok"),
        lambda: store.decisions.reject(sam, request.request, digest=request.digest, reason="no"),
        lambda: store.publications.begin(sam, plant=PLANT, run_id="r", planning_date="2026-03-03", digest="d", record={}),
        lambda: governed.pin("sam"),
    ]  # fmt: skip
    for attempt in forbidden:
        with pytest.raises(PermissionDeniedError, match=f"sam works for ELSEWHERE, not for plant {PLANT}"):
            attempt()
    assert requests.get(governed.actor("ava"), request.request).state == "open"


def test_what_was_decided_elsewhere_cannot_be_revoked(governed: Governed) -> None:
    decision = governed.approve("sam", governed.pin("paula"))
    limited(governed, "sam", "ELSEWHERE")
    with pytest.raises(PermissionDeniedError, match="not for plant"):
        governed.store.decisions.revoke(governed.actor("sam"), decision.decision, "not mine")
    in_force = governed.store.decisions_in_force(PLANT, governed.store.clock())
    assert in_force.height == 1


def test_a_limited_auditor_reads_the_rows_of_their_plants_and_of_none(governed: Governed) -> None:
    governed.pin("paula")
    ava = governed.actor("ava")
    assert PLANT in governed.store.audit.rows(ava).get_column("plant").to_list()
    limited(governed, "ava", "ELSEWHERE")
    assert set(governed.store.audit.rows(ava).get_column("plant").to_list()) == {None}


def test_of_another_plant_nobody_is_told_anything(governed: Governed) -> None:
    def told(cause: str, plant: str | None) -> set[str]:
        with governed.store.writing() as tx:
            tell(tx, "published", cause, plant=plant, title=cause, text="in force")
        return {str(m.content["name"]) for m in governed.store.outbox.find() if m.subject == cause}

    with governed.store.writing() as tx:
        tx.connection.execute(schema.users.update().values(contact=schema.users.c.name + "@works.example"))
    everybody = told("before", PLANT)
    assert "sam" in everybody
    limited(governed, "sam", "ELSEWHERE")
    assert told("here", PLANT) == everybody - {"sam"} and "sam" in told("there", "ELSEWHERE")
    assert "sam" in told("anywhere", None)


def test_a_limit_is_given_and_lifted_by_another_administrator(governed: Governed) -> None:
    request = governed.pin("paula")
    limited(governed, "sam", PLANT, "ELSEWHERE")
    assert governed.approve("sam", request).verdict == "approved"
    users = {user.name: user.plants for user in governed.store.people.all(governed.actor("ian"))}
    assert users["sam"] == ("ELSEWHERE", PLANT) and users["mia"] == ()
    limited(governed, "sam")
    assert governed.store.requests.get(governed.actor("sam"), request.request).state == "approved"
    for name in ("ian", "sam"):
        with pytest.raises(PermissionDeniedError):
            governed.store.people.set_plants(governed.actor(name), "ian", [])


def test_a_store_of_the_first_version_is_brought_up_with_its_users(tmp_path: Path) -> None:
    url = str(tmp_path / "old.db")
    engine = database.open_engine(url)
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            schema.users.insert().values(
                name="old", full_name="Old Hand", kind="person", secret_hash="x", credential="confirmed", secret_set_by="x",
                active=True, failures=0, created_at="2026-01-01T00:00:00.000000Z", created_by="x",
            )
        )  # fmt: skip
    with pytest.raises(NotInitialisedError, match="has version 0001"):
        Store(url)
    store = Store.create(url)
    with store.reading() as tx:
        assert tx.connection.execute(select(schema.users.c.name)).scalars().all() == ["old"]
    found = inspect(store.engine)
    for table in schema.metadata.sorted_tables:
        columns = {column["name"]: column["nullable"] for column in found.get_columns(table.name)}
        assert columns == {column.name: column.nullable for column in table.columns}
