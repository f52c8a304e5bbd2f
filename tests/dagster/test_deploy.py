"""The production profiles: they parse, name only settings that exist, and are documented (a night on them: `tests/e2e`)."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from resources import settings

PROJECT = Path(__file__).resolve().parents[2]
DEPLOY = PROJECT / "deploy"
OTHER_VARIABLES = {"RECON_IMAGE", "RECON_DB_PASSWORD", "RECON_DAGSTER_POSTGRES"}


def test_every_profile_parses() -> None:
    for path in sorted(DEPLOY.glob("*.yaml")):
        assert yaml.safe_load(path.read_text(encoding="utf-8")), path.name


def test_profiles_and_documentation_name_settings_that_exist_and_all_of_them() -> None:
    known = {setting.variable for setting in settings.SETTINGS}
    for path in sorted(path for path in DEPLOY.rglob("*") if path.is_file()):
        named = set(re.findall(r"RECON_[A-Z_]+", path.read_text(encoding="utf-8")))
        assert named <= known | OTHER_VARIABLES, path.name
    page = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`(RECON_[A-Z_]+)`", page)) == known
    for setting in settings.SETTINGS:
        assert setting.meaning in page, setting.variable


def test_jobs_schedules_and_sensors_are_documented() -> None:
    from assets.definitions import build_definitions

    page = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
    repository = build_definitions().get_repository_def()
    names = [job.name for job in repository.get_all_jobs() if not job.name.startswith("__")]
    names += [sensor.name for sensor in repository.sensor_defs]
    assert [name for name in names if f"`{name}`" not in page] == []


def test_units_start_what_is_installed() -> None:
    for path in sorted((DEPLOY / "systemd").glob("*.service")):
        text = path.read_text(encoding="utf-8")
        assert "EnvironmentFile=/etc/recon/recon.env" in text, path.name
        assert re.search(r"ExecStart=/opt/recon/.venv/bin/(dagster|recon connect collect)", text), path.name
