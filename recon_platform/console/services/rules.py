"""Rules: the policy in force and its versions, the rule catalogue, what is asked to change, and a change tried on past nights."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from recon_platform.console.page import Column, Figure, Listing, Page, Show
from recon_platform.console.services.nights import Night
from recon_platform.console.state import Console
from recon_platform.console.words import count, words
from recon_platform.governance import Actor, Store
from recon_platform.governance.in_force import versions
from recon_platform.governance.requests import Draft, Request
from recon_platform.nights.backtest import candidate
from recon_platform.nights.policies import SUBJECT, effective_policy
from recon_platform.reconcile.catalogue import RULE_SET_VERSION, RULES
from recon_platform.tables.policy import Policy, policy_from_dict
from recon_platform.tables.settings import MEANING

NIGHTS = 1  # past nights that a change is tried on, unless asked otherwise
INSTANT = pl.Datetime("us", "UTC")


@dataclass(frozen=True, slots=True)
class Trial:
    """A change of policy that was tried: what a request for it would show."""

    plant: str
    policy_digest: str
    content: dict[str, Any]


def policy_in_force(store: Store, night: Night) -> Policy:
    """What the next night would plan with: the newest night's policy and what was approved since."""
    plant = night.context.plant.code
    return effective_policy(night.context.policy, store.decisions_in_force(plant, store.clock()))


def rules(store: Store, actor: Actor, night: Night) -> Page:
    """Settings away from their defaults first, then versions, change requests and every rule with what it did tonight."""
    plant = night.context.plant.code
    policy, made = policy_in_force(store, night), versions(store, plant)
    asked = store.requests.find(actor, plant=plant, state=None, kind="policy")
    waiting = sum(request.state == "open" for request in asked)
    settings = _settings(policy)
    away = settings.filter(pl.col("changed")).height
    which = f"Policy version {made[-1]['version']}" if made else "The policy that the plant handed over"
    return Page(
        "Rules",
        f"{which} is in force, with {count(away, 'setting')} away from {'its default' if away == 1 else 'their defaults'}; "
        f"{len(RULES)} rules, set version {RULE_SET_VERSION}; {count(waiting, 'change')} "
        f"{'waits' if waiting == 1 else 'wait'} for a decision.",
        figures=(
            Figure("Approved versions", len(made), Show.WHOLE, "", f"digest {policy.digest[:12]}…"),
            Figure("Away from the default", away, Show.WHOLE, "settings"),
            Figure("Changes that wait", waiting, Show.WHOLE, "", "each with its backtest", "decisions", waiting > 0),
        ),
        listings=(
            Listing(
                "settings", "Settings, those away from their default first",
                (
                    Column("setting", "Setting", Show.KEY), Column("value", "In force"), Column("default", "Default"),
                    Column("unit", "Unit"), Column("meaning", "What it does"), Column("changed", "Away from default", Show.FLAG),
                ),
                settings, "There is no setting.",
            ),
            Listing(
                "requests", "Requests to change them",
                (
                    Column("request", "Request", Show.WHOLE, "decisions/{request}"), Column("title", "What"), Column("state", "State"),
                    Column("proposer", "Asked by", Show.KEY), Column("created_at", "Asked", Show.INSTANT),
                    Column("decided_by", "Decided by", Show.KEY), Column("reason", "Why"),
                ),
                _requests(asked), "Nobody has asked for a change yet. Try one above; it becomes a request with its backtest.",
            ),
            Listing(
                "versions", "Versions that were approved",
                (
                    Column("version", "Version", Show.WHOLE), Column("settings", "What changed"),
                    Column("in_force_from", "In force from", Show.INSTANT), Column("approved_by", "Approved by", Show.KEY),
                    Column("request", "Request", Show.WHOLE, "decisions/{request}"), Column("digest", "Digest", Show.KEY),
                ),
                _versions(made), "No change was approved yet: the policy is the one that the plant handed over.",
            ),
            Listing(
                "rules", "Rules of reconciliation",
                (
                    Column("rule", "Rule", Show.KEY), Column("condition", "When"), Column("action", "Then"), Column("severity", "Severity"),
                    Column("mode", "Who corrects"), Column("found", "Found tonight", Show.WHOLE),
                    Column("corrected", "Corrected tonight", Show.WHOLE), Column("version", "Version", Show.KEY),
                ),
                _catalogue(night), "There is no rule.",
            ),
        ),
    )  # fmt: skip


def names() -> list[str]:
    """Every setting as `section.name`."""
    return [f"{section}.{name}" for section, settings in MEANING.items() for name in settings]


def try_out(console: Console, night: Night, setting: str, value: str, nights: int) -> Trial:
    """Plan past nights again with one setting changed. Raises ValueError where setting or value does not fit."""
    if setting not in names():
        raise ValueError(f"there is no setting {setting!r}")
    section, _, name = setting.partition(".")
    changes = {section: {name: _value(value)}}
    plant, policy = night.context.plant.code, policy_in_force(console.store, night)
    past = [known.manifest for known in console.nights.all(plant)[-nights:]]
    content = candidate(console.lake, policy, changes, past)
    if not content["differences"]:
        raise ValueError(f"{setting} is {value} already")
    return Trial(plant, policy.digest, content)


def propose(console: Console, actor: Actor, night: Night, found: Trial, reason: str) -> Request:
    """Ask somebody else to decide the change. Raises ValueError where the policy has changed since it was tried."""
    if policy_in_force(console.store, night).digest != found.policy_digest:
        raise ValueError("the policy has changed since this was tried; try it again")
    changed = ", ".join(row["setting"] for row in found.content["differences"])
    draft = Draft("policy", found.plant, SUBJECT, f"change {changed}", reason, found.content)
    return console.store.requests.propose(actor, replace(draft, reason=reason.strip()))


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text.strip()


def _settings(policy: Policy) -> pl.DataFrame:
    now, default = policy.to_dict(), policy_from_dict({}).to_dict()
    rows = [
        (f"{section}.{name}", _shown(now[section][name]), _shown(default[section][name]), unit, meaning,
         now[section][name] != default[section][name])
        for section, settings in MEANING.items() for name, (unit, meaning) in settings.items()
    ]  # fmt: skip
    schema = {
        "setting": pl.String, "value": pl.String, "default": pl.String, "unit": pl.String, "meaning": pl.String, "changed": pl.Boolean,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row").sort("changed", descending=True, maintain_order=True)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _requests(asked: list[Request]) -> pl.DataFrame:
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "request": pl.Int64, "title": pl.String, "state": pl.String, "proposer": pl.String, "created_at": INSTANT,
        "decided_by": pl.String, "reason": pl.String,
    }  # fmt: skip
    rows = [(r.request, r.title, r.state, r.proposer, r.created_at, r.decided_by, r.reason) for r in reversed(asked)]
    return pl.DataFrame(rows, schema=schema, orient="row")


def _versions(made: list[dict[str, Any]]) -> pl.DataFrame:
    rows = [
        {
            "version": v["version"], "in_force_from": v["in_force_from"], "approved_by": v["approved_by"], "request": v["request"],
            "digest": v["digest"],
            "settings": "; ".join(f"{d['setting']}: {d['from']} → {d['to']}" for d in v["content"].get("differences", [])),
        }
        for v in reversed(made)
    ]  # fmt: skip
    schema = {
        "version": pl.Int64, "settings": pl.String, "in_force_from": pl.String, "approved_by": pl.String, "request": pl.Int64,
        "digest": pl.String,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema).with_columns(
        pl.col("in_force_from").str.to_datetime(time_zone="UTC", time_unit="us")
    )


def _catalogue(night: Night) -> pl.DataFrame:
    known = pl.DataFrame(
        [(r.id, r.condition, r.action, r.severity, words(r.mode), r.version) for r in RULES],
        schema=["rule", "condition", "action", "severity", "mode", "version"], orient="row",
    )  # fmt: skip
    tonight = (
        night.read("findings")
        .group_by("rule")
        .agg(pl.len().cast(pl.Int64).alias("found"), pl.col("applied").sum().cast(pl.Int64).alias("corrected"))
    )
    return known.join(tonight, on="rule", how="left", maintain_order="left").with_columns(
        pl.col("found", "corrected").fill_null(0)
    )
