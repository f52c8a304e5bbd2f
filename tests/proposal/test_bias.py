"""Customer size never matters beyond class and due date: large and small customers of a class change places, nothing changes."""

from __future__ import annotations

from typing import Any

import polars as pl

from recon_platform.proposal.moves import exception_moves
from tests.proposal.small import Small
from tests.proposal.test_sets import random_plant

LARGE, SMALL = 5e8, 1e4  # annual revenue


def served(small: str, lines: dict[str, str], seed: int) -> tuple[Small, dict[str, pl.DataFrame]]:
    """Schedule, promises and moves of a random plant with two customers a class, the one called X`small` tiny.

    `lines`: customer who in place of another orders what that one orders.
    """
    plant = random_plant(seed)
    plant.policy["proposal"] = {"max_moves": 4, "max_bundles": 0, "max_set_trials": 2}
    plant.rows["customers"] = [
        {"customer": f"{of}{k}", "class": of, "annual_revenue": SMALL if str(k) == small else LARGE}
        for of in "ABC"
        for k in (1, 2)
    ]
    for k, row in enumerate(plant.rows["sales_orders"]):
        customer = f"{row['customer'][0]}{1 + k % 2}"
        row["customer"] = lines.get(customer, customer)
    frames = plant.frames()
    shown: dict[str, Any] = {"schedule": frames["schedule"], "promises": frames["order_promises"].drop("customer")}
    return plant, {**shown, "weights": frames["supply_orders"], "moves": exception_moves(frames, plant.context)}


def test_customers_of_a_class_change_places_and_plan_and_moves_stay_the_same() -> None:
    plant, as_it_is = served("1", {}, 2)
    buyers = [row["customer"] for row in plant.rows["sales_orders"]]
    assert {buyer[1] for buyer in buyers} == {"1", "2"}, "large and small ones order"
    assert as_it_is["moves"].height >= 3
    swap = {f"{of}{a}": f"{of}{b}" for of in "ABC" for a, b in ((1, 2), (2, 1))}
    for small, lines in (("2", {}), ("1", swap)):
        _, changed = served(small, lines, 2)
        for name, table in as_it_is.items():
            assert table.equals(changed[name]), (name, small, bool(lines))
    _, other = served("1", {"A1": "C1", "A2": "C2", "C1": "A1", "C2": "A2"}, 2)
    assert not as_it_is["weights"].equals(other["weights"]), "the class does matter"
