"""Who presides over a coordination and whose a legal opinion is: a person, and no longer a name.
Who asked for what a decision divides, on each of its parts.

Of what is signed or given already the timeline says who did it. A chair who has not signed yet is
named anew; an opinion that is not given yet is handed in by its unit.
"""

import sqlalchemy as sa
from alembic import op

from plugin_sdk.revisions import column

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TABLE = "hotline_coordination"
SEAT = f"{TABLE}_seat"
SHARE = f"{TABLE}_share"
ASKERS = ("asker_person_id", "asker_agent_person_id")


def upgrade() -> None:
    """Bring the columns up."""
    op.add_column(TABLE, column("chair_person_id", sa.Uuid(), null=True))
    op.add_column(SEAT, column("expert_person_id", sa.Uuid(), null=True))
    case = sa.table(TABLE, *map(sa.column, ("id", "chair_person_id")))
    seat = sa.table(SEAT, *map(sa.column, ("case_id", "kind", "opinion", "expert_person_id")))
    entry = sa.table(
        f"{TABLE}_entry",
        *map(sa.column, ("case_id", "seq", "verb", "text", "actor_person_id")),
    )
    last = sa.select(entry.c.actor_person_id).order_by(entry.c.seq.desc()).limit(1)
    signed = last.where(entry.c.case_id == case.c.id, entry.c.verb == "sign")
    op.execute(case.update().values(chair_person_id=signed.scalar_subquery()))
    opined = last.where(
        entry.c.case_id == seat.c.case_id,
        entry.c.verb == "opine",
        entry.c.text == seat.c.opinion,
    )
    op.execute(
        seat.update()
        .where(seat.c.kind == "legal")
        .values(expert_person_id=opined.scalar_subquery())
    )
    _say_who_asked()


def _say_who_asked() -> None:
    op.add_column(TABLE, column("asker_agent_person_id", sa.Uuid(), null=True))
    for name in ASKERS:
        op.add_column(SHARE, column(name, sa.Uuid(), null=True))
    case = sa.table(TABLE, *map(sa.column, ("id", "order_id", *ASKERS)))
    filed = sa.table("hotline_order_entry", *map(sa.column, ("case_id", "seq", "agent_person_id")))
    agent = sa.select(filed.c.agent_person_id).where(
        filed.c.case_id == case.c.order_id, filed.c.seq == 1
    )
    op.execute(case.update().values(asker_agent_person_id=agent.scalar_subquery()))
    share = sa.table(SHARE, *map(sa.column, ("case_id", *ASKERS)))
    asked = {
        name: sa.select(case.c[name]).where(case.c.id == share.c.case_id).scalar_subquery()
        for name in ASKERS
    }
    op.execute(share.update().values(asked))


def downgrade() -> None:
    """Take them back."""
    for name in ASKERS:
        op.drop_column(SHARE, name)
    op.drop_column(TABLE, "asker_agent_person_id")
    op.drop_column(SEAT, "expert_person_id")
    op.drop_column(TABLE, "chair_person_id")
