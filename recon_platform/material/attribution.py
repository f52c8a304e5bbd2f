"""Attribution: a baseline and an event ledger in, the share of every event in every order's shift out.

Exact Shapley shares per category by replaying only what the events reach (see `replay`); labels and the split inside a
category from what each event does alone and what is lost without it. The definitions are those of Shapley (1953) on the
game v(S) = need date − due date when only the changes S are made.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recon_platform.material.changes import (
    GROSS_ADD,
    NOBODY,
    OPEN_DAY_SET,
    OPEN_QTY_ADD,
    PARAMETER_ADD,
    PARAMETER_SET,
    Changes,
    Lines,
    Shifts,
)
from recon_platform.material.demand import day_numbers
from recon_platform.material.lots import LEAD, LOT_FOR_LOT, MIN_QTY, MINIMUM, MULTIPLE, ON_HAND, RULE, SAFETY
from recon_platform.material.netting import Netted, net_all
from recon_platform.material.problem import Problem, array, assemble, offsets
from recon_platform.material.replay import LABELS, SHARES, TURNS, replay_all, with_parents
from recon_platform.material.snapshot import Snapshot
from recon_platform.material.structure import DAY_MAX, product_structure
from recon_platform.tables.context import PlanContext
from recon_platform.tables.material import CATEGORIES

NUMBER = {category: n for n, category in enumerate(CATEGORIES)}
WHOLE_CATEGORY = "*"
SHARE_SCHEMA = {
    "order_type": pl.String, "order": pl.String, "item": pl.String, "category": pl.String, "event": pl.String,
    "contribution_days": pl.Float64, "need_days": pl.Float64, "label": pl.String, "method": pl.String,
    "relieving": pl.Boolean, "detail": pl.String,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Attribution:
    """`shares`: per order that moved, category and event. `shifts`: per such order, need and date (day numbers) in the
    baseline and now, whether every event behind it relieves, and the amplifier. `baseline` is the problem replayed;
    `reached` the items any event reaches; `replays` how many single-item nettings it took."""

    shares: pl.DataFrame
    shifts: pl.DataFrame
    baseline: Problem
    reached: pl.DataFrame
    replays: int


@dataclass(frozen=True, slots=True)
class Game:
    """A baseline problem netted, and the changes by number of their player."""

    problem: Problem
    netted: Netted
    lines: Lines
    has_parts: NDArray[np.bool_]
    tie: NDArray[np.int64]  # per supply row: which comes first of several on one day
    always_fixed: NDArray[np.bool_]
    fixed_after: int
    rows: pl.DataFrame  # events with item number, supply row, category number and event number
    bom: pl.DataFrame  # changed BOM lines with category and event number
    events: pl.DataFrame  # event number → category, event, detail, relieving


def prepare(base: Snapshot, events: pl.DataFrame, bom: pl.DataFrame, context: PlanContext) -> Game:
    """Number everything. `events` are ledger rows; `bom` all BOM lines with `side`, `category` and `entity`."""
    structure = product_structure(base.catalogue.get_column("item"), bom, base.uses)
    lines = structure.lines
    hidden = replace(
        structure,
        lines=lines.with_columns(
            pl.when(pl.col("side") == "now").then(DAY_MAX).otherwise(pl.col("valid_from")).alias("valid_from")
        ),
    )
    problem = assemble(base, context, hidden)
    changed = lines.with_row_index("line").filter(pl.col("category").is_not_null())
    known = pl.concat(
        [
            events.select("category", "entity", "detail"),
            changed.select(
                "category", "entity",
                pl.format("{} {} in {}: {}", pl.col("side").replace({"now": "added", "then": "removed"}),
                          "component_item", "parent_item", "qty_per").alias("detail"),
            ),
        ]
    )  # fmt: skip
    numbered = (
        known.group_by("category", "entity")
        .agg(pl.col("detail").drop_nulls().first())
        .sort("category", "entity")
        .with_row_index("number")
        .with_columns(pl.col("number").cast(pl.Int64), pl.format("{}:{}", "category", "entity").alias("event"))
    )
    supply = (
        problem.orders.select("order_type", "order").with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
    )
    rows = (
        events.join(problem.items.select("item", "ix"), on="item", maintain_order="left")
        .join(supply, on=["order_type", "order"], how="left", maintain_order="left")
        .join(numbered.select("category", "entity", "number"), on=["category", "entity"], maintain_order="left")
        .with_columns(pl.col("category").replace_strict(NUMBER, return_dtype=pl.Int64).alias("category_number"))
    )
    gross = pl.col("operation") == GROSS_ADD
    on_order = pl.col("operation").is_in([OPEN_QTY_ADD, OPEN_DAY_SET])
    rows = rows.filter(~on_order | pl.col("row").is_not_null())
    snapped = pl.Series("snapped", base.days.back(array(rows.get_column("day").fill_null(0))))
    rows = rows.with_columns(pl.when(gross).then(snapped).otherwise(pl.col("day")).alias("day")).filter(
        ~gross | (pl.col("day") < problem.axis.never)
    )
    bom_rows = changed.join(numbered.select("category", "entity", "number"), on=["category", "entity"]).with_columns(
        pl.col("category").replace_strict(NUMBER, return_dtype=pl.Int64).alias("category_number")
    )
    n = problem.items.height
    has_parts = np.zeros(n, dtype=np.bool_)
    has_parts[lines.get_column("parent_ix").to_numpy()] = True
    kernel_lines = Lines(
        problem.inputs.line_at, problem.inputs.line_parent, problem.inputs.line_qty, problem.inputs.line_fixed,
        array(lines.get_column("valid_from")), array(lines.get_column("valid_to")),
        np.full(lines.height, NOBODY, dtype=np.int64), np.full(lines.height, NOBODY, dtype=np.int64),
    )  # fmt: skip
    horizon = context.policy.material.reschedule_horizon_days
    planning_day = int(day_numbers(pl.Series([context.planning_date]))[0])
    return Game(
        problem,
        net_all(problem.inputs, problem.axis),
        kernel_lines,
        has_parts,
        array(problem.orders.get_column("name_rank")),
        array(problem.orders.get_column("order_type") == "planned", np.bool_),
        DAY_MAX if horizon is None else planning_day + horizon,
        rows.sort("ix", maintain_order=True),
        bom_rows,
        numbered.join(relief(rows, problem), on="number", how="left").with_columns(
            pl.col("relieving").fill_null(False)
        ),
    )


def relief(rows: pl.DataFrame, problem: Problem) -> pl.DataFrame:
    """`number`, `relieving`: events all of whose parts ask for less or bring more. Lot rules and BOM lines never count."""
    gross = (
        rows.filter(pl.col("operation") == GROSS_ADD)
        .sort("number", "ix", "day")
        .with_columns(pl.col("value").cum_sum().over("number", "ix").alias("_sum"))
        .group_by("number", "ix", "day")
        .agg(pl.col("_sum").last())
        .select("number", (pl.col("_sum") <= 0).alias("ok"))
    )
    supply_day = pl.Series("was", problem.inputs.supply_day)
    others = rows.filter(pl.col("operation") != GROSS_ADD)
    was_day = (
        supply_day.gather(others.get_column("row").fill_null(0)) if len(supply_day) else pl.Series([0] * others.height)
    )
    was = problem.inputs.parameters[
        others.get_column("ix").to_numpy(), np.maximum(others.get_column("column").fill_null(0).to_numpy(), 0)
    ]
    operation, column, value = pl.col("operation"), pl.col("column"), pl.col("value")
    ok = (
        pl.when(operation == OPEN_QTY_ADD).then(value >= 0)
        .when(operation == OPEN_DAY_SET).then(pl.col("day") <= pl.col("_day"))
        .when((operation == PARAMETER_ADD) & (column == ON_HAND)).then(value >= 0)
        .when((operation == PARAMETER_ADD) & column.is_in([SAFETY, LEAD])).then(value <= 0)
        .when((operation == PARAMETER_SET) & column.is_in([SAFETY, LEAD])).then(value <= pl.col("_was"))
        .otherwise(False)
    )  # fmt: skip
    rest = others.with_columns(pl.Series("_day", was_day), pl.Series("_was", was)).select("number", ok.alias("ok"))
    return pl.concat([gross, rest]).group_by("number").agg(pl.col("ok").all().alias("relieving"))


def changes_by(game: Game, player: pl.Expr) -> tuple[Changes, Lines]:
    """The changes with `player` deciding who each belongs to."""
    rows = game.rows.with_columns(player.cast(pl.Int64).alias("_player"))
    column = (
        pl.when(pl.col("operation").is_in([OPEN_QTY_ADD, OPEN_DAY_SET])).then(pl.col("row")).otherwise(pl.col("column"))
    )
    changes = Changes(
        offsets(rows.get_column("ix"), game.problem.items.height),
        array(rows.get_column("operation")),
        array(rows.get_column("_player")),
        array(rows.select(column.fill_null(0)).to_series()),
        array(rows.get_column("day").fill_null(0)),
        array(rows.get_column("value"), np.float64),
    )
    bom = game.bom.with_columns(player.cast(pl.Int64).alias("_player"))
    added, dropped = game.lines.added_by.copy(), game.lines.dropped_by.copy()
    for side, target in (("now", added), ("then", dropped)):
        part = bom.filter(pl.col("side") == side)
        target[part.get_column("line").to_numpy()] = part.get_column("_player").to_numpy()
    return changes, game.lines._replace(added_by=added, dropped_by=dropped)


def play(game: Game, player: pl.Expr, mode: int, wanted: NDArray[np.bool_] | None = None) -> Shifts:
    """Replay with events grouped by `player`; only the items `wanted` (default: all that changes reach)."""
    problem = game.problem
    changes, lines = changes_by(game, player)
    concerned = np.ones(problem.items.height, dtype=np.bool_) if wanted is None else wanted
    return replay_all(
        problem.inputs, game.netted, problem.axis, lines, changes, game.always_fixed, game.fixed_after, mode,
        game.has_parts, game.tie, concerned,
    )  # fmt: skip


def attribute(base: Snapshot, events: pl.DataFrame, bom: pl.DataFrame, context: PlanContext) -> Attribution:
    """Shares of every event in every open order's shift of need and date against `base`."""
    return shared_out(prepare(base, events, bom, context))


def shared_out(game: Game) -> Attribution:
    """The shares of a prepared game."""
    by_category = play(game, pl.col("category_number"), SHARES)
    by_event = play(game, pl.col("number"), LABELS)
    orders = game.problem.orders.select("order_type", "order", "item").with_row_index("row").with_columns(
        pl.col("row").cast(pl.Int64)
    )  # fmt: skip
    reached = game.problem.items.select("item").filter(pl.Series(by_category.reached))
    shifts = shift_rows(by_category)
    shares = share_rows(by_category, by_event, game).join(orders, on="row").select(list(SHARE_SCHEMA))
    relieving = relieved_rows(by_event, game)
    shifts = (
        shifts.join(orders, on="row")
        .join(relieving, on="row", how="left")
        .with_columns(pl.col("relieving").fill_null(False))
        .join(amplifiers(game, shifts, by_category.reached), on="row", how="left")
        .drop("row")
        .sort("order_type", "order")
    )
    return Attribution(
        shares.sort("order_type", "order", "category", "event"), shifts, game.problem, reached, by_category.replays
    )


def shift_rows(shifts: Shifts) -> pl.DataFrame:
    """One row per supply row that moved in any combination, with need and date before and now."""
    return pl.DataFrame(
        {
            "row": shifts.row, "need_before": shifts.need_before, "need_now": shifts.need_now,
            "due_before": shifts.due_before, "due_now": shifts.due_now,
        }
    ).unique("row", maintain_order=True)  # fmt: skip


def share_rows(by_category: Shifts, by_event: Shifts, game: Game) -> pl.DataFrame:
    """Shares per order and event: the category's exact share, divided among its events by what each does alone plus what
    is lost without it (equally where none does anything by itself, `*` where only combinations with others matter)."""
    numbers = pl.Series("category", CATEGORIES)
    categories = pl.DataFrame(
        {
            "row": by_category.row, "category": numbers.gather(by_category.player), "_need": by_category.need,
            "_due": by_category.due, "sequential": by_category.sequential,
        }
    )  # fmt: skip
    gap_alone = by_event.need - by_event.due
    gap_lost = by_event.need_without - by_event.due_without
    single = pl.DataFrame(
        {
            "row": by_event.row, "number": by_event.player, "alone": gap_alone, "lost": gap_lost,
            "weight": np.abs(by_event.need) + np.abs(by_event.due) + np.abs(by_event.need_without)
            + np.abs(by_event.due_without),
        }
    ).join(game.events, on="number")  # fmt: skip
    total, count = pl.col("weight").sum().over("row", "category"), pl.len().over("row", "category")
    label = (
        pl.when((pl.col("alone") != 0) & (pl.col("lost") != 0)).then(pl.lit("sole"))
        .when(pl.col("lost") != 0).then(pl.lit("joint"))
        .when(pl.col("alone") != 0).then(pl.lit("redundant"))
    )  # fmt: skip
    return (
        categories.join(single, on=["row", "category"], how="left")
        .with_columns(
            pl.when(total > 1e-9).then(pl.col("weight") / total).otherwise(1.0 / count).alias("part"),
            label.alias("label"),
            pl.col("event").fill_null(WHOLE_CATEGORY),
            pl.col("relieving").fill_null(False),
        )
        .filter(pl.col("part") > 0)
        .with_columns(
            ((pl.col("_need") - pl.col("_due")) * pl.col("part")).alias("contribution_days"),
            (pl.col("_need") * pl.col("part")).alias("need_days"),
            pl.when(pl.col("sequential")).then(pl.lit("sequential")).otherwise(pl.lit("shapley")).alias("method"),
        )
        .select("row", "category", "event", "contribution_days", "need_days", "label", "method", "relieving", "detail")
    )


def relieved_rows(by_event: Shifts, game: Game) -> pl.DataFrame:
    """`row`, `relieving`: orders all of whose events relieve."""
    return (
        pl.DataFrame({"row": by_event.row, "number": by_event.player})
        .join(game.events.select("number", "relieving"), on="number")
        .group_by("row")
        .agg(pl.col("relieving").all())
    )


def amplifiers(game: Game, shifts: pl.DataFrame, reached: NDArray[np.bool_]) -> pl.DataFrame:
    """`row`, `amplifier`: orders asked for sooner that would not be, had the items the events reach another lot rule.

    DYNAMIC_LOT_SIZING where lot-for-lot in place of period, part-period and Silver–Meal lots makes the shift vanish;
    MIN_ORDER where leaving out minima and multiples does.
    """
    found = pl.DataFrame(schema={"row": pl.Int64, "amplifier": pl.String})
    left = shifts.filter((pl.col("need_now") - pl.col("due_now")) < (pl.col("need_before") - pl.col("due_before")))
    parameters = game.problem.inputs.parameters
    rule = parameters[:, RULE]
    calm = parameters.copy()
    calm[rule > MINIMUM, RULE] = LOT_FOR_LOT
    plain = parameters.copy()
    plain[rule == MINIMUM, RULE] = LOT_FOR_LOT
    plain[:, [MIN_QTY, MULTIPLE]] = 0.0
    for name, table in (("DYNAMIC_LOT_SIZING", calm), ("MIN_ORDER", plain)):
        above = items_above(game, left)
        cells = other_cells(table, parameters, reached & above)
        if left.is_empty() or cells.is_empty():
            continue
        still = sooner_with(game, cells, above)
        found = pl.concat(
            [found, left.join(still, on="row", how="anti").select("row", pl.lit(name).alias("amplifier"))]
        )
        left = left.join(still, on="row", how="semi")
    return found


def items_above(game: Game, rows: pl.DataFrame) -> NDArray[np.bool_]:
    """Per item: does it have one of the supply `rows`, or is it used, through any level, in one that has?"""
    wanted = np.zeros(game.problem.items.height, dtype=np.bool_)
    wanted[game.problem.orders.get_column("ix").gather(rows.get_column("row")).to_numpy()] = True
    return with_parents(wanted, game.lines)


def other_cells(table: NDArray[np.float64], was: NDArray[np.float64], items: NDArray[np.bool_]) -> pl.DataFrame:
    """The cells in which `table` differs from `was`, for `items`, as changes made by nobody's event (`number` −1)."""
    at = np.flatnonzero(items)
    place, column = np.nonzero(table[at] != was[at])
    return pl.DataFrame({"ix": at[place], "column": column, "value": table[at[place], column]}).with_columns(
        pl.lit(PARAMETER_SET, pl.Int64).alias("operation"), pl.lit(-1, pl.Int64).alias("number")
    )


def sooner_with(game: Game, cells: pl.DataFrame, wanted: NDArray[np.bool_]) -> pl.DataFrame:
    """`row`: supply rows that all events together still ask for sooner where `cells` were so before them."""
    with_cells = replace(game, rows=pl.concat([cells, game.rows], how="diagonal").sort("ix", maintain_order=True))
    after = play(with_cells, (pl.col("number") >= 0).cast(pl.Int64), TURNS, wanted)
    by_events = pl.Series(after.player == 1) & pl.Series(after.need - after.due < 0)
    return pl.DataFrame({"row": after.row}).filter(by_events)
