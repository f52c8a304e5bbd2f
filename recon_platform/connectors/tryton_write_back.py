"""Finite dates into Tryton 7: days on the production, times of operations in the sidecar, one answer per operation.

Tryton's operations have no dates and its orders have days only: the order gets the first day and the last day of its
operations, under Tryton's own optimistic lock (`_timestamp`), and is read again; the sidecar is written after that, so that
what it holds was written. Killed in between, the next round finds the days there, and writes the sidecar.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from recon_platform.connectors.door import DoorError
from recon_platform.connectors.model_door import Record, RefusedError
from recon_platform.connectors.order_changes import ErpOrder, changed
from recon_platform.connectors.sidecar import OperationTime, Sidecar
from recon_platform.connectors.tryton_rpc import StaleError, TrytonClient, day
from recon_platform.connectors.write_back import Write, WriteAnswer, WriteBackError

ENDED = ("done", "cancelled")
STATUS = {
    "request": "planned", "draft": "firm", "waiting": "released", "assigned": "released", "running": "in_process",
    "done": "closed", "cancelled": "cancelled",
}  # fmt: skip
"""State of a production → status as it lands, as in the profile."""
STEP_ENDED = ("running", "finished", "done")
ORDER_FIELDS = (
    "number",
    "state",
    "planned_start_date",
    "planned_date",
    "_timestamp",
    "write_uid",
    "write_uid.rec_name",
)
Days = dict[str, date]


class TrytonErp:
    """A Tryton 7 that finite dates are written to, by a user that does nothing else. Days are those of `zone`."""

    def __init__(self, client: TrytonClient, sidecar: Sidecar, zone: ZoneInfo) -> None:
        self._client, self._sidecar, self._zone = client, sidecar, zone

    def write(self, writes: Sequence[Write]) -> Sequence[WriteAnswer]:
        """One answer per write; writes of one order go together. Raises WriteBackError where Tryton falls silent."""
        answers: dict[str, WriteAnswer] = {}
        try:
            for subject, group in groupby(sorted(writes, key=_by_subject), key=_by_subject):
                answers.update(self._order(subject, list(group)))
        except (DoorError, RefusedError) as error:
            raise WriteBackError(str(error)) from None
        return [answers[write.key] for write in writes]

    def _order(self, subject: str, writes: Sequence[Write]) -> dict[str, WriteAnswer]:
        found = self._client.search_read("production", [["number", "=", subject]], ORDER_FIELDS)
        if len(found) != 1:
            why = f"refused: {len(found)} productions have number {subject}, expected 1"
            return {write.key: _no(why) for write in writes}
        answers = {w.key: changed(w, self._as_order(found[0])) for w in writes if w.kind == "order_changes"}
        writes = [write for write in writes if write.kind == "finite_dates"]
        if answers and writes:
            found = self._client.search_read("production", [["number", "=", subject]], ORDER_FIELDS)
        order, beside = found[0], self._sidecar.of(subject)
        steps = self._steps(order)
        asked: dict[str, OperationTime] = {}
        for write in writes:
            answer = self._look(write, order, steps, beside)
            if answer is None:
                asked[write.key] = _time(subject, write)
            else:
                answers[write.key] = answer
        if asked:
            answer = self._write(order, beside, list(asked.values()))
            answers.update(dict.fromkeys(asked, answer))
        return answers

    def _as_order(self, order: Record) -> ErpOrder:
        def state() -> str:
            found = self._client.search_read("production", [["id", "=", order["id"]]], ("state",))
            return str(found[0]["state"]) if found else "gone"

        def not_closable() -> str | None:
            now, works = state(), self._steps(order).values()
            if now != "running":
                return f"production {order['number']} is {now} in Tryton; only a running one is closed"
            return None if set(works) <= {"finished"} else f"works of production {order['number']} are not finished"

        return ErpOrder(
            "Tryton", str(order["number"]), lambda: STATUS.get(state(), "gone"), not_closable,
            lambda: self._client.call("model.production", "done", [order["id"]]),
            lambda: self._client.call("model.production", "cancel", [order["id"]]),
        )  # fmt: skip

    def _look(
        self, write: Write, order: Record, steps: Mapping[int, str], beside: Mapping[int, OperationTime]
    ) -> WriteAnswer | None:
        """The answer that needs no writing; None where it does."""
        op_seq = int(write.content["op_seq"])
        stored = beside.get(op_seq)
        if stored is not None and stored.idempotency_key == write.key:
            return WriteAnswer(True, "known")
        if stored is not None and stored.schedule_version > int(write.content["schedule_version"]):
            return _no(f"refused: schedule {stored.schedule_version}, a later one, is written already")
        closed = _closed(order, steps, op_seq)
        if closed is not None:
            return _no(f"refused: {closed}")
        expected = write.expected_version
        if expected is not None and order["_timestamp"] != expected and order["write_uid"] != self._client.uid:
            who = (order.get("write_uid.") or {}).get("rec_name", "somebody")
            return _no(f"changed: {order['number']} was written by {who}: it is at {order['_timestamp']}, the plan read {expected}")  # fmt: skip
        return None

    def _write(self, order: Record, beside: Mapping[int, OperationTime], asked: Sequence[OperationTime]) -> WriteAnswer:
        together = {**beside, **{time.op_seq: time for time in asked}}
        days: Days = {"planned_date": max(self._day(time.planned_end) for time in together.values())}
        if order["state"] != "running":  # what has begun keeps the day on which it began
            days["planned_start_date"] = min(self._day(time.planned_start) for time in together.values())
        if not _holds(order, days):
            values = {name: day(value) for name, value in days.items()}
            try:
                self._client.write("production", order["id"], values, order["_timestamp"])
            except StaleError:
                return _no(f"changed: {order['number']} was written by somebody else meanwhile")
            except RefusedError as error:
                return _no(f"refused: Tryton says: {error}")
            again = self._client.search_read("production", [["id", "=", order["id"]]], ORDER_FIELDS)[0]
            if not _holds(again, days):
                return _no(f"altered: Tryton stored {_said(again, days)}, asked was {_said(days, days)}")
        self._sidecar.put(asked)
        return WriteAnswer(True, f"written: Tryton keeps days ({_said(days, days)}), the times are in {self._sidecar.table_name}")  # fmt: skip

    def _steps(self, order: Record) -> dict[int, str]:
        """State of each work by operation number: tens by sequence and id, as in the profile."""
        works = self._client.search_read("production.work", [["production", "=", order["id"]]], ("sequence", "state"))
        ranked = sorted(works, key=lambda row: (row["sequence"] or 0, row["id"]))
        return {10 * place: row["state"] for place, row in enumerate(ranked, 1)}

    def _day(self, instant: str) -> date:
        at = datetime.fromisoformat(instant)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(self._zone).date()


def _by_subject(write: Write) -> str:
    return write.subject


def _closed(order: Record, steps: Mapping[int, str], op_seq: int) -> str | None:
    """Why an operation takes no dates any more; None where it does. An order without works is a draft and takes them."""
    if order["state"] in ENDED:
        return f"production {order['number']} is {order['state']} in Tryton"
    if steps and op_seq not in steps:
        return f"production {order['number']} has no operation {op_seq} in Tryton"
    state = steps.get(op_seq)
    return f"operation {op_seq} of {order['number']} is {state} in Tryton" if state in STEP_ENDED else None


def _no(text: str) -> WriteAnswer:
    return WriteAnswer(False, text)


def _time(subject: str, write: Write) -> OperationTime:
    told = write.content
    return OperationTime(
        subject, int(told["op_seq"]), told.get("work_center"), str(told["planned_start"]), str(told["planned_end"]),
        int(told["schedule_version"]), write.key,
    )  # fmt: skip


def _holds(order: Record, days: Days) -> bool:
    return all(order[name] == value.isoformat() for name, value in days.items())


def _said(values: Mapping[str, Any], names: Mapping[str, Any]) -> str:
    return " to ".join(str(values[name]) for name in sorted(names, reverse=True))
