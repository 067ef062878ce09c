"""Moving, merging and closing organizations (撤并). The closure follows in one transaction; rows
elsewhere keep the id of their organization, so that scoped reads follow at once."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, insert, literal, or_, select, update
from sqlalchemy.orm import aliased
from sqlmodel import col

from core.database import Transaction
from core.identity.arrivals import lock_tree
from core.identity.events import OrganizationClosed, TreeChanged
from core.identity.models import Closing, OrganizationClosure, OrganizationRow, Post
from core.identity.organizations import subtree
from core.identity.people import end_post
from core.identity.transfers import transfer


class TreeError(ValueError):
    """A change of the tree that cannot be; `code` names the problem in the catalogues.

    Codes: `tree-unknown`, `tree-circle` (it would stand below itself), `tree-closed`,
    `tree-same` (it stands there already), `tree-children` and `tree-posts` (something is
    still there and nobody succeeds).
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


async def move(tx: Transaction, id: UUID, parent_id: UUID | None) -> None:
    """Put an organization, with all that stands below it, under another (None: at the top).

    Raises `TreeError`.
    """
    await lock_tree(tx)
    await _open(tx, [id, *([parent_id] if parent_id else [])])
    await _hang(tx, id, parent_id)
    await tx.raise_event(TreeChanged())


async def close(tx: Transaction, id: UUID, successor_id: UUID | None, *, reason: str) -> None:
    """Close an organization for good; a successor takes over what it had.

    With a successor: what stands below moves below it, people take the post of the same title
    there (grants are given anew), open work waits for it, and the closed one stands below it,
    so that whoever reads the successor's subtree reads the old rows. Without one nothing may
    stand below and nobody hold a post. Raises `TreeError`.
    """
    await lock_tree(tx)
    await _open(tx, [id, *([successor_id] if successor_id else [])])
    below = await _children(tx, id)
    posts = await _posts(tx, id)
    if successor_id is None:
        if below:
            raise TreeError("tree-children")
        if posts:
            raise TreeError("tree-posts")
    else:
        if successor_id == id or await _stands_below(tx, successor_id, id):
            raise TreeError("tree-circle")
        for child in below:
            await _hang(tx, child, successor_id)
        for post_id, title, starts_later in posts:
            if starts_later or await _holds_there(tx, post_id, successor_id, title):
                await end_post(tx, post_id)
            else:
                await transfer(tx, post_id, successor_id, title)
        if await _parent(tx, id) != successor_id:
            await _hang(tx, id, successor_id)
    tx.session.add(
        Closing(organization_id=id, successor_id=successor_id, closed_at=tx.now, reason=reason)
    )
    await tx.session.flush()
    await tx.raise_event(OrganizationClosed(id, successor_id))
    await tx.raise_event(TreeChanged())


async def closings(tx: Transaction, ids: Sequence[UUID]) -> dict[UUID, UUID | None]:
    """Return those of the organizations that are closed, each with its successor."""
    found = await tx.session.execute(
        select(col(Closing.organization_id), col(Closing.successor_id)).where(
            col(Closing.organization_id).in_(ids)
        )
    )
    return {id: successor for id, successor in found}


async def present(tx: Transaction, id: UUID) -> UUID | None:
    """Return the organization that stands for one today: itself, or the last of its successors;
    None where it was closed and nothing succeeded it."""
    while id in (found := await closings(tx, [id])):
        successor = found[id]
        if successor is None:
            return None
        id = successor
    return id


async def _open(tx: Transaction, ids: Sequence[UUID]) -> None:
    found = (
        await tx.session.execute(
            select(col(OrganizationRow.id), col(Closing.closed_at))
            .outerjoin(Closing, col(Closing.organization_id) == col(OrganizationRow.id))
            .where(col(OrganizationRow.id).in_(ids))
        )
    ).all()
    if len(found) != len(set(ids)):
        raise TreeError("tree-unknown")
    if any(closed for _, closed in found):
        raise TreeError("tree-closed")


async def _hang(tx: Transaction, id: UUID, parent_id: UUID | None) -> None:
    if parent_id is not None and await _stands_below(tx, parent_id, id):
        raise TreeError("tree-circle")
    if await _parent(tx, id) == parent_id:
        raise TreeError("tree-same")
    closure = OrganizationClosure
    await tx.session.execute(
        delete(closure)
        .where(
            col(closure.descendant_id).in_(subtree([id])),
            col(closure.ancestor_id).in_(
                select(col(closure.ancestor_id)).where(
                    col(closure.descendant_id) == id, col(closure.depth) > 0
                )
            ),
        )
        .execution_options(synchronize_session=False)
    )
    await tx.session.execute(
        update(OrganizationRow)
        .where(col(OrganizationRow.id) == id)
        .values(parent_id=parent_id)
        .execution_options(synchronize_session=False)
    )
    if parent_id is None:
        return
    above, below = aliased(closure), aliased(closure)
    await tx.session.execute(
        insert(closure).from_select(
            ["ancestor_id", "descendant_id", "depth"],
            select(
                col(above.ancestor_id),
                col(below.descendant_id),
                col(above.depth) + col(below.depth) + literal(1),
            )
            .select_from(above)
            .join(below, col(below.ancestor_id) == id)
            .where(col(above.descendant_id) == parent_id),
        )
    )


async def _stands_below(tx: Transaction, id: UUID, above: UUID) -> bool:
    found = await tx.session.execute(
        select(col(OrganizationClosure.depth)).where(
            col(OrganizationClosure.ancestor_id) == above,
            col(OrganizationClosure.descendant_id) == id,
        )
    )
    return found.first() is not None


async def _parent(tx: Transaction, id: UUID) -> UUID | None:
    found = await tx.session.execute(
        select(col(OrganizationRow.parent_id)).where(col(OrganizationRow.id) == id)
    )
    return found.scalar_one()


async def _children(tx: Transaction, id: UUID) -> list[UUID]:
    """Return what stands below and is not itself closed: that stays where it is remembered."""
    found = await tx.session.execute(
        select(col(OrganizationRow.id))
        .outerjoin(Closing, col(Closing.organization_id) == col(OrganizationRow.id))
        .where(col(OrganizationRow.parent_id) == id, col(Closing.closed_at).is_(None))
        .order_by(col(OrganizationRow.code))
    )
    return list(found.scalars())


async def _posts(tx: Transaction, id: UUID) -> list[tuple[UUID, str, bool]]:
    found = await tx.session.execute(
        select(col(Post.id), col(Post.title), col(Post.starts_at)).where(
            col(Post.organization_id) == id,
            or_(col(Post.ends_at).is_(None), col(Post.ends_at) > tx.now),
        )
    )
    return [(post, title, starts > tx.now) for post, title, starts in found]


async def _holds_there(tx: Transaction, post_id: UUID, organization_id: UUID, title: str) -> bool:
    """Return whether the person of a post holds the same one in another organization."""
    own, other = aliased(Post), aliased(Post)
    found = await tx.session.execute(
        select(col(other.id))
        .join(own, col(own.person_id) == col(other.person_id))
        .where(
            col(own.id) == post_id,
            col(other.organization_id) == organization_id,
            col(other.title) == title,
            or_(col(other.ends_at).is_(None), col(other.ends_at) > tx.now),
        )
    )
    return found.first() is not None
