"""From a solution back to tables: schedule, unscheduled, dispatch list.

Belongs here: writing down what a pass decided, with its reasons. Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from recon_platform.capacity.clock import INSTANT, MINUTE_US, instant, micros
from recon_platform.capacity.portfolio import Setting, Tried
from recon_platform.capacity.prepare import Prepared
from recon_platform.capacity.problem import FREE, RUNNING, SOFT, Array, Solution
from recon_platform.tables.capacity import BOUND_BY, DISPATCH_LIST, DISPATCH_SETTINGS, SCHEDULE, UNSCHEDULED
from recon_platform.tables.splice import stretches


def placements(prepared: Prepared, state: Solution) -> pl.DataFrame:
    """One row per operation: keys, minutes, machine, and what the pass recorded about the choice, where it did."""
    place, course, terms = state.placement, state.course, state.terms
    columns = {
        "index": place["machine"], "m_setup": place["setup_start"], "m_start": place["start"], "m_end": place["end"],
        "cause": course["cause"], "m_ready": course["ready"],
    }  # fmt: skip
    names = ("v_index", "v_urgency", "v_slack", "v_setup", "v_runner", "v_runner_index")
    if terms.shape[0] == place.shape[0]:
        columns |= {name: terms[:, k] for k, name in enumerate(names)}
    machines = prepared.machines.machines
    at = np.ascontiguousarray(place["machine"])
    index = pl.Series(at).set(pl.Series(at < 0), None)
    return prepared.operations.select(_PLACED).with_columns(
        prepared.kept.rows.get_column("state"),
        *(pl.Series(name, np.ascontiguousarray(values)) for name, values in columns.items()),
        pl.Series(BOUND_BY).gather(np.ascontiguousarray(course["bound"])).alias("bound"),
        machines["machine"].gather(index).alias("on"), machines["work_center"].gather(index).alias("at"),
    )  # fmt: skip


GIVES_WAY = "gives way"  # in the note of the dispatch list: nothing can have the order on time
_PLACED = ("order", "work_order", "op_seq", "work_center", "qty", "elapsed")


def schedule_table(prepared: Prepared, state: Solution, placed: pl.DataFrame | None = None) -> pl.DataFrame:
    """The `schedule` table. `placed`: of `placements`, with what the pass recorded; without it the column of terms is empty
    text, as in a plan that is only compared."""
    machine = state.placement["machine"]
    there = machine >= 0
    rows = slice(None) if there.all() else np.flatnonzero(there)
    place, course, index = state.placement[rows], state.course[rows], machine[rows]
    operations, kept, machines = prepared.operations, prepared.kept.rows, prepared.machines.machines
    of_state = kept.get_column("state").to_numpy()[rows]
    running = of_state == RUNNING
    frozen = (of_state != FREE) & (of_state != SOFT)
    setup, start, end = (place[name].astype(np.int64) for name in ("setup_start", "start", "end"))
    origin = micros(prepared.origin)
    begins = {"setup_start": setup * MINUTE_US + origin, "start": start * MINUTE_US + origin}
    under_way = _under_way(index, setup, np.flatnonzero(running))
    if under_way.size:
        since = operations.get_column("started_at")[rows][under_way].cast(pl.Int64)
        before = (since < origin).fill_null(value=False).to_numpy()
        for instants in begins.values():
            instants[under_way[before]] = since.filter(pl.Series(before)).to_numpy()
    names = pl.DataFrame([machines.get_column("work_center"), machines.get_column("machine")])[index]
    late = setup > kept.get_column("not_before").to_numpy()[rows]  # never where there is none: it is not a number
    text = pl.Series([""]).new_from_index(0, place.shape[0]) if placed is None else _terms_of(prepared, placed)
    columns = {
        **{name: operations.get_column(name)[rows] for name in ("work_order", "op_seq")},
        **{name: names.get_column(name) for name in ("work_center", "machine")},
        **{name: pl.Series(instants).cast(INSTANT) for name, instants in begins.items()},
        "end": pl.Series(end * MINUTE_US + origin).cast(INSTANT),
        "qty": operations.get_column("qty")[rows], "frozen": pl.Series(frozen),
        "forced": pl.Series(frozen & ~running & late),
        "bound_by": pl.Series(BOUND_BY)[np.ascontiguousarray(course["bound"])], "terms": text,
        "previous_start": kept.get_column("previous_start")[rows],
    }  # fmt: skip
    return SCHEDULE.frame(pl.DataFrame(columns))


def _under_way(index: Array, setup: Array, running: Array) -> Array:
    """Of `running` rows the first of each machine, if its set-up, or else its work, has begun before the plan does."""
    in_turn = running[np.lexsort((running, setup[running], index[running]))]
    first = in_turn[np.unique(index[in_turn], return_index=True)[1]]
    return first[setup[first] == 0]


def _terms_of(prepared: Prepared, placed: pl.DataFrame) -> pl.Series:
    return _with_names(prepared, _done(placed)).select(_terms().alias("terms")).to_series()


def _done(placed: pl.DataFrame) -> pl.DataFrame:
    """The rows of operations that found a place: as a rule all, which are not copied."""
    found = placed.get_column("index") >= 0
    return placed if found.all() else placed.filter(found)


def _with_names(prepared: Prepared, done: pl.DataFrame) -> pl.DataFrame:
    """`done` with `after` and `second`, the names of what each operation waited for and of its runner-up."""
    names = prepared.operations.select(
        pl.concat_str("work_order", pl.lit("/"), pl.col("op_seq").cast(pl.String))
    ).to_series()
    row = {"after": pl.col("cause"), "second": pl.col("v_runner").cast(pl.Int32)}
    rows = done.select(pl.when(at >= 0).then(at).alias(name) for name, at in row.items())
    return done.with_columns(names.gather(rows[name]).alias(name) for name in row)


def _terms() -> pl.Expr:
    """JSON with the index and its terms, the runner-up, and what the operation waited for."""

    def number(name: str) -> pl.Expr:
        return pl.col(name).cast(pl.Float64).round(3).cast(pl.String)

    def key(name: str, column: pl.Expr) -> pl.Expr:
        return (
            pl.when(column.is_null())
            .then(pl.lit(""))
            .otherwise(pl.concat_str(pl.lit(f', "{name}": "'), column.str.replace_all('"', "'"), pl.lit('"')))
        )

    chosen = pl.concat_str(
        pl.lit('{"index": '), number("v_index"), pl.lit(', "urgency": '), number("v_urgency"), pl.lit(', "slack": '),
        number("v_slack"), pl.lit(', "setup": '), number("v_setup"),
    )  # fmt: skip
    second = (
        pl.when(pl.col("second").is_null())
        .then(pl.lit(""))
        .otherwise(
            pl.concat_str(key("runner_up", pl.col("second")), pl.lit(', "runner_up_index": '), number("v_runner_index"))
        )
    )
    after = (
        pl.when(pl.col("bound").is_in(["predecessor", "component"]))
        .then(key("after", pl.col("after")))
        .otherwise(pl.lit(""))
    )
    return pl.concat_str(chosen, second, after, pl.lit("}"))


def unscheduled_table(prepared: Prepared, placed: pl.DataFrame) -> pl.DataFrame:
    """The `unscheduled` table: refused orders, and those whose operations found no place in the known working time."""
    last = instant(pl.lit(prepared.machines.horizon), prepared.origin).dt.to_string("%Y-%m-%d")
    missing = (
        placed.filter(pl.col("index") < 0)
        .sort("work_order", "op_seq")
        .unique("work_order", keep="first", maintain_order=True)
        .select(
            "work_order",
            pl.concat_str(
                pl.lit("operation "), pl.col("op_seq").cast(pl.String), pl.lit(" at "), pl.col("work_center"),
                pl.lit(": no place before the end of the known working time ("), last,
                pl.lit("), or it waits for an order that has none; add capacity or lengthen the horizon"),
            ).alias("reason"),
        )
    )  # fmt: skip
    return UNSCHEDULED.frame(
        pl.concat([prepared.refused, missing])
        .unique("work_order", keep="first", maintain_order=True)
        .sort("work_order")
    )


def dispatch_table(prepared: Prepared, placed: pl.DataFrame) -> pl.DataFrame:
    """The `dispatch_list` table: every machine's operations in order, the vendor's too."""
    found = _done(placed)
    # Machines are numbered by work center and name, and operations stand in the order of their keys.
    turn = np.lexsort([found[name].to_numpy() for name in ("m_start", "m_setup", "index")])
    done = found[turn].with_columns(prepared.orders["due_at"].gather(found["order"].gather(turn)))
    begin = stretches(done["index"])
    before = np.repeat(begin, np.diff(begin, append=done.height))
    done = done.with_columns(pl.Series("position", np.arange(1, done.height + 1) - before))
    late = (
        pl.col("m_end")
        > (pl.col("due_at").dt.timestamp("us") - pl.lit(prepared.origin).dt.timestamp("us")) // 60_000_000
    )
    gives_way = pl.Series(prepared.gave_way).gather(done["order"])
    note = pl.concat_str(
        pl.when(pl.col("state") == RUNNING).then(pl.lit("running; ")).otherwise(pl.lit("")),
        pl.when(pl.col("bound") == "batch").then(pl.lit("same load as the one before; ")).otherwise(pl.lit("")),
        pl.when(pl.col("bound") == "material").then(pl.lit("waits for material; ")).otherwise(pl.lit("")),
        pl.when(pl.col("bound") == "labour").then(pl.lit("waits for people; ")).otherwise(pl.lit("")),
        pl.when(pl.col("bound") == "tool").then(pl.lit("waits for its tool; ")).otherwise(pl.lit("")),
        pl.when(late).then(pl.lit("late; ")).otherwise(pl.lit("")),
        pl.when(gives_way).then(pl.lit(f"{GIVES_WAY}; ")).otherwise(pl.lit("")),
    ).str.strip_chars_end("; ")  # fmt: skip
    return DISPATCH_LIST.frame(
        done.select(
            pl.col("at").alias("work_center"), pl.col("on").alias("machine"), pl.col("position").cast(pl.Int64),
            "work_order", "op_seq", instant("m_setup", prepared.origin).alias("start"), "qty",
            (pl.col("m_ready") <= 0).alias("material_ready"), pl.col("due_at").alias("due"),
            pl.when(note == "").then(None).otherwise(note).alias("note"),
        )
    )  # fmt: skip


def settings_table(settings: Sequence[Tried]) -> pl.DataFrame:
    """The `dispatch_settings` table of settings and what each was measured at, the one taken first.

    Whole minutes: the last digits of a sum are not the same on every machine.
    """
    rows: list[dict[str, object]] = [
        {
            "k1": one.setting.k1, "k2": one.setting.k2, "taken": place == 0, "in_turn": one.in_turn,
            "lateness": None if one.lateness is None else float(round(one.lateness)),
        }
        for place, one in enumerate(settings)
    ]  # fmt: skip
    return DISPATCH_SETTINGS.frame(rows).sort("k1", "k2", "in_turn")


__all__ = ["Setting", "dispatch_table", "placements", "schedule_table", "settings_table", "unscheduled_table"]
