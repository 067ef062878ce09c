"""What is in force: one condition for each kind of right, used by every query of them."""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import col

from core.access.models import Consent, Delegation, Grant
from core.identity.models import Person, Post


def grant_in_force(now: datetime) -> ColumnElement[bool]:
    """Return the condition for grants that hold at `now`."""
    return and_(
        col(Grant.revoked_at).is_(None),
        or_(col(Grant.starts_at).is_(None), col(Grant.starts_at) <= now),
        or_(col(Grant.ends_at).is_(None), col(Grant.ends_at) > now),
    )


def post_in_force(now: datetime) -> ColumnElement[bool]:
    """Return the condition for posts that are held at `now` by somebody who may sign in."""
    return and_(
        col(Post.starts_at) <= now,
        or_(col(Post.ends_at).is_(None), col(Post.ends_at) > now),
        col(Person.disabled_at).is_(None),
    )


def delegation_in_force(now: datetime) -> ColumnElement[bool]:
    """Return the condition for delegations that hold at `now`."""
    return and_(
        col(Delegation.revoked_at).is_(None),
        col(Delegation.starts_at) <= now,
        col(Delegation.ends_at) > now,
    )


def consent_in_force(now: datetime) -> ColumnElement[bool]:
    """Return the condition for consents that hold at `now`."""
    return and_(
        col(Consent.revoked_at).is_(None),
        col(Consent.starts_at) <= now,
        col(Consent.ends_at) > now,
    )
