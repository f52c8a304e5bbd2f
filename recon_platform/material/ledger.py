"""The event ledger: every recorded change between the baseline and tonight, with its category, so that the two close.

Belongs here: which change is called what, from which evidence. Per item, stock of the baseline plus stock events is
tonight's stock, and the same for orders and demand; what no record explains is UNEXPLAINED and is never spread.
"""

from __future__ import annotations

import json

import polars as pl

from recon_platform.material.changes import GROSS_ADD, OPEN_DAY_SET, OPEN_QTY_ADD, PARAMETER_ADD, PARAMETER_SET
from recon_platform.material.demand import DEMAND_SOURCES
from recon_platform.material.lots import (
    BOUGHT,
    HOLDING,
    LEAD,
    LOT_QTY,
    MAX_QTY,
    MICRO,
    MIN_QTY,
    MULTIPLE,
    ON_HAND,
    RULE,
    SAFETY,
    SETUP,
    WINDOW,
    YIELD,
)
from recon_platform.material.roll import Baseline
from recon_platform.material.snapshot import Snapshot
from recon_platform.tables.lines import PURCHASE_LINE
from recon_platform.tables.model import Frames

EVENT_SCHEMA = {
    "category": pl.String, "entity": pl.String, "item": pl.String, "operation": pl.Int64, "column": pl.Int64,
    "order_type": pl.String, "order": pl.String, "day": pl.Int64, "value": pl.Float64, "detail": pl.String,
}  # fmt: skip
_NO_EVENT = pl.DataFrame(schema=EVENT_SCHEMA)
PARAMETER_CATEGORY = {
    LEAD: "LEAD_TIME_CHANGE", RULE: "LOT_SIZE_CHANGE", LOT_QTY: "LOT_SIZE_CHANGE", WINDOW: "LOT_SIZE_CHANGE",
    MIN_QTY: "LOT_SIZE_CHANGE", MAX_QTY: "LOT_SIZE_CHANGE", MULTIPLE: "LOT_SIZE_CHANGE", SETUP: "LOT_SIZE_CHANGE",
    HOLDING: "LOT_SIZE_CHANGE", SAFETY: "SAFETY_STOCK_CHANGE", YIELD: "YIELD_CHANGE", BOUGHT: "ENGINEERING_CHANGE",
}  # fmt: skip
TOLERANCE = 1e-6
ORDER_KEY = ["order_type", "order"]


def _events(frame: pl.DataFrame, **values: pl.Expr | str | int) -> pl.DataFrame:
    """`frame` as event rows; columns not given are null."""
    if frame.is_empty():
        return _NO_EVENT
    columns = []
    for name, dtype in EVENT_SCHEMA.items():
        value = values.get(name)
        if value is None:
            value = pl.col(name) if name in frame.columns else pl.lit(None)
        expression = value if isinstance(value, pl.Expr) else pl.lit(value)
        columns.append(expression.cast(dtype).alias(name))
    return frame.select(columns)


def parameter_events(then: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """Changes of planning parameters. Both frames: `item` and one column per parameter number, as netting reads them."""
    parts = [_NO_EVENT]
    both = then.join(now, on="item", suffix="_now")
    differs = both.select((pl.col(str(n)) != pl.col(f"{n}_now")).any() for n in PARAMETER_CATEGORY).row(0)
    for (number, category), some in zip(PARAMETER_CATEGORY.items(), differs, strict=True):
        if not some:
            continue
        was, is_now = pl.col(str(number)), pl.col(f"{number}_now")
        scale = MICRO if number in (SAFETY, LOT_QTY, MIN_QTY, MAX_QTY, MULTIPLE) else 1
        parts.append(
            _events(
                both.filter(was != is_now),
                category=category,
                entity=pl.col("item"),
                operation=PARAMETER_SET,
                column=number,
                value=is_now,
                detail=pl.format("{} {} to {}", pl.lit(category.replace("_CHANGE", "").replace("_", " ").lower()),
                                 was / scale, is_now / scale),
            )
        )  # fmt: skip
    return pl.concat(parts)


def order_history(base: Baseline, now: Snapshot, frames: Frames) -> pl.DataFrame:
    """Every order of either side: expected and real receipts, scrap, ordered quantity before and now, dates and state."""

    def side(snapshot: Snapshot, suffix: str) -> pl.DataFrame:
        return snapshot.orders.select(
            *ORDER_KEY, pl.col("item").alias(f"item{suffix}"), pl.col("qty").alias(f"open{suffix}"),
            pl.col("day").alias(f"day{suffix}"), pl.col("due_date").alias(f"due{suffix}"),
            pl.col("original_due").alias(f"ordered_due{suffix}"), pl.col("supplier").alias(f"supplier{suffix}"),
            pl.col("not_before").alias(f"not_before{suffix}"),
        )  # fmt: skip

    facts_then = _booked(base.before, "_then")
    facts_now = _booked(frames, "_now")
    return (
        side(base.facts, "_then")
        .join(side(now, "_now"), on=ORDER_KEY, how="full", coalesce=True)
        .join(base.expected.select(*ORDER_KEY, pl.col("qty").alias("expected")), on=ORDER_KEY, how="left")
        .join(facts_then, on=ORDER_KEY, how="left")
        .join(facts_now, on=ORDER_KEY, how="left")
        .join(base.released.select("order", pl.lit(True).alias("released")), on="order", how="left")
        .with_columns(
            pl.coalesce("item_then", "item_now").alias("item"),
            pl.col("expected", "open_then", "open_now").fill_null(0.0),
            pl.col("released").fill_null(False),
        )
        .sort(ORDER_KEY)
    )


def _booked(frames: Frames, suffix: str) -> pl.DataFrame:
    """What each order had ordered, received and scrapped, by order."""
    purchases = frames["purchase_orders"].select(
        pl.lit("purchase_order").alias("order_type"),
        PURCHASE_LINE.alias("order"),
        pl.col("qty").alias(f"ordered{suffix}"),
        pl.col("received_qty").fill_null(0.0).alias(f"booked{suffix}"),
        pl.lit(0.0).alias(f"scrapped{suffix}"),
        pl.col("status").alias(f"status{suffix}"),
        pl.lit("").alias(f"rules{suffix}"),
    )
    works = frames["reconciled_orders"].select(
        pl.lit("work_order").alias("order_type"),
        pl.col("work_order").alias("order"),
        pl.col("qty").alias(f"ordered{suffix}"),
        pl.col("completed_qty").alias(f"booked{suffix}"),
        pl.col("scrapped_qty").alias(f"scrapped{suffix}"),
        pl.col("status").alias(f"status{suffix}"),
        pl.col("rules").alias(f"rules{suffix}"),
    )
    return pl.concat([purchases, works])


def order_events(history: pl.DataFrame) -> pl.DataFrame:
    """Events on open orders, and the stock their receipts did or did not bring.

    An order new on both sides of a planned release differs from the plan by the planner's hand, as does one that nobody
    planned. What a supplier or the shop did not deliver, lost, or brought early is theirs.
    """
    bought = pl.col("order_type") == "purchase_order"
    fall = pl.when(bought).then(pl.lit("VENDOR_FALLDOWN")).otherwise(pl.lit("PLANT_FALLDOWN"))
    known = history.with_columns(
        (pl.col("booked_now") - pl.col("booked_then")).fill_null(0.0).alias("came"),
        (pl.col("ordered_now") - pl.col("ordered_then")).fill_null(0.0).alias("ordered"),
        (pl.col("scrapped_now") - pl.col("scrapped_then")).fill_null(0.0).alias("scrap"),
        (pl.col("booked_then").is_null() | pl.col("booked_now").is_null()).alias("strange"),
    )
    known = known.with_columns((pl.col("came") - pl.col("expected")).alias("beyond"))
    receipts = known.filter(pl.col("beyond").abs() > TOLERANCE)
    kind = pl.when(pl.col("beyond") < 0).then(fall).otherwise(pl.lit("OVER_RECEIPT"))
    words = pl.format("{} came, {} expected", pl.col("came").round(3), pl.col("expected").round(3))
    stock = _events(receipts, category=kind, entity=pl.col("order"), operation=PARAMETER_ADD, column=ON_HAND,
                    value=pl.col("beyond") * MICRO, detail=words)  # fmt: skip
    still = _events(receipts, category=kind, entity=pl.col("order"), operation=OPEN_QTY_ADD,
                    value=-pl.col("beyond") * MICRO, detail=words)  # fmt: skip
    # What is left to explain of the open quantity, piece by piece.
    rest = known.with_columns((pl.col("open_now") - pl.col("open_then") + pl.col("beyond")).alias("rest"))
    planner = pl.when(pl.col("strange")).then(pl.col("rest")).otherwise(
        pl.when(pl.col("ordered") > 0).then(pl.min_horizontal("ordered", pl.col("rest").clip(lower_bound=0.0)))
        .otherwise(pl.max_horizontal("ordered", pl.col("rest").clip(upper_bound=0.0)))
    )  # fmt: skip
    cancelled = pl.col("status_now") == "cancelled"
    rest = rest.with_columns(pl.when(cancelled).then(pl.col("rest")).otherwise(planner).alias("by_planner"))
    rest = rest.with_columns((pl.col("rest") - pl.col("by_planner")).alias("rest"))
    lost = pl.max_horizontal(pl.col("rest"), -pl.col("scrap").clip(lower_bound=0.0)).clip(upper_bound=0.0)
    gained = pl.min_horizontal(pl.col("rest"), (-pl.col("scrap")).clip(lower_bound=0.0)).clip(lower_bound=0.0)
    rest = rest.with_columns((lost + gained).alias("by_scrap"))
    rest = rest.with_columns((pl.col("rest") - pl.col("by_scrap")).alias("rest"))
    closed = pl.col("status_now").is_in(["closed", "complete"])
    corrected = (pl.col("rules_now").fill_null("") != pl.col("rules_then").fill_null("")) & ~bought
    other = (
        pl.when(closed & (pl.col("rest") < 0)).then(fall)
        .when(corrected).then(pl.lit("RECORD_ERROR"))
        .otherwise(pl.lit("UNEXPLAINED"))
    )  # fmt: skip
    parts = [stock, still]
    for column, category, phrase in (
        ("by_planner", pl.lit("PLANNER_ACTION"), "open quantity {} by order change"),
        ("by_scrap", pl.lit("SCRAP"), "{} units of yield against plan"),
        ("rest", other, "open quantity {}, no transaction says why"),
    ):
        parts.append(
            _events(
                rest.filter(pl.col(column).abs() > TOLERANCE), category=category, entity=pl.col("order"),
                operation=OPEN_QTY_ADD, value=pl.col(column) * MICRO, detail=pl.format(phrase, pl.col(column).round(3)),
            )
        )  # fmt: skip
    return pl.concat([*parts, date_events(known)])


def date_events(history: pl.DataFrame) -> pl.DataFrame:
    """Dates of open orders that moved: by the supplier's promise, by the shop's delay, else by the planner."""
    moved = history.filter(
        pl.col("day_then").is_not_null() & pl.col("day_now").is_not_null() & (pl.col("day_then") != pl.col("day_now"))
    )
    ours = pl.col("ordered_due_then") != pl.col("ordered_due_now")
    bought = pl.col("order_type") == "purchase_order"
    delayed = pl.col("not_before_now").is_not_null() & (pl.col("due_then") == pl.col("due_now"))
    category = (
        pl.when(pl.col("released") | (ours & bought & (pl.col("due_now") == pl.col("ordered_due_now"))))
        .then(pl.lit("PLANNER_ACTION"))
        .when(bought).then(pl.lit("VENDOR_FALLDOWN"))
        .when(delayed).then(pl.lit("PLANT_FALLDOWN"))
        .otherwise(pl.lit("PLANNER_ACTION"))
    )  # fmt: skip
    return _events(
        moved, category=category, entity=pl.col("order"), operation=OPEN_DAY_SET, day=pl.col("day_now"), value=0,
        detail=pl.format("date {} to {}", "due_then", "due_now"),
    )  # fmt: skip


def transaction_events(base: Baseline, frames: Frames) -> pl.DataFrame:
    """Stock transactions since the run before that no plan foresaw: counts and adjustments, withdrawals, scrap."""
    rows = frames.get("inventory_transactions")
    if rows is None or rows.is_empty():
        return pl.DataFrame(schema=EVENT_SCHEMA)
    fresh = rows.join(base.before["inventory_transactions"].select("transaction"), on="transaction", how="anti").filter(
        pl.col("at").dt.date() >= base.since
    )
    change = (
        pl.when(pl.col("kind") == "count").then(pl.col("qty") - pl.col("book_qty").fill_null(pl.col("qty")))
        .when(pl.col("kind") == "scrap").then(-pl.col("qty").abs())
        .otherwise(pl.col("qty"))
    )  # fmt: skip
    category = pl.col("kind").replace_strict(
        {"count": "RECORD_ERROR", "adjust": "RECORD_ERROR", "unplanned": "UNPLANNED_TXN", "scrap": "SCRAP"}, default=None,
        return_dtype=pl.String,
    )  # fmt: skip
    return _events(
        fresh.with_columns(category.alias("category"), change.alias("change")).filter(
            pl.col("category").is_not_null() & (pl.col("change").abs() > TOLERANCE)
        ),
        category=pl.col("category"), entity=pl.col("transaction"), operation=PARAMETER_ADD, column=ON_HAND,
        value=pl.col("change") * MICRO,
        detail=pl.format("{} of {} {}{}", "kind", "change", "item",
                         pl.when(pl.col("user").is_not_null()).then(pl.format(" by {}", "user")).otherwise(pl.lit(""))),
    )  # fmt: skip


def stock_events(base: Baseline, now: Snapshot, explained: pl.DataFrame, frames: Frames) -> pl.DataFrame:
    """What is left of each item's stock after `explained`: forecast that sold otherwise, lines shipped that were not
    known, else UNEXPLAINED."""
    since = base.since
    forecast = pl.DataFrame(schema={"item": pl.String, "sold": pl.Float64})
    schedule = base.before["master_schedule"]
    if not schedule.is_empty():
        forecast = (
            schedule.filter(pl.col("source").is_in(DEMAND_SOURCES) & (pl.col("due_date") >= since))
            .group_by("item").agg(pl.lit(True).alias("forecast"))
            .select("item", pl.lit(0.0).alias("sold"))
        )  # fmt: skip
    shipped = (
        frames["sales_orders"]
        .join(base.before["sales_orders"], on=["sales_order", "line"], how="anti")
        .filter(pl.col("shipped_qty").fill_null(0.0) > 0)
        .group_by("item").agg(pl.col("shipped_qty").sum().alias("sold"))
    )  # fmt: skip
    known = explained.filter((pl.col("operation") == PARAMETER_ADD) & (pl.col("column") == ON_HAND))
    rest = (
        base.facts.stock.select("item", pl.col("on_hand").alias("then"))
        .join(now.stock.select("item", pl.col("on_hand").alias("now")), on="item", how="full", coalesce=True)
        .join(known.group_by("item").agg((pl.col("value").sum() / MICRO).alias("known")), on="item", how="left")
        .with_columns(
            (pl.col("now").fill_null(0.0) - pl.col("then").fill_null(0.0) - pl.col("known").fill_null(0.0)).alias(
                "rest"
            )
        )
        .filter(pl.col("rest").abs() > TOLERANCE)
        .join(shipped, on="item", how="left")
        .join(forecast.select("item", pl.lit(True).alias("forecast")), on="item", how="left")
    )
    sold = pl.max_horizontal(pl.col("rest"), -pl.col("sold").fill_null(0.0)).clip(upper_bound=0.0)
    by_sales = pl.when(pl.col("forecast").fill_null(False)).then(pl.col("rest")).otherwise(sold)
    rest = rest.with_columns(by_sales.alias("by_sales")).with_columns(
        (pl.col("rest") - pl.col("by_sales")).alias("rest")
    )
    return pl.concat(
        [
            _events(rest.filter(pl.col(column).abs() > TOLERANCE), category=category, entity=pl.col("item"),
                    operation=PARAMETER_ADD, column=ON_HAND, value=pl.col(column) * MICRO,
                    detail=pl.format(words, pl.col(column).round(3)))
            for column, category, words in (
                ("by_sales", "MPS_CHANGE", "{} against what was forecast and ordered"),
                ("rest", "UNEXPLAINED", "stock {}, no transaction says why"),
            )
        ]
    )  # fmt: skip


def demand_events(base: Baseline, now: Snapshot, orders: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Demand that is not what it was: the master schedule's own rows, and components of open orders, which take the
    category of what happened to the order or to its BOM."""
    key = ["demand_type", "demand", "item", "op_seq"]
    then = base.facts.demands.select(*key, pl.col("date").alias("date_then"), pl.col("qty").alias("qty_then"))
    both = then.join(
        now.demands.select(*key, pl.col("date").alias("date_now"), pl.col("qty").alias("qty_now")),
        on=key, how="full", coalesce=True, nulls_equal=True,
    ).with_columns(pl.col("qty_then", "qty_now").fill_null(0.0))  # fmt: skip
    changed = both.filter(
        ((pl.col("qty_now") - pl.col("qty_then")).abs() > TOLERANCE)
        | (pl.col("date_then").ne_missing(pl.col("date_now")) & (pl.col("qty_then") > 0) & (pl.col("qty_now") > 0))
    )
    of_order = (
        orders.filter(pl.col("operation").is_in([OPEN_QTY_ADD, OPEN_DAY_SET]))
        .group_by(pl.col("order").alias("demand"))
        .agg(pl.col("category").sort().first().alias("_by_order"))
    )
    of_line = lines.group_by(pl.col("component_item").alias("item")).agg(
        pl.col("category").sort().first().alias("_by_bom")
    )
    independent = pl.col("demand_type").is_in(["sales_order", *DEMAND_SOURCES])
    category = (
        pl.when(independent).then(pl.lit("MPS_CHANGE"))
        .otherwise(pl.coalesce("_by_order", "_by_bom", pl.lit("PLANNER_ACTION")))
    )  # fmt: skip
    rows = changed.join(of_order, on="demand", how="left").join(of_line, on="item", how="left").with_columns(
        category.alias("category"),
        pl.when(pl.col("date_then").is_null()).then(pl.format("new: {} on {}", "qty_now", "date_now"))
        .when(pl.col("date_now").is_null()).then(pl.format("gone: {} on {}", "qty_then", "date_then"))
        .otherwise(pl.format("{} on {} to {} on {}", "qty_then", "date_then", "qty_now", "date_now")).alias("words"),
    )  # fmt: skip
    parts = []
    for suffix, sign in (("then", -1.0), ("now", 1.0)):
        parts.append(
            _events(
                rows.filter(pl.col(f"qty_{suffix}") > 0), category=pl.col("category"), entity=pl.col("demand"),
                operation=GROSS_ADD, day=pl.col(f"date_{suffix}").cast(pl.Int32),
                value=pl.col(f"qty_{suffix}") * (sign * MICRO),
                detail=pl.format("{} {}", pl.col("demand_type").str.replace_all("_", " "), "words"),
            )
        )  # fmt: skip
    return pl.concat(parts)


def bom_changes(then: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """BOM lines of both sides with `category` null where nothing changed, and `side` `both`, `then` or `now`."""
    key = [
        "parent_item", "component_item", "qty_per", "fixed_qty", "scrap", "op_seq", "valid_from", "valid_to",
    ]  # fmt: skip
    number = pl.int_range(pl.len()).over(key).alias("_n")
    a, b = then.with_columns(number), now.with_columns(number)
    on = [*key, "_n"]
    same = a.join(b, on=on, how="semi", nulls_equal=True).with_columns(pl.lit("both").alias("side"))
    gone = a.join(b, on=on, how="anti", nulls_equal=True).with_columns(pl.lit("then").alias("side"))
    fresh = b.join(a, on=on, how="anti", nulls_equal=True).with_columns(pl.lit("now").alias("side"))
    lines = pl.concat([same, gone, fresh]).drop("_n")
    numbered = lines.filter((pl.col("side") != "both") & pl.col("change_no").is_not_null()).select(
        "parent_item", pl.lit(True).alias("_engineered")
    ).unique()  # fmt: skip
    category = (
        pl.when(pl.col("side") == "both").then(None)
        .when(pl.col("_engineered")).then(pl.lit("ENGINEERING_CHANGE"))
        .otherwise(pl.lit("RECORD_ERROR"))
    )  # fmt: skip
    return (
        lines.join(numbered, on="parent_item", how="left")
        .with_columns(category.alias("category"))
        .with_columns(
            pl.when(pl.col("category").is_not_null())
            .then(pl.coalesce("change_no", pl.format("{}>{}", "parent_item", "component_item")))
            .alias("entity")
        )
        .drop("_engineered")
    )


def linked(events: pl.DataFrame, frames: Frames) -> pl.DataFrame:
    """Planner's actions that a decision links to their reason take the category of that reason.

    MRP explodes downward only: that an order moved because another was late is known only from this link, kept in the
    decision's value as `{"because": {"category": …, "event": …}}`, its subject being the order.
    """
    decisions = frames.get("decisions_in_force")
    if decisions is None or decisions.is_empty():
        return events
    reasons = []
    for subject, value in decisions.select("subject", "value").iter_rows():
        because = json.loads(value or "{}")
        because = because.get("because") if isinstance(because, dict) else None
        if because:
            reasons.append({"order": subject, "_category": because["category"], "_event": because.get("event")})
    if not reasons:
        return events
    links = pl.DataFrame(reasons, schema={"order": pl.String, "_category": pl.String, "_event": pl.String})
    by_planner = pl.col("category") == "PLANNER_ACTION"
    return (
        events.join(
            links.unique("order", keep="last", maintain_order=True), on="order", how="left", maintain_order="left"
        )
        .with_columns(
            pl.when(by_planner)
            .then(pl.coalesce("_category", "category"))
            .otherwise(pl.col("category"))
            .alias("category"),
            pl.when(by_planner).then(pl.coalesce("_event", "entity")).otherwise(pl.col("entity")).alias("entity"),
        )
        .select(events.columns)
    )
