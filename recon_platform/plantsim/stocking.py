"""Lot rules and safety stocks of a plant that makes to stock too (`make_to_stock` of a plant file).

Belongs here: how a planner of such a works sets the parameters of make items, from their expected demand. The stock
lies there from the first night and stays: orders are still made to customer lines, and what the floor ships is theirs.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from recon_platform.plantsim.world import World, order_share

KIT_QUANTITY = 0.25  # pieces of a kit's order against those of a bolt's (`demand`)
RUNNERS, REPEATERS = 0.5, 0.8
"""Shares of the demand up to which items are runners and repeaters; the others are strangers (ABC analysis)."""


def weekly_pieces(world: World) -> np.ndarray:
    """Expected demand of each make item in pieces a week."""
    p = world.parameters
    mean = p.quantity_median * float(np.exp(p.quantity_sigma**2 / 2))  # of a log-normal order quantity
    kit = world.items["kit_of"].to_numpy() >= 0
    share = order_share(p, world.items).to_numpy()
    return np.asarray(share * world.orders_per_week * mean * np.where(kit, KIT_QUANTITY, 1.0), dtype=np.float64)


def stock_rules(world: World) -> pl.DataFrame:
    """`lot_rule`, `lot_periods`, `min_qty`, `safety_stock` per make item, in the order of the items.

    Runners (the items that make half of the demand) are gathered by week, with half a week in stock; repeaters (to four
    fifths) by fortnight, with a week in stock; strangers are made at least two weeks' need at a time, with no stock.
    """
    weekly, step = weekly_pieces(world), float(world.parameters.quantity_step)
    order = np.argsort(-weekly, kind="stable")
    before = np.empty(len(weekly))
    before[order] = (np.cumsum(weekly[order]) - weekly[order]) / weekly.sum()
    runner, repeater = before < RUNNERS, (before >= RUNNERS) & (before < REPEATERS)
    weeks = np.where(runner, 0.5, np.where(repeater, 1.0, 0.0))
    return pl.DataFrame(
        {
            "lot_rule": np.where(runner | repeater, "period", "minimum"),
            "lot_periods": np.where(runner, 1, 2),
            "min_qty": np.ceil(2 * weekly / step) * step,
            "safety_stock": np.ceil(weeks * weekly / step) * step,
        }
    ).with_columns(
        pl.when(pl.col("lot_rule") == "period").then("lot_periods"),
        pl.when(pl.col("lot_rule") == "minimum").then("min_qty"),
    )


def safety_lots(world: World) -> pl.DataFrame:
    """Stock rows of the safety stocks: one lot an item, made before the first night."""
    return (
        world.items.select("item", lot=pl.concat_str(pl.lit("LS"), pl.col("item")), location=pl.lit("FG"))
        .with_columns(stock_rules(world)["safety_stock"].alias("qty"))
        .filter(pl.col("qty") > 0)
        .with_columns(uom=pl.lit("H87"), status=pl.lit("available"), certificate=pl.lit("3.1"))
    )
