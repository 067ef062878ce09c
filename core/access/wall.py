"""The second wall on PostgreSQL: row-level security on every scoped table.

`rows()` is the first wall: it adds the scope of one permission, and the guard refuses what
goes round it. Should both be wrong, the database itself shows a transaction no row beyond
what its actor may reach at all under any permission of the app. The condition is made from
the same `reach_organizations` and `reach_person` of the model; what it is compared with are
parameters that are set for each transaction and end with it, so that a connection that goes
back to the pool keeps none. A transaction that sets nothing sees nothing.

What is written was checked row by row before the flush, and may go to another unit: there
the wall is open for the flush alone, as it is for a statement that `beyond_scope` made.

The wall holds for a role that is no superuser and has not BYPASSRLS; tables force it on
their owner too. SQLite has no such thing: there the first wall stands alone.
"""

import contextlib
import hashlib
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import (
    Connection,
    any_,
    bindparam,
    event,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Engine, ExceptionContext
from sqlmodel import col

from core.database import UNIT, Transaction
from core.identity.models import OrganizationClosure
from plugin_sdk.data import Owned
from plugin_sdk.ports import Actor, ScopeKind

POLICY = "yimen_wall"
BEYOND = "yimen_beyond"
OPEN = "SELECT set_config('yimen.all', 'on', true)"
SHUT = "SELECT set_config('yimen.all', '', true)"


class Envelope(msgspec.Struct, frozen=True):
    """What an actor may reach at all in an app: the union of all their scopes there."""

    everything: bool = False
    person: UUID | None = None
    units: frozenset[UUID] = frozenset()
    roots: frozenset[UUID] = frozenset()


NOTHING = Envelope()
EVERYTHING = Envelope(everything=True)


def envelope(actor: Actor, app: str, now: datetime) -> Envelope:
    """Return what an actor may reach in an app under any permission that is in force."""
    if actor.system:
        return EVERYTHING
    own = actor.organization_id
    everything, person = False, None
    units: set[UUID] = set()
    roots: set[UUID] = set()
    for permission, permits in actor.permits.items():
        if not permission.startswith(f"{app}."):
            continue
        for permit in permits:
            if not permit.in_force(now):
                continue
            if permit.scope is ScopeKind.ALL:
                everything = True
            elif permit.scope is ScopeKind.OWN:
                person = actor.person_id
            elif permit.scope is ScopeKind.NAMED:
                units.update(permit.organizations)
            elif own is not None:
                (roots if permit.scope is ScopeKind.SUBTREE else units).add(own)
    return Envelope(everything, person, frozenset(units), frozenset(roots))


_STAND = select(
    func.set_config("yimen.all", bindparam("all"), True),
    func.set_config("yimen.person", bindparam("person"), True),
    func.set_config("yimen.units", bindparam("units"), True),
    func.set_config("yimen.roots", bindparam("roots"), True),
)


async def stand(tx: Transaction, within: Envelope) -> None:
    """Let the rest of the transaction see what the envelope holds. Nothing on SQLite."""
    if tx.database.sqlite:
        return
    values = {
        "all": "on" if within.everything else "",
        "person": str(within.person or ""),
        "units": ",".join(str(id) for id in sorted(within.units)),
        "roots": ",".join(str(id) for id in sorted(within.roots)),
    }
    await tx.session.execute(_STAND, values)


@cache
def condition(model: type[Owned]) -> str:
    """Return the condition of a model's policy, in the SQL of PostgreSQL. It is asked at every
    start, of every table, and is always the same."""

    def parameter(name: str) -> str:
        return f"nullif(current_setting('yimen.{name}', true), '')"

    def within(column: Any) -> Any:
        return or_(
            column == any_(_ids(parameter("units"))),
            column.in_(
                select(col(OrganizationClosure.descendant_id)).where(
                    col(OrganizationClosure.ancestor_id) == any_(_ids(parameter("roots")))
                )
            ),
        )

    person: Any = literal_column(f"(SELECT {parameter('person')}::uuid)")
    seen = or_(
        literal_column(f"(SELECT {parameter('all')} = 'on')"),
        model.reach_person(person),
        model.reach_organizations(within),
    )
    whole = select(literal(1)).select_from(model).where(seen)
    compiled = whole.compile(
        dialect=postgresql.dialect(),  # type: ignore[no-untyped-call]  # SQLAlchemy's own
        compile_kwargs={"literal_binds": True},
    )
    return str(compiled).partition("WHERE ")[2]


def _ids(parameter: str) -> Any:
    # the cast stands outside, so that ANY takes an array and not a subquery's rows
    return literal_column(f"(SELECT string_to_array({parameter}, ','))::uuid[]")


def build(connection: Connection, models: Iterable[type[Owned]]) -> None:
    """Raise the wall on the tables of scoped models, where it is not as it should be."""
    for model in models:
        table, wanted = model.__tablename__, condition(model)
        sign = hashlib.sha256(wanted.encode()).hexdigest()
        if _standing(connection, [str(table)]).get(str(table)) == sign:
            continue
        for statement in (
            f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY',
            f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY',
            f'DROP POLICY IF EXISTS {POLICY} ON "{table}"',
            f'CREATE POLICY {POLICY} ON "{table}" USING ({wanted}) WITH CHECK (true)',
            f"COMMENT ON POLICY {POLICY} ON \"{table}\" IS '{sign}'",
        ):
            connection.exec_driver_sql(statement.replace("%", "%%"))


def raze(connection: Connection, tables: Iterable[str]) -> None:
    """Take the wall down from tables that are dropped: its condition holds other tables fast."""
    for table in tables:
        connection.exec_driver_sql(f'DROP POLICY IF EXISTS {POLICY} ON "{table}"')


def missing(connection: Connection, models: Iterable[type[Owned]]) -> list[str]:
    """Return the scoped tables whose wall does not stand as the models say."""
    wanted = {
        str(model.__tablename__): hashlib.sha256(condition(model).encode()).hexdigest()
        for model in models
    }
    standing = _standing(connection, list(wanted))
    return sorted(table for table, sign in wanted.items() if standing.get(table) != sign)


def _standing(connection: Connection, tables: list[str]) -> dict[str, str]:
    found = connection.execute(
        text(
            "SELECT c.relname, d.description FROM pg_policy p"
            " JOIN pg_class c ON c.oid = p.polrelid"
            " JOIN pg_description d ON d.objoid = p.oid AND d.classoid = 'pg_policy'::regclass"
            " WHERE p.polname = :policy AND c.relname = ANY(:tables)"
            " AND c.relrowsecurity AND c.relforcerowsecurity"
            " AND c.relnamespace = current_schema()::regnamespace"
        ),
        {"policy": POLICY, "tables": tables},
    )
    return {table: sign for table, sign in found}


def climbs(connection: Connection) -> bool:
    """Return whether the role of a connection passes by every wall there is."""
    found = connection.execute(
        text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
    )
    return bool(found.scalar())


def install(engine: Engine) -> None:
    """Let statements that `beyond_scope` made pass the wall, each by itself."""
    if engine.dialect.name != "postgresql":
        return

    def before(
        connection: Connection, cursor: Any, statement: str, params: Any, context: Any, many: bool
    ) -> None:
        if _beyond(context):
            run(connection, OPEN)

    def after(
        connection: Connection, cursor: Any, statement: str, params: Any, context: Any, many: bool
    ) -> None:
        if _beyond(context):
            run(connection, SHUT)

    def failed(context: ExceptionContext) -> None:
        if context.connection is not None and _beyond(context.execution_context):
            with contextlib.suppress(Exception):  # the transaction is over, and its wall with it
                run(context.connection, SHUT)

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    event.listen(engine, "handle_error", failed)


def _beyond(context: Any) -> bool:
    if context is None or not context.execution_options.get(BEYOND):
        return False
    unit = context.execution_options.get(UNIT)
    return unit is not None and not unit.reaches.everything


def run(connection: Connection, statement: str) -> None:
    """Run one of the statements above beside what the connection does."""
    cursor = connection.connection.cursor()
    try:
        cursor.execute(statement)
    finally:
        cursor.close()
