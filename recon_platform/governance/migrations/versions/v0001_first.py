"""The first tables of the governance store, with the first row of the audit head.

Revision 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "audit_events",
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("clock", sa.String(length=12), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("actor_kind", sa.String(length=10), nullable=False),
        sa.Column("door", sa.String(length=20), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("plant", sa.String(length=120), nullable=True),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_audit_events")),
    )
    op.create_index(op.f("ix_audit_events_subject"), "audit_events", ["subject"], unique=False)
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "outbox",
        sa.Column("position", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("target", sa.String(length=60), nullable=False),
        sa.Column("plant", sa.String(length=120), nullable=False),
        sa.Column("schedule_version", sa.Integer(), nullable=True),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("expected_version", sa.String(length=60), nullable=True),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.String(length=27), nullable=False),
        sa.Column("answered_at", sa.String(length=27), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
    )
    op.create_index(op.f("ix_outbox_state_next_at"), "outbox", ["state", "next_at"], unique=False)
    op.create_table(
        "publications",
        sa.Column("plant", sa.String(length=120), nullable=False),
        sa.Column("schedule_version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("publication", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("run_id", sa.String(length=120), nullable=False),
        sa.Column("planning_date", sa.String(length=10), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("replaces", sa.Integer(), nullable=True),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("started_at", sa.String(length=27), nullable=False),
        sa.Column("started_by", sa.String(length=120), nullable=False),
        sa.Column("published_at", sa.String(length=27), nullable=True),
        sa.Column("lake_version", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.PrimaryKeyConstraint("plant", "schedule_version", name=op.f("pk_publications")),
        sa.UniqueConstraint("publication", name=op.f("uq_publications_publication")),
    )
    op.create_table(
        "requests",
        sa.Column("request", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("plant", sa.String(length=120), nullable=False),
        sa.Column("planning_date", sa.String(length=10), nullable=True),
        sa.Column("sequence", sa.Integer(), nullable=True),
        sa.Column("run_id", sa.String(length=120), nullable=True),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("needs", sa.String(length=20), nullable=False),
        sa.Column("signature", sa.Boolean(), nullable=False),
        sa.Column("proposer", sa.String(length=120), nullable=False),
        sa.Column("proposer_kind", sa.String(length=10), nullable=False),
        sa.Column("proposer_version", sa.String(length=60), nullable=True),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.Column("valid_until", sa.String(length=27), nullable=True),
        sa.Column("effect_until", sa.String(length=27), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.PrimaryKeyConstraint("request", name=op.f("pk_requests")),
    )
    op.create_index(op.f("ix_requests_plant_kind_subject"), "requests", ["plant", "kind", "subject"], unique=False)
    op.create_index(op.f("ix_requests_plant_state"), "requests", ["plant", "state"], unique=False)
    op.create_table(
        "settings",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_settings")),
    )
    op.create_table(
        "subscriptions",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("event", sa.String(length=20), nullable=False),
        sa.Column("address", sa.String(length=500), nullable=False),
        sa.Column("plant", sa.String(length=120), nullable=True),
        sa.Column("added_by", sa.String(length=120), nullable=False),
        sa.Column("added_at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("name", "event", name=op.f("pk_subscriptions")),
    )
    op.create_table(
        "users",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("full_name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("contact", sa.String(length=200), nullable=True),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("credential", sa.String(length=12), nullable=False),
        sa.Column("secret_set_by", sa.String(length=120), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.String(length=27), nullable=True),
        sa.Column("agent_version", sa.String(length=60), nullable=True),
        sa.Column("daily_quota", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.Column("created_by", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_users")),
    )
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user", sa.String(length=120), nullable=False),
        sa.Column("door", sa.String(length=20), nullable=False),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.Column("last_used_at", sa.String(length=27), nullable=False),
        sa.Column("expires_at", sa.String(length=27), nullable=False),
        sa.Column("ended_at", sa.String(length=27), nullable=True),
        sa.ForeignKeyConstraint(["user"], ["users.name"], name=op.f("fk_sessions_user")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_user"), "sessions", ["user"], unique=False)
    op.create_table(
        "signatures",
        sa.Column("signature", sa.String(length=40), nullable=False),
        sa.Column("request", sa.Integer(), nullable=False),
        sa.Column("signer", sa.String(length=120), nullable=False),
        sa.Column("full_name", sa.String(length=200), nullable=False),
        sa.Column("signed_at", sa.String(length=27), nullable=False),
        sa.Column("meaning", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("seal", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["request"], ["requests.request"], name=op.f("fk_signatures_request")),
        sa.PrimaryKeyConstraint("signature", name=op.f("pk_signatures")),
        sa.UniqueConstraint("request", name=op.f("uq_signatures_request")),
    )
    op.create_table(
        "user_roles",
        sa.Column("user", sa.String(length=120), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("granted_at", sa.String(length=27), nullable=False),
        sa.Column("granted_by", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(["user"], ["users.name"], name=op.f("fk_user_roles_user")),
        sa.PrimaryKeyConstraint("user", "role", name=op.f("pk_user_roles")),
    )
    op.create_table(
        "versions",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("plant", sa.String(length=120), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("request", sa.Integer(), nullable=True),
        sa.Column("in_force_from", sa.String(length=27), nullable=False),
        sa.Column("approved_by", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(["request"], ["requests.request"], name=op.f("fk_versions_request")),
        sa.PrimaryKeyConstraint("name", "plant", "version", name=op.f("pk_versions")),
    )
    op.create_table(
        "decisions",
        sa.Column("decision", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("request", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("decided_by", sa.String(length=120), nullable=False),
        sa.Column("roles", sa.String(length=120), nullable=False),
        sa.Column("decided_at", sa.String(length=27), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("door", sa.String(length=20), nullable=False),
        sa.Column("signature", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["request"], ["requests.request"], name=op.f("fk_decisions_request")),
        sa.ForeignKeyConstraint(["signature"], ["signatures.signature"], name=op.f("fk_decisions_signature")),
        sa.PrimaryKeyConstraint("decision", name=op.f("pk_decisions")),
        sa.UniqueConstraint("request", name=op.f("uq_decisions_request")),
    )
    op.create_table(
        "in_force",
        sa.Column("decision", sa.Integer(), nullable=False),
        sa.Column("plant", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.String(length=27), nullable=False),
        sa.Column("valid_until", sa.String(length=27), nullable=True),
        sa.Column("approved_by", sa.String(length=120), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["decision"], ["decisions.decision"], name=op.f("fk_in_force_decision")),
        sa.PrimaryKeyConstraint("decision", name=op.f("pk_in_force")),
    )
    op.create_index(op.f("ix_in_force_plant"), "in_force", ["plant"], unique=False)
    head = sa.table("audit_head", sa.column("id"), sa.column("sequence"), sa.column("hash"), sa.column("at"))
    op.execute(head.insert().values(id=1, sequence=0, hash="0" * 64, at=""))


def downgrade() -> None:
    """A store is never taken back: its trail would be lost. Restore a backup instead."""
    raise RuntimeError("a governance store is not taken back to an earlier version; restore a backup instead")
