"""Tables of the kit's mixins and their changes, for the revisions of apps.

def upgrade() -> None:
    create_case("supervision_task", sa.Column("source", sa.String(length=200)), parts=True)

What a landed revision calls is never changed: a column that a mixin gets later is brought by a
function of its own, which the next revision of each app calls.
"""

import sqlalchemy as sa
from alembic import op

from plugin_sdk.data import UtcTime

HANDS = ("agent_person_id", "delegator_person_id")


def add_hands(entries: str) -> None:
    """Let a table of `CaseEntry` say who acted for another, and in whose post."""
    for name in HANDS:
        op.add_column(entries, sa.Column(name, sa.Uuid(), nullable=True))


def drop_hands(entries: str) -> None:
    """Take that back."""
    for name in HANDS:
        op.drop_column(entries, name)


def create_case(name: str, *columns: "sa.Column[object]", parts: bool = False) -> None:
    """Create the tables of a flow: `name` with the app's `columns`, its `_entry` with hands,
    its `_party`, and with `parts` its `_part`."""
    _create(name, [*_owned(), *_row(), *columns], unique=("number", "source_key"))
    _index(name, "organization_id", "person_id", "state", "opened_at", "due_at", "due_pending")
    _create(f"{name}_entry", [*_owned(), *_entry()])
    _index(f"{name}_entry", "organization_id", "person_id", "case_id")
    _create(f"{name}_party", _party())
    _index(f"{name}_party", "organization_id", "case_id")
    if parts:
        _create(f"{name}_part", [*_owned(), *_part()])
        _index(f"{name}_part", "organization_id", "person_id", "case_id")


def drop_case(name: str, *, parts: bool = False) -> None:
    """Take the tables of a flow back."""
    for table in (*([f"{name}_part"] if parts else []), f"{name}_party", f"{name}_entry", name):
        op.drop_table(table)


def _create(
    table: str, columns: "list[sa.Column[object]]", *, unique: tuple[str, ...] = ()
) -> None:
    op.create_table(
        table,
        *columns,
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        *(sa.UniqueConstraint(name, name=op.f(f"uq_{table}_{name}")) for name in unique),
    )


def _index(table: str, *names: str) -> None:
    for name in names:
        op.create_index(op.f(f"ix_{table}_{name}"), table, [name], unique=False)


def _column(name: str, kind: object, *, null: bool = False) -> "sa.Column[object]":
    return sa.Column(name, kind, nullable=null)  # type: ignore[arg-type]  # a type or its instance


def _owned() -> "list[sa.Column[object]]":
    return [
        _column("id", sa.Uuid()),
        _column("organization_id", sa.Uuid()),
        _column("person_id", sa.Uuid(), null=True),
    ]


def _row() -> "list[sa.Column[object]]":
    return [
        _column("version", sa.Integer()),
        _column("number", sa.String(length=40)),
        _column("code", sa.String(length=12)),
        _column("title", sa.String(length=200)),
        _column("state", sa.String(length=40)),
        _column("stage_entered_at", UtcTime()),
        _column("opened_at", UtcTime()),
        _column("held_at", UtcTime()),
        _column("origin_organization_id", sa.Uuid()),
        _column("due_at", UtcTime(), null=True),
        _column("due_from", UtcTime(), null=True),
        _column("due_term", sa.JSON(), null=True),
        _column("due_pending", sa.Boolean()),
        _column("paused_at", UtcTime(), null=True),
        _column("responded_at", UtcTime(), null=True),
        _column("resolved_at", UtcTime(), null=True),
        _column("closed_at", UtcTime(), null=True),
        _column("returns", sa.Integer()),
        _column("extension_asked", sa.Integer(), null=True),
        _column("extension_asked_by", sa.Uuid(), null=True),
        _column("extended", sa.Integer()),
        _column("supervised_at", UtcTime(), null=True),
        _column("urged_at", UtcTime(), null=True),
        _column("urged_by", sa.Uuid(), null=True),
        _column("urged_by_post", sa.String(length=200)),
        _column("reopened", sa.Integer()),
        _column("rating", sa.Integer(), null=True),
        _column("rating_comment", sa.String(length=1000), null=True),
        _column("rated_at", UtcTime(), null=True),
        _column("imported", sa.Boolean()),
        _column("source_key", sa.String(length=200), null=True),
    ]


def _entry() -> "list[sa.Column[object]]":
    return [
        _column("case_id", sa.Uuid()),
        _column("seq", sa.Integer()),
        _column("verb", sa.String(length=40)),
        _column("source", sa.String(length=40)),
        _column("target", sa.String(length=40)),
        _column("actor_person_id", sa.Uuid(), null=True),
        _column("actor_post_id", sa.Uuid(), null=True),
        _column("agent_person_id", sa.Uuid(), null=True),
        _column("delegator_person_id", sa.Uuid(), null=True),
        _column("role", sa.String(length=200)),
        _column("unit", sa.String(length=200)),
        _column("at", UtcTime(), null=True),
        _column("on_date", sa.Date(), null=True),
        _column("reason", sa.String(length=1000), null=True),
        _column("text", sa.String(), null=True),
        _column("data", sa.JSON()),
        _column("version", sa.Integer()),
        _column("public", sa.Boolean()),
    ]


def _party() -> "list[sa.Column[object]]":
    return [
        _column("id", sa.Uuid()),
        _column("case_id", sa.Uuid()),
        _column("organization_id", sa.Uuid()),
        _column("since", UtcTime()),
        _column("role", sa.String(length=20)),
    ]


def _part() -> "list[sa.Column[object]]":
    return [
        _column("case_id", sa.Uuid()),
        _column("asked", sa.String(length=1000)),
        _column("asked_at", UtcTime()),
        _column("asked_by", sa.Uuid(), null=True),
        _column("due_at", UtcTime(), null=True),
        _column("reply", sa.Text(), null=True),
        _column("replied_at", UtcTime(), null=True),
        _column("replied_by", sa.Uuid(), null=True),
        _column("sent_back", sa.Integer()),
    ]
