"""Learned parameters put before people: what a night proposes becomes a request that shows what the change would do.

A row of `parameter_proposals` is only a proposal. Asked for, it becomes a change of the master tables a plan reads, with
its effect on material measured on the night it was learned in; approved, every later night plans with it, until another
value of the same parameter is approved. Measured lead times alone date open orders (`shortages`); nothing else uses a
learned value that nobody approved.
"""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import polars as pl

from recon_platform.governance.agents import Level
from recon_platform.governance.requests import Draft
from recon_platform.nights.trial import material_frames
from recon_platform.planning.decisions import apply_changes

if TYPE_CHECKING:
    from recon_platform.governance import Store
    from recon_platform.governance.actors import Actor
    from recon_platform.governance.agents import Agent
    from recon_platform.governance.requests import Request
    from recon_platform.lake import Lake
    from recon_platform.nights.records import Manifest
    from recon_platform.planning.decisions import Change
    from recon_platform.tables.model import Frames

TABLE = "parameter_proposals"
PARAMETER = "parameter"
MOST_A_NIGHT = 10  # each is a material plan of its own
ROUTING_COLUMN = {"run_time": "run_min_per_unit", "yield": "yield"}


def propose_learned(
    lake: Lake, store: Store, actor: Actor, manifest: Manifest, *, kind: str, subject: str, reason: str
) -> Request:
    """Ask for the learned value of `kind` and `subject` (as in `parameter_proposals`); somebody else decides it.

    Raises ValueError where the night of `manifest` learned no such value, or no master row could take it.
    """
    learned = manifest.read(lake, TABLE)
    found = learned.filter(pl.col("kind") == kind, pl.col("subject") == subject)
    if found.is_empty():
        known = learned.filter(pl.col("kind") == kind)["subject"].head(5).to_list()
        raise ValueError(
            f"run {manifest.run_id} learned no {kind} of {subject}; it learned {', '.join(known) or 'none of that kind'}"
        )
    return store.requests.propose(
        actor, draft_of(found.row(0, named=True), material_frames(lake, manifest), manifest, reason)
    )


def draft_of(row: dict[str, Any], frames: dict[str, pl.DataFrame], manifest: Manifest, reason: str) -> Draft:
    """The request for a row of `parameter_proposals`, with its effect on the material plan `frames`; raises as `changes_of`."""
    changes, kind, subject = changes_of(row, frames), row["kind"], row["subject"]
    content = {
        "change": changes, "learned": row, "run": manifest.run_id, "effects": effects_of(frames, changes, manifest),
    }  # fmt: skip
    was = "none" if row["current"] is None else f"{row['current']:g}"
    title = f"{kind.replace('_', ' ')} of {subject} from {was} to {value_of(row):g} {row['unit']}"
    return Draft(PARAMETER, str(manifest.pins.plant["code"]), f"{kind}/{subject}", title, reason, content)


def asked_by_itself(lake: Lake, manifest: Manifest, agent: Agent) -> list[Draft]:
    """What the parameter learner asks for tonight: values that measurement shows to be off, the best measured first.

    Nothing where its row lets it observe only. A row that no master row could take is left to people.
    """
    if TABLE not in manifest.outputs or not agent.may(PARAMETER, Level.PROPOSE):
        return []
    frames, drafts = material_frames(lake, manifest), []
    for row, _ in askable(manifest.read(lake, TABLE), frames, MOST_A_NIGHT):
        why = f"measured {row['samples']} times: half within {row['p50']:g}, 80 % within {row['p80']:g} {row['unit']}"
        drafts.append(draft_of(row, frames, manifest, why))
    return drafts


def askable(learned: pl.DataFrame, frames: Frames, most: int) -> list[tuple[dict[str, Any], list[Change]]]:
    """The stale rows of `parameter_proposals`, the best measured `most` of them, that a master row could take; and the change."""
    stale = learned.filter("stale").sort("samples", "kind", "subject", descending=[True, False, False])
    made = []
    for row in stale.head(most).iter_rows(named=True):
        with suppress(ValueError):
            made.append((row, changes_of(row, frames)))
    return made


def changes_of(row: dict[str, Any], frames: Frames) -> list[Change]:
    """The change of the master tables that a row of `parameter_proposals` asks for.

    A lead time goes to the agreement with the supplier where there is one, and to the item where nobody else supplies
    it. A run time or yield goes to the routing operation that is valid now, a set-up to its row of the matrix, downtime to
    its work center. Raises ValueError where there is no such row.
    """
    kind, subject, value = row["kind"], row["subject"], value_of(row)
    if kind == "lead_time":
        return _lead_time(str(subject).removesuffix(f"/{row['item']}"), row["item"], value, frames)
    if kind == "setup_time":
        return [_set("setup_matrix", _setup(subject, frames), {"minutes": value})]
    if kind == "downtime":
        if frames["work_centers"].filter(pl.col("work_center") == subject).is_empty():
            raise ValueError(f"work_centers: no row of {subject}; enter one, then ask again")
        return [_set("work_centers", {"work_center": subject}, {"efficiency": value})]
    routing, op_seq = str(subject).removeprefix(f"{row['item']}/").rsplit("/", 1)
    where = {"item": row["item"], "routing": routing, "op_seq": int(op_seq), "valid_to": None}
    return [_set("routings", where, {ROUTING_COLUMN[kind]: value})]


def effects_of(frames: dict[str, pl.DataFrame], changes: list[Change], manifest: Manifest) -> dict[str, Any]:
    """What the change would do to the material plan of that night: messages it brings or clears, planned orders, money."""
    from recon_platform.material.what_if import what_if  # noqa: PLC0415 - loads compiled kernels

    made = what_if(frames, apply_changes(frames, changes), manifest.pins.context)
    return {
        "messages": made.messages.to_dicts(), "infeasible_messages": made.infeasible,
        "planned_orders": made.orders.height, "money": round(made.money, 2), "inside_frozen_days": made.frozen,
    }  # fmt: skip


def value_of(row: dict[str, Any]) -> float:
    """The value asked for. Lead times are whole days, and none is promised shorter than it was."""
    return float(math.ceil(row["proposed"])) if row["kind"] == "lead_time" else float(row["proposed"])


def _lead_time(supplier: str, item: str, days: float, frames: Frames) -> list[Change]:
    agreed = frames["supplier_items"].filter(pl.col("item") == item)
    others = pl.concat([agreed["supplier"], frames["purchase_orders"].filter(pl.col("item") == item)["supplier"]])
    changes = []
    if supplier in agreed["supplier"].to_list():
        changes.append(_set("supplier_items", {"supplier": supplier, "item": item}, {"lead_time_days": int(days)}))
    if set(others.drop_nulls()) <= {supplier}:
        changes.append(_set("items", {"item": item}, {"lead_time_days": int(days)}))
    if not changes:
        raise ValueError(
            f"supplier_items: {supplier} has no agreement on {item}, which others supply too; enter one, then ask again"
        )
    return changes


def _setup(subject: str, frames: Frames) -> dict[str, Any]:
    keys = ("work_center", "from_value", "to_value")
    rows = frames["setup_matrix"].filter(pl.concat_str(keys, separator="/") == subject)
    if rows.is_empty():
        raise ValueError(f"setup_matrix: no row of {subject}; enter one, then ask again")
    return rows.sort("minutes", descending=True).select(*keys, "attribute").row(0, named=True)


def _set(table: str, where: dict[str, Any], values: dict[str, Any]) -> Change:
    return {"verb": "set", "table": table, "where": where, "values": values}
