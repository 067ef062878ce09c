"""Signing in through upstreams: the way there and back, and what the rules of one do, within
what their author may manage."""

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlmodel import col

from core import audit
from core.access.granting import reaches
from core.access.keepers import keepers, refuse_lockout
from core.access.loading import load_actor
from core.audit import SHELL
from core.database import Transaction
from core.identity.models import Person
from core.identity.numbers import Numbers
from core.identity.people import PersonError
from core.identity.upstream import applying, linking, service
from core.identity.upstream.applying import Manages, Plan
from core.identity.upstream.discovery import Providers
from core.identity.upstream.flow import Flow, Relying, Said
from core.identity.upstream.rules import Rules, parse
from core.identity.upstream.service import UpstreamError, UpstreamFacts
from core.outside import Outside
from core.settings import Settings
from plugin_sdk.ports import Actor
from plugin_sdk.problems import Conflict

MANAGING = "yimen.people.manage"


class Arrival(msgspec.Struct, frozen=True):
    """Who has come through an upstream: a person, or nobody, and then why: `unknown`,
    `disabled`, `not-made`."""

    person_id: UUID | None = None
    why: str = ""


class Upstreams:
    """The providers above one hub."""

    def __init__(self, settings: Settings, outside: Outside, numbers: Numbers) -> None:
        self._settings = settings
        self._numbers = numbers
        self.flow = Flow(outside, Providers(outside), numbers)

    def relying(self, upstream: UpstreamFacts) -> Relying:
        """Return as which client this hub stands at an upstream."""
        return service.relying(self._numbers, upstream, self._settings.public_url)

    async def arrive(self, tx: Transaction, upstream: UpstreamFacts, said: Said) -> Arrival:
        """Return who it is that an upstream speaks of, and let its rules do what they say."""
        linked = await linking.find(tx, self._numbers, upstream, said.subject)
        known = linked.person_id if linked else None
        await service.keep_said(tx, self._numbers, upstream, said.claims, known)
        if linked is not None:
            if not linked.usable:
                return Arrival(why="disabled")
            await linking.note_used(tx, linked)
            if upstream.gives_posts and said.whole:
                await self._posts(tx, upstream, said, linked.person_id)
            return Arrival(linked.person_id)
        if not upstream.provides:
            return Arrival(why="unknown")
        if not said.whole:
            return Arrival(why="not-made")
        made = await self._make(tx, upstream, said)
        if made.person_id is not None:  # of whom it spoke is known only now
            await service.keep_said(tx, self._numbers, upstream, said.claims, made.person_id)
        return made

    async def plan(
        self,
        tx: Transaction,
        upstream: UpstreamFacts,
        rules: Rules,
        claims: dict[str, Any],
        person_id: UUID | None,
        author: Actor | None,
    ) -> Plan:
        """Return what rules of an author would do: nothing is written."""
        manages = _within(tx, author)
        return await applying.plan(tx, upstream, rules, claims, person_id, manages)

    async def whose(
        self, tx: Transaction, upstream: UpstreamFacts, claims: dict[str, Any]
    ) -> UUID | None:
        """Return whom claims are about, None for nobody who is known here."""
        subject = claims.get("sub")
        if not isinstance(subject, str):
            return None
        linked = await linking.find(tx, self._numbers, upstream, subject)
        return linked.person_id if linked else None

    async def said(
        self, tx: Transaction, upstream: UpstreamFacts
    ) -> tuple[dict[str, Any], UUID | None] | None:
        """Return what an upstream said last, and of whom."""
        return await service.said(tx, self._numbers, upstream)

    async def _make(self, tx: Transaction, upstream: UpstreamFacts, said: Said) -> Arrival:
        found = await self._plan_of_author(tx, upstream, said, None)
        if found.refused is not None:
            return Arrival(why="not-made")
        digest = linking.digest_of(self._numbers, upstream, said.subject)
        try:
            async with tx.session.begin_nested():
                id = await applying.make_person(tx, upstream, found, digest)
                await linking.link(tx, self._numbers, upstream, said.subject, id, made=True)
        except (PersonError, UpstreamError):
            return Arrival(why="not-made")
        by = _by(upstream)
        await audit.record(
            tx, by, SHELL, "upstream-person-made", f"person:{id}", facts={"upstream": upstream.key}
        )
        if upstream.gives_posts:
            await self._carry_out(tx, upstream, found, id)
        return Arrival(id)

    async def _posts(
        self, tx: Transaction, upstream: UpstreamFacts, said: Said, person_id: UUID
    ) -> None:
        found = await self._plan_of_author(tx, upstream, said, person_id)
        await self._carry_out(tx, upstream, found, person_id)

    async def _carry_out(
        self, tx: Transaction, upstream: UpstreamFacts, found: Plan, person_id: UUID
    ) -> None:
        if not found.gives and not found.ends:
            return
        before = await keepers(tx) if found.ends else set()
        try:
            async with tx.session.begin_nested():
                given = await applying.carry_out(tx, upstream, found, person_id)
                await refuse_lockout(tx, before)
        except Conflict:  # nobody would be left who gives rights: they keep what they have
            found = msgspec.structs.replace(found, ends=[])
            await self._carry_out(tx, upstream, found, person_id)
            return
        await audit.record(
            tx,
            _by(upstream),
            SHELL,
            "upstream-posts-set",
            f"person:{person_id}",
            facts={
                "upstream": upstream.key,
                "given": [str(id) for id in given],
                "ended": [str(post.id) for post in found.ends],
            },
        )

    async def _plan_of_author(
        self, tx: Transaction, upstream: UpstreamFacts, said: Said, person_id: UUID | None
    ) -> Plan:
        author = await author_of(tx, upstream)
        return await self.plan(tx, upstream, parse(upstream.rules), said.claims, person_id, author)


async def author_of(tx: Transaction, upstream: UpstreamFacts) -> Actor | None:
    """Return who answers for the rules, in the post they wrote them in and with what they hold
    there now; None for one who has left it."""
    if upstream.rules_by is None or upstream.rules_post_id is None:
        return None
    found = await tx.session.execute(
        select(col(Person.name)).where(
            col(Person.id) == upstream.rules_by, col(Person.disabled_at).is_(None)
        )
    )
    name = found.scalar_one_or_none()
    if name is None:
        return None
    return await load_actor(tx, upstream.rules_by, name, upstream.rules_post_id)


def _within(tx: Transaction, author: Actor | None) -> Manages:
    async def manages(organization_id: UUID) -> bool:
        return author is not None and await reaches(tx, author, MANAGING, [organization_id])

    return manages


def _by(upstream: UpstreamFacts) -> Actor:
    """Return who acts in the record when rules do."""
    return Actor(system=True, name=f"upstream {upstream.key}")
