"""Secrets come from the environment or a private file, and never come out again."""

from __future__ import annotations

from pathlib import Path

import pytest

from recon_platform.connectors import LandingError
from recon_platform.connectors.connect_file import connections, source
from recon_platform.connectors.credentials import SecretError, Secrets
from recon_platform.connectors.door import DoorError
from recon_platform.connectors.plant_file import landing_text
from recon_platform.connectors.sql import _verified, engine, make_url

PASSWORD = "correct-horse-battery"


def secrets_file(folder: Path, mode: int) -> Path:
    path = folder / "secrets.toml"
    path.write_text(f'ERP_PASSWORD = "{PASSWORD}"\n')
    path.chmod(mode)
    return path


def test_a_private_file_is_read_and_the_environment_comes_first(tmp_path: Path) -> None:
    file = str(secrets_file(tmp_path, 0o600))
    assert Secrets({"RECON_SECRETS": file}).get("ERP_PASSWORD") == PASSWORD
    assert Secrets({"RECON_SECRETS": file, "ERP_PASSWORD": "x"}).get("ERP_PASSWORD") == "x"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_file_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(SecretError, match="can be read by others"):
        Secrets({"RECON_SECRETS": str(secrets_file(tmp_path, mode))}).get("ERP_PASSWORD")


def test_a_missing_secret_is_named(tmp_path: Path) -> None:
    with pytest.raises(SecretError, match="ERP_PASSWORD is not set"):
        Secrets({}).get("ERP_PASSWORD")


def test_an_address_with_a_password_is_refused() -> None:
    with pytest.raises(LandingError, match="holds a password"):
        engine(f"postgresql://me:{PASSWORD}@host/db", Secrets({}), None)


def test_a_database_elsewhere_must_show_a_certificate_that_is_verified() -> None:
    assert _verified(make_url("postgresql+psycopg2://me@erp.example/db")).query["sslmode"] == "verify-full"
    assert "sslmode" not in _verified(make_url("postgresql+psycopg2://me@127.0.0.1/db")).query


def test_no_secret_in_errors_or_in_what_lands(tmp_path: Path) -> None:
    file = tmp_path / "plant.toml"
    file.write_text(
        'plant = "P"\nas_of = "2026-03-02T05:00:00Z"\n[connect.erp]\nkind = "sql"\n'
        'url = "postgresql://me@127.0.0.1:1/db"\npassword = "ERP_PASSWORD"\n'
        '[connect.erp.tables.items]\nview = "items"\n'
    )
    secrets = Secrets({"ERP_PASSWORD": PASSWORD})
    door = source("erp", connections(file)["erp"], secrets, tmp_path)
    assert door is not None
    with pytest.raises(DoorError) as error:
        door.open()
    assert PASSWORD not in str(error.value)
    assert secrets.hide(f"password {PASSWORD} wrong") == "password ••• wrong"
    assert "connect" not in landing_text(file)
    assert PASSWORD not in repr(door.__dict__)
