"""Scopes as SQL: which rows a set of grants reaches."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, false, or_, true

from core.identity.organizations import subtree
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
    if permit.scope is ScopeKind.NAMED:
        ids = permit.organizations
        return _condition(model.reach_organizations(lambda column: column.in_(ids)))
    own = actor.organization_id
    if own is None:
        return false()
    if permit.scope is ScopeKind.ORGANIZATION:
        return _condition(model.reach_organizations(lambda column: column == own))
    return _condition(model.reach_organizations(lambda column: column.in_(subtree([own]))))


def _condition(value: Any) -> ColumnElement[bool]:
    if not isinstance(value, ColumnElement):
        raise TypeError("a scope must be a SQL condition")
    return value
