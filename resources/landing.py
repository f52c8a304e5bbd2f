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

PLANT_FILE = "plant.toml"
DATE_NAME = re.compile(r"\d{4}-\d{2}-\d{2}")


class LandingResource(dg.ConfigurableResource):
    """Folders under `root`."""

    root: str

    def folders(self) -> dict[str, Path]:
        """The folder of each plant, by the plant's code: what `plant.toml` of its newest night says.

        Raises ValueError where two folders hold the same plant.
        """
        found: dict[str, Path] = {}
        root = Path(self.root)
        for folder in sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else ():
            dates = _dates(folder)
            if not dates:
                continue
            code = str(_settings(folder / dates[-1].isoformat()).get("plant", folder.name))
            if code in found:
                raise ValueError(f"plant {code} lands in {found[code]} and in {folder}; keep one of them")
            found[code] = folder
        return found

    def plants(self) -> list[str]:
        """Plants with at least one landed night, sorted."""
        return sorted(self.folders())

    def dates(self, plant: str) -> list[date]:
        """Planning dates that have landed for `plant`, oldest first: folders named by a date that hold `plant.toml`."""
        return _dates(self.plant_folder(plant))

    def plant_folder(self, plant: str) -> Path:
        """Where `plant` lands; the folder of its own name before its first night."""
        return self.folders().get(plant, Path(self.root) / plant)

    def folder(self, plant: str, planning_date: date) -> Path:
        """The landing folder of one night."""
        return self.plant_folder(plant) / planning_date.isoformat()

    def events_folder(self, plant: str) -> Path:
        from recon_platform.nights.downtime import EVENTS_FOLDER

        return self.plant_folder(plant) / EVENTS_FOLDER

    def events(self, plant: str) -> EventFolder:
        """What lies in the events folder of `plant`, in the time zone of its newest landing."""
        from recon_platform.nights.downtime import read_events

        return read_events(self.events_folder(plant), self.zone(plant))

    def zone(self, plant: str) -> ZoneInfo:
        """The time zone of the newest landing; UTC before the first."""
        dates = self.dates(plant)
        if not dates:
            return ZoneInfo("UTC")
        return ZoneInfo(str(_settings(self.folder(plant, dates[-1])).get("timezone", "UTC")))

    def newest_drop(self, plant: str) -> datetime:
        """When the newest event file was written, UTC: where the time from event to proposal is counted from."""
        times = [path.stat().st_mtime for path in self.events_folder(plant).glob("*") if path.is_file()]
        return datetime.fromtimestamp(max(times, default=0.0), UTC)

    def unready(self, plant: str, planning_date: date, now: datetime) -> list[str]:
        """Why the night cannot start at `now`; an empty list when it can."""
        from recon_platform.nights.readiness import unready

        return unready(self.folder(plant, planning_date), now)


def _dates(folder: Path) -> list[date]:
    if not folder.is_dir():
        return []
    names = (path.name for path in folder.iterdir() if DATE_NAME.fullmatch(path.name) and (path / PLANT_FILE).is_file())
    return sorted(date.fromisoformat(name) for name in names)


def _settings(folder: Path) -> dict[str, object]:
    """What `plant.toml` says, unchecked: a night that cannot read it says why."""
    try:
        return tomllib.loads((folder / PLANT_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
