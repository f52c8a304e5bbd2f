"""Where an installation keeps its things: one home folder by default, single places by environment variable.

Every setting has one environment variable and one embedded default below the home folder, so that a laptop needs no
configuration and a production profile needs no code. Secrets (database passwords, object-store keys) come from the
environment only. The table `SETTINGS` is what `docs/operations.md` lists; a test keeps the two together.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from dagster import EnvVar

PROJECT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its environment variable, its default (below the home folder if `below_home`), its meaning."""

    variable: str
    default: str
    meaning: str
    below_home: bool = False


HOME = Setting("RECON_HOME", "demo", "home folder of the installation; relative to the project")
LAKE = Setting("RECON_LAKE", "lake", "root of the Delta tables: a folder, or an s3:// address", below_home=True)
LAKE_OPTIONS = Setting(
    "RECON_LAKE_OPTIONS", "{}", "JSON object of object-store options (endpoint, region; keys by environment)"
)
LANDING = Setting(
    "RECON_LANDING", "landing", "landing root: one folder per plant, in it one per planning date", below_home=True
)
GOVERNANCE = Setting(
    "RECON_GOVERNANCE", "lake/governance.db", "governance store: a SQLAlchemy URL or a SQLite file", below_home=True
)
NOW = Setting("RECON_NOW", "", "fixed present instant (ISO 8601) for rehearsals; empty: the machine's clock")
SENSOR_SECONDS = Setting("RECON_SENSOR_SECONDS", "5", "seconds between two looks of a sensor")

KEY_FILE = Setting(
    "RECON_KEY_FILE", "lake/governance.key", "file with the key that seals signatures and audit heads", below_home=True
)
AUDIT_EXPORT = Setting(
    "RECON_AUDIT_EXPORT",
    "",
    "folder off this host for the daily export of the audit trail and its sealed head; empty: none",
)
ERP = Setting("RECON_ERP", "", "http(s) address of an ERP that takes writes; empty: what is for it waits")
PLANT_FILE = Setting(
    "RECON_PLANT_FILE",
    "",
    "plant.toml whose [connect.NAME.write_back] takes what is for the ERP, in place of RECON_ERP",
)
ERP_AUTHORIZATION = Setting("RECON_ERP_AUTHORIZATION", "", "header Authorization that signs in to it; a secret")
SMTP = Setting("RECON_SMTP", "", "mail server, HOST or HOST:PORT; empty: mail waits")
SENDER = Setting("RECON_SENDER", "recon@localhost", "address that mail comes from")
RAY = Setting("RECON_RAY", "", "head of a Ray cluster (HOST:PORT) for job `replay_range`; empty: no such job")
FIRST_DATE = Setting("RECON_FIRST_DATE", "2020-01-01", "first planning date that has a partition")

SETTINGS: tuple[Setting, ...] = (
    HOME, LAKE, LAKE_OPTIONS, LANDING, GOVERNANCE, KEY_FILE, AUDIT_EXPORT, NOW, SENSOR_SECONDS, FIRST_DATE, ERP, PLANT_FILE,
    ERP_AUTHORIZATION, SMTP, SENDER, RAY,
)  # fmt: skip


def home() -> Path:
    """The home folder in force."""
    chosen = Path(os.environ.get(HOME.variable) or HOME.default)
    return chosen if chosen.is_absolute() else PROJECT / chosen


def value(setting: Setting) -> str:
    """The value in force of `setting`, defaults resolved below the home folder."""
    found = os.environ.get(setting.variable)
    if found:
        return found
    return str(home() / setting.default) if setting.below_home else setting.default


def from_environment(setting: Setting) -> str:
    """The same for a resource: Dagster shows the variable's name instead of its value where one is set."""
    return EnvVar(setting.variable) if os.environ.get(setting.variable) else value(setting)
