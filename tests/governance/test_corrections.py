"""Corrections of the ERP: proposed by a night, approved by a person or sent by a rule, delivered once, kept away when unwanted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from recon_platform.connectors.write_back import HttpErp
from recon_platform.governance import service
from recon_platform.governance.errors import AlreadyDecidedError, PermissionDeniedError
from recon_platform.governance.relay import Delivered
from recon_platform.governance.requests import Request
from recon_platform.nights.corrections import of_tables
from recon_platform.nights.delivery import deliver
from recon_platform.reconcile import reconcile
from recon_platform.tables.context import Plant
from recon_platform.tables.model import Frames
from tests.governance.plant import NIGHT, PLANT, Governed, moves_frame
from tests.governance.test_properties_delivery import RELAY, effects, server
from tests.reconcile.small_plant import context, order, plant, report

NIGHTLY = service("night", "1")


def backlog(*, good: float = 900) -> Frames:
    """Order A: a tenth of it was never received, too much for a rule; order B: within the limits of a rule."""
    reports = [report(name, seq, 1000, hours_ago=2) for name in "AB" for seq in (10, 20)]
    return plant([order("A", good=good), order("B", good=960)], reports)


def run_night(governed: Governed, frames: Frames, sequence: int = 0) -> tuple[dict[str, pl.DataFrame], list[Request]]:
    """Reconcile with what is in force, and put it before people; gives the tables and the requests on corrections."""
    now = governed.clock()
    frame = replace(context(), plant=Plant(PLANT), as_of=now, sequence=sequence)
    made = reconcile({**frames, "decisions_in_force": governed.store.decisions_in_force(PLANT, now)}, frame)
    run_id = f"{PLANT}.{NIGHT}.{sequence}"
    drafts, automatic = of_tables(made, frame, run_id)
    requests = governed.store.requests.open_run(
        NIGHTLY, plant=PLANT, planning_date=NIGHT, sequence=sequence, run_id=run_id, base={"sequence": sequence},
        moves=moves_frame(0, now), corrections=drafts, automatic=automatic,
    )  # fmt: skip
    return made, [request for request in requests if request.kind in {"correction", "sample"}]


def waiting(governed: Governed) -> list[tuple[str, str, str]]:
    return [
        (message.subject, f"{message.content['from']}>{message.content['to']}", message.content["approved_by"])
        for message in governed.store.outbox.find(state="waiting")
        if message.kind == "order_changes"
    ]


def test_what_a_rule_may_do_alone_leaves_and_the_rest_waits_for_another_person(governed: Governed) -> None:
    _, requests = run_night(governed, backlog())
    assert waiting(governed) == [("B", "960>1000", "rule QT-01 version 1")]
    asked = {request.kind: request for request in requests}
    assert [change["work_order"] for change in asked["correction"].content["changes"]] == ["A"]
    assert asked["sample"].content["findings"] == ["QT-01:B:completed_qty"]
    with pytest.raises(PermissionDeniedError):
        governed.approve("paula", asked["correction"])
    governed.approve("sam", asked["correction"])
    assert waiting(governed)[1:] == [("A", "900>1000", "sam")]
    with pytest.raises(AlreadyDecidedError):
        governed.approve("sue", asked["correction"])
    assert len(waiting(governed)) == 2


def test_an_approved_correction_reaches_the_erp_once_whatever_nights_follow(governed: Governed, tmp_path: Path) -> None:
    _, requests = run_night(governed, backlog())
    governed.approve("sam", requests[0])
    made, again = run_night(governed, backlog(), sequence=1)  # the ERP has not answered yet: the same two changes
    assert made["order_changes"]["approved_by"].sort().to_list() == ["rule QT-01 version 1", "sam"]
    assert [request.kind for request in again] == ["sample"]
    database = tmp_path / "erp.db"
    with server("erp_server.py", str(database), "never") as port:
        told = deliver(governed.store, RELAY, erp=HttpErp(f"http://127.0.0.1:{port}/"))
    assert told == Delivered(accepted=2)
    assert sorted(effects(database).values()) == [1, 1]


def test_other_values_than_those_approved_are_asked_for_again(governed: Governed) -> None:
    _, requests = run_night(governed, backlog())
    governed.approve("sam", requests[0])
    made, again = run_night(governed, backlog(good=800), sequence=1)
    about_a = made["findings"].filter(pl.col("finding") == "QT-01:A:completed_qty").row(0, named=True)
    assert (about_a["state"], about_a["applied"]) == ("open", False)
    assert made["order_changes"].filter(pl.col("work_order") == "A")["approved_by"].to_list() == [None]
    asked = [request for request in again if request.kind == "correction"]
    assert [(change["from"], change["to"]) for request in asked for change in request.content["changes"]] == [
        ("800", "1000")
    ]


def test_a_sample_found_right_says_nothing_about_tomorrow_s_values(governed: Governed) -> None:
    _, requests = run_night(governed, backlog())
    governed.approve("sam", next(request for request in requests if request.kind == "sample"))
    reports = [report(name, seq, 1000, hours_ago=2) for name in "AB" for seq in (10, 20)]
    made, _ = run_night(governed, plant([order("A", good=1000), order("B", good=800)], reports), sequence=1)
    row = made["findings"].filter(pl.col("finding") == "QT-01:B:completed_qty").row(0, named=True)
    assert (row["state"], row["held_by"]) == ("open", "share of order")
    judged = made["rule_precision"].filter(pl.col("rule") == "QT-01").row(0, named=True)
    assert (judged["right"], judged["wrong"]) == (1, 0)


def test_a_rejected_correction_does_not_come_back_until_its_lock_ends(governed: Governed) -> None:
    _, requests = run_night(governed, backlog())
    governed.store.decisions.reject(
        governed.actor("sam"), requests[0].request, digest=requests[0].digest, reason="counted by hand: 900 are right"
    )
    made, again = run_night(governed, backlog(), sequence=1)
    locked = made["findings"].filter(pl.col("finding") == "QT-01:A:completed_qty").row(0, named=True)
    assert (locked["state"], locked["rank"]) == ("locked", None)
    assert "A" not in made["order_changes"]["work_order"].to_list()
    assert [request.kind for request in again] == ["sample"]
    governed.clock.move(days=8)
    in_force = governed.store.decisions_in_force(PLANT, governed.clock())
    assert in_force.is_empty()


def test_nothing_of_a_line_in_shadow_is_proposed_or_sent() -> None:
    policy = context().policy
    shadow = replace(policy, publish=replace(policy.publish, default_rollout="shadow"))
    frame = replace(context(), policy=shadow)
    drafts, automatic = of_tables(reconcile(backlog(), frame), frame, "r")
    assert [draft for draft in drafts if draft.kind == "correction"] == []
    assert automatic == []
