"""Supervisions, ratings, follow-up calls with their script, samples and checks."""

import sqlalchemy as sa
from alembic import op

from plugin_sdk.cases.revisions import create_case, drop_case
from plugin_sdk.data import UtcTime, new_id
from plugin_sdk.registers.revisions import create_register, drop_register
from plugin_sdk.revisions import column, create_owned, drop, signed, text, time

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables up, with the ratings that orders have."""
    create_case(
        "hotline_supervision",
        column("order_id", sa.Uuid()),
        text("order_number", 40),
        text("claim", 80, null=True),
        column("grade", sa.Integer()),
        column("causes", sa.JSON()),
        text("why", 1000),
        column("explanation", sa.Text()),
        index=("order_id",),
        unique=("claim",),
    )
    create_owned(
        "hotline_rating",
        [
            column("centre_id", sa.Uuid()),
            column("order_id", sa.Uuid()),
            column("round", sa.Integer()),
            column("stars", sa.Integer()),
            text("comment", 1000, null=True),
            text("source", 10),
            time("answered_at", null=True),
            time("rated_at"),
        ],
        sa.UniqueConstraint("order_id", "round", name="uq_hotline_rating_once"),
        index=("centre_id", "rated_at"),
    )
    create_register("hotline_question")
    create_owned(
        "hotline_follow_up",
        [
            column("version", sa.Integer()),
            column("order_id", sa.Uuid()),
            text("order_number", 40),
            text("title", 200),
            column("unit_id", sa.Uuid()),
            column("round", sa.Integer()),
            column("revisit", sa.Boolean()),
            column("rank", sa.Integer()),
            text("outcome", 12),
            column("tries", sa.Integer()),
            time("opened_at"),
            time("next_at"),
            time("closed_at", null=True),
        ],
        sa.UniqueConstraint("order_id", "round", "revisit", name="uq_hotline_follow_up_once"),
        index=("unit_id", "outcome", "closed_at"),
    )
    create_owned(
        "hotline_follow_call",
        [
            *signed(),
            column("follow_up_id", sa.Uuid()),
            text("outcome", 12),
            column("answers", sa.JSON()),
            text("note", 1000),
        ],
        index=("follow_up_id",),
    )
    create_owned(
        "hotline_sample",
        [
            column("first_day", sa.Date()),
            column("share", sa.Integer(), null=True),
            column("wanted", sa.Integer(), null=True),
            text("seed", 64),
            text("digest", 64),
            column("size", sa.Integer()),
            column("population", sa.Integer()),
            column("strata", sa.JSON()),
            time("drawn_at"),
        ],
        sa.UniqueConstraint("organization_id", "first_day", name="uq_hotline_sample_once"),
    )
    create_owned(
        "hotline_check",
        [
            column("version", sa.Integer()),
            column("centre_id", sa.Uuid()),
            column("sample_id", sa.Uuid()),
            column("order_id", sa.Uuid()),
            text("order_number", 40),
            text("title", 200),
            text("state", 10),
            *(column(name, sa.Boolean(), null=True) for name in ASKED),
            text("note", 1000),
            column("judged_by", sa.Uuid(), null=True),
            time("judged_at", null=True),
            time("correction_due_at", null=True),
            column("correction", sa.Text()),
            time("corrected_at", null=True),
        ],
        sa.UniqueConstraint("sample_id", "order_id", name="uq_hotline_check_once"),
        index=("centre_id", "order_id", "state", "judged_at"),
    )
    _bring_ratings()


ASKED = ("answered", "verified", "polite", "on_time", "evidence")


def _bring_ratings() -> None:
    """Keep the rating that each order has with the answer it was given for: the newest."""
    order = sa.table(
        "hotline_order",
        *(
            sa.column(name, kind)
            for name, kind in (
                ("id", sa.Uuid()),
                ("organization_id", sa.Uuid()),
                ("origin_organization_id", sa.Uuid()),
                ("person_id", sa.Uuid()),
                ("reopened", sa.Integer()),
                ("rating", sa.Integer()),
                ("rating_comment", sa.String()),
                ("answered_at", UtcTime()),
                ("rated_at", UtcTime()),
            )
        ),
    )
    rating = sa.table(
        "hotline_rating",
        *(
            sa.column(name, kind)
            for name, kind in (
                ("id", sa.Uuid()),
                ("organization_id", sa.Uuid()),
                ("centre_id", sa.Uuid()),
                ("person_id", sa.Uuid()),
                ("order_id", sa.Uuid()),
                ("round", sa.Integer()),
                ("stars", sa.Integer()),
                ("comment", sa.String()),
                ("source", sa.String()),
                ("answered_at", UtcTime()),
                ("rated_at", UtcTime()),
            )
        ),
    )
    database = op.get_bind()
    rated = sa.select(order).where(order.c.rating.is_not(None), order.c.rated_at.is_not(None))
    for row in database.execute(rated).all():
        database.execute(
            rating.insert().values(
                id=new_id(),
                organization_id=row.organization_id,
                centre_id=row.origin_organization_id,
                person_id=row.person_id,
                order_id=row.id,
                round=row.reopened,
                stars=row.rating,
                comment=row.rating_comment,
                source="account",
                answered_at=row.answered_at,
                rated_at=row.rated_at,
            )
        )


def downgrade() -> None:
    """Take the tables back."""
    drop("hotline_check", "hotline_sample", "hotline_follow_call", "hotline_follow_up")
    drop_register("hotline_question")
    drop("hotline_rating")
    drop_case("hotline_supervision")
