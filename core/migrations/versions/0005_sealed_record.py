"""The sealed record."""

import sqlalchemy as sa
from alembic import op

import plugin_sdk.data

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NAME = "audit_entry"
SEALING = ("sequence", "seal", "salts")
PARTS = ("person_id", "post_id", "behalf_of_id", "subject", "facts")
FIXED = (
    "id",
    "at",
    "app",
    "act",
    "outcome",
    "organization_id",
    "delegation_id",
    "system",
    "permission",
    "granted_by",
    "request_id",
)
APPEND_ONLY = "the record is append-only"
# what may change, and when: ADR 0017
SEAL_ONCE = "OLD.sequence IS NOT NULL AND {same}"
ONLY_ERASED = "{same}"
NOT_OVER = "OLD.sequence IS NULL OR OLD.sequence >= coalesce((SELECT max(first) FROM audit_cut), 0)"


def upgrade() -> None:
    """Bring the tables up."""
    op.create_table(
        "audit_cut",
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("first", name=op.f("pk_audit_cut")),
    )
    op.create_table(
        "audit_check",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("started_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("seen_at", plugin_sdk.data.UtcTime(), nullable=False),
        sa.Column("ended_at", plugin_sdk.data.UtcTime(), nullable=True),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.BigInteger(), nullable=False),
        sa.Column("unsealed", sa.BigInteger(), nullable=False),
        sa.Column("faults", sa.JSON(), nullable=False),
        sa.Column("fault_count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_check")),
    )
    op.create_index(op.f("ix_audit_check_started_at"), "audit_check", ["started_at"])
    with op.batch_alter_table(NAME) as batch:
        batch.add_column(sa.Column("behalf_of_id", sa.Uuid(), nullable=True))
        batch.add_column(sa.Column("delegation_id", sa.Uuid(), nullable=True))
        batch.add_column(sa.Column("sequence", sa.BigInteger(), nullable=True))
        batch.add_column(sa.Column("seal", sa.String(), nullable=True))
        batch.add_column(sa.Column("salts", sa.JSON(none_as_null=True), nullable=True))
        batch.add_column(sa.Column("erased", sa.JSON(none_as_null=True), nullable=True))
        batch.create_unique_constraint(op.f("uq_audit_entry_sequence"), ["sequence"])
    op.create_index(op.f("ix_audit_entry_behalf_of_id"), NAME, ["behalf_of_id"])
    op.drop_index(op.f("ix_audit_entry_at"), NAME)
    op.create_index("ix_audit_entry_listed", NAME, ["at", "id"])
    unsealed = sa.text("sequence IS NULL")
    op.create_index(
        "ix_audit_entry_unsealed",
        NAME,
        ["at", "id"],
        sqlite_where=unsealed,
        postgresql_where=unsealed,
    )
    if op.get_bind().dialect.name == "sqlite":
        _guard_sqlite()
    else:
        _guard_postgresql()


def _guard_sqlite() -> None:
    same = "NEW.erased IS OLD.erased"
    rules = (
        ("fixed", f"UPDATE OF {', '.join(FIXED)}", "1"),
        ("sealed", f"UPDATE OF {', '.join(SEALING)}", SEAL_ONCE.format(same=same)),
        ("parts", f"UPDATE OF {', '.join(PARTS)}", ONLY_ERASED.format(same=same)),
        ("deleted", "DELETE", NOT_OVER),
    )
    for rule, event, when in rules:
        op.execute(
            f"CREATE TRIGGER {NAME}_{rule} BEFORE {event} ON {NAME} WHEN {when} "
            f"BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY}'); END"
        )


def _guard_postgresql() -> None:
    same = "NEW.erased::text IS NOT DISTINCT FROM OLD.erased::text"
    op.execute(
        f"CREATE FUNCTION {NAME}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{APPEND_ONLY}'; END $$"
    )
    rules = (
        ("fixed", f"UPDATE OF {', '.join(FIXED)}", "true"),
        ("sealed", f"UPDATE OF {', '.join(SEALING)}", SEAL_ONCE.format(same=same)),
        ("parts", f"UPDATE OF {', '.join(PARTS)}", ONLY_ERASED.format(same=same)),
    )
    for rule, event, when in rules:
        op.execute(
            f"CREATE TRIGGER {NAME}_{rule} BEFORE {event} ON {NAME} FOR EACH ROW "
            f"WHEN ({when}) EXECUTE FUNCTION {NAME}_refuse()"
        )
    op.execute(  # a trigger's condition holds no subquery there
        f"CREATE FUNCTION {NAME}_refuse_early() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN IF {NOT_OVER} THEN RAISE EXCEPTION '{APPEND_ONLY}'; END IF; "
        "RETURN OLD; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {NAME}_deleted BEFORE DELETE ON {NAME} FOR EACH ROW "
        f"EXECUTE FUNCTION {NAME}_refuse_early()"
    )
    op.execute(
        f"CREATE TRIGGER {NAME}_emptied BEFORE TRUNCATE ON {NAME} FOR EACH STATEMENT "
        f"EXECUTE FUNCTION {NAME}_refuse()"
    )


def downgrade() -> None:
    """Take the tables back."""
    rules = ["fixed", "sealed", "parts", "deleted"]
    if op.get_bind().dialect.name == "sqlite":
        for rule in rules:
            op.execute(f"DROP TRIGGER {NAME}_{rule}")
    else:
        for rule in (*rules, "emptied"):
            op.execute(f"DROP TRIGGER {NAME}_{rule} ON {NAME}")
        op.execute(f"DROP FUNCTION {NAME}_refuse()")
        op.execute(f"DROP FUNCTION {NAME}_refuse_early()")
    op.drop_index("ix_audit_entry_unsealed", NAME)
    op.drop_index("ix_audit_entry_listed", NAME)
    op.create_index(op.f("ix_audit_entry_at"), NAME, ["at"])
    op.drop_index(op.f("ix_audit_entry_behalf_of_id"), NAME)
    with op.batch_alter_table(NAME) as batch:
        batch.drop_constraint(op.f("uq_audit_entry_sequence"), type_="unique")
        for column in ("behalf_of_id", "delegation_id", "sequence", "seal", "salts", "erased"):
            batch.drop_column(column)
    op.drop_index(op.f("ix_audit_check_started_at"), "audit_check")
    op.drop_table("audit_check")
    op.drop_table("audit_cut")
