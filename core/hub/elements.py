"""Data elements: what the hub holds of a person, for the forms of apps that ask for it.

Held are the account, the present post, an enterprise with one agent, the sealed identity
number; and what the person last typed under an element in a form of any app, theirs alone. What
they typed stands before what the account says. It is not kept on another's behalf, and asked
for again after thirteen months, so that what is filed once a year is still there.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import msgspec
from msgspec import structs
from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from core.database import Transaction
from core.hub.models import TypedElement
from core.identity.events import PersonErased
from core.identity.models import Enterprise, OrganizationRow, Person, Post
from core.identity.numbers import Numbers
from core.identity.register import masked_number, number_of
from plugin_sdk.elements import ELEMENTS, Held
from plugin_sdk.forms import Form
from plugin_sdk.ports import Actor
from plugin_sdk.problems import Denied
from plugin_sdk.views import Phrase

if TYPE_CHECKING:
    from core.hub.service import Services

PAGE: Final = "/me/known"
KEEP: Final = timedelta(days=400)
LONGEST: Final = 200
ACCOUNT: Final = Phrase("element.from.account")
POST: Final = Phrase("element.from.post")
ENTERPRISE: Final = Phrase("element.from.enterprise")


class Typed(msgspec.Struct, frozen=True):
    """What a person typed under an element, in a form of which app, and when."""

    element: str
    value: str
    app: str
    at: datetime


class AppElements:
    """`plugin_sdk.ports.Elements` for one app: the elements that its manifest asks for."""

    def __init__(self, services: "Services", app: str, asked: Iterable[str]) -> None:
        self._services = services
        self._app = app
        self._asked = frozenset(asked)

    async def held(self, read: Any, elements: Iterable[str]) -> dict[str, Held]:
        """See `plugin_sdk.ports.Elements`."""
        wanted = self._asked.intersection(elements)
        filed = await on_file(read.tx, read.actor, self._services.numbers, wanted)
        known = filed | await self._typed(read.tx, read.actor, wanted)
        own = read.actor.agent is None  # what is a resident's own page is no agent's
        return {
            element: structs.replace(one, href=f"{PAGE}#{element}" if own else None)
            for element, one in known.items()
        }

    async def _typed(
        self, tx: Transaction, actor: Actor, wanted: frozenset[str]
    ) -> dict[str, Held]:
        if not wanted or actor.person_id is None or actor.agent is not None:
            return {}
        names = self._services.app_names
        return {
            one.element: Held(
                value=one.value,
                source=Phrase("element.from.app", {"app": names.get(one.app, one.app)}),
                since=one.at,
            )
            for one in await typed_by(tx, actor.person_id)
            if one.element in wanted
        }

    async def sealed(self, work: Any, element: str) -> str | None:
        """See `plugin_sdk.ports.Elements`."""
        if element not in self._asked or not ELEMENTS[element].sealed:
            raise Denied(f"{self._app}.{element}", reason="not-granted")
        person_id = work.actor.person_id
        number = await number_of(work.tx, self._services.numbers, person_id) if person_id else None
        if number is not None:
            work.audit("element-taken", f"person:{person_id}", element=element)
        return number

    async def take(self, work: Any, form: Form) -> None:
        """See `plugin_sdk.ports.Elements`."""
        actor: Actor = work.actor
        wanted = self._asked.intersection(form.elements.values())
        if actor.person_id is None or not wanted:
            return
        filed = await on_file(work.tx, actor, self._services.numbers, wanted)
        held = filed | await self._typed(work.tx, actor, wanted)
        for field, element in form.elements.items():
            if element not in wanted:
                continue
            kind, known = ELEMENTS[element], held.get(element)
            text = str(getattr(form, field) or "")
            same = known is not None and kind.plain(text) == kind.plain(known.value)
            if known is not None and (text or same):  # left empty, it was neither
                work.asked(element, spared=same)
            if same or not text or kind.sealed or actor.agent is not None:
                continue
            first = filed.get(element)
            if first is not None and kind.plain(text) == kind.plain(first.value):
                await forget(work.tx, actor.person_id, element)  # the account says so itself
            elif len(text) <= LONGEST:
                await _keep(work.tx, actor.person_id, Typed(element, text, self._app, work.now))


async def on_file(
    tx: Transaction, actor: Actor, numbers: Numbers, wanted: Iterable[str]
) -> dict[str, Held]:
    """Return what the hub knows by itself of a person, under the elements that are wanted:
    account, identity number, present post, enterprise."""
    person_id, wanted = actor.person_id, frozenset(wanted)
    if person_id is None:
        return {}
    known: dict[str, Held] = {}
    if not wanted.isdisjoint(("person.name", "person.phone")):
        known |= await _account(tx, person_id)
    if "person.identity-number" in wanted and (
        number := await masked_number(tx, numbers, person_id)
    ):
        known["person.identity-number"] = Held(value="", source=ACCOUNT, shown=number)
    if actor.post_id is not None and not wanted.isdisjoint(("unit.name", "unit.code")):
        known |= await _post(tx, actor.post_id)
    if not wanted.isdisjoint(("enterprise.name", "enterprise.code")):
        known |= await _enterprise(tx, person_id)
    return {element: held for element, held in known.items() if element in wanted}


async def _account(tx: Transaction, person_id: UUID) -> dict[str, Held]:
    statement = select(col(Person.name), col(Person.phone), col(Person.created_at)).where(
        col(Person.id) == person_id
    )
    name, phone, since = (await tx.session.execute(statement)).one()
    known = {"person.name": Held(value=name, source=ACCOUNT, since=since)}
    if phone:
        mobile = phone.removeprefix("+86") if phone.startswith("+861") else phone
        known["person.phone"] = Held(value=mobile, source=ACCOUNT, since=since)
    return known


async def _enterprise(tx: Transaction, person_id: UUID) -> dict[str, Held]:
    row = Enterprise
    statement = select(col(row.name), col(row.code), col(row.created_at)).where(
        col(row.agent_id) == person_id
    )
    found = (await tx.session.execute(statement.limit(2))).all()
    if len(found) != 1:  # of several, nobody knows for which they file
        return {}
    name, code, since = found[0]
    return {
        "enterprise.name": Held(value=name, source=ENTERPRISE, since=since),
        "enterprise.code": Held(value=code, source=ENTERPRISE, since=since),
    }


async def _post(tx: Transaction, post_id: UUID) -> dict[str, Held]:
    statement = (
        select(col(OrganizationRow.name), col(OrganizationRow.code), col(Post.starts_at))
        .join(Post, col(Post.organization_id) == col(OrganizationRow.id))
        .where(col(Post.id) == post_id)
    )
    row = (await tx.session.execute(statement)).first()
    if row is None:
        return {}
    name, code, since = row
    return {
        "unit.name": Held(value=name, source=POST, since=since),
        "unit.code": Held(value=code, source=POST, since=since),
    }


async def typed_by(tx: Transaction, person_id: UUID) -> list[Typed]:
    """Return what a person typed that is not too old, by element."""
    row = TypedElement
    statement = (
        select(col(row.element), col(row.value), col(row.app), col(row.at))
        .where(col(row.person_id) == person_id, col(row.at) >= tx.now - KEEP)
        .order_by(col(row.element))
    )
    return [Typed(*found) for found in await tx.session.execute(statement)]


async def _keep(tx: Transaction, person_id: UUID, typed: Typed) -> None:
    dialect = sqlite if tx.database.sqlite else postgresql
    values = {"person_id": person_id, **structs.asdict(typed)}
    insert = dialect.insert(TypedElement).values(values)
    await tx.session.execute(
        insert.on_conflict_do_update(
            index_elements=["person_id", "element"],
            set_={name: insert.excluded[name] for name in ("value", "app", "at")},
        )
    )


async def forget(tx: Transaction, person_id: UUID, element: str) -> bool:
    """Forget what a person typed under an element; return whether there was something."""
    gone = await tx.session.execute(
        delete(TypedElement)
        .where(col(TypedElement.person_id) == person_id, col(TypedElement.element) == element)
        .returning(col(TypedElement.element))
    )
    return gone.first() is not None


async def forget_all(tx: Transaction, event: PersonErased) -> None:
    """Forget what a person typed who is erased."""
    await tx.session.execute(
        delete(TypedElement).where(col(TypedElement.person_id) == event.person_id)
    )


async def tidy(tx: Transaction) -> None:
    """Drop what is too old to be filled in."""
    await tx.session.execute(delete(TypedElement).where(col(TypedElement.at) < tx.now - KEEP))
