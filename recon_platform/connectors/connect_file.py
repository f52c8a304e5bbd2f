"""Read `[connect.NAME]` of a `plant.toml`: which systems there are, how each is reached, and what it hands over.

Belongs here: validation of settings, one kind of system after the other. A secret is named, never written here.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from recon_platform.connectors.credentials import Secrets
from recon_platform.connectors.door import SourceDoor, SourceTable
from recon_platform.connectors.drop import DropDoor
from recon_platform.connectors.files import landing_tables
from recon_platform.connectors.json_http import JsonHttp
from recon_platform.connectors.landing_error import LandingError
from recon_platform.connectors.machines.settings import machines
from recon_platform.connectors.machines.worker import Worker
from recon_platform.connectors.mapping import shipped_profiles
from recon_platform.connectors.model_door import ModelDoor
from recon_platform.connectors.odoo import PROFILE as ODOO
from recon_platform.connectors.odoo import odoo_reads
from recon_platform.connectors.odoo_rpc import OdooClient
from recon_platform.connectors.odoo_write_back import OdooErp
from recon_platform.connectors.pick_up import SETTLE_SECONDS, Inbox
from recon_platform.connectors.plant_file import FILE, read_plant_file
from recon_platform.connectors.settings import Section, known, need, wrong
from recon_platform.connectors.sidecar import Sidecar, nothing_beside
from recon_platform.connectors.sql import SqlDoor, SqlTable, engine
from recon_platform.connectors.sql_write_back import SqlErp, Statements
from recon_platform.connectors.tryton import PROFILE as TRYTON
from recon_platform.connectors.tryton import tryton_reads
from recon_platform.connectors.tryton_rpc import TrytonClient
from recon_platform.connectors.tryton_write_back import TrytonErp
from recon_platform.connectors.write_back import HttpErp, WriteBack

DEFAULT_OVERLAP_MINUTES = 60.0
SIGNED_IN = ("kind", "url", "database", "user", "password", "per_second", "ca_file")


def connections(path: Path) -> dict[str, Section]:
    """The sections `[connect.NAME]` of a plant file by name; LandingError where it is broken or a kind is unknown."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LandingError(f"{path} cannot be read ({error.strerror})", file=FILE) from None
    read_plant_file(data)
    sections = tomllib.loads(data.decode("utf-8-sig")).get("connect", {})
    for name, section in sections.items():
        if not isinstance(section, Mapping) or section.get("kind") not in SOURCES:
            raise wrong(f"connect.{name}.kind", f"one of {', '.join(SOURCES)}", str(section)[:80])
    return dict(sections)


def source(name: str, section: Section, secrets: Secrets, plant_file: Path) -> SourceDoor | None:
    """The door that landing tables are read from; None where the system only takes writes."""
    return SOURCES[section["kind"]](name, section, secrets, plant_file)


def write_back(name: str, section: Section, secrets: Secrets, plant_file: Path) -> WriteBack | None:
    """The door that finite dates go to; None where the section has no `write_back`."""
    if "write_back" not in section:
        return None
    make = WRITE_BACKS.get(section["kind"])
    if make is None:
        raise LandingError(f"connect.{name}: nothing can be written to a system of kind {section['kind']}", file=FILE)
    return make(name, section, secrets, plant_file)


def collectors(path: Path, secrets: Secrets) -> list[Worker]:
    """Everything of a plant file that machines are listened to with, not started. LandingError where there is nothing."""
    sections = {name: section for name, section in connections(path).items() if section["kind"] == "machines"}
    made = [one for name, section in sections.items() for one in machines(name, section, secrets, path).collectors()]
    if not made:
        raise LandingError(
            "nothing listens to machines", file=FILE, column="connect",
            action='add a section of kind = "machines" with sparkplug, shdr or webhook; see docs/connect.md',
        )  # fmt: skip
    return made


def plant_write_back(path: Path, secrets: Secrets) -> WriteBack:
    """The one system of a plant file that finite dates go to; LandingError where there is none or more than one."""
    made = {
        name: door
        for name, section in connections(path).items()
        if (door := write_back(name, section, secrets, path)) is not None
    }
    if len(made) != 1:
        raise LandingError(
            f"{len(made)} systems take finite dates ({', '.join(made) or 'none'}), expected one", file=FILE,
            column="connect", action="give one of them a section [connect.NAME.write_back]",
        )  # fmt: skip
    return next(iter(made.values()))


def _sql(name: str, section: Section, secrets: Secrets, plant_file: Path) -> SourceDoor | None:
    known(section, f"connect.{name}", "kind", "url", "password", "overlap", "source", "tables", "write_back")
    entries = table_sections(name, section)
    if not entries:
        return None
    tables = {}
    for table, entry in entries.items():
        place = f"connect.{name}.tables.{table}"
        known(entry, place, "query", "view", "key", "watermark", "overlap", "source")
        view, query = entry.get("view"), entry.get("query")
        if (view is None) == (query is None):
            raise wrong(place, "either view or query", ", ".join(entry))
        overlap = float(entry.get("overlap", section.get("overlap", DEFAULT_OVERLAP_MINUTES)))
        tables[table] = SqlTable(source_table(table, entry, section), query or f"SELECT * FROM {view}", overlap)
    return SqlDoor(name, _engine(name, section, secrets), tables, secrets)


def _sql_erp(name: str, section: Section, secrets: Secrets, plant_file: Path) -> WriteBack:
    settings = section["write_back"]
    known(settings, f"connect.{name}.write_back", "staging", "finite_dates", "order_changes")
    kinds = {}
    for kind in ("finite_dates", "order_changes"):
        if kind in settings:
            place = f"connect.{name}.write_back.{kind}"
            known(settings[kind], place, "version", "apply", "read_back")
            kinds[kind] = Statements(
                need(settings[kind], "version", place), settings[kind].get("apply"), settings[kind].get("read_back")
            )
    staging = str(settings.get("staging", "recon_write_back"))
    return SqlErp(name, _engine(name, section, secrets), kinds, secrets, staging=staging)


def _engine(name: str, section: Section, secrets: Secrets) -> Any:
    return engine(need(section, "url", f"connect.{name}"), secrets, section.get("password"))


def _odoo(name: str, section: Section, secrets: Secrets, plant_file: Path) -> SourceDoor | None:
    zone = read_plant_file(plant_file.read_bytes()).plant.zone
    return ModelDoor(_odoo_client(name, section, secrets), odoo_reads(zone, _profile(section, plant_file, ODOO)))


def _odoo_erp(name: str, section: Section, secrets: Secrets, plant_file: Path) -> WriteBack:
    known(section["write_back"], f"connect.{name}.write_back")
    return OdooErp(_odoo_client(name, section, secrets))


def _odoo_client(name: str, section: Section, secrets: Secrets) -> OdooClient:
    known(section, f"connect.{name}", *SIGNED_IN, "profile", "write_back")
    return OdooClient(_http(name, "Odoo", section, secrets), **_user(name, section, secrets))


def _tryton(name: str, section: Section, secrets: Secrets, plant_file: Path) -> SourceDoor | None:
    times = _sidecar(name, section, secrets).frame if "write_back" in section else nothing_beside
    profile = _profile(section, plant_file, TRYTON)
    reads = tryton_reads(times, profile=profile, assume=section.get("assume", {}))
    return ModelDoor(_tryton_client(name, section, secrets), reads)


def _tryton_erp(name: str, section: Section, secrets: Secrets, plant_file: Path) -> WriteBack:
    zone = read_plant_file(plant_file.read_bytes()).plant.zone
    return TrytonErp(_tryton_client(name, section, secrets), _sidecar(name, section, secrets), zone)


def _tryton_client(name: str, section: Section, secrets: Secrets) -> TrytonClient:
    known(section, f"connect.{name}", *SIGNED_IN, "profile", "assume", "write_back")
    return TrytonClient(_http(name, "Tryton", section, secrets), **_user(name, section, secrets))


def _sidecar(name: str, section: Section, secrets: Secrets) -> Sidecar:
    settings, place = section["write_back"], f"connect.{name}.write_back"
    known(settings, place, "sidecar", "password", "table")
    database = engine(need(settings, "sidecar", place), secrets, settings.get("password"))
    return Sidecar(name, database, str(settings.get("table", "recon_operation_times")), secrets)


def _files(name: str, section: Section, secrets: Secrets, plant_file: Path) -> SourceDoor | None:
    place = f"connect.{name}"
    known(
        section, place, "kind", "folder", "archive", "quarantine", "manifest", "settle", "profile", "assume", "source"
    )
    folder = plant_file.parent / need(section, "folder", place)
    inbox = Inbox(
        name, folder, folder / str(section.get("archive", "archive")), folder / str(section.get("quarantine", "quarantine")),
        bool(section.get("manifest", False)), float(section.get("settle", SETTLE_SECONDS)),
    )  # fmt: skip
    profile = section.get("profile")
    if profile is not None and profile not in shipped_profiles():
        profile = plant_file.parent / str(profile)
    return DropDoor(inbox, profile=profile, assume=section.get("assume"), source=section.get("source"))


def _machines(name: str, section: Section, secrets: Secrets, plant_file: Path) -> SourceDoor | None:
    return machines(name, section, secrets, plant_file).door()


def _only_writes(name: str, section: Section, secrets: Secrets, plant_file: Path) -> SourceDoor | None:
    known(section, f"connect.{name}", "kind", "write_back")
    return None


def _http_erp(name: str, section: Section, secrets: Secrets, plant_file: Path) -> WriteBack:
    settings, place = section["write_back"], f"connect.{name}.write_back"
    known(settings, place, "url", "secret", "authorization", "ca_file")
    url = _address(settings, place)
    token = (
        {"Authorization": secrets.get(need(settings, "authorization", place))} if "authorization" in settings else {}
    )
    return HttpErp(
        url, headers=token, secret=secrets.get(need(settings, "secret", place)), ca_file=settings.get("ca_file")
    )


def _address(section: Section, place: str) -> str:
    """`url` of a section: https, or http on this machine."""
    url = need(section, "url", place)
    if not url.startswith("https://") and not re.match(r"http://(localhost|127\.0\.0\.1|\[::1\])([:/]|$)", url):
        raise wrong(f"{place}.url", "https://… (http only on this machine)", url)
    return url


def _http(name: str, called: str, section: Section, secrets: Secrets) -> JsonHttp:
    url = _address(section, f"connect.{name}")
    return JsonHttp(
        name, called, url.rstrip("/"), secrets, per_second=float(section.get("per_second", 20.0)),
        ca_file=section.get("ca_file"),
    )  # fmt: skip


def _user(name: str, section: Section, secrets: Secrets) -> dict[str, str]:
    place = f"connect.{name}"
    return {
        "database": need(section, "database", place), "user": need(section, "user", place),
        "password": secrets.get(need(section, "password", place)),
    }  # fmt: skip


def _profile(section: Section, plant_file: Path, shipped: str) -> str | Path:
    own = section.get("profile")
    return plant_file.parent / own if own else shipped


def table_sections(name: str, section: Section) -> Mapping[str, Section]:
    """`[connect.NAME.tables.TABLE]` by table; LandingError for one that is no table of the contract."""
    entries = section.get("tables", {})
    for table in entries:
        if table not in landing_tables() or table == "feeds":
            raise wrong(f"connect.{name}.tables", "tables of the contract (feeds is made here)", table)
    return entries


def source_table(table: str, entry: Section, section: Section) -> SourceTable:
    """What `entry` says of a table; its source is the contract's unless the section says otherwise."""
    contract = landing_tables()[table]
    found = str(entry.get("source", section.get("source", contract.source or "erp")))
    return SourceTable(table, found, tuple(entry.get("key", ())), entry.get("watermark"))


SOURCES: dict[str, Callable[[str, Section, Secrets, Path], SourceDoor | None]] = {
    "files": _files, "sql": _sql, "odoo": _odoo, "tryton": _tryton, "machines": _machines, "http": _only_writes,
}  # fmt: skip
WRITE_BACKS: dict[str, Callable[[str, Section, Secrets, Path], WriteBack]] = {
    "sql": _sql_erp, "odoo": _odoo_erp, "tryton": _tryton_erp, "http": _http_erp,
}  # fmt: skip
