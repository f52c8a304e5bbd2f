"""A small plant in a Tryton database: a two-level bill of material, routings, orders, purchases, sales, stock.

`python seed.py CONFIG DATABASE`: Tryton itself runs inside this process (proteus), so it is never the test's own.
Shafts are turned and ground of blanks, blanks are sawn of bar; a shaft takes four screws.
"""

from __future__ import annotations

import datetime as dt
import sys
from decimal import Decimal
from typing import Any

from proteus import Model, config
from trytond.modules.account.tests.tools import create_chart, get_accounts
from trytond.modules.company.tests.tools import create_company, get_company
from trytond.modules.currency.tests.tools import get_currency

PARTS = {
    "BAR": ("Bar 20 mm", "Meter", False, True), "SCREW": ("Screw M6", "Unit", False, True),
    "BLANK": ("Shaft blank", "Unit", True, False), "SHAFT": ("Shaft", "Unit", True, False),
}  # fmt: skip
"""Code → name, unit, producible, purchasable."""


def main(configuration: str, database: str) -> None:
    """Fill `database`, counting days from today: Tryton names no date that has passed."""
    today = dt.datetime.now(dt.UTC).date()
    config.set_trytond(database=database, config_file=configuration)
    with config.get_config().set_context(_skip_warnings=True):
        create_company(currency=get_currency("EUR"))
        category = _accounts()
        products = _products(category)
        centers = _floor()
        boms = _structures(products)
        routings = _routings(boms)
        for code in ("SHAFT", "BLANK"):
            links = Model.get("product.product-production.bom")
            products[code].boms.append(links(bom=boms[code], routing=routings[code]))
            products[code].save()
        _stock(products)
        _trade(products, today)
        _productions(products, boms, routings, centers, today)
        _planner()


def _accounts() -> Any:
    create_chart()
    accounts = get_accounts(get_company())
    category = Model.get("product.category")(name="Parts", accounting=True)
    category.account_expense, category.account_revenue = accounts["expense"], accounts["revenue"]
    category.save()
    return category


def _products(category: Any) -> dict[str, Any]:
    units = {unit.name: unit for unit in Model.get("product.uom").find([])}
    made = {}
    for code, (name, unit, producible, purchasable) in PARTS.items():
        template = Model.get("product.template")(name=name, default_uom=units[unit], type="goods", code=code)
        template.producible, template.purchasable, template.salable = producible, purchasable, code == "SHAFT"
        template.list_price, template.account_category = Decimal(40), category
        template.products[0].cost_price = Decimal(7)
        template.save()
        made[code] = template.products[0]
    return made


def _floor() -> dict[str, Any]:
    center, kind = Model.get("production.work.center"), Model.get("production.work.center.category")
    floor = center(name="Floor")
    floor.save()
    made = {"Floor": floor}
    for name in ("Saw", "Lathe", "Grinder"):
        group = kind(name=name)
        group.save()
        made[name] = center(name=f"{name} 1", parent=floor, category=group, cost_method="hour", cost_price=Decimal(60))
        made[name].save()
        operation = Model.get("production.routing.operation")(
            name={"Saw": "Cut", "Lathe": "Turn", "Grinder": "Grind"}[name], work_center_category=group
        )
        operation.save()
    return made


def _structures(products: dict[str, Any]) -> dict[str, Any]:
    centimetre = Model.get("product.uom").find([("name", "=", "Centimeter")])[0]
    inputs = {"BLANK": [("BAR", 250, centimetre, 10)], "SHAFT": [("BLANK", 1, None, 1), ("SCREW", 4, None, 1)]}
    made = {}
    for code, lines in inputs.items():
        bom = Model.get("production.bom")(name=code)
        for component, quantity, unit, _ in lines:
            line = bom.inputs.new(product=products[component], quantity=quantity)
            if unit is not None:
                line.unit = unit
        bom.outputs.new(product=products[code], quantity=lines[0][3])
        bom.save()
        made[code] = bom
    return made


def _routings(boms: dict[str, Any]) -> dict[str, Any]:
    operations = {found.name: found for found in Model.get("production.routing.operation").find([])}
    made = {}
    for code, steps in {"BLANK": ["Cut"], "SHAFT": ["Turn", "Grind"]}.items():
        routing = Model.get("production.routing")(name=code)
        for number, step in enumerate(steps, 1):
            routing.steps.new(operation=operations[step], sequence=number)
        routing.boms.append(Model.get("production.bom")(boms[code].id))
        routing.save()
        made[code] = routing
    return made


def _stock(products: dict[str, Any]) -> None:
    storage = Model.get("stock.location").find([("code", "=", "STO")])[0]
    lot = Model.get("stock.lot")(number="H-77", product=products["BAR"])
    lot.save()
    counted = Model.get("stock.inventory")(location=storage)
    counted.lines.new(product=products["BAR"], quantity=12.5, lot=lot)
    counted.lines.new(product=products["SCREW"], quantity=500)
    counted.lines.new(product=products["BLANK"], quantity=20)
    counted.click("confirm")
    point = Model.get("stock.order_point")(product=products["SCREW"], type="purchase", location=None)
    point.warehouse_location = Model.get("stock.location").find([("type", "=", "warehouse")])[0]
    point.min_quantity, point.target_quantity = 100, 400
    point.save()


def _trade(products: dict[str, Any], today: dt.date) -> None:
    party = Model.get("party.party")
    supplier, customer = party(name="Bar & Co"), party(name="Gearbox Ltd")
    for one in (supplier, customer):
        one.addresses.new(street="Street 1")
        one.save()
    offer = Model.get("purchase.product_supplier")(party=supplier, product=products["BAR"], lead_time=dt.timedelta(9))
    offer.prices.new(quantity=100, unit_price=Decimal(6))
    offer.save()
    bought = Model.get("purchase.purchase")(party=supplier, invoice_method="manual", purchase_date=today)
    line = bought.lines.new(product=products["BAR"], quantity=200)
    line.unit_price, line.delivery_date_edit = Decimal(6), True
    line.delivery_date = today + dt.timedelta(days=10)
    bought.click("quote")
    bought.click("confirm")
    bought.click("process")
    sold = Model.get("sale.sale")(party=customer, invoice_method="manual", sale_date=today)
    sold.shipping_date = today + dt.timedelta(days=18)
    line = sold.lines.new(product=products["SHAFT"], quantity=30)
    line.unit_price = Decimal(40)
    sold.click("quote")
    sold.click("confirm")
    sold.click("process")


def _productions(
    products: dict[str, Any], boms: dict[str, Any], routings: dict[str, Any], centers: dict[str, Any], today: dt.date
) -> None:
    """Four orders: one whose turning is done and grinding runs, two that wait, one that is only a request of netting."""
    wanted = [("SHAFT", 10, 3), ("SHAFT", 30, 14), ("BLANK", 40, 8), ("BLANK", 25, 12)]
    made = []
    for code, quantity, days in wanted:
        order = Model.get("production")(product=products[code], bom=boms[code], quantity=quantity)
        order.routing, order.work_center = routings[code], centers["Floor"]
        order.planned_date = today + dt.timedelta(days=days)
        order.save()
        made.append(order)
    for order in made[:3]:
        order.click("wait")
    made[0].click("assign_force")
    made[0].click("run")
    turn, grind = made[0].works
    turn.click("start")
    cycle = turn.cycles[0]
    cycle.duration = dt.timedelta(minutes=50)
    cycle.save()
    cycle.click("do")
    grind.click("start")


def _planner() -> None:
    """A user of the platform's own, who may do what the administrator may."""
    user, group = Model.get("res.user"), Model.get("res.group")
    robot = user(name="Planning", login="robot", password="a-long-robot-password")
    robot.groups.extend(group.find([]))
    robot.companies.append(Model.get("company.company")(get_company().id))
    robot.company = get_company()
    robot.save()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
