"""The fastener works in numbers: materials, sizes, work centers, shifts, people, suppliers, customers.

Belongs here: constants of a plant a planner would recognise, with units in their names.
Does not belong here: anything drawn at random (`world`, `demand`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from recon_platform.plantsim.clock import Shift

EARLY, LATE, NIGHT = (360, 840), (840, 1320), (1320, 360)


def _week(names: dict[str, tuple[int, int]], weekdays: range, kind: str = "regular") -> tuple[Shift, ...]:
    return tuple(Shift(day, name, kind, *times) for day in weekdays for name, times in names.items())


THREE_SHIFTS = {"early": EARLY, "late": LATE, "night": NIGHT}
CALENDARS: dict[str, tuple[Shift, ...]] = {
    "PLANT": (*_week(THREE_SHIFTS, range(1, 6)), Shift(6, "saturday", "overtime", 360, 840)),
    "TWO": (*_week({"early": EARLY, "late": LATE}, range(1, 6)), Shift(6, "saturday", "overtime", 360, 840)),
    "FURNACE": _week(THREE_SHIFTS, range(1, 8)),
    "VENDOR": _week({"day": (0, 0)}, range(1, 8)),
}


@dataclass(frozen=True, slots=True)
class WorkCenter:
    """A work center: where it stands, what it costs, how busy the works is sized to keep it.

    `load` is the share of regular working time that the average week needs, set-up included; the setup minutes are
    for a change of diameter, length or head, coil, and class (furnace). `mtbf_h` are running hours between breakdowns.
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


WORK_CENTERS: tuple[WorkCenter, ...] = (
    WorkCenter(
        "HD1",
        "Cold header to M6",
        "HEADING",
        "PLANT",
        0.80,
        180,
        50,
        20,
        0,
        "HEAD",
        1.0,
        mtbf_h=130,
        continuity="coil",
        setup_skill="SETTER",
        run_skill="OPERATOR",
        run_people=0.25,
        cost_per_hour=85,
    ),
    WorkCenter(
        "HD2",
        "Cold header M8 to M12",
        "HEADING",
        "PLANT",
        0.93,
        240,
        60,
        25,
        0,
        "HEAD",
        1.0,
        mtbf_h=120,
        continuity="coil",
        setup_skill="SETTER",
        run_skill="OPERATOR",
        run_people=0.25,
        cost_per_hour=110,
    ),
    WorkCenter(
        "HD3",
        "Cold header M14 to M24",
        "HEADING",
        "PLANT",
        0.86,
        330,
        80,
        30,
        0,
        "HEAD",
        0.8,
        mtbf_h=110,
        continuity="coil",
        setup_skill="SETTER",
        run_skill="OPERATOR",
        run_people=0.33,
        cost_per_hour=150,
    ),
    WorkCenter(
        "PT1",
        "Pointing and drilling",
        "HEADING",
        "PLANT",
        0.60,
        40,
        20,
        0,
        0,
        setup_skill="SETTER",
        run_skill="OPERATOR",
        run_people=0.25,
        cost_per_hour=55,
    ),
    WorkCenter(
        "TR1",
        "Thread rolling",
        "ROLLING",
        "PLANT",
        0.72,
        60,
        20,
        0,
        0,
        setup_skill="SETTER",
        run_skill="OPERATOR",
        run_people=0.25,
        cost_per_hour=70,
        mtbf_h=160,
    ),
    WorkCenter(
        "FC1",
        "Continuous furnace",
        "HEAT",
        "FURNACE",
        0.74,
        0,
        0,
        0,
        90,
        continuity="campaign",
        run_skill="FURNACE",
        run_people=0.5,
        cost_per_hour=190,
        mtbf_h=400,
    ),
    WorkCenter(
        "FQ1",
        "Sealed-quench furnace",
        "HEAT",
        "FURNACE",
        0.66,
        0,
        0,
        0,
        75,
        continuity="campaign",
        run_skill="FURNACE",
        run_people=0.5,
        cost_per_hour=160,
        mtbf_h=350,
    ),
    WorkCenter("PL1", "Plating at the vendor", "SURFACE", "VENDOR", 0.0, external=True, cost_per_hour=0),
    WorkCenter(
        "BK1",
        "Baking oven",
        "SURFACE",
        "FURNACE",
        0.55,
        0,
        0,
        0,
        0,
        run_skill="FURNACE",
        run_people=0.2,
        cost_per_hour=60,
        mtbf_h=500,
    ),
    WorkCenter(
        "SO1",
        "Optical sorting",
        "FINISH",
        "PLANT",
        0.72,
        15,
        10,
        0,
        0,
        run_skill="OPERATOR",
        run_people=0.33,
        cost_per_hour=45,
        mtbf_h=220,
    ),
    WorkCenter(
        "PK1",
        "Packing line",
        "FINISH",
        "PLANT",
        0.64,
        5,
        5,
        0,
        0,
        run_skill="PACKER",
        run_people=1.0,
        cost_per_hour=40,
        mtbf_h=250,
    ),
    WorkCenter(
        "AS1",
        "Assembly of kits",
        "FINISH",
        "TWO",
        0.60,
        20,
        15,
        0,
        0,
        run_skill="PACKER",
        run_people=1.0,
        cost_per_hour=50,
        mtbf_h=300,
    ),
)
WORK_CENTER_INDEX = {wc.code: i for i, wc in enumerate(WORK_CENTERS)}

OPERATION_CODES = {
    "HEAD": "Cold heading",
    "POINT": "Pointing or drilling",
    "ROLL": "Thread rolling",
    "HEAT": "Heat treatment",
    "PLATE": "Plating at the vendor",
    "BAKE": "Baking against hydrogen embrittlement",
    "SORT": "Optical sorting",
    "PACK": "Packing",
    "ASSY": "Assembly of kits",
}

DIAMETERS_MM = (4, 5, 6, 8, 10, 12, 14, 16, 20, 24)
DIAMETER_SHARE = (0.08, 0.10, 0.14, 0.20, 0.17, 0.11, 0.06, 0.07, 0.05, 0.02)
LENGTHS_PER_DIAMETER = (2.5, 3.0, 4.0, 5.0, 6.0)
HEADS = ("HX", "SC", "FL", "TX")  # hexagon, socket, flange, Torx
FINISHES = ("PLAIN", "ZN", "ZNNI")


@dataclass(frozen=True, slots=True)
class Alloy:
    """A wire material, the property class made of it, tensile strength in MPa, corrosion class, price per kg."""

    code: str
    property_class: str
    tensile_mpa: int
    corrosion_class: str
    price_per_kg: float
    share: float
    heat_treated: bool


ALLOYS = (
    Alloy("10B21", "8.8", 800, "carbon", 1.05, 0.30, True),
    Alloy("23MnB4", "10.9", 1040, "carbon", 1.15, 0.27, True),
    Alloy("34Cr4", "10.9", 1060, "carbon", 1.40, 0.14, True),
    Alloy("42CrMo4", "12.9", 1220, "carbon", 1.65, 0.09, True),
    Alloy("A2-70", "A2-70", 700, "A2", 3.90, 0.13, False),
    Alloy("A4-80", "A4-80", 800, "A4", 5.20, 0.07, False),
)


@dataclass(frozen=True, slots=True)
class Supplier:
    """A supplier: lead time in calendar days, chance of being late, median days late, log spread, short share."""

    code: str
    name: str
    lead_time_days: int
    late_share: float
    late_median_days: float
    late_sigma: float
    short_share: float


WIRE_SUPPLIERS = (
    Supplier("S100", "Rhein Draht", 28, 0.06, 1.5, 0.4, 0.02),
    Supplier("S200", "Acciai Lombardi", 35, 0.10, 2.0, 0.5, 0.03),
    Supplier("S300", "Baltic Wire", 30, 0.28, 4.0, 0.8, 0.08),
)
PACKAGING_SUPPLIER = Supplier("S400", "Kartonwerk", 14, 0.04, 1.0, 0.3, 0.0)
PARTS_SUPPLIER = Supplier("S500", "Washer & Co", 21, 0.06, 1.5, 0.4, 0.02)
PLATERS = (
    Supplier("V900", "Galvano Nord", 4, 0.08, 1.0, 0.4, 0.0),
    Supplier("V910", "Oberflaeche Sued", 4, 0.10, 1.0, 0.4, 0.0),
)
SUPPLIERS = (*WIRE_SUPPLIERS, PACKAGING_SUPPLIER, PARTS_SUPPLIER, *PLATERS)


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a plant of this kind is drawn from. Shares are of orders, days are calendar days."""

    code: str = "FASTENER"
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
    class_share: dict[str, float] = field(default_factory=lambda: {"A": 0.45, "B": 0.35, "C": 0.20})
    lead_days: dict[str, tuple[int, int]] = field(default_factory=lambda: {"A": (28, 45), "B": (26, 42), "C": (24, 38)})
    rush_lead_days: tuple[int, int] = (14, 20)
    breakdown_median_min: float = 55.0
    breakdown_sigma: float = 1.15
    expected_setup_share: float = 0.5  # of the setup minutes of a full change, what sequencing leaves on average


PLANTS: dict[str, Parameters] = {"fastener": Parameters()}
