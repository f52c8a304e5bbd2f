"""Finite dates into Odoo 17: write, read again, compare, one answer per operation.

What the live server does, and what is done about it: one write of both dates lets the finish be recomputed, so each work
order is written twice, without computing durations; writing an order's start without `force_date` wipes the dates of its
work orders, so it is given; overlaps are taken silently and nothing is locked, so the version is compared before and the
dates are compared afterwards. The version of an order is the newest `write_date` of it and its work orders.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from recon_platform.connectors.door import DoorError
from recon_platform.connectors.model_door import Record, RefusedError
from recon_platform.connectors.odoo_rpc import OdooClient
from recon_platform.connectors.order_changes import ErpOrder, changed
from recon_platform.connectors.write_back import Write, WriteAnswer, WriteBackError

FORMAT = "%Y-%m-%d %H:%M:%S"
STARTED = ("progress", "done", "cancel")
TO_CLOSE = "to_close"
STATUS = {
    "draft": "planned", "confirmed": "released", "progress": "in_process", TO_CLOSE: "in_process", "done": "closed",
    "cancel": "cancelled",
}  # fmt: skip
"""State of a manufacturing order → status as it lands, as in the profile."""
UNNUMBERED = 100_000  # an operation that no bill of material numbers is this and its id, as in the profile
ORDER_FIELDS = ("name", "state", "bom_id", "date_start", "date_finished", "write_date", "write_uid")
STEP_FIELDS = ("operation_id", "state", "date_start", "date_finished", "write_date", "write_uid")


class OdooErp:
    """An Odoo 17 that finite dates are written to, by a user that does nothing else."""

    def __init__(self, client: OdooClient) -> None:
        self._client = client

    def write(self, writes: Sequence[Write]) -> Sequence[WriteAnswer]:
        """One answer per write; writes of one order go together. Raises WriteBackError where Odoo falls silent."""
        answers: dict[str, WriteAnswer] = {}
        try:
            for subject, group in groupby(sorted(writes, key=_by_subject), key=_by_subject):
                answers.update(self._order(subject, list(group)))
        except DoorError as error:
            raise WriteBackError(str(error)) from None
        return [answers[write.key] for write in writes]

    def _order(self, subject: str, writes: Sequence[Write]) -> dict[str, WriteAnswer]:
        found = self._client.search_read("mrp.production", [["name", "=", subject]], ORDER_FIELDS)
        if len(found) != 1:
            why = f"refused: {len(found)} manufacturing orders are called {subject}, expected 1"
            return {write.key: WriteAnswer(False, why) for write in writes}
        answers = {w.key: changed(w, self._as_order(found[0])) for w in writes if w.kind == "order_changes"}
        writes = [write for write in writes if write.kind == "finite_dates"]
        if answers and writes:
            found = self._client.search_read("mrp.production", [["name", "=", subject]], ORDER_FIELDS)
        order, steps = found[0], self._steps(found[0])
        asked: dict[str, tuple[int, dict[str, str]]] = {}
        for write in writes:
            answer = self._look(write, order, steps)
            if answer is None:
                asked[write.key] = (int(write.content["op_seq"]), _dates(write))
            else:
                answers[write.key] = answer
        if asked:
            answers.update(self._write(order, steps, asked))
        return answers

    def _as_order(self, order: Record) -> ErpOrder:
        def state() -> str:
            found = self._client.search_read("mrp.production", [["id", "=", order["id"]]], ("state",))
            return str(found[0]["state"]) if found else "gone"

        def call(method: str) -> object:
            context = {"skip_backorder": True, "skip_consumption": True}
            return self._client.execute("mrp.production", method, [[order["id"]]], {"context": context})

        def not_closable() -> str | None:
            now = state()  # closing one that is not ready books its whole quantity as made
            return None if now == TO_CLOSE else f"{order['name']} is {now} in Odoo; only what is {TO_CLOSE} is closed"

        return ErpOrder(
            "Odoo", str(order["name"]), lambda: STATUS.get(state(), "gone"), not_closable,
            lambda: call("button_mark_done"), lambda: call("action_cancel"),
        )  # fmt: skip

    def _look(self, write: Write, order: Record, steps: dict[int, Record]) -> WriteAnswer | None:
        """The answer that needs no writing; None where it does."""
        step = steps.get(int(write.content["op_seq"]))
        if step is None:
            return WriteAnswer(False, f"refused: {order['name']} has no operation {write.content['op_seq']} in Odoo")
        dates = _dates(write)
        around = (order["date_start"] or "9") <= dates["date_start"] and dates["date_finished"] <= (
            order["date_finished"] or ""
        )
        if _stored(step) == dates and around:  # else an earlier round ended before it came to the order itself
            return WriteAnswer(True, "known")
        if order["state"] in ("done", "cancel") or step["state"] in STARTED:
            state = order["state"] if order["state"] in ("done", "cancel") else step["state"]
            return WriteAnswer(
                False, f"refused: operation {write.content['op_seq']} of {order['name']} is {state} in Odoo"
            )
        expected = write.expected_version
        if expected is not None:
            others = [
                row for row in (order, *steps.values())
                if _version(row) > expected and row["write_uid"][0] != self._client.uid
            ]  # fmt: skip
            if others:
                newest = max(map(_version, others))
                who = others[0]["write_uid"][1]
                return WriteAnswer(
                    False, f"changed: {order['name']} was written by {who} at {newest}, the plan read {expected}"
                )
        return None

    def _write(
        self, order: Record, steps: dict[int, Record], asked: dict[str, tuple[int, dict[str, str]]]
    ) -> dict[str, WriteAnswer]:
        refused: dict[str, str] = {}
        for key, (op_seq, dates) in asked.items():
            try:
                for _ in range(2):  # the first only plans the work order, the second stores the finish as given
                    self._client.execute(
                        "mrp.workorder", "write", [[steps[op_seq]["id"]], dates],
                        {"context": {"bypass_duration_calculation": True}},
                    )  # fmt: skip
            except RefusedError as error:
                refused[key] = f"refused: Odoo says: {error}"
        now = self._steps(order)
        starts = [row["date_start"] for row in now.values() if row["date_start"] and row["state"] != "cancel"]
        ends = [row["date_finished"] for row in now.values() if row["date_finished"] and row["state"] != "cancel"]
        told = ""
        if starts and ends:
            try:
                self._client.execute(
                    "mrp.production", "write", [[order["id"]], {"date_start": min(starts), "date_finished": max(ends)}],
                    {"context": {"force_date": True}},
                )  # fmt: skip
            except RefusedError as error:
                told = f" (the order's own dates stay: {error})"
        again = self._steps(order)
        answers = {}
        for key, (op_seq, dates) in asked.items():
            stored = _stored(again[op_seq])
            if key in refused:
                answers[key] = WriteAnswer(False, refused[key])
            elif stored != dates:
                answers[key] = WriteAnswer(False, f"altered: Odoo stored {stored}, asked was {dates}")
            else:
                answers[key] = WriteAnswer(True, f"written{told}")
        return answers

    def _steps(self, order: Record) -> dict[int, Record]:
        """Work orders of an order by operation number: tens by sequence and id of its bill of material's operations."""
        numbers: dict[int, int] = {}
        if order["bom_id"]:
            rows = self._client.search_read(
                "mrp.routing.workcenter", [["bom_id", "=", order["bom_id"][0]]], ("sequence",)
            )
            ranked = sorted(rows, key=lambda row: (row["sequence"], row["id"]))
            numbers = {row["id"]: 10 * place for place, row in enumerate(ranked, 1)}
        found = self._client.search_read("mrp.workorder", [["production_id", "=", order["id"]]], STEP_FIELDS)
        return {
            numbers.get(row["operation_id"][0] if row["operation_id"] else 0, UNNUMBERED + row["id"]): row
            for row in found
        }


def _by_subject(write: Write) -> str:
    return write.subject


def _dates(write: Write) -> dict[str, str]:
    """Start and finish as Odoo writes instants: UTC, no zone, whole seconds."""
    pairs = (("date_start", "planned_start"), ("date_finished", "planned_end"))
    return {name: _instant(write.content[key]).strftime(FORMAT) for name, key in pairs}


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def _stored(step: Record) -> dict[str, Any]:
    return {"date_start": step["date_start"], "date_finished": step["date_finished"]}


def _version(row: Record) -> str:
    """`write_date` in the form it lands in."""
    return str(row["write_date"]).replace(" ", "T") + "Z"
