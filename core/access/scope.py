"""Scopes as SQL: which rows a set of grants reaches."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, false, or_, select, true
from sqlmodel import col

from core.database import Transaction
from core.identity.models import OrganizationRow
from core.identity.organizations import subtree
from plugin_sdk.data import Within
from plugin_sdk.ports import Actor, Permit, ScopeKind


def reach(model: Any, actor: Actor, permits: Sequence[Permit]) -> ColumnElement[bool]:
    """Return the condition for the rows of a scoped model that the grants reach.

    Each row that is seen is seen by one of these grants; none is widened by another.
    """
    conditions = [_reach(model, actor, permit) for permit in permits]
    if not conditions:
        return false()
    return conditions[0] if len(conditions) == 1 else or_(*conditions)


def _reach(model: Any, actor: Actor, permit: Permit) -> ColumnElement[bool]:
    if permit.scope is ScopeKind.ALL:
        return true()
    if permit.scope is ScopeKind.OWN:
        if actor.person_id is None:
            return false()
        return _condition(model.reach_person(actor.person_id))
    return _condition(model.reach_organizations(lambda column: _within(column, actor, permit)))


def _within(column: Any, actor: Actor, permit: Permit) -> ColumnElement[bool]:
    if permit.scope is ScopeKind.NAMED:
        return _condition(column.in_(permit.organizations))
    own = actor.organization_id
    if own is None or permit.scope is ScopeKind.OWN:
        return false()
    if permit.scope is ScopeKind.ORGANIZATION:
        return _condition(column == own)
    return _condition(column.in_(subtree([own])))


def within(actor: Actor, permits: Sequence[Permit]) -> Within | None:
    """Return the condition for what belongs to the organizations that the grants reach, None
    when one of them reaches everything. One for the actor's own rows reaches no organization."""
    if any(permit.scope is ScopeKind.ALL for permit in permits):
        return None
    return lambda column: or_(false(), *(_within(column, actor, permit) for permit in permits))


def _condition(value: Any) -> ColumnElement[bool]:
    if not isinstance(value, ColumnElement):
        raise TypeError("a scope must be a SQL condition")
    return value


async def covers(
    tx: Transaction, actor: Actor, permit: Permit, units: Sequence[UUID], *, deep: bool = False
) -> bool:
    """Return whether a grant reaches whatever belongs to the organizations (`deep`: and to all
    below them). What reaches the actor's own rows alone reaches no organization."""
    if permit.scope is ScopeKind.ALL:
        return True
    if permit.scope is ScopeKind.OWN or (deep and permit.scope is not ScopeKind.SUBTREE):
        return False
    if permit.scope is ScopeKind.NAMED:
        return set(units) <= set(permit.organizations)
    if permit.scope is ScopeKind.ORGANIZATION:
        return set(units) <= {actor.organization_id}
    if actor.organization_id is None:
        return False
    found = await tx.session.execute(
        select(col(OrganizationRow.id)).where(
            col(OrganizationRow.id).in_(units),
            col(OrganizationRow.id).in_(subtree([actor.organization_id])),
        )
    )
    return set(found.scalars()) == set(units)
