"""The calendars of a simulated plant: shifts by weekday, with the overtime shifts a plant may call."""

from __future__ import annotations

from recon_platform.plantsim.clock import Shift

EARLY, LATE, NIGHT = (360, 840), (840, 1320), (1320, 360)
SATURDAY = EARLY  # the one overtime shift, of the week calendars without regular work on Saturday


def _week(names: dict[str, tuple[int, int]], weekdays: range, kind: str = "regular") -> tuple[Shift, ...]:
    return tuple(Shift(day, name, kind, *times) for day in weekdays for name, times in names.items())


THREE_SHIFTS = {"early": EARLY, "late": LATE, "night": NIGHT}
CALENDARS: dict[str, tuple[Shift, ...]] = {
    "PLANT": (*_week(THREE_SHIFTS, range(1, 6)), Shift(6, "saturday", "overtime", *SATURDAY)),
    "TWO": (*_week({"early": EARLY, "late": LATE}, range(1, 6)), Shift(6, "saturday", "overtime", *SATURDAY)),
    "FURNACE": _week(THREE_SHIFTS, range(1, 8)),
    "VENDOR": _week({"day": (0, 0)}, range(1, 8)),
}
