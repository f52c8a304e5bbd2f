"""Product structure: low-level codes, loops, phantoms, and bill-of-material lines by component.

Belongs here: everything that follows from which item goes into which. Quantities of a plan do not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray

from recon_platform.material.rows import ascending

DAY_MIN, DAY_MAX = -(2**31), 2**31 - 1
MAX_PHANTOM_DEPTH = 50

_BOM_SCHEMA = {
    "parent_item": pl.String, "component_item": pl.String, "qty_per": pl.Float64, "fixed_qty": pl.Float64,
    "scrap": pl.Float64, "op_seq": pl.Int64, "valid_from": pl.Int64, "valid_to": pl.Int64, "change_no": pl.String,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Structure:
    """`items`: item keys in netting order (low-level code, key); `level` their codes; `lines` the BOM used, sorted by
    component index and parent; `dropped` the lines left out because they close a loop."""

    items: pl.DataFrame  # item, ix, level
    lines: pl.DataFrame  # component_ix, parent_ix + BOM columns
    dropped: pl.DataFrame


@njit(cache=True)
def _levels(n: int, start: NDArray[np.int64], child: NDArray[np.int64]) -> NDArray[np.int64]:
    """Longest path from the top per item; −1 for items on or below a loop. `child` is sorted by parent, `start` offsets."""
    waiting = np.zeros(n, dtype=np.int64)
    for e in range(len(child)):
        waiting[child[e]] += 1
    level = np.zeros(n, dtype=np.int64)
    queue = np.empty(n, dtype=np.int64)
    head = tail = 0
    for i in range(n):
        if waiting[i] == 0:
            queue[tail] = i
            tail += 1
    while head < tail:
        i = queue[head]
        head += 1
        for k in range(start[i], start[i + 1]):
            c = child[k]
            level[c] = max(level[c], level[i] + 1)
            waiting[c] -= 1
            if waiting[c] == 0:
                queue[tail] = c
                tail += 1
    for i in range(n):
        if waiting[i] > 0:
            level[i] = -1
    return level


@njit(cache=True)
def _loop_members(n: int, start: NDArray[np.int64], child: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of the strongly connected component of each item (Tarjan 1972, without recursion)."""
    index = np.full(n, -1, dtype=np.int64)
    low = np.zeros(n, dtype=np.int64)
    on_stack = np.zeros(n, dtype=np.bool_)
    member = np.full(n, -1, dtype=np.int64)
    stack = np.empty(n, dtype=np.int64)
    path = np.empty(n, dtype=np.int64)
    cursor = start.copy()
    top = counter = found = 0
    for root in range(n):
        if index[root] >= 0:
            continue
        depth = 0
        path[0] = root
        index[root] = low[root] = counter
        counter += 1
        stack[top] = root
        top += 1
        on_stack[root] = True
        while depth >= 0:
            v = path[depth]
            if cursor[v] < start[v + 1]:
                w = child[cursor[v]]
                cursor[v] += 1
                if index[w] < 0:
                    index[w] = low[w] = counter
                    counter += 1
                    stack[top] = w
                    top += 1
                    on_stack[w] = True
                    depth += 1
                    path[depth] = w
                elif on_stack[w]:
                    low[v] = min(low[v], index[w])
            else:
                if low[v] == index[v]:
                    while True:
                        top -= 1
                        w = stack[top]
                        on_stack[w] = False
                        member[w] = found
                        if w == v:
                            break
                    found += 1
                depth -= 1
                if depth >= 0:
                    low[path[depth]] = min(low[path[depth]], low[v])
    return member


def bom_frame(bom_lines: pl.DataFrame) -> pl.DataFrame:
    """Planned BOM lines with day numbers; bulk material is not netted. `valid_to`, the last day in the
    contract, becomes the first day on which the line no longer holds."""
    lines = bom_lines
    if "bulk" in lines.columns:
        lines = lines.filter(~pl.col("bulk").fill_null(False))
    return lines.select(
        "parent_item", "component_item", "qty_per",
        pl.col("fixed_qty").fill_null(0.0), pl.col("scrap").fill_null(0.0), "op_seq",
        pl.col("valid_from").cast(pl.Int32).cast(pl.Int64).fill_null(DAY_MIN),
        (pl.col("valid_to").cast(pl.Int32).cast(pl.Int64) + 1).fill_null(DAY_MAX),
        pl.col("change_no"),
    )  # fmt: skip


def pass_through_phantoms(lines: pl.DataFrame, phantoms: pl.Series) -> pl.DataFrame:
    """BOM lines with phantom components replaced by what the phantoms consist of, quantities multiplied.

    A phantom inside itself ends after 50 steps; its loop is reported with the other loops.
    """
    if phantoms.is_empty():
        return lines
    names = phantoms.implode()
    inside = lines.filter(pl.col("parent_item").is_in(names))
    done = lines.filter(~pl.col("component_item").is_in(names))
    open_lines = lines.filter(pl.col("component_item").is_in(names))
    kept = [done]
    for _ in range(MAX_PHANTOM_DEPTH):
        if open_lines.is_empty():
            break
        joined = open_lines.join(inside, left_on="component_item", right_on="parent_item", suffix="_in").select(
            "parent_item",
            pl.col("component_item_in").alias("component_item"),
            (pl.col("qty_per") * (1 + pl.col("scrap")) * pl.col("qty_per_in")).alias("qty_per"),
            (pl.col("fixed_qty") * pl.col("qty_per_in") + pl.col("fixed_qty_in")).alias("fixed_qty"),
            pl.col("scrap_in").alias("scrap"),
            pl.coalesce("op_seq", "op_seq_in").alias("op_seq"),
            pl.max_horizontal("valid_from", "valid_from_in").alias("valid_from"),
            pl.min_horizontal("valid_to", "valid_to_in").alias("valid_to"),
            pl.coalesce("change_no", "change_no_in").alias("change_no"),
        )
        kept.append(joined.filter(~pl.col("component_item").is_in(names)))
        open_lines = joined.filter(pl.col("component_item").is_in(names))
    return pl.concat(kept)


def product_structure(items: pl.Series, lines: pl.DataFrame, extra: pl.DataFrame | None = None) -> Structure:
    """Netting order of `items` under BOM `lines`; `extra` (parent_item, component_item) are further uses, such as
    components issued to an order outside its BOM, that must come later than their parent."""
    keys = items.unique().sort()
    ix = pl.DataFrame({"item": keys}).with_row_index("ix").with_columns(pl.col("ix").cast(pl.Int64))

    def indexed(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.join(ix.rename({"item": "parent_item", "ix": "p"}), on="parent_item").join(
            ix.rename({"item": "component_item", "ix": "c"}), on="component_item"
        )

    numbered = indexed(lines)
    edges = numbered.select("p", "c")
    if extra is not None:
        edges = pl.concat([edges, indexed(extra.select("parent_item", "component_item")).select("p", "c")])
    n = len(keys)
    pairs = np.sort(edges.select(pl.col("p") * n + pl.col("c")).to_series().to_numpy())
    pairs = pairs[np.append(True, pairs[1:] != pairs[:-1])[: len(pairs)]]
    parent, child = pairs // max(n, 1), pairs % max(n, 1)
    every = np.arange(n + 1)
    start = np.searchsorted(parent, every)
    level = _levels(n, start, child)
    dropped = numbered.clear()
    if (level < 0).any():
        member = _loop_members(n, start, child)
        keep = member[parent] != member[child]
        level = _levels(n, np.searchsorted(parent[keep], every), child[keep])
        same = pl.Series(member)[numbered.get_column("p")] == pl.Series(member)[numbered.get_column("c")]
        dropped, numbered = numbered.filter(same), numbered.filter(~same)
    order = np.lexsort((np.arange(n), level))
    position = np.empty(n, dtype=np.int64)
    position[order] = np.arange(n)
    placed = pl.DataFrame({"item": keys.gather(order), "ix": np.arange(n), "level": level[order]})
    return Structure(placed, placed_lines(numbered, position), dropped.select(list(_BOM_SCHEMA)))


def placed_lines(numbered: pl.DataFrame, position: NDArray[np.int64]) -> pl.DataFrame:
    """Lines by component, parent, operation and validity; `p` and `c` (item numbers) become places in netting order."""
    parent, component = (position[numbered.get_column(name).to_numpy()] for name in ("p", "c"))
    order = ascending(component, parent)
    by_component, by_parent = component[order], parent[order]
    if ((by_component[1:] == by_component[:-1]) & (by_parent[1:] == by_parent[:-1])).any():  # twice in one parent
        rest = numbered.select("op_seq", "valid_from", "qty_per", row=pl.int_range(pl.len()))
        rest = rest.sort("op_seq", "valid_from", "qty_per", nulls_last=True, maintain_order=True)
        first = rest.get_column("row").to_numpy()
        order = first[ascending(component[first], parent[first])]
    lines = numbered.drop("p", "c")[order]
    return lines.with_columns(pl.Series("parent_ix", parent[order]), pl.Series("component_ix", component[order]))
