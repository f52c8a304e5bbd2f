"""All facts that a change rests on, besides the one its chain ends at: an operation is back only when all are undone.

A chain (`chains`) follows one link each time, to what kept the operation from its place last. Where several things stand in
the way, the next of them is there when the first is gone. Here every link is followed: to the operation before it in its
order, to the orders of all its components, to what stands before it on its machine and in its place, in either schedule.
"""

from __future__ import annotations

import numba as nb
import numpy as np
import polars as pl
from numpy.typing import NDArray

from recon_platform.proposal.chains import NONE, Flags, Index, Neighbours

MOST_TOLD = 30
"""Further facts named of one change."""
BLOCK = 1024  # facts looked at in one go: a bit each for every operation
AT_ONCE = 16_384  # operations whose bits are read out in one go

Bits = NDArray[np.uint64]


def further_facts(rows: pl.DataFrame, near: Neighbours, starts: Flags, lasts: Flags, root: Index) -> pl.Series:
    """JSON list of “order/op: fact” per row, without the fact of its `root`; null where there is no other.

    `rows`: `row`, `work_order`, `op_seq`, `what`, `fact`, and for both sides `machine`, `setup`, `end`. `starts`, `lasts`: rows
    with a fact about their start, or about how long they take. A fact about the start ends a way, as it does a chain.
    Operations of one order, and all that stand on one machine that is down, rest on the same fact: the first names it.
    """
    own = starts | lasts
    same = pl.when(pl.col("fact").str.starts_with("machine ")).then("fact").otherwise("work_order")
    facts = rows.filter(pl.Series(own)).select("row", same.alias("same"), told=_named())
    facts = facts.with_columns((pl.col("same").rank("dense") - 1).cast(pl.Int64).alias("number"))
    numbers = np.full(rows.height, NONE, np.int64)
    numbers[facts["row"].to_numpy()] = facts["number"].to_numpy()
    words = facts.unique("number", keep="first", maintain_order=True).select("number", "told")
    links = _links(rows, near, own)
    by_time = np.argsort(near.parting, kind="stable")
    main = np.where(root >= 0, numbers[np.maximum(root, 0)], NONE)
    explained = np.flatnonzero(near.moved & (root >= 0))
    found, count = [], np.zeros(rows.height, np.int64)
    for first in range(0, words.height if explained.size else 0, BLOCK):
        inside = (numbers >= first) & (numbers < first + BLOCK)
        bits = _bits(np.where(inside, numbers - first, NONE), min(BLOCK, words.height - first))
        spread(*links, by_time, starts, bits)
        for asked in np.array_split(explained, -(-explained.size // AT_ONCE)):
            at, word = np.nonzero(bits[asked])  # most words hold no bit
            held = np.ascontiguousarray(bits[asked[at], word])[:, None].view(np.uint8)
            of, bit = np.nonzero(np.unpackbits(held, axis=1, bitorder="little"))
            row, number = asked[at[of]], first + 64 * word[of] + bit
            other = number != main[row]
            row, number = row[other], number[other]
            place = count[row] + np.arange(row.size) - np.searchsorted(row, row)
            told = place < MOST_TOLD
            found.append(pl.DataFrame({"row": row[told], "number": number[told]}))
            count += np.bincount(row, minlength=rows.height)
    lists = (
        pl.concat([*found, pl.DataFrame(schema={"row": pl.Int64, "number": pl.Int64})])
        .join(words, on="number")
        .sort("row", "number")
        .group_by("row", maintain_order=True)
        .agg("told")
        .join(pl.DataFrame({"row": explained, "count": count[explained]}), on="row", maintain_order="left")
        .with_columns(
            pl.when(pl.col("count") > MOST_TOLD)
            .then(pl.concat_list("told", pl.format("and {} more", pl.col("count") - MOST_TOLD)))
            .otherwise("told")
        )
        .select("row", pl.concat_str(pl.lit("["), pl.col("told").list.eval(_quoted()).list.join(", "), pl.lit("]")).alias("further"))
    )  # fmt: skip
    return rows.select("row").join(lists, on="row", how="left", maintain_order="left")["further"]


def _named() -> pl.Expr:
    return pl.concat_str("work_order", pl.lit("/"), pl.col("op_seq").cast(pl.String), pl.lit(": "), "fact")


def _quoted() -> pl.Expr:
    escaped = pl.element().str.replace_all("\\", "\\\\", literal=True).str.replace_all('"', '\\"', literal=True)
    return pl.concat_str(pl.lit('"'), escaped, pl.lit('"'))


def _links(rows: pl.DataFrame, near: Neighbours, own: Flags) -> tuple[Index, Index]:
    """Where the links of each row begin, and the rows they lead to.

    A link leads to a neighbour that changed and stands in the way of the row's place in force, stood in the way of its new
    place, moved the same way, or left room before its place in force, into which the row goes once nothing else keeps it; where
    there is none, to what parted last before it at its work center.
    """
    times = {name: rows[name].dt.timestamp("us").fill_null(-1).to_numpy() for name in _TIMES}
    row, hit = near.pairs["row"].to_numpy(), near.pairs["hit"].to_numpy()
    other_end = times["to_end"][hit] != times["from_end"][hit]
    now = (times["from_setup"][row] >= 0) & (times["to_end"][hit] > times["from_setup"][row])
    then = (times["to_setup"][row] >= 0) & (times["from_end"][hit] > times["to_setup"][row])
    later = times["to_setup"][row] > times["from_setup"][row]
    alike = np.where(
        later, times["to_end"][hit] > times["from_end"][hit], times["to_end"][hit] < times["from_end"][hit]
    )
    room = (times["from_end"][hit] <= times["from_setup"][row]) & (times["to_end"][hit] < times["from_end"][hit])
    counts = (near.moved | own)[row] & (near.moved | own)[hit] & (row != hit) & other_end & (now | then | alike | room)
    row, hit = row[counts], hit[counts]
    alone = near.moved & (np.bincount(row, minlength=rows.height) == 0) & (near.queue >= 0)
    row, hit = np.concatenate([row, np.flatnonzero(alone)]), np.concatenate([hit, near.queue[alone]])
    order = np.argsort(row, kind="stable")
    return np.concatenate([[0], np.cumsum(np.bincount(row, minlength=rows.height))]).astype(np.int64), hit[order]


_TIMES = ("from_setup", "to_setup", "from_end", "to_end")


def _bits(fact: Index, facts: int) -> Bits:
    """A bit per row and fact, set where the row has the fact itself."""
    bits = np.zeros((fact.shape[0], -(-facts // 64)), np.uint64)
    has = np.flatnonzero(fact >= 0)
    bits[has, fact[has] // 64] = np.uint64(1) << (fact[has] % 64).astype(np.uint64)
    return bits


@nb.njit(cache=True, nogil=True)
def spread(at: Index, to: Index, by_time: Index, starts: Flags, bits: Bits) -> int:
    """Give every row the bits of all it leads to, again and again until nothing comes of it; gives the rounds."""
    rounds, changed = 0, True
    while changed:
        rounds, changed = rounds + 1, False
        for k in by_time:
            if starts[k]:
                continue
            for e in range(at[k], at[k + 1]):
                for word in range(bits.shape[1]):
                    more = bits[to[e], word] & ~bits[k, word]
                    if more:
                        bits[k, word] |= more
                        changed = True
    return rounds
