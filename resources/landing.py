"""The landing root as a resource: which plants there are, which nights have landed, where events are dropped.

`<root>/<plant>/<planning date>/` is one landing folder of the contract; `<root>/<plant>/events/` takes downtime events
between two nights. A folder that is still being filled is named with a leading dot or underscore until it is whole.
"""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import dagster as dg

if TYPE_CHECKING:
    from recon_platform.nights.downtime import EventFolder
    from recon_platform.tables.policy import Policy

PLANT_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
DATE_NAME = re.compile(r"\d{4}-\d{2}-\d{2}")


class LandingResource(dg.ConfigurableResource):
    """Folders under `root`."""

    root: str

    def plants(self) -> list[str]:
        """Plants with at least one landed night, sorted."""
        root = Path(self.root)
        if not root.is_dir():
            return []
        names = (path.name for path in root.iterdir() if path.is_dir() and PLANT_CODE.fullmatch(path.name))
        return sorted(name for name in names if self.dates(name))

    def dates(self, plant: str) -> list[date]:
        """Planning dates that have landed for `plant`, oldest first: folders named by a date that hold `plant.toml`."""
        folder = Path(self.root) / plant
        if not folder.is_dir():
            return []
        names = (
            path.name for path in folder.iterdir() if DATE_NAME.fullmatch(path.name) and (path / "plant.toml").is_file()
        )
        return sorted(date.fromisoformat(name) for name in names)

    def folder(self, plant: str, planning_date: date) -> Path:
        """The landing folder of one night."""
        return Path(self.root) / plant / planning_date.isoformat()

    def events_folder(self, plant: str) -> Path:
        from recon_platform.nights.downtime import EVENTS_FOLDER

        return Path(self.root) / plant / EVENTS_FOLDER

    def events(self, plant: str) -> EventFolder:
        """What lies in the events folder of `plant`, in the time zone of its newest landing."""
        from recon_platform.nights.downtime import read_events

        return read_events(self.events_folder(plant), self.zone(plant))

    def zone(self, plant: str) -> ZoneInfo:
        """The time zone of the newest landing; UTC before the first."""
        dates = self.dates(plant)
        if not dates:
            return ZoneInfo("UTC")
        settings = tomllib.loads((self.folder(plant, dates[-1]) / "plant.toml").read_text(encoding="utf-8"))
        return ZoneInfo(str(settings.get("timezone", "UTC")))

    def policy(self, plant: str, planning_date: date) -> Policy:
        """The policy that the landing of one night states, defaults filled in."""
        from recon_platform.connectors.plant_file import read_plant_file

        return read_plant_file((self.folder(plant, planning_date) / "plant.toml").read_bytes()).policy

    def newest_drop(self, plant: str) -> datetime:
        """When the newest event file was written, UTC: where the time from event to proposal is counted from."""
        times = [path.stat().st_mtime for path in self.events_folder(plant).glob("*") if path.is_file()]
        return datetime.fromtimestamp(max(times, default=0.0), UTC)

    def unready(self, plant: str, planning_date: date, now: datetime) -> list[str]:
        """Why the night cannot start at `now`; an empty list when it can."""
        from recon_platform.nights.readiness import unready

        return unready(self.folder(plant, planning_date), now)
