"""Acting for others: delegations, consents, roles that exclude one another; requests for
permissions, what an administrator wants to stay true, and the register of devolution."""

import sqlalchemy as sa
from alembic import op

import plugin_sdk.data

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up."""
    op.create_table(
        "access_delegation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("starts_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("ends_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("revoked_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("revoked_by", sa.Uuid(), nullable=True),
        *_references(
            "access_delegation",
            post_id="identity_post",
            person_id="identity_person",
            created_by="identity_person",
            revoked_by="identity_person",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_delegation")),
    )
    _index("access_delegation", "post_id", "person_id")
    op.create_table(
        "access_consent",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("scope", sa.JSON(), nullable=False),
        sa.Column("given", sa.String(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.Column("starts_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("ends_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("revoked_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("revoked_by", sa.Uuid(), nullable=True),
        *_references(
            "access_consent",
            person_id="identity_person",
            agent_id="identity_person",
            organization_id="identity_organization",
            recorded_by="identity_person",
            revoked_by="identity_person",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_consent")),
    )
    _index("access_consent", "person_id", "agent_id", "organization_id")
    op.create_table(
        "access_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("permission", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("created_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("decided_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("grant_id", sa.Uuid(), nullable=True),
        *_references(
            "access_request",
            person_id="identity_person",
            post_id="identity_post",
            decided_by="identity_person",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_request")),
    )
    _index("access_request", "person_id")
    op.create_table(
        "access_policy_test",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("permission", sa.String(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", plugin_sdk.data.UtcTime(), nullable=False),
        *_references(
            "access_policy_test",
            person_id="identity_person",
            organization_id="identity_organization",
            created_by="identity_person",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_policy_test")),
        sa.UniqueConstraint("name", name=op.f("uq_access_policy_test_name")),
    )
    op.create_table(
        "access_devolution",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("item", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", plugin_sdk.data.UtcTime(), nullable=False),
        *_references(
            "access_devolution",
            organization_id="identity_organization",
            recorded_by="identity_person",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_devolution")),
    )
    _index("access_devolution", "item", "organization_id")
    op.add_column(
        "access_role",
        sa.Column("excludes", sa.JSON(), nullable=False, server_default=sa.text("'[]'")),
    )
    op.add_column("identity_session", sa.Column("delegation_id", sa.Uuid(), nullable=True))
    op.add_column("identity_session", sa.Column("consent_id", sa.Uuid(), nullable=True))


def downgrade() -> None:
    """Take the tables back."""
    op.drop_column("identity_session", "consent_id")
    op.drop_column("identity_session", "delegation_id")
    op.drop_column("access_role", "excludes")
    op.drop_table("access_devolution")
    op.drop_table("access_policy_test")
    op.drop_table("access_request")
    op.drop_table("access_consent")
    op.drop_table("access_delegation")


def _references(table: str, **columns: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint([name], [f"{other}.id"], name=op.f(f"fk_{table}_{name}"))
        for name, other in columns.items()
    ]


def _index(table: str, *columns: str) -> None:
    for name in columns:
        op.create_index(op.f(f"ix_{table}_{name}"), table, [name], unique=False)
