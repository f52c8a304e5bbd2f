"""The tables of the transactional store: what has to survive the moment it was acknowledged.

Belongs here: SQL table definitions, nothing else. How they change over time is in `migrations/`; a test holds both
together. Instants are UTC text of fixed width (`clock.to_text`), JSON is canonical text (`chain.canonical`).
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text, UniqueConstraint

VERSION = "0002"
"""The last migration of these tables; a store of another version is not opened."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

INSTANT = String(27)
NAME = String(120)
DIGEST = String(64)

users = Table(
    "users", metadata,
    Column("name", NAME, primary_key=True),
    Column("full_name", String(200), nullable=False),
    Column("kind", String(10), nullable=False),  # person | agent
    Column("contact", String(200)),
    Column("secret_hash", Text, nullable=False),
    Column("credential", String(12), nullable=False),  # temporary | unconfirmed | confirmed
    Column("secret_set_by", NAME, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("failures", Integer, nullable=False, default=0),
    Column("locked_until", INSTANT),
    Column("agent_version", String(60)),
    Column("daily_quota", Integer),
    Column("created_at", INSTANT, nullable=False),
    Column("created_by", NAME, nullable=False),
)  # fmt: skip

user_roles = Table(
    "user_roles", metadata,
    Column("user", NAME, ForeignKey("users.name"), primary_key=True),
    Column("role", String(20), primary_key=True),
    Column("granted_at", INSTANT, nullable=False),
    Column("granted_by", NAME, nullable=False),
)  # fmt: skip

user_plants = Table(
    "user_plants", metadata,  # plants a user is limited to; a user without a row works for every plant
    Column("user", NAME, ForeignKey("users.name"), primary_key=True),
    Column("plant", NAME, primary_key=True),
    Column("granted_at", INSTANT, nullable=False),
    Column("granted_by", NAME, nullable=False),
)  # fmt: skip

sessions = Table(
    "sessions", metadata,
    Column("token_hash", DIGEST, primary_key=True),
    Column("user", NAME, ForeignKey("users.name"), nullable=False, index=True),
    Column("door", String(20), nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("last_used_at", INSTANT, nullable=False),
    Column("expires_at", INSTANT, nullable=False),
    Column("ended_at", INSTANT),
)  # fmt: skip

requests = Table(
    "requests", metadata,
    Column("request", Integer, primary_key=True, autoincrement=True),
    Column("kind", String(20), nullable=False),
    Column("plant", NAME, nullable=False),
    Column("planning_date", String(10)),
    Column("sequence", Integer),
    Column("run_id", NAME),
    Column("subject", String(200), nullable=False),
    Column("title", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("content", Text, nullable=False),  # canonical JSON of exactly what is shown to whoever decides
    Column("digest", DIGEST, nullable=False),
    Column("needs", String(20), nullable=False),  # the permission that decides it
    Column("signature", Boolean, nullable=False),
    Column("proposer", NAME, nullable=False),
    Column("proposer_kind", String(10), nullable=False),  # person | agent | machine
    Column("proposer_version", String(60)),
    Column("created_at", INSTANT, nullable=False),
    Column("valid_until", INSTANT),
    Column("effect_until", INSTANT),  # how long an approval, or the lock from a rejection, stays in force
    Column("state", String(12), nullable=False),  # open | approved | rejected | withdrawn | superseded
    Index(None, "plant", "state"),
    Index(None, "plant", "kind", "subject"),
)  # fmt: skip

signatures = Table(
    "signatures", metadata,
    Column("signature", String(40), primary_key=True),
    Column("request", Integer, ForeignKey("requests.request"), nullable=False),
    Column("signer", NAME, nullable=False),
    Column("full_name", String(200), nullable=False),
    Column("signed_at", INSTANT, nullable=False),
    Column("meaning", Text, nullable=False),
    Column("digest", DIGEST, nullable=False),
    Column("seal", DIGEST, nullable=False),
    UniqueConstraint("request"),
)  # fmt: skip

decisions = Table(
    "decisions", metadata,
    Column("decision", Integer, primary_key=True, autoincrement=True),
    Column("request", Integer, ForeignKey("requests.request"), nullable=False),
    Column("verdict", String(10), nullable=False),  # approved | rejected
    Column("decided_by", NAME, nullable=False),
    Column("roles", String(120), nullable=False),
    Column("decided_at", INSTANT, nullable=False),
    Column("reason", Text, nullable=False),
    Column("digest", DIGEST, nullable=False),
    Column("door", String(20), nullable=False),
    Column("signature", String(40), ForeignKey("signatures.signature")),
    UniqueConstraint("request"),
)  # fmt: skip

in_force = Table(
    "in_force", metadata,
    Column("decision", Integer, ForeignKey("decisions.decision"), primary_key=True),
    Column("plant", NAME, nullable=False, index=True),
    Column("kind", String(20), nullable=False),  # lock | approved_move | pin | override | parameter | switch
    Column("subject", String(200), nullable=False),
    Column("value", Text, nullable=False),
    Column("valid_from", INSTANT, nullable=False),
    Column("valid_until", INSTANT),
    Column("approved_by", NAME, nullable=False),
    Column("reason", Text, nullable=False),
)  # fmt: skip

audit_events = Table(
    "audit_events", metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("at", INSTANT, nullable=False),
    Column("clock", String(12), nullable=False),  # forward | set_back
    Column("actor", NAME, nullable=False),
    Column("actor_kind", String(10), nullable=False),
    Column("door", String(20), nullable=False),
    Column("action", String(40), nullable=False),
    Column("plant", NAME),
    Column("subject", String(200), nullable=False),
    Column("detail", Text, nullable=False),
    Column("previous_hash", DIGEST, nullable=False),
    Column("hash", DIGEST, nullable=False),
    Index(None, "subject"),
)  # fmt: skip

audit_head = Table(
    "audit_head", metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # one row, 1; locking it puts writers in order
    Column("sequence", Integer, nullable=False),
    Column("hash", DIGEST, nullable=False),
    Column("at", INSTANT, nullable=False),
)  # fmt: skip

publications = Table(
    "publications", metadata,
    Column("plant", NAME, primary_key=True),
    Column("schedule_version", Integer, primary_key=True, autoincrement=False),
    Column("publication", String(40), nullable=False, unique=True),  # named in the Delta commit: joins both stores
    Column("kind", String(12), nullable=False),  # publish | rollback
    Column("run_id", NAME, nullable=False),
    Column("planning_date", String(10), nullable=False),
    Column("digest", DIGEST, nullable=False),
    Column("replaces", Integer),
    Column("record", Text, nullable=False),  # canonical JSON: inputs, rule set, policy, code version, approvers …
    Column("started_at", INSTANT, nullable=False),
    Column("started_by", NAME, nullable=False),
    Column("published_at", INSTANT),
    Column("lake_version", Integer),
    Column("state", String(12), nullable=False),  # started | published | abandoned
)  # fmt: skip

outbox = Table(
    "outbox", metadata,
    Column("position", Integer, primary_key=True, autoincrement=True),
    Column("key", String(200), nullable=False, unique=True),  # idempotency key: one effect however often it is sent
    Column("kind", String(20), nullable=False),  # finite_dates | order_changes | notice
    Column("target", String(60), nullable=False),
    Column("plant", NAME, nullable=False),
    Column("schedule_version", Integer),
    Column("subject", String(200), nullable=False),
    Column("content", Text, nullable=False),
    Column("expected_version", String(60)),  # the ERP row's version when the plan read it
    Column("created_at", INSTANT, nullable=False),
    Column("state", String(10), nullable=False),  # waiting | delivered | refused | dead
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_at", INSTANT, nullable=False),
    Column("answered_at", INSTANT),
    Column("answer", Text),
    Index(None, "state", "next_at"),
)  # fmt: skip

versions = Table(
    "versions", metadata,
    Column("name", NAME, primary_key=True),  # `policy`, `rules`, or one parameter set
    Column("plant", NAME, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("digest", DIGEST, nullable=False),
    Column("content", Text, nullable=False),
    Column("request", Integer, ForeignKey("requests.request")),
    Column("in_force_from", INSTANT, nullable=False),
    Column("approved_by", NAME, nullable=False),
)  # fmt: skip

subscriptions = Table(
    "subscriptions", metadata,
    Column("name", NAME, primary_key=True),
    Column("event", String(20), primary_key=True),
    Column("address", String(500), nullable=False),
    Column("plant", NAME),  # null: every plant
    Column("added_by", NAME, nullable=False),
    Column("added_at", INSTANT, nullable=False),
)  # fmt: skip

settings = Table(
    "settings", metadata,
    Column("name", NAME, primary_key=True),
    Column("value", Text, nullable=False),
)  # fmt: skip
