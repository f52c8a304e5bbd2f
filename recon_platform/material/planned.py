"""Planned orders as rows: names that stay the same from run to run, and the place of each among all order names."""

from __future__ import annotations

import numpy as np
import polars as pl

from recon_platform.material.lots import MICRO
from recon_platform.material.netting import Netted
from recon_platform.material.problem import Problem
from recon_platform.material.rows import Ints
from recon_platform.material.work_days import to_date

MOST_PIECES = 9_999  # of one item and day whose numbers sort as text does
DAYS_OF_FOUR_DIGIT_YEARS = (-354_285, 2_932_896)  # 1000-01-01 to 9999-12-31, in days since 1970


def planned_rows(problem: Problem, netted: Netted, rank: Ints) -> pl.DataFrame:
    """Planned orders by row, named after item and day; several on one day are numbered. `rank` is the best rank above
    each; `name_rank` goes on where that of the open orders ends, and sorts as the name does."""
    ix = item_rows(netted.planned_at)
    frame = pl.DataFrame(
        {
            "ix": ix,
            "day": netted.planned_day,
            "start_day": netted.planned_start,
            "qty": netted.planned_started / MICRO,
            "good_qty": netted.planned_good / MICRO,
            "micro_good": netted.planned_good,
            "rank": rank,
            "due_date": to_date(netted.planned_day),
            "start_date": to_date(netted.planned_start),
        }
    )
    of_item = problem.items.select("item", "make_buy", "planner", "cost", "lead_time_days", "level")
    number = numbers_of_day(ix, netted.planned_day)
    items = of_item.get_column("item")
    names = planned_names(items, ix, netted.planned_day, number)
    return frame.hstack(of_item[ix]).with_columns(
        names.alias("order"),
        pl.Series("name_rank", after(problem) + name_places(items, netted.planned_at, number, frame, names)),
    )


def after(problem: Problem) -> int:
    """The first `name_rank` behind those of the open orders."""
    last = problem.orders.get_column("name_rank").max()
    return 0 if last is None else int(last) + 1  # type: ignore[arg-type]


def item_rows(at: Ints) -> Ints:
    """The item number of each row of a frame whose rows are grouped by item."""
    return np.repeat(np.arange(len(at) - 1), np.diff(at))


def numbers_of_day(ix: Ints, day: Ints) -> Ints:
    """Per row, how many rows of its item and day come before it; rows of one item come by day."""
    row = np.arange(len(ix))
    first = np.ones(len(ix), dtype=np.bool_)
    first[1:] = (ix[1:] != ix[:-1]) | (day[1:] != day[:-1])
    return row - np.maximum.accumulate(np.where(first, row, 0))


def planned_names(items: pl.Series, ix: Ints, day: Ints, number: Ints) -> pl.Series:
    """PL-item-YYYYMMDD, from the second of a day on with its number behind."""
    first = int(day.min()) if len(day) else 0
    days = to_date(np.arange(first, int(day.max()) + 1 if len(day) else first)).dt.strftime("%Y%m%d")
    names = ("PL-" + items + "-").gather(ix) + days.gather(day - first)
    if not number.any():
        return names
    behind = pl.select(
        pl.when(pl.Series(number) == 0)
        .then(pl.lit(""))
        .otherwise(pl.lit("-") + pl.Series(number + 1).cast(pl.String).str.zfill(4))
    ).to_series()
    return names + behind


def name_places(items: pl.Series, at: Ints, number: Ints, rows: pl.DataFrame, names: pl.Series) -> Ints:
    """The place of each planned order's name when sorted.

    Rows come by item and day, and the date has eight digits: sorting the items, with the dash that ends them, sorts the
    orders. Where one item's stem begins another's, or a number or a year has more digits, the names themselves are sorted.
    """
    stems = items + "-"
    order = stems.arg_sort()
    ordered = stems.gather(order).to_frame("stem")
    nested = ordered.select(pl.col("stem").str.starts_with(pl.col("stem").shift(1)).any()).item()
    earliest, latest = DAYS_OF_FOUR_DIGIT_YEARS
    day = rows.get_column("day")
    if nested or (len(number) and number.max() >= MOST_PIECES) or ((day < earliest) | (day > latest)).any():
        return places(names)
    count = np.diff(at)
    begin = np.empty(len(count), dtype=np.int64)
    at_place = order.to_numpy()
    begin[at_place] = np.cumsum(count[at_place]) - count[at_place]
    return np.repeat(begin - at[:-1], count) + np.arange(len(number))


def places(values: pl.Series) -> Ints:
    """The place of each value when sorted."""
    order = values.arg_sort().to_numpy()
    back = np.empty(len(order), dtype=np.int64)
    back[order] = np.arange(len(order))
    return back
