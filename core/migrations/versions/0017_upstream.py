"""Upstream identity: providers above, whose account there is whose here, and posts by rules."""

import sqlalchemy as sa
from alembic import op

import plugin_sdk.data

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    op.create_table(
        "identity_upstream",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("name_zh", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("authentication", sa.String(), nullable=False),
        sa.Column("sealed", sa.String(), nullable=True),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("strong_acr", sa.JSON(), nullable=False),
        sa.Column("rules", sa.String(), nullable=False),
        sa.Column("rules_by", sa.Uuid(), nullable=True),
        sa.Column("rules_post_id", sa.Uuid(), nullable=True),
        sa.Column("provides", sa.Boolean(), nullable=False),
        sa.Column("gives_posts", sa.Boolean(), nullable=False),
        sa.Column("said", sa.String(), nullable=True),
        sa.Column("said_of_person_id", sa.Uuid(), nullable=True),
        sa.Column("said_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("created_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("disabled_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["rules_by"], ["identity_person.id"], name=op.f("fk_identity_upstream_rules_by")
        ),
        sa.ForeignKeyConstraint(
            ["rules_post_id"], ["identity_post.id"], name=op.f("fk_identity_upstream_rules_post_id")
        ),
        sa.ForeignKeyConstraint(
            ["said_of_person_id"],
            ["identity_person.id"],
            name=op.f("fk_identity_upstream_said_of_person_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_upstream")),
        sa.UniqueConstraint("issuer", name=op.f("uq_identity_upstream_issuer")),
        sa.UniqueConstraint("key", name=op.f("uq_identity_upstream_key")),
    )
    op.create_table(
        "identity_upstream_identity",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("upstream_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("shown", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("made", sa.Boolean(), nullable=False),
        sa.Column("linked_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("used_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["identity_person.id"],
            name=op.f("fk_identity_upstream_identity_person_id"),
        ),
        sa.ForeignKeyConstraint(
            ["upstream_id"],
            ["identity_upstream.id"],
            name=op.f("fk_identity_upstream_identity_upstream_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_upstream_identity")),
        sa.UniqueConstraint(
            "upstream_id",
            "person_id",
            name=op.f("uq_identity_upstream_identity_upstream_id_person_id"),
        ),
        sa.UniqueConstraint(
            "upstream_id", "subject", name=op.f("uq_identity_upstream_identity_upstream_id_subject")
        ),
    )
    op.create_index(
        op.f("ix_identity_upstream_identity_person_id"),
        "identity_upstream_identity",
        ["person_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_identity_upstream_identity_upstream_id"),
        "identity_upstream_identity",
        ["upstream_id"],
        unique=False,
    )
    op.create_table(
        "identity_upstream_post",
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("upstream_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["post_id"],
            ["identity_post.id"],
            name=op.f("fk_identity_upstream_post_post_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["upstream_id"],
            ["identity_upstream.id"],
            name=op.f("fk_identity_upstream_post_upstream_id"),
        ),
        sa.PrimaryKeyConstraint("post_id", name=op.f("pk_identity_upstream_post")),
    )
    op.create_index(
        op.f("ix_identity_upstream_post_upstream_id"),
        "identity_upstream_post",
        ["upstream_id"],
        unique=False,
    )


def downgrade() -> None:
    """Take the tables back."""
    op.drop_index(
        op.f("ix_identity_upstream_post_upstream_id"), table_name="identity_upstream_post"
    )
    op.drop_table("identity_upstream_post")
    op.drop_index(
        op.f("ix_identity_upstream_identity_upstream_id"), table_name="identity_upstream_identity"
    )
    op.drop_index(
        op.f("ix_identity_upstream_identity_person_id"), table_name="identity_upstream_identity"
    )
    op.drop_table("identity_upstream_identity")
    op.drop_table("identity_upstream")
