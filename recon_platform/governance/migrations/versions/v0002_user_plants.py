"""Users may be limited to plants.

Revision 0002. Whoever was a user before stays one for every plant.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of limits, empty."""
    op.create_table(
        "user_plants",
        sa.Column("user", sa.String(length=120), nullable=False),
        sa.Column("plant", sa.String(length=120), nullable=False),
        sa.Column("granted_at", sa.String(length=27), nullable=False),
        sa.Column("granted_by", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(["user"], ["users.name"], name=op.f("fk_user_plants_user")),
        sa.PrimaryKeyConstraint("user", "plant", name=op.f("pk_user_plants")),
    )
