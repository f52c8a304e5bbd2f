"""Why a message is there: a sentence, the path to the customer, and the shares. From stored rows only.

Belongs here: putting rows into words. Nothing is computed that a table does not hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from recon_platform.tables.model import Frames

MAX_PATH = 12
VERBS = {
    "EXPEDITE": "is needed sooner", "DELAY": "is needed later", "CANCEL": "is not needed", "RELEASE": "should start",
    "FPO_DRIFT": "is firm and needed on another day", "DECREASE": "is larger than needed",
    "INCREASE": "could grow instead of a new order", "ORDER_NEW": "is new in the plan",
    "PAST_DUE_SUPPLY": "is overdue", "PAST_DUE_DEMAND": "is overdue to the customer", "UNCOVERED": "runs out",
    "BELOW_SS": "falls below safety stock", "EXCESS": "has stock nothing needs",
    "ORDER_QTY_RULE": "breaks a quantity rule", "FENCE_CONFLICT": "falls inside the planning fence",
    "PHASE_OUT": "arrives after its last use", "PARENT_AT_RISK": "cannot start with its components",
    "DATA_ERROR": "has data that cannot be right", "OVERLOAD": "is asked for more than it has",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Explanation:
    """`sentence`; `path` from the order up to what it serves, one step a line; `shares` of tonight and before, largest
    first: category, event, days, label, detail; `amplifier` and `phoney` where they apply."""

    message: str
    sentence: str
    path: tuple[str, ...]
    shares: tuple[dict[str, object], ...]
    amplifier: str | None
    phoney: bool

    @property
    def text(self) -> str:
        """All of it as lines."""
        lines = [self.sentence]
        if self.path:
            lines += ["", "Serves:", *(f"  {step}" for step in self.path)]
        if self.shares:
            lines += ["", "Because of:"]
            for share in self.shares:
                label = f" ({share['label']})" if share["label"] else ""
                carried = ", from an earlier night" if share["carried"] else ""
                lines.append(
                    f"  {share['days']:+.1f} days  {share['category']}{label}{carried}: {share['detail'] or share['event']}"
                )
        if self.amplifier:
            lines += ["", f"Amplified by {self.amplifier}: without it this message would not be here."]
        if self.phoney:
            lines += ["", "Phoney: every change behind it asks for less or later."]
        return "\n".join(lines)


def explain_message(frames: Frames, message: str) -> Explanation:
    """The explanation of one message of table `action_messages`.

    Raises KeyError naming the message, and those of the same order that exist, where there is no such message.
    """
    rows = frames["action_messages"].filter(pl.col("message") == message)
    if rows.is_empty():
        tail = message.rsplit(":", 1)[-1]
        near = frames["action_messages"].filter(pl.col("order") == tail).get_column("message").to_list()
        hint = f"; messages of {tail}: {', '.join(near)}" if near else ""
        raise KeyError(f"no message {message!r} in action_messages{hint}")
    row = rows.row(0, named=True)
    shares = shares_of(frames, message)
    return Explanation(
        message=message,
        sentence=sentence(row, shares),
        path=tuple(path_up(frames, row["order_type"], row["order"])),
        shares=tuple(shares),
        amplifier=next((str(s["amplifier"]) for s in shares if s["amplifier"]), None),
        phoney=bool(row["phoney"]),
    )


def shares_of(frames: Frames, message: str) -> list[dict[str, object]]:
    """Rows of `message_causes` of a message, largest first."""
    causes = frames.get("message_causes")
    if causes is None:
        return []
    rows = causes.filter(pl.col("message") == message).sort(
        [pl.col("contribution_days").abs(), "category", "event"], descending=[True, False, False]
    )
    return [
        {
            "category": r["category"], "event": r["event"], "days": r["contribution_days"], "label": r["label"],
            "amplifier": r["amplifier"], "carried": r["carried"], "detail": r["detail"],
        }
        for r in rows.iter_rows(named=True)
    ]  # fmt: skip


def sentence(row: dict[str, object], shares: list[dict[str, object]]) -> str:
    """One line: what, how far, and the largest cause in the direction of the message."""
    name = f"{row['code']} {row['order']}"
    item = f" ({row['item']})" if row["item"] and row["item"] != row["order"] else ""
    start, end = row["from_date"], row["to_date"]
    if isinstance(start, date) and isinstance(end, date) and start != end:
        days = (end - start).days
        move = f" {start} → {end} ({abs(days)} day{'s' * (abs(days) != 1)} {'sooner' if days < 0 else 'later'})"
    elif isinstance(start, date):
        move = f" {start}"
    elif isinstance(row["need_date"], date):
        move = f" {row['need_date']}"
    else:
        move = ""
    words = VERBS[str(row["code"])]
    detail = f", {row['detail']}" if row["detail"] else ""
    line = f"{name}{item}{move}: {words}{detail}"
    if not row["feasible"] and row["compressed_by"]:
        line += f"; {row['compressed_by']} days of lead time are missing"
    if shares:
        sooner = isinstance(start, date) and isinstance(end, date) and end < start
        ahead = [s for s in shares if (float(str(s["days"])) < 0) == sooner] or shares
        top = ahead[0]
        line += f". {top['category']} {float(str(top['days'])):+.1f} days: {top['detail'] or top['event']}"
    return line + "."


def path_up(frames: Frames, order_type: object, order: object) -> list[str]:
    """What the order serves, upward to the customer: at each step the demand that is needed first."""
    return _path(frames["pegging"], str(order_type), str(order), up=True)


def path_down(frames: Frames, order_type: str, order: str) -> list[str]:
    """What feeds the order, downward: at each step the supply of the largest quantity."""
    return _path(frames["pegging"], order_type, order, up=False)


def _path(pegging: pl.DataFrame, kind: str, name: str, *, up: bool) -> list[str]:
    mine, other = ("supply", "demand") if up else ("demand", "supply")
    if kind == "item":
        kind = "stock"
    steps: list[str] = []
    for _ in range(MAX_PATH):
        rows = pegging.filter(
            (pl.col(f"{mine}_type") == kind) & (pl.col(mine) == name) & (pl.col("demand_type") != "surplus")
        )
        if rows.is_empty():
            break
        by: list[pl.Expr] = [pl.col("need_date")] if up else [-pl.col("qty")]
        row = rows.sort([*by, pl.col(other), pl.col("item")], nulls_last=True).row(0, named=True)
        kind, name = row[f"{other}_type"], row[other]
        when = f" on {row['need_date']}" if row["need_date"] else ""
        steps.append(f"{row['qty']:g} {row['item']} {'for' if up else 'from'} {kind.replace('_', ' ')} {name}{when}")
        if kind in ("stock", "safety_stock"):
            break
    return steps
