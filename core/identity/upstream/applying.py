"""What the rules of an upstream would change about a person; and changing it.

A plan says it without doing anything: the dry run shows it, and a sign-in carries out the same.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

import msgspec

from core.database import Transaction
from core.identity import organizations, people
from core.identity.people import PersonError, PostFacts
from core.identity.upstream import linking
from core.identity.upstream.models import UpstreamPost
from core.identity.upstream.rules import Rules, holds, posts_of, written
from core.identity.upstream.service import UpstreamFacts

Manages = Callable[[UUID], Awaitable[bool]]
"""Returns whether the author of rules may manage the people of an organization."""


class NewPost(msgspec.Struct, frozen=True):
    """A post that somebody is to be given."""

    organization_id: UUID
    organization: str
    title: str


class Kept(msgspec.Struct, frozen=True):
    """A post by the rules that is not given, and why: `code` names the words under
    `upstream.plan`."""

    organization: str
    title: str
    code: str


class Plan(msgspec.Struct, frozen=True):
    """What rules would change. `name` and `username` are those of a person who would be made;
    `refused` says why none would be."""

    name: str | None = None
    username: str | None = None
    refused: str | None = None
    gives: list[NewPost] = []
    ends: list[PostFacts] = []
    keeps: list[Kept] = []


async def plan(
    tx: Transaction,
    upstream: UpstreamFacts,
    rules: Rules,
    claims: Mapping[str, Any],
    person_id: UUID | None,
    manages: Manages,
) -> Plan:
    """Return what rules would change of a person, or of one who would be made (None)."""
    name = username = refused = None
    if person_id is None:
        rule = rules.person
        if rule is None:
            refused = "no-person-rule"
        elif not holds(rule.when, claims):
            refused = "not-meant"
        elif (name := written(rule.name, claims)) is None:
            refused = "no-name"
        else:
            username = written(rule.username, claims) if rule.username else None
    if refused is not None:
        return Plan(refused=refused)
    held = await people.posts(tx, [person_id]) if person_id else []
    there = {(post.organization_id, post.title) for post in held}
    gives, keeps, wanted = [], [], set()
    for one in posts_of(rules, claims):
        unit = await organizations.by_code(tx, one.organization)
        if unit is None:
            keeps.append(Kept(one.organization, one.title, "unit-unknown"))
            continue
        wanted.add((unit.id, one.title))
        if (unit.id, one.title) in there:
            continue
        if not await manages(unit.id):
            keeps.append(Kept(one.organization, one.title, "beyond-author"))
            continue
        gives.append(NewPost(unit.id, unit.name, one.title))
    given = await linking.given_posts(tx, upstream.id, [post.id for post in held])
    ends = [
        post
        for post in held
        if post.id in given and (post.organization_id, post.title) not in wanted
    ]
    return Plan(name=name, username=username, gives=gives, ends=ends, keeps=keeps)


async def make_person(
    tx: Transaction, upstream: UpstreamFacts, found: Plan, subject_digest: str
) -> UUID:
    """Add the person of a plan; return the id. Where the name in the rules is taken or malformed
    they have one of the upstream's: nobody is ever taken for another. Raises `PersonError`."""
    own = f"{upstream.key}-{subject_digest[:12]}"
    wanted = (found.username or "").lower()
    for username in dict.fromkeys(name for name in (wanted, own) if name):
        try:
            return await people.add_person(tx, username, found.name or "", None)
        except PersonError as error:
            if username == own or error.code not in ("username-taken", "username-form"):
                raise
    raise PersonError("username-taken")


async def carry_out(
    tx: Transaction, upstream: UpstreamFacts, found: Plan, person_id: UUID
) -> list[UUID]:
    """Give and end the posts of a plan; return the ids of those given."""
    given = []
    for post in found.gives:
        try:
            id = await people.add_post(tx, person_id, post.organization_id, post.title)
        except PersonError:  # nobody works there any more
            continue
        tx.session.add(UpstreamPost(post_id=id, upstream_id=upstream.id))
        given.append(id)
    for held in found.ends:
        await people.end_post(tx, held.id)
    await tx.session.flush()
    return given
