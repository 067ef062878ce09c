"""Transfer (调岗) and leaving office (离任): what hangs on a post ends with it, and the open
work goes to somebody named, else to the unit; all of it in the transaction of the act."""

from uuid import UUID

from sqlalchemy import or_, select, update
from sqlmodel import col

from core.database import Transaction
from core.identity import sessions
from core.identity.models import Person, Post, SignInSession
from core.identity.people import PersonError, add_post, disable, end_post


async def transfer(
    tx: Transaction,
    post_id: UUID,
    organization_id: UUID,
    title: str,
    *,
    successor_id: UUID | None = None,
) -> UUID:
    """End a post and let its person take another at once; return the new post's id.

    Grants end with the old post and are given anew. Sessions that acted in it act in the new
    one. Raises `PersonError`.
    """
    held = (
        await tx.session.execute(
            select(col(Post.person_id), col(Post.organization_id), col(Post.title)).where(
                col(Post.id) == post_id, col(Post.ends_at).is_(None)
            )
        )
    ).first()
    if held is None:
        raise PersonError("post-unknown")
    person_id, before, before_title = held
    if (before, before_title) == (organization_id, title):
        raise PersonError("post-same")
    new = await add_post(tx, person_id, organization_id, title)
    await tx.session.execute(
        update(SignInSession).where(col(SignInSession.post_id) == post_id).values(post_id=new)
    )
    await end_post(tx, post_id, successor_id=successor_id)
    return new


async def leave(
    tx: Transaction, person_id: UUID, *, successor_id: UUID | None = None, keep_account: bool
) -> int:
    """Let a person leave office: every post ends, and every sign-in; return how many posts.

    The account is disabled unless it is kept for matters of their own. A named successor takes
    the open work of the posts in their own unit; the rest goes to its unit. Raises `PersonError`.
    """
    known = await tx.session.execute(select(col(Person.id)).where(col(Person.id) == person_id))
    if known.first() is None:
        raise PersonError("person-unknown")
    held = await tx.session.execute(
        select(col(Post.id), col(Post.organization_id)).where(
            col(Post.person_id) == person_id, col(Post.ends_at).is_(None)
        )
    )
    posts = list(held)
    for post_id, organization_id in posts:
        heir = successor_id
        if heir is not None and not await works_in(tx, heir, organization_id):
            heir = None
        await end_post(tx, post_id, successor_id=heir)
    if keep_account:
        await sessions.end_all(tx, person_id)
    else:
        await disable(tx, person_id)
    return len(posts)


async def works_in(tx: Transaction, person_id: UUID, organization_id: UUID) -> bool:
    """Return whether a person who can sign in holds a post in an organization now."""
    found = await tx.session.execute(
        select(col(Post.id))
        .join(Person, col(Person.id) == col(Post.person_id))
        .where(
            col(Post.person_id) == person_id,
            col(Post.organization_id) == organization_id,
            col(Post.starts_at) <= tx.now,
            or_(col(Post.ends_at).is_(None), col(Post.ends_at) > tx.now),
            col(Person.disabled_at).is_(None),
        )
        .limit(1)
    )
    return found.first() is not None
