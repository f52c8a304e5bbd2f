"""A plant in numbers, read from its file: work centers, routings, materials, suppliers, demand.

Belongs here: the meaning of a plant file's keys and their defaults. The files stand in `plants/`, one per kind of
plant. Does not belong here: anything drawn at random (`world`, `demand`), shifts (`shifts`).
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from recon_platform.plantsim.shifts import CALENDARS

HEADS = ("HX", "SC", "FL", "TX")  # the shape of an item: hexagon, socket, flange, Torx
FINISHES = ("PLAIN", "ZN", "ZNNI")
LENGTHS_PER_DIAMETER = (2.5, 3.0, 4.0, 5.0, 6.0)
OF = ("all", "made", "kits", "heat_treated", "quenched", "finished", "baked")
"""Which items an operation is for: every one, those that are no kits, kits, and by material or finish."""


@dataclass(frozen=True, slots=True)
class WorkCenter:
    """A work center: where it stands, what it costs, how busy the works is sized to keep it.

    `load` is the share of regular working time that the average week needs, set-up included; the setup minutes are
    for a change of size, shape, stock, and class (material). `mtbf_h` are running hours between breakdowns.
    """

    code: str
    description: str
    line: str
    calendar: str
    load: float
    setup_diameter_min: int = 0
    setup_length_min: int = 0
    setup_coil_min: int = 0
    setup_class_min: int = 0
    sibling_group: str | None = None
    sibling_speed: float | None = None
    external: bool = False
    cost_per_hour: float = 60.0
    mtbf_h: float = 200.0
    continuity: str | None = None
    setup_skill: str | None = None
    run_skill: str | None = None
    run_people: float | None = None
    batch: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """A step of a routing. `of` says which items have it (`OF`), `share` how many of those, drawn by item.

    Where several work centers are named, `up_to_mm` gives the largest size of each; without it one is drawn by item.
    Minutes come from exactly one of: `speed` times the item's pace, `pieces_per_min`, `kg_per_hour`, a load of
    `load_kg` that takes `load_min`, or `vendor_days` (from, to) at a vendor.
    """

    seq: int
    code: str
    description: str
    work_centers: tuple[str, ...]
    of: str = "all"
    up_to_mm: tuple[float, ...] = ()
    share: float = 1.0
    speed: float | None = None
    pieces_per_min: float | None = None
    kg_per_hour: float | None = None
    load_kg: float = 0.0
    load_min: int = 0
    vendor_days: tuple[int, ...] = ()
    scrap: float = 0.0
    rework: float = 0.0  # share of orders of which a part is run a second time
    queue_min: int = 0
    campaign: bool = False
    pausable: bool = True


@dataclass(frozen=True, slots=True)
class Material:
    """A material, the class made of it, tensile strength in MPa, corrosion class, price per kg, share of the items."""

    code: str
    property_class: str
    tensile_mpa: int
    corrosion_class: str
    price_per_kg: float
    share: float
    heat_treated: bool = False
    quenched: bool = False
    baked: bool = False


@dataclass(frozen=True, slots=True)
class Supplier:
    """A supplier: lead time in calendar days, chance of being late, median days late, log spread, short share; working days
    between the due date of its lines and the start of the first order that needs them."""

    code: str
    name: str
    lead_time_days: int
    late_share: float
    late_median_days: float
    late_sigma: float
    short_share: float
    safety_days: int = 1


@dataclass(frozen=True, slots=True)
class Pace:
    """Pieces a minute of an item of `mm`: intercept + slope × mm ± spread (uniform), within low and high."""

    intercept: float
    slope: float
    spread: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a plant is drawn from. Shares are of orders, days are calendar days.

    `suppliers` are three of stock, one of packaging, one of parts, then the vendors of external work.
    """

    code: str
    constraint_line: str  # the line whose busy and set-up shares are reported
    sizes_mm: tuple[int, ...]
    size_share: tuple[float, ...]
    pack_pieces: tuple[int, ...]
    pace: Pace
    work_centers: tuple[WorkCenter, ...]
    operations: tuple[Operation, ...]
    materials: tuple[Material, ...]
    suppliers: tuple[Supplier, ...]
    timezone: str = "Europe/Berlin"
    currency: str = "EUR"
    open_weeks: float = 4.4  # from entry of an order to its completion: open orders ÷ this = orders a week
    warm_up_days: int = 70
    history_days: int = 400
    items_per_order: float = 0.22
    kit_share: float = 0.03
    rush_share: float = 0.03
    quantity_median: float = 32_000.0
    quantity_sigma: float = 0.85
    quantity_min: int = 10_000
    quantity_max: int = 600_000
    quantity_step: int = 100
    scrap_allowance: float = 0.002  # share that planners start beyond what the standard yields ask for
    class_share: Mapping[str, float] = field(default_factory=lambda: {"A": 0.45, "B": 0.35, "C": 0.20})
    lead_days: Mapping[str, tuple[int, int]] = field(
        default_factory=lambda: {"A": (28, 45), "B": (26, 42), "C": (24, 38)}
    )
    rush_lead_days: tuple[int, int] = (14, 20)
    breakdown_median_min: float = 55.0
    breakdown_sigma: float = 1.15
    absent_share: float = 0.06  # chance that a setter is missing on a shift
    expected_setup_share: float = 0.5  # of the setup minutes of a full change, what sequencing leaves on average
    make_to_stock: bool = False  # make items have lot rules and a safety stock (`stocking`); else lot-for-lot, none
    reserves_material: bool = False  # the ERP tells which order the wire in stock was bought for
    lead_time_factor: float = 1.0  # on the planned lead times of the ERP: the reserve for queues that planners add
    standards_sigma: float = 0.0  # log spread of the ERP's run times around the true ones: standards nobody kept up
    load_factor: float = 1.0  # on the load of every work center: what a load sweep turns

    @property
    def center_index(self) -> dict[str, int]:
        return {center.code: i for i, center in enumerate(self.work_centers)}

    @property
    def operation_codes(self) -> dict[str, str]:
        """Description of each operation code."""
        return {operation.code: operation.description for operation in self.operations}

    @property
    def unpausable(self) -> tuple[str, ...]:
        """Codes of operations that may not be interrupted."""
        return tuple(dict.fromkeys(o.code for o in self.operations if not o.pausable))

    @property
    def campaigns(self) -> tuple[str, ...]:
        """Codes of operations that run by class, in campaigns."""
        return tuple(dict.fromkeys(o.code for o in self.operations if o.campaign))


def plant_of(values: Mapping[str, Any], source: str) -> Parameters:
    """A plant from the content of its file. Raises ValueError naming `source` and the key at fault."""
    rows = dict(values)
    try:
        parts: dict[str, Any] = {
            "pace": Pace(**rows.pop("pace")),
            "work_centers": tuple(WorkCenter(**row) for row in rows.pop("work_center")),
            "operations": tuple(Operation(**_tuples(row)) for row in rows.pop("operation")),
            "materials": tuple(Material(**row) for row in rows.pop("material")),
            "suppliers": tuple(Supplier(**row) for row in rows.pop("supplier")),
        }
        lead = {name: tuple(days) for name, days in rows.pop("lead_days").items()}
        plant = Parameters(**parts, lead_days=lead, **_tuples(rows))
    except (TypeError, KeyError) as error:
        raise ValueError(f"plant file {source}: {error}; the keys are those of plantsim/parameters.py") from error
    _check(plant, source)
    return plant


def _tuples(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}


def _check(plant: Parameters, source: str) -> None:
    known = plant.center_index
    for operation in plant.operations:
        here = f"plant file {source}: operation {operation.seq} {operation.code}"
        missing = [code for code in operation.work_centers if code not in known]
        if missing:
            raise ValueError(f"{here} names work centers {missing} that the file does not define")
        if operation.of not in OF:
            raise ValueError(f"{here}: of is {operation.of!r}, expected one of {', '.join(OF)}")
        if operation.up_to_mm and len(operation.up_to_mm) != len(operation.work_centers):
            raise ValueError(f"{here}: up_to_mm must have one size for each of its work centers")
    for center in plant.work_centers:
        if center.calendar not in CALENDARS:
            raise ValueError(
                f"plant file {source}: work center {center.code} has calendar {center.calendar!r}, expected one of "
                f"{', '.join(CALENDARS)}"
            )
    if not len(plant.sizes_mm) == len(plant.size_share) == len(plant.pack_pieces):
        raise ValueError(f"plant file {source}: sizes_mm, size_share and pack_pieces must be of one length")
    if abs(sum(plant.size_share) - 1) > 1e-6 or abs(sum(m.share for m in plant.materials) - 1) > 1e-6:
        raise ValueError(f"plant file {source}: size_share and the shares of the materials must each add up to 1")
    if len(plant.suppliers) < 6:
        raise ValueError(f"plant file {source}: six suppliers or more are needed, found {len(plant.suppliers)}")


@cache
def plant_named(name: str) -> Parameters:
    """A plant that comes with the package. Raises ValueError for a name that is not known."""
    if name not in PLANTS:
        raise ValueError(f"plant {name!r} is not known; known plants are {', '.join(PLANTS)}")
    text = resources.files("recon_platform.plantsim").joinpath("plants", f"{name}.toml").read_text(encoding="utf-8")
    return plant_of(tomllib.loads(text), f"{name}.toml")


def at_load(plant: Parameters, load: float) -> Parameters:
    """The plant with all machines as busy as asked: `load` is the load of its busiest work center."""
    busiest = max(center.load for center in plant.work_centers)
    return dataclasses.replace(plant, load_factor=load / busiest)


def with_queues(plant: Parameters, factor: float) -> Parameters:
    """The plant with `factor` times the planned lead times: what its planners add in the ERP for waiting in queues."""
    return dataclasses.replace(plant, lead_time_factor=factor)


def with_reservations(plant: Parameters) -> Parameters:
    """The plant with an ERP that tells what its stores do anyway: wire goes to the order it was bought for, to no other."""
    return dataclasses.replace(plant, reserves_material=True)


def with_safety_days(plant: Parameters, supplier: str, days: int) -> Parameters:
    """The plant with purchases from one supplier due so many working days before they are needed. Raises ValueError for one
    that it does not have."""
    if supplier not in [one.code for one in plant.suppliers]:
        raise ValueError(
            f"supplier {supplier!r} is not known; known are {', '.join(one.code for one in plant.suppliers)}"
        )
    suppliers = (dataclasses.replace(one, safety_days=days) if one.code == supplier else one for one in plant.suppliers)
    return dataclasses.replace(plant, suppliers=tuple(suppliers))


def with_allowance(plant: Parameters, share: float) -> Parameters:
    """The plant whose planners start `share` more than the standard yields ask for."""
    return dataclasses.replace(plant, scrap_allowance=share)


def with_stale_standards(plant: Parameters, sigma: float) -> Parameters:
    """The plant with run times in its ERP that were right once: `sigma` is their log spread around the true ones."""
    return dataclasses.replace(plant, standards_sigma=sigma)


PLANTS = ("fastener", "machining", "process")
