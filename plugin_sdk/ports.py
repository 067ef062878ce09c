"""What an app is given: protocols and frozen structs, nothing that runs. `Hub.read(actor)` reads,
`Hub.work(actor, key)` writes: one unit of work, one transaction, committed before the answer
starts. There is no ambient session and no global.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncSession

from plugin_sdk.acting import Actor as Actor  # noqa: PLC0414  ports.py offers every port
from plugin_sdk.acting import Audience as Audience  # noqa: PLC0414  the same
from plugin_sdk.acting import Permit as Permit  # noqa: PLC0414  the same
from plugin_sdk.acting import ScopeKind as ScopeKind  # noqa: PLC0414  the same
from plugin_sdk.deadlines import Term
from plugin_sdk.directory import Directory as Directory  # noqa: PLC0414  the same
from plugin_sdk.directory import Official as Official  # noqa: PLC0414  the same
from plugin_sdk.directory import Organization as Organization  # noqa: PLC0414  the same
from plugin_sdk.drafts import Draft
from plugin_sdk.elements import Elements
from plugin_sdk.files import Picture, StoredFile
from plugin_sdk.life import Life
from plugin_sdk.views import Phrase, View, Words

T = TypeVar("T")


class RequestKey(msgspec.Struct, frozen=True):
    """What makes a request one: the client's key, the route, and a digest of the body.

    The same key and digest replay the stored answer; another digest is refused (409).
    `shown` says that the key came with a page's form that begins a procedure: showing it was
    counted as the start, so that sending it is none.
    """

    key: str
    route: str
    digest: str
    shown: bool = False


class To(msgspec.Struct, frozen=True):
    """Whom a notice or a work item is for: one person, or whoever in an organization
    holds the permission (the work of a unit, not of a named person).

    A work item for a person with their organization is theirs while their post there lasts,
    then the organization's."""

    person_id: UUID | None = None
    organization_id: UUID | None = None
    permission: str | None = None


class LegacyPerson(msgspec.Struct, frozen=True):
    """Somebody whom an old system knew: who they are here, and the index of their number, None
    where nobody of staff has compared one with their card."""

    person_id: UUID
    number: str | None


class Numbers(Protocol):
    """Identity numbers as an app may know them: never themselves, only whether two are one.

    An index is a keyed digest for this app alone: it cannot be turned back, tried out, or
    compared with what another app or the hub keeps."""

    def index(self, number: str) -> str:
        """Return the index of a number, to keep in its place. Raises
        `plugin_sdk.identifiers.IdentifierError`."""
        ...

    async def own(self, actor: Actor) -> str | None:
        """Return the index of the actor's own number, None where nobody of staff has compared one
        with their card, and for whoever acts on another's behalf."""
        ...

    async def legacy(self, system: str, id: str) -> LegacyPerson | None:
        """Return whom an old system knew under an id, None for nobody (`yimen people import`)."""
        ...


class Calendar(Protocol):
    """The working calendar of the county (`plugin_sdk.deadlines.WorkingCalendar`)."""

    def is_working_day(self, day: date) -> bool: ...


class Files(Protocol):
    """Attachments: checked and re-encoded before anything is kept."""

    async def draw(self, name: str, data: bytes) -> Picture:
        """Return a photo drawn anew. It takes a while: do it before the unit of work begins.

        Raises `Invalid` when the bytes are not a picture that may be kept.
        """
        ...

    async def keep(self, work: "Work", subject: str, picture: Picture) -> StoredFile:
        """Keep a picture with its subject."""
        ...

    async def of(self, read: "Read", subject: str) -> list[StoredFile]:
        """Return the files of a subject. The app has checked that the actor may see it."""
        ...

    async def content(self, read: "Read", file: StoredFile) -> bytes:
        """Return what a file of the app holds, to hand it on. Raises `NotFound`."""
        ...

    def href(self, file: StoredFile, actor: Actor) -> str:
        """Return the address that opens the file for this actor's session and seat, for a while."""
        ...


class Drafts(Protocol):
    """Drafts of the app's forms, each its person's alone; dropped when it is sent.

    `keep` returns False for one that was sent meanwhile; it raises `Denied` for a visitor and
    `Problem` (413) for one that is too large."""

    async def keep(self, actor: Actor, draft: Draft) -> bool: ...
    async def find(self, actor: Actor, form: str, key: str) -> Draft | None: ...


class Todo(Protocol):
    """Work items: what waits for a person or a unit."""

    async def open(
        self,
        subject: str,
        to: To,
        title: Phrase | str,
        href: str,
        *,
        label: Phrase,
        due_at: datetime | None = None,
    ) -> None:
        """Open the item of `subject` for `to`, or move the one that is open there."""
        ...

    async def close(self, subject: str, to: To | None = None) -> None:
        """Close what is open of `subject` (all of it, or one recipient's)."""
        ...


class Read(Protocol):
    """Reading within the actor's scope."""

    actor: Actor

    @property
    def now(self) -> datetime:
        """The time of the transaction, in UTC: the same throughout."""
        ...

    @property
    def session(self) -> AsyncSession:
        """The session: scoped tables are refused but through `rows` and `get`."""
        ...

    def rows(self, model: type[Any], *columns: Any, permission: str | None = None) -> Select[Any]:
        """Return a select of the rows the actor may see under the permission.

        Without `permission` it is the route's. A statement that touches a scoped table in
        any other way is refused when it is executed.
        """
        ...

    def units(self, permission: str | None = None) -> Select[UUID] | None:
        """Return a select of the organizations whose rows the permission lets the actor see, None
        where these are all; what is the actor's own as a person is beside that.

        It narrows where a statement looks, and opens nothing: rows are read through `rows`.
        """
        ...

    def beyond_scope(self, model: type[Any], *columns: Any, reason: str) -> Select[Any]:
        """Return a select past the actor's scope: named, and audited."""
        ...

    async def fetch(self, statement: Select[Any], into: type[T]) -> list[T]:
        """Return the rows as structs, column by column in the order of the select."""
        ...

    async def holds(self, permission: str, row: Any = None) -> bool:
        """Return whether the actor holds the app's permission (for this row)."""
        ...


class Work(Read, Protocol):
    """The one way to write: everything here is one transaction."""

    @property
    def todo(self) -> Todo:
        """The app's work items."""
        ...

    async def require(self, permission: str, row: Any = None) -> Permit:
        """Return the grant that allows the act on the row; raise `Denied` or `NotFound`."""
        ...

    async def get(self, model: type[T], id: UUID, *, permission: str | None = None) -> T:
        """Return a row for change, within scope. Raises `NotFound`."""
        ...

    async def add(self, row: Any, *, placed: bool = False) -> None:
        """Add a row. `placed` says that it goes to a unit outside the actor's scope by the
        act itself (a filing goes to the centre)."""
        ...

    def audit(self, act: str, subject: str, **facts: Any) -> None: ...

    def notify(
        self,
        to: To,
        message: Phrase,
        href: str,
        *,
        delay_seconds: int = 0,
        dedupe: str | None = None,
    ) -> None:
        """Put a notice into the message centre of `to`, from the outbox, once (a `dedupe`
        key: once ever)."""
        ...

    async def unsend(self, dedupe: str) -> bool:
        """Take back a notice that waits; return whether it had not left."""
        ...

    def text(self, phone: str, message: Words, *, dedupe: str | None = None) -> None:
        """Send a short message in Chinese to a telephone number, from the outbox. What stands
        in it as `Secret` is read on the telephone alone."""
        ...

    def emit(self, event: str, **payload: Any) -> None:
        """Send an event of the app through the outbox, at least once with a dedupe key."""
        ...

    def effect(
        self,
        name: str,
        subject: str,
        *,
        served: UUID | None = None,
        on_time: bool | None = None,
        reminded: bool = False,
    ) -> None:
        """Count one finished business object; the same subject counts once, and so does what is
        said of it.

        `served` is the person for whom it was finished, where that is not who acts. `on_time`
        says whether it was finished by its deadline (None: it had none), `reminded` whether
        somebody had to urge (催办) before.
        """
        ...

    def rated(self, name: str, subject: str, *, satisfied: bool) -> None:
        """Count what whom an effect served says of it (好差评), once a subject, under the name of
        that effect."""
        ...

    def start(self, name: str, subject: str) -> None:
        """Count a procedure on a subject as started, unless showing its form was counted so;
        the first effect on a subject that was started completes it."""
        ...

    async def number(self, series: str) -> str:
        """Return the next public number of a gap-recording series, e.g. 202611240001."""
        ...

    async def timer(self, kind: str, subject: str, at: datetime | None) -> None:
        """Set (or with None clear) the timer of a kind on a subject; it fires once."""
        ...

    def answer(self, value: T) -> T:
        """Keep the answer of this request for a replay of its key, and return it."""
        ...


class Answer(msgspec.Struct, frozen=True):
    """What a handler sends: a view (page or JSON), or where to go next."""

    view: View | None = None
    location: str | None = None
    status: int = 200
    said: Phrase | None = None
    undo: str | None = None


class Pages(Protocol):
    """Shows views: the page for a browser, the struct as JSON for a program."""

    async def answer(self, request: Any, actor: Actor, answer: Answer) -> Any: ...

    def say(self, words: Words, language: str) -> str:
        """Return words in a language, for files that are exported."""
        ...

    def network(self, request: Any) -> str:
        """Return what a visitor is counted under: the IPv4 address or IPv6 network of the client,
        as far as proxies are trusted."""
        ...


class Hub(Protocol):
    """The hub as one app sees it."""

    app: str
    directory: Directory
    numbers: Numbers
    files: Files
    drafts: Drafts
    elements: Elements
    pages: Pages
    settings: Mapping[str, Any]

    @property
    def site(self) -> str:
        """Return the address of the hub (`https://…`, no slash at the end), for what is
        printed; pages link by path."""
        ...

    @property
    def folder(self) -> Path:
        """Return the app's own folder on this machine, for what is no data of the hub: the
        database of a simulated provider, a key. It is made when it is first used."""
        ...

    @property
    def calendar(self) -> Calendar:
        """Return the working calendar as it is known now."""
        ...

    def now(self) -> datetime:
        """Return the time in UTC; tests set it."""
        ...

    def at(self, moment: datetime) -> "Hub":
        """Return the hub with its clock standing at `moment`: for what happened earlier
        (demonstrations, imports). What is done there is history and no use of the app: it is
        not counted as usage, neither then nor now."""
        ...

    def once(self, make: Callable[["Hub"], T]) -> T:
        """Return what `make` makes of this hub: made when it is first asked for, then the same
        for all of the app's hooks and routes. Of a hub `at` another time it is another."""
        ...

    async def hit(self, name: str, seconds: int) -> int:
        """Count something of the app under a name, by all workers together; return how often it
        was in the present window of so many seconds, this time included."""
        ...

    async def life(self, read: "Read", app: str) -> Life | None:
        """Return where an app stands in its life cycle, as its page says to everybody; None for
        one that is not on the county's register. It is read on the connection of `read`."""
        ...

    def read(self, actor: Actor) -> AbstractAsyncContextManager[Read]: ...

    def work(
        self, actor: Actor, key: RequestKey | None = None
    ) -> AbstractAsyncContextManager[Work]: ...

    def system(self, name: str) -> Actor:
        """Return the actor for what the app does by itself (timers, imports)."""
        ...

    def due(self, start: datetime, term: Term) -> datetime | None:
        """Return when a term ends, None while that year's calendar is not entered (期限待定)."""
        ...
