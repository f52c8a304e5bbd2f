"""The properties of governance that concern people, by their numbers in the design: 1 to 9."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from recon_platform.cli import doors, output
from recon_platform.cli.app import execute
from recon_platform.governance import GRANTS, Actor, Door, Permission, Role, Store
from recon_platform.governance.agents import switch
from recon_platform.governance.audit import Audit
from recon_platform.governance.clock import system_clock
from recon_platform.governance.decisions import Decisions
from recon_platform.governance.errors import (
    GovernanceError,
    LockedOutError,
    PermissionDeniedError,
    SignatureError,
    SignInError,
    StaleError,
)
from recon_platform.governance.notices import Notices
from recon_platform.governance.people import People
from recon_platform.governance.permissions import MACHINE_GRANTS
from recon_platform.governance.plant_time import anchor
from recon_platform.governance.publications import Publications
from recon_platform.governance.requests import Draft, Request, Requests
from recon_platform.governance.sessions import Sessions
from recon_platform.governance.signatures import Signing, check
from tests.governance.plant import AGENT, KEY, NOON, PEOPLE, PLANT, SECRET, Governed

DOORS = [Door.CLI, Door.WEB, Door.API, Door.AGENT]
SIGN = Signing(SECRET, "approval of the substitution")


def substitution(governed: Governed) -> Request:
    """A move that has to be signed."""
    return governed.night(kind="substitute", signature=True)[1]


def test_01_nobody_approves_what_they_proposed(governed: Governed) -> None:
    silent = set()
    for name in (*PEOPLE, AGENT):
        try:
            request = governed.pin(name)
        except PermissionDeniedError:
            silent.add(name)
            continue
        for door in DOORS:
            actor = governed.actor(name, door)
            with pytest.raises(PermissionDeniedError):
                governed.store.decisions.approve(actor, request.request, digest=request.digest, reason="mine")
            with pytest.raises(PermissionDeniedError):
                governed.store.decisions.reject(actor, request.request, digest=request.digest, reason="mine")
        assert governed.store.requests.get(governed.actor("ava"), request.request).state == "open"
    assert silent == {"ian", "ava"}  # roles that cannot propose at all


def test_01_not_with_both_roles_and_not_after_a_change_of_role(governed: Governed) -> None:
    request = governed.pin("paula")
    governed.store.people.set_roles(governed.actor("ian"), "paula", [Role.SUPERVISOR])
    with pytest.raises(PermissionDeniedError, match="a different person"):
        governed.approve("paula", request)
    with pytest.raises(PermissionDeniedError, match="a different person"):
        governed.approve("both", governed.pin("both"))
    assert governed.approve("both", request).verdict == "approved"


def test_01_a_role_lost_after_signing_in_counts_at_once(governed: Governed) -> None:
    request, sam = governed.pin(), governed.actor("sam")
    governed.store.people.set_roles(governed.actor("ian"), "sam", [Role.PLANNER])
    with pytest.raises(PermissionDeniedError, match="takes the role"):
        governed.store.decisions.approve(sam, request.request, digest=request.digest, reason="ok")


def test_02_an_agent_never_approves(governed: Governed) -> None:
    request = governed.pin()
    for door in DOORS:
        agent = governed.actor(AGENT, door)
        with pytest.raises(PermissionDeniedError):
            governed.store.decisions.approve(agent, request.request, digest=request.digest, reason="good")
    with pytest.raises(GovernanceError, match="role agent and no other"):
        governed.store.people.set_roles(governed.actor("ian"), AGENT, [Role.AGENT, Role.MANAGER])


def test_02_not_even_with_a_role_written_behind_the_programs_back(governed: Governed) -> None:
    request = governed.pin()
    with governed.store.engine.begin() as connection:
        connection.execute(
            text("insert into user_roles (\"user\", role, granted_at, granted_by) values ('advisor','manager','','x')")
        )
    with pytest.raises(PermissionDeniedError):
        governed.approve(AGENT, request)


def test_02_an_agent_proposes_under_a_quota(governed: Governed) -> None:
    for number in range(3):
        governed.pin(AGENT, subject=f"WO-{number}")
    with pytest.raises(PermissionDeniedError, match="quota of 3"):
        governed.pin(AGENT, subject="WO-4")


def test_02_a_service_of_the_platform_never_approves() -> None:
    forbidden = {
        Permission.APPROVE, Permission.APPROVE_CHANGE, Permission.APPROVE_HIGH, Permission.MANAGE_USERS
    }  # fmt: skip
    assert not MACHINE_GRANTS & forbidden
    assert not GRANTS[Role.AGENT] & forbidden


DRAFT = Draft("pin", PLANT, "WO-1", "keep", "why", {"change": []})
MACHINE_CHANGE = {
    "verb": "set", "table": "work_order_operations", "where": {"work_order": "WO-1", "op_seq": 10},
    "values": {"machine": "M-1"},
}  # fmt: skip
MACHINE_PIN = Draft("pin", PLANT, "WO-1/10", "keep", "why", {"change": [MACHINE_CHANGE]})
POLICY = Draft("policy", PLANT, "policy", "new", "why", {"policy": {}})
WRITES: dict[str, tuple[Permission, Callable[[Store, Actor], object]]] = {
    "People.add": (Permission.MANAGE_USERS, lambda s, a: s.people.add(a, "new", "New", [Role.PLANNER])),
    "People.set_roles": (Permission.MANAGE_USERS, lambda s, a: s.people.set_roles(a, "peter", [Role.PLANNER])),
    "People.set_plants": (Permission.MANAGE_USERS, lambda s, a: s.people.set_plants(a, "peter", [PLANT])),
    "People.disable": (Permission.MANAGE_USERS, lambda s, a: s.people.disable(a, "peter")),
    "People.reset": (Permission.MANAGE_USERS, lambda s, a: s.people.reset(a, "peter")),
    "People.confirm": (Permission.APPROVE, lambda s, a: s.people.confirm(a, "nobody")),
    "Requests.propose": (Permission.PROPOSE, lambda s, a: s.requests.propose(a, DRAFT)),
    "Requests.propose_all": (Permission.PROPOSE, lambda s, a: s.requests.propose_all(a, [DRAFT])),
    "Requests.propose (policy)": (Permission.PROPOSE_CHANGE, lambda s, a: s.requests.propose(a, POLICY)),
    "Requests.withdraw": (Permission.PROPOSE, lambda s, a: s.requests.withdraw(a, 1, "x")),
    "Requests.open_run": (
        Permission.RUN,
        lambda s, a: s.requests.open_run(
            a, plant=PLANT, planning_date="2026-03-02", sequence=9, run_id="x", base={}, moves=None  # type: ignore[arg-type]
        ),
    ),
    "Decisions.approve": (Permission.APPROVE, lambda s, a: s.decisions.approve(a, 1, digest="", reason="x")),
    "Decisions.reject": (Permission.APPROVE, lambda s, a: s.decisions.reject(a, 1, digest="", reason="x")),
    "Decisions.lower": (
        Permission.APPROVE_CHANGE, lambda s, a: s.decisions.lower(a, switch(PLANT, "all", "x", on=False))
    ),
    "Decisions.enter": (Permission.PROPOSE, lambda s, a: s.decisions.enter(a, MACHINE_PIN)),
    "Decisions.revoke": (Permission.APPROVE, lambda s, a: s.decisions.revoke(a, 1, "x")),
    "Publications.begin": (
        Permission.PUBLISH,
        lambda s, a: s.publications.begin(a, plant=PLANT, run_id="r", planning_date="d", digest="d", record={}),
    ),
    "Publications.finish": (
        Permission.PUBLISH, lambda s, a: s.publications.finish(a, "p", lake_version=1, messages=[])
    ),
    "Publications.abandon": (Permission.PUBLISH, lambda s, a: s.publications.abandon(a, "p", "x")),
    "Notices.subscribe": (Permission.MANAGE_USERS, lambda s, a: s.notices.subscribe(a, "n", "a@b", ["published"])),
    "Notices.unsubscribe": (Permission.MANAGE_USERS, lambda s, a: s.notices.unsubscribe(a, "n")),
}  # fmt: skip
OWN = {
    "People.change_secret",
    "Sessions.login",
    "Sessions.vouched",
    "Sessions.logout",
    "Sessions.authenticate",
    "Sessions.check_secret",
}
"""What everybody does about themselves."""
FOUNDING = {"People.found"}
READS = {
    "People.all", "People.is_empty", "Requests.get", "Requests.find",
    "Publications.unfinished", "Publications.in_force", "Publications.history", "Publications.version",
    "Publications.rolled_back", "Notices.subscribed", "Audit.rows",
    "Audit.verify", "Audit.head", "Audit.export", "Audit.copy_to",
}  # fmt: skip


def test_03_every_route_into_the_store_is_known() -> None:
    routes = {
        f"{service.__name__}.{name}"
        for service in (People, Requests, Decisions, Publications, Sessions, Notices, Audit)
        for name, member in inspect.getmembers(service, inspect.isfunction)
        if not name.startswith("_")
    }
    assert routes == {name.split(" ")[0] for name in WRITES} | READS | OWN | FOUNDING


def test_03_it_cannot_propose_or_approve_and_an_auditor_cannot_write(governed: Governed) -> None:
    governed.pin("both")
    for name, (_, roles) in PEOPLE.items():
        held = frozenset[Permission]().union(*(GRANTS[role] for role in roles))
        for route, (permission, call) in WRITES.items():
            if permission in held:
                continue
            with pytest.raises(PermissionDeniedError):
                call(governed.store, governed.actor(name))
                pytest.fail(f"{name} came through {route}")
    assert not GRANTS[Role.AUDITOR] & {permission for permission, _ in WRITES.values()}
    assert not {p for p in GRANTS[Role.IT] if p.value.startswith(("propose", "approve"))}


def test_03_founding_ends_with_the_first_sign_in(governed: Governed) -> None:
    with pytest.raises(PermissionDeniedError, match="in use"):
        governed.store.people.found("eve", "Eve", [Role.MANAGER], SECRET)


def test_04_a_reset_by_an_administrator_yields_no_signature_and_no_decision(governed: Governed) -> None:
    store, ian = governed.store, governed.actor("ian")
    request = substitution(governed)
    known = store.people.reset(ian, "sam")
    thief = store.sessions.authenticate(store.sessions.login("sam", known).token)
    sign = Signing(known, "approval")
    with pytest.raises(PermissionDeniedError, match="cannot decide or sign"):
        store.decisions.approve(thief, request.request, digest=request.digest, reason="x", signing=sign)
    store.people.change_secret(thief, known, "a secret the thief chose")
    with pytest.raises(PermissionDeniedError, match="cannot decide or sign"):
        store.decisions.approve(
            thief, request.request, digest=request.digest, reason="x",
            signing=Signing("a secret the thief chose", "approval"),
        )  # fmt: skip
    with pytest.raises(PermissionDeniedError):
        store.people.confirm(thief, "sam")
    with pytest.raises(PermissionDeniedError):
        store.people.confirm(ian, "sam")
    store.people.confirm(governed.actor("sue"), "sam")
    assert store.decisions.approve(
        thief,
        request.request,
        digest=request.digest,
        reason="x",
        signing=Signing("a secret the thief chose", "approval"),
    ).signature


def test_05_of_fifty_processes_deciding_one_request_exactly_one_wins(governed: Governed) -> None:
    request = governed.pin()
    arguments = [
        governed.store.url,
        str(request.request),
        request.digest,
        governed.tokens["sam"],
        governed.tokens["sue"],
    ]
    done = subprocess.run(
        [sys.executable, "-m", "tests.governance.fifty_deciders", *arguments],
        capture_output=True, text=True, check=True, timeout=240, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert Counter(done.stdout.split()) == {"won": 1, "late": 49}, done.stderr
    decided = governed.store.requests.get(governed.actor("ava"), request.request)
    assert decided.decided_by in {"sam", "sue"}
    verdicts = governed.store.audit.rows(governed.actor("ava"), subject=str(request.request))["action"].to_list()
    assert verdicts == ["request.proposed", f"request.{decided.state}"]
    assert governed.store.audit.verify(governed.actor("ava")).holds


FLIP = """update {table} set {column} = case when substr({column}, 1, 1) = '0' then '1' else '0' end
    || substr({column}, 2) where request = :request"""
TAMPERING = [
    "update requests set content = replace(content, 'WC-', 'WX-') where request = :request",
    FLIP.format(table="requests", column="digest"),
    "update signatures set meaning = meaning || '.' where request = :request",
    "update signatures set full_name = 'Sue Supervisor' where request = :request",
    "update signatures set signed_at = '2026-03-02T12:00:00.000001Z' where request = :request",
    FLIP.format(table="signatures", column="digest"),
    FLIP.format(table="signatures", column="seal"),
    "update signatures set signer = 'sue' where request = :request",
]


def test_06_one_byte_changed_makes_the_signature_invalid(governed: Governed) -> None:
    moves = governed.night(moves=len(TAMPERING), kind="substitute", signature=True)[1:]
    for statement, request in zip(TAMPERING, moves, strict=True):
        governed.approve("sam", request, signing=SIGN)
        assert check(governed.store, governed.actor("ava"), request.request).holds
        with governed.store.engine.begin() as connection:
            assert connection.execute(text(statement), {"request": request.request}).rowcount == 1
        assert not check(governed.store, governed.actor("ava"), request.request).holds, statement


def test_07_name_time_with_zone_and_meaning_are_in_what_is_shown(governed: Governed, tmp_path: Path) -> None:
    request = substitution(governed)
    governed.approve("sam", request, signing=SIGN)
    line = "signed by Sam Supervisor (sam) on 2026-03-02 12:00:00 UTC: approval of the substitution"
    ava = governed.actor("ava")
    assert check(governed.store, ava, request.request).line == line
    trail, _ = governed.store.audit.export(ava, tmp_path)
    assert line in trail.read_text(encoding="utf-8")


def test_07_the_command_line_shows_the_signature_and_whether_it_holds(
    governed: Governed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    anchor(governed.store, NOON, system_clock)  # the command opens the store itself
    signed, lake = substitution(governed), tmp_path / "lake"
    governed.approve("sam", signed, signing=SIGN)
    doors.write_private(lake / "governance.key", KEY)
    doors.write_private(lake / "session.json", output.json_bytes({"user": "ava", "token": governed.tokens["ava"]}))
    where = ["--lake", str(lake), "--governance", governed.store.url]
    assert execute(["signature", str(signed.request), *where]) == 0
    shown = capsys.readouterr().out
    assert "signed by Sam Supervisor (sam) on 2026-03-02 12:0" in shown and "the signature holds" in shown
    with governed.store.engine.begin() as connection:
        connection.execute(text("update signatures set meaning = 'something else'"))
    assert execute(["signature", str(signed.request), *where]) == 1
    assert "does not hold" in capsys.readouterr().out


def test_08_a_signature_copied_to_another_request_is_invalid(governed: Governed) -> None:
    first, second = governed.night(moves=2, kind="substitute", signature=True)[1:]
    governed.approve("sam", first, signing=SIGN)
    with governed.store.engine.begin() as connection:
        connection.execute(
            text("update signatures set request = :to, digest = :digest where request = :from"),
            {"to": second.request, "digest": second.digest, "from": first.request},
        )
    shown = check(governed.store, governed.actor("ava"), second.request)
    assert not shown.holds
    assert shown.problem is not None


def test_08_nor_with_another_stores_key(governed: Governed) -> None:
    request = substitution(governed)
    governed.approve("sam", request, signing=SIGN)
    governed.store.key = bytes(reversed(KEY[:-1])) + b"x"
    assert not check(governed.store, governed.actor("ava"), request.request).holds


def test_09_a_session_alone_does_not_sign(governed: Governed) -> None:
    request = substitution(governed)
    with pytest.raises(SignatureError, match="has to be signed"):
        governed.approve("sam", request)
    with pytest.raises(SignatureError, match="meaning"):
        governed.approve("sam", request, signing=Signing(SECRET, " "))


def test_09_failures_to_sign_lock_and_alert(governed: Governed) -> None:
    store = governed.store
    with store.engine.begin() as connection:
        connection.execute(text("update users set contact = 'ian@works.example' where name = 'ian'"))
    request = substitution(governed)
    for _ in range(5):
        with pytest.raises(SignInError):
            governed.approve("sam", request, signing=Signing("a wrong secret", "approval"))
    with pytest.raises(LockedOutError):
        governed.approve("sam", request, signing=SIGN)
    with pytest.raises(LockedOutError):
        store.sessions.login("sam", SECRET)
    notices = [message for message in store.outbox.find() if message.kind == "notice"]
    assert [(m.content["event"], m.content["to"]) for m in notices] == [("security", "ian@works.example")]
    refused = store.audit.rows(governed.actor("ava"), who="sam", action="session.refused")
    assert refused.height == 4
    governed.clock.move(minutes=15)
    assert governed.approve("sam", request, signing=SIGN).signature


def test_09_a_secret_changed_while_signing_is_not_fresh(governed: Governed, monkeypatch: pytest.MonkeyPatch) -> None:
    request, store, ian = substitution(governed), governed.store, governed.actor("ian")
    asked = store.sessions.check_secret

    def slow(*args: object, **options: object) -> str:
        fresh = asked(*args, **options)  # type: ignore[arg-type]
        store.people.reset(ian, "sam")
        return fresh

    sam = governed.actor("sam")
    monkeypatch.setattr(store.sessions, "check_secret", slow)
    with pytest.raises(GovernanceError):
        store.decisions.approve(sam, request.request, digest=request.digest, reason="x", signing=SIGN)


def test_an_idle_or_expired_session_is_refused(governed: Governed) -> None:
    governed.clock.move(hours=2)
    with pytest.raises(SignInError):
        governed.actor("sam")
    login = governed.store.sessions.login("sue", SECRET, lifetime=timedelta(minutes=5))
    sue = governed.store.sessions.authenticate(login.token)
    governed.clock.move(minutes=5)
    with pytest.raises(SignInError):
        governed.store.requests.find(sue)


def test_a_stale_digest_is_refused_also_when_signed(governed: Governed) -> None:
    request = substitution(governed)
    with pytest.raises(StaleError):
        governed.store.decisions.approve(
            governed.actor("sam"), request.request, digest="0" * 64, reason="x", signing=SIGN
        )
