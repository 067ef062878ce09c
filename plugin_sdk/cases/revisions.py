"""Tables of the kit's mixins and their changes, for the revisions of apps.

def upgrade() -> None:
    create_case("supervision_task", sa.Column("source", sa.String(length=200)), parts=True)

See `plugin_sdk.revisions` for what holds of them.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

from plugin_sdk.data import UtcTime
from plugin_sdk.revisions import Columns, column, create, create_owned, drop

HANDS = ("agent_person_id", "delegator_person_id")

# What cells were when they came to be of tens: a landed revision reads no name of today's.
_COUNTS = (
    "opened",
    "responded",
    "resolved",
    "due",
    "on_time",
    *(f"rated_{n}" for n in range(1, 6)),
)
_KEY = ("organization_id", "dimension", "span", "since", "value", "origin_id")
_TEN = timedelta(days=10)


def add_hands(entries: str) -> None:
    """Let a table of `CaseEntry` say who acted for another, and in whose post."""
    for name in HANDS:
        op.add_column(entries, sa.Column(name, sa.Uuid(), nullable=True))


def drop_hands(entries: str) -> None:
    """Take that back."""
    for name in HANDS:
        op.drop_column(entries, name)


def date_parties(case: str) -> None:
    """Let the parties of a case say when it was opened, and index them by that: the newest
    cases of a unit are then its last entries there."""
    parties = f"{case}_party"
    op.add_column(parties, column("opened_at", UtcTime(), null=True))
    party = sa.table(parties, *map(sa.column, ("case_id", "opened_at", "since")))
    row = sa.table(case, *map(sa.column, ("id", "opened_at")))
    opened = sa.select(row.c.opened_at).where(row.c.id == party.c.case_id).scalar_subquery()
    op.execute(party.update().values(opened_at=sa.func.coalesce(opened, party.c.since)))
    with op.batch_alter_table(parties) as table:
        table.alter_column("opened_at", existing_type=UtcTime(), nullable=False)
    op.create_index(f"ix_{parties}_newest", parties, ["organization_id", "opened_at"])
    op.drop_index(f"ix_{parties}_organization_id", parties)


def undate_parties(case: str) -> None:
    """Take that back."""
    parties = f"{case}_party"
    op.create_index(f"ix_{parties}_organization_id", parties, ["organization_id"])
    op.drop_index(f"ix_{parties}_newest", parties)
    op.drop_column(parties, "opened_at")


def create_figures(case: str) -> None:
    """Create the tables in which the cases of a flow are counted: `_counted` and `_figure`. The
    cases that are there already are counted once the app serves."""
    counted, figure = f"{case}_counted", f"{case}_figure"
    op.create_table(
        counted,
        column("case_id", sa.Uuid()),
        column("look_at", UtcTime(), null=True),
        column("counted", sa.JSON()),
        sa.PrimaryKeyConstraint("case_id", name=op.f(f"pk_{counted}")),
    )
    op.create_index(op.f(f"ix_{counted}_look_at"), counted, ["look_at"])
    key = ("organization_id", "dimension", "span", "since", "value", "origin_id")
    rated = (f"rated_{n}" for n in range(1, 6))
    counts = ("opened", "responded", "resolved", "due", "on_time", *rated)
    op.create_table(
        figure,
        column("organization_id", sa.Uuid()),
        column("dimension", sa.String(length=20)),
        column("span", sa.String(length=5)),
        column("since", sa.Date()),
        column("value", sa.String(length=100)),
        column("origin_id", sa.Uuid()),
        *(column(name, sa.Integer()) for name in counts),
        column("times", sa.JSON()),
        sa.PrimaryKeyConstraint(*key, name=op.f(f"pk_{figure}")),
    )
    op.create_index(f"ix_{figure}_all", figure, ["dimension", "span", "since", "origin_id"])
    rows, of = (
        sa.table(case, *map(sa.column, ("id", "opened_at"))),
        sa.table(counted, *map(sa.column, ("case_id", "look_at", "counted"))),
    )
    old = sa.select(rows.c.id, rows.c.opened_at, sa.literal_column("'{}'"))
    op.execute(of.insert().from_select(["case_id", "look_at", "counted"], old))


def count_in_tens(case: str) -> None:
    """Let the cells of a flow be of tens of days too, and those of spots hold where: made of the
    cells that are there, so that nothing is counted again."""
    cells, connection = _cells(case), op.get_bind()
    spot = cells.c.dimension == "spot"
    for since in connection.scalars(sa.select(cells.c.since).where(spot).distinct()).all():
        of = sa.and_(spot, cells.c.since == since)
        spots = [_of_spot(cell) for cell in _found(cells, of)]
        connection.execute(cells.delete().where(of))
        _insert(cells, spots)
    days = sa.select(cells.c.since).where(cells.c.span == "day").distinct()
    for ten in sorted({_ten(day) for day in connection.scalars(days)}):
        after = (ten + timedelta(days=31)).replace(day=1) if ten.day == 21 else ten + _TEN
        within = sa.and_(cells.c.since >= ten, cells.c.since < after)
        found = _found(cells, sa.and_(cells.c.span == "day", within))
        _insert(cells, [{**cell, "span": "ten", "since": ten} for cell in found])


def count_without_tens(case: str) -> None:
    """Take that back: the cases are counted from the beginning once the app serves."""
    rows = sa.table(case, *map(sa.column, ("id", "opened_at")))
    of = sa.table(f"{case}_counted", *map(sa.column, ("case_id", "look_at", "counted")))
    opened = sa.select(rows.c.opened_at).where(rows.c.id == of.c.case_id).scalar_subquery()
    nothing = {"look_at": opened, "counted": sa.literal_column("'{}'")}
    op.execute(of.update().values(nothing))
    op.execute(_cells(case).delete())


def count_unrated(case: str) -> None:
    """Let the cases whose outcome nobody has rated be looked at, so that the figures know of them
    once the app serves."""
    row = sa.table(case, *map(sa.column, ("id", "resolved_at", "rating")))
    of = sa.table(f"{case}_counted", *map(sa.column, ("case_id", "look_at")))
    unrated = sa.select(row.c.id).where(row.c.resolved_at.is_not(None), row.c.rating.is_(None))
    resolved = sa.select(row.c.resolved_at).where(row.c.id == of.c.case_id).scalar_subquery()
    op.execute(of.update().where(of.c.case_id.in_(unrated)).values(look_at=resolved))


def count_without_unrated(case: str) -> None:
    """Take that back: the cases are counted from the beginning once the app serves."""
    count_without_tens(case)


def _cells(case: str) -> Any:
    columns: list[sa.ColumnClause[Any]] = [
        sa.column("organization_id", sa.Uuid()),
        sa.column("since", sa.Date()),
        sa.column("origin_id", sa.Uuid()),
        *(sa.column(name) for name in ("dimension", "span", "value", *_COUNTS)),
        sa.column("times", sa.JSON()),
    ]
    return sa.table(f"{case}_figure", *columns)


def _found(cells: Any, condition: Any) -> list[dict[str, Any]]:
    rows = op.get_bind().execute(sa.select(cells).where(condition))
    return [dict(row) for row in rows.mappings()]


def _ten(day: date) -> date:
    return day.replace(day=min((day.day - 1) // 10, 2) * 10 + 1)


def _of_spot(cell: Mapping[str, Any]) -> dict[str, Any]:
    """Return a cell of `what|where` as one of what; of those without either nothing is left."""
    what, _, where = cell["value"].rpartition("|")
    opened = cell["opened"] if what and where else 0
    at = {"opened_at": {where: opened}} if opened else {}
    return {**cell, **dict.fromkeys(_COUNTS, 0), "value": what, "opened": opened, "times": at}


def _insert(cells: Any, found: list[dict[str, Any]]) -> None:
    """Insert cells, those of one key together; not those in which nothing is left."""
    added: dict[tuple[Any, ...], dict[str, Any]] = {}
    for cell in found:
        into = added.setdefault(
            tuple(cell[name] for name in _KEY),
            {**cell, **dict.fromkeys(_COUNTS, 0), "times": {}},
        )
        for name in _COUNTS:
            into[name] += cell[name]
        for name, bins in cell["times"].items():
            sums = into["times"].setdefault(name, {})
            for step, n in bins.items():
                sums[step] = sums.get(step, 0) + n
    if left := [cell for cell in added.values() if any(cell[name] for name in _COUNTS)]:
        op.get_bind().execute(cells.insert(), left)


def drop_figures(case: str) -> None:
    """Take them back."""
    drop(f"{case}_figure", f"{case}_counted")


def create_case(
    name: str,
    *columns: "sa.Column[Any]",
    index: tuple[str, ...] = (),
    unique: tuple[str, ...] = (),
    parts: bool = False,
) -> None:
    """Create the tables of a flow: `name` with the app's `columns` (those in `index` indexed,
    those in `unique` unique), its `_entry` with hands, its `_party`, and with `parts` its
    `_part`. `date_parties` follows."""
    listed = ("state", "opened_at", "due_at", "due_pending", *index)
    once = ("number", "source_key", *unique)
    create_owned(name, [*_row(), *columns], unique=once, index=listed)
    create_owned(f"{name}_entry", _entry(), index=("case_id",))
    create(f"{name}_party", _party(), index=("organization_id", "case_id"))
    if parts:
        create_owned(f"{name}_part", _part(), index=("case_id",))


def drop_case(name: str, *, parts: bool = False) -> None:
    """Take the tables of a flow back."""
    drop(*([f"{name}_part"] if parts else []), f"{name}_party", f"{name}_entry", name)


def _row() -> Columns:
    return [
        column("version", sa.Integer()),
        column("number", sa.String(length=40)),
        column("code", sa.String(length=12)),
        column("title", sa.String(length=200)),
        column("state", sa.String(length=40)),
        column("stage_entered_at", UtcTime()),
        column("opened_at", UtcTime()),
        column("held_at", UtcTime()),
        column("origin_organization_id", sa.Uuid()),
        column("due_at", UtcTime(), null=True),
        column("due_from", UtcTime(), null=True),
        column("due_term", sa.JSON(), null=True),
        column("due_pending", sa.Boolean()),
        column("paused_at", UtcTime(), null=True),
        column("responded_at", UtcTime(), null=True),
        column("resolved_at", UtcTime(), null=True),
        column("closed_at", UtcTime(), null=True),
        column("returns", sa.Integer()),
        column("extension_asked", sa.Integer(), null=True),
        column("extension_asked_by", sa.Uuid(), null=True),
        column("extended", sa.Integer()),
        column("supervised_at", UtcTime(), null=True),
        column("urged_at", UtcTime(), null=True),
        column("urged_by", sa.Uuid(), null=True),
        column("urged_by_post", sa.String(length=200)),
        column("reopened", sa.Integer()),
        column("rating", sa.Integer(), null=True),
        column("rating_comment", sa.String(length=1000), null=True),
        column("rated_at", UtcTime(), null=True),
        column("imported", sa.Boolean()),
        column("source_key", sa.String(length=200), null=True),
    ]


def _entry() -> Columns:
    return [
        column("case_id", sa.Uuid()),
        column("seq", sa.Integer()),
        column("verb", sa.String(length=40)),
        column("source", sa.String(length=40)),
        column("target", sa.String(length=40)),
        column("actor_person_id", sa.Uuid(), null=True),
        column("actor_post_id", sa.Uuid(), null=True),
        column("agent_person_id", sa.Uuid(), null=True),
        column("delegator_person_id", sa.Uuid(), null=True),
        column("role", sa.String(length=200)),
        column("unit", sa.String(length=200)),
        column("at", UtcTime(), null=True),
        column("on_date", sa.Date(), null=True),
        column("reason", sa.String(length=1000), null=True),
        column("text", sa.String(), null=True),
        column("data", sa.JSON()),
        column("version", sa.Integer()),
        column("public", sa.Boolean()),
    ]


def _party() -> Columns:
    return [
        column("id", sa.Uuid()),
        column("case_id", sa.Uuid()),
        column("organization_id", sa.Uuid()),
        column("since", UtcTime()),
        column("role", sa.String(length=20)),
    ]


def _part() -> Columns:
    return [
        column("case_id", sa.Uuid()),
        column("asked", sa.String(length=1000)),
        column("asked_at", UtcTime()),
        column("asked_by", sa.Uuid(), null=True),
        column("due_at", UtcTime(), null=True),
        column("reply", sa.Text(), null=True),
        column("replied_at", UtcTime(), null=True),
        column("replied_by", sa.Uuid(), null=True),
        column("sent_back", sa.Integer()),
    ]
