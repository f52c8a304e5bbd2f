"""Signed HTTP write-back against a server process, its troubles, and what a person sends again."""

from __future__ import annotations

import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from recon_platform.cli.app import execute
from recon_platform.connectors.connect_file import plant_write_back
from recon_platform.connectors.credentials import Secrets
from recon_platform.connectors.landing_error import LandingError
from recon_platform.connectors.write_back import HttpErp
from recon_platform.governance import relay, service
from recon_platform.governance.dead_letters import replay
from recon_platform.governance.errors import (
    GovernanceError,
    PermissionDeniedError,
    StaleError,
    UnknownRecordError,
)
from recon_platform.governance.outbox import Message, put
from recon_platform.governance.relay import Delivered
from recon_platform.nights.delivery import deliver
from tests.governance.plant import PLANT, Governed
from tests.governance.test_properties_delivery import server

SECRET = "the-secret-of-the-write-back"
RELAY = service("relay", "1")
CONTENT = {"op_seq": 10, "planned_start": "2026-03-02T06:00:00+00:00", "planned_end": "2026-03-02T12:00:00+00:00"}


def queue(governed: Governed, *orders: str, version: int = 1) -> None:
    with governed.store.writing() as tx:
        put(
            tx, PLANT, version,
            [Message(f"{PLANT}/{version}/{order}/10", "finite_dates", "erp", order, CONTENT, "v1") for order in orders],
        )  # fmt: skip


def effects(database: Path) -> Counter[str]:
    with sqlite3.connect(database) as connection:
        return Counter(row[0] for row in connection.execute("SELECT key FROM effects"))


def door(port: int, tmp_path: Path) -> HttpErp:
    """The door as a plant file describes it."""
    file = tmp_path / "plant.toml"
    file.write_text(
        f'plant = "P"\n[connect.mom]\nkind = "http"\n[connect.mom.write_back]\nurl = "http://127.0.0.1:{port}/in"\n'
        'secret = "MOM_SECRET"\n'
    )
    made = plant_write_back(file, Secrets({"MOM_SECRET": SECRET}))
    assert isinstance(made, HttpErp)
    return made


def answers(governed: Governed) -> dict[str, tuple[str, str]]:
    return {m.subject: (m.state, str(m.answer)) for m in governed.store.outbox.find() if m.kind == "finite_dates"}


def test_every_trouble_is_waited_out_with_one_effect_per_key(governed: Governed, tmp_path: Path) -> None:
    queue(governed, "A", "B", "C")
    pauses = []
    with server("signed_erp.py", str(tmp_path / "erp.db"), SECRET, "503", "hangup", "garbage", "503") as port:
        erp = door(port, tmp_path)
        for seconds in (4, 11, 21, 41):
            assert deliver(governed.store, RELAY, erp=erp, channels=False) == Delivered(postponed=3)
            assert deliver(governed.store, RELAY, erp=erp, channels=False) == Delivered()
            pauses.append(seconds)
            governed.clock.move(seconds=seconds)
            if seconds == 4:  # not yet: the first pause is five seconds
                assert deliver(governed.store, RELAY, erp=erp, channels=False) == Delivered()
                governed.clock.move(seconds=2)
        assert deliver(governed.store, RELAY, erp=erp, channels=False) == Delivered(accepted=3)
    assert effects(tmp_path / "erp.db") == Counter({f"{PLANT}/1/{order}/10": 1 for order in "ABC"})
    assert set(answers(governed).values()) == {("delivered", "known")}  # the request that was cut off had its effect


def test_what_the_erp_silently_altered_is_refused_by_its_name(governed: Governed, tmp_path: Path) -> None:
    queue(governed, "A")
    with server("signed_erp.py", str(tmp_path / "erp.db"), SECRET, "altered") as port:
        assert deliver(governed.store, RELAY, erp=door(port, tmp_path), channels=False) == Delivered(refused=1)
    asked, stored = CONTENT["planned_end"], "2026-03-02T13:57:21+00:00"
    assert answers(governed)["A"] == ("refused", f"altered: the ERP stored planned_end {stored}, asked was {asked}")


def test_without_the_right_secret_nothing_is_done(governed: Governed, tmp_path: Path) -> None:
    queue(governed, "A")
    with server("signed_erp.py", str(tmp_path / "erp.db"), "another") as port:
        assert deliver(governed.store, RELAY, erp=door(port, tmp_path), channels=False) == Delivered(postponed=1)
    assert "answered 401" in answers(governed)["A"][1]
    assert effects(tmp_path / "erp.db") == Counter()


def test_what_is_never_taken_is_dead_told_and_sent_again_by_a_person(
    governed: Governed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "MOST_ATTEMPTS", 3)
    queue(governed, "A", "B")
    nobody = HttpErp("http://127.0.0.1:1/", secret=SECRET)
    for _ in range(3):
        assert deliver(governed.store, RELAY, erp=nobody, channels=False) == Delivered(postponed=2)
        governed.clock.move(minutes=1)
    assert deliver(governed.store, RELAY, erp=nobody, channels=False) == Delivered()
    assert {state for state, _ in answers(governed).values()} == {"dead"}
    keys = [f"{PLANT}/1/{order}/10" for order in "AB"]
    with pytest.raises(PermissionDeniedError):
        replay(governed.store, governed.actor("paula"), keys, "the ERP is back")
    ian = governed.actor("ian")
    with pytest.raises(GovernanceError, match="give one"):
        replay(governed.store, ian, keys, " ")
    with pytest.raises(UnknownRecordError, match="no message nothing"):
        replay(governed.store, ian, [keys[0], "nothing"], "the ERP is back")
    assert {state for state, _ in answers(governed).values()} == {"dead"}  # all or none
    assert replay(governed.store, ian, keys, "the ERP is back") == 2
    with server("signed_erp.py", str(tmp_path / "erp.db"), SECRET) as port:
        assert deliver(governed.store, RELAY, erp=door(port, tmp_path), channels=False) == Delivered(accepted=2)
    assert effects(tmp_path / "erp.db") == Counter(dict.fromkeys(keys, 1))
    with pytest.raises(GovernanceError, match="is delivered; only dead and refused"):
        replay(governed.store, ian, keys, "again")
    trail = governed.store.audit.rows(governed.actor("ava"))["action"].to_list()
    assert trail.count("outbox.dead") == trail.count("outbox.replayed") == 2


def test_an_older_message_does_not_come_after_a_newer_one(governed: Governed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "MOST_ATTEMPTS", 1)
    queue(governed, "A")
    deliver(governed.store, RELAY, erp=HttpErp("http://127.0.0.1:1/", secret=SECRET), channels=False)
    queue(governed, "A", version=2)
    with pytest.raises(StaleError, match=f"is older than {PLANT}/2/A/10"):
        replay(governed.store, governed.actor("ian"), [f"{PLANT}/1/A/10"], "the ERP is back")


def test_an_address_without_tls_beyond_this_machine_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "plant.toml"
    file.write_text(
        'plant = "P"\n[connect.mom]\nkind = "http"\n[connect.mom.write_back]\nurl = "http://mom.plant.example/"\nsecret = "S"\n'
    )
    with pytest.raises(LandingError, match="must be https://"):
        plant_write_back(file, Secrets({"S": SECRET}))
    assert execute(["connect", "test", "--plant-file", str(file)]) == 0
