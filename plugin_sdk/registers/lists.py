"""The list of a register: what is in force, what was asked for, page by page."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, ClassVar, Final, Generic, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import Select, and_, func, or_
from sqlmodel import col

from plugin_sdk.cursors import Position, cut, older, read_cursor
from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import Read
from plugin_sdk.registers.engine import RegisterEngine
from plugin_sdk.registers.models import RegisterRow
from plugin_sdk.registers.views import RecordItem, RegisterView, State
from plugin_sdk.views import ActionView, FilterView, Option, Phrase, Words

R = TypeVar("R", bound=RegisterRow)

PAGE: Final = 20
SOON: Final = timedelta(days=30)
"""How long before its end a record is shown as ending, where no reminder says otherwise."""
NOTHING: Final[Mapping[str, str]] = {}
STATES: Final[tuple[State, ...]] = ("in_force", "ending", "future", "ended")


class RegisterList(Generic[R]):
    """The list of a register. Override `note` for a word beside the name, `filters` and `narrow`
    for what an app's list is asked for beside the state and words."""

    asks: ClassVar[tuple[str, ...]] = ()
    """Names by which the list is narrowed further (`filters`, `narrow`)."""

    def __init__(self, engine: RegisterEngine[R]) -> None:
        self.engine = engine
        self.hub = engine.hub
        self.register = engine.register

    def note(self, row: R) -> Words | None:
        """Return what stands beside a record's name in lists."""
        return None

    async def notes(self, read: Read, rows: Sequence[R]) -> Mapping[UUID, Words | None]:
        """Return what stands beside the names of records in lists, by id."""
        return {row.id: self.note(row) for row in rows}

    async def filters(self, read: Read, asked: Mapping[str, str]) -> list[FilterView]:
        """Return further filters of the list, with what was asked."""
        return []

    async def narrow(
        self, read: Read, statement: Select[Any], asked: Mapping[str, str]
    ) -> Select[Any]:
        """Return the records that were asked for, by the names in `asks`. Raises `Problem` for
        what is no choice."""
        return statement

    def soon(self) -> timedelta:
        """Return how long before its end a record is shown as ending."""
        return timedelta(days=max(self.register.remind)) if self.register.remind else SOON

    def state(self, row: RegisterRow, today: date) -> State:
        """Return whether a record is in force."""
        if row.starts_on > today and (row.ends_on is None or row.ends_on >= row.starts_on):
            return "future"
        if row.ends_on is not None and row.ends_on < today:
            return "ended"
        if row.ends_on is not None and row.ends_on <= today + self.soon():
            return "ending"
        return "in_force"

    async def page(
        self, read: Read, state: str, query: str, cursor: str, asked: Mapping[str, str]
    ) -> tuple[list[R], str | None]:
        """Return a page of records, the last changed first, and where the next begins."""
        row = self.engine.row
        statement = await self.chosen(read, state, query, asked)
        if cursor:
            statement = statement.where(
                older(read_cursor(cursor), col(row.changed_at), col(row.id))
            )
        statement = statement.order_by(col(row.changed_at).desc(), col(row.id).desc())
        return cut(
            list((await read.session.execute(statement.limit(PAGE + 1))).scalars()),
            PAGE,
            lambda record: Position(record.changed_at, record.id),
        )

    async def chosen(
        self, read: Read, state: str, query: str, asked: Mapping[str, str], *columns: Any
    ) -> Select[Any]:
        """Return the statement of the records that were asked for, or of columns of them."""
        statement = self._narrow(read, state, query, local_day(read.now), *columns)
        return await self.narrow(read, statement, asked) if asked else statement

    async def count(self, read: Read, asked: Mapping[str, str]) -> int:
        """Return how many records the list has that is asked for so."""
        statement = await self.chosen(read, "", "", asked, func.count())
        return int((await read.session.execute(statement)).scalar_one())

    async def list_view(
        self, read: Read, state: str, query: str, cursor: str, more: Mapping[str, str] = NOTHING
    ) -> RegisterView:
        """Return a page of the register."""
        today = local_day(read.now)
        found, following = await self.page(read, state, query, cursor, more)
        asked = {name: value for name, value in (("state", state), ("q", query)) if value}
        asked |= {name: value for name, value in more.items() if value}
        names = await self.hub.directory.names(list({record.organization_id for record in found}))
        notes = await self.notes(read, found)
        following_href = f"{self.engine.href()}?{urlencode({**asked, 'cursor': following})}"
        return RegisterView(
            title=self.engine.words("list"),
            items=[self._item(record, names, today, notes.get(record.id)) for record in found],
            filters=[
                FilterView(
                    name="state",
                    label=Phrase("registers.state_label"),
                    options=[Option(name, Phrase(f"registers.state.{name}")) for name in STATES],
                    value=state,
                ),
                *await self.filters(read, more),
            ],
            query=query,
            next_href=following_href if following else None,
            create=await self._create(read),
            export_href=f"{self.engine.href()}.csv" + (f"?{urlencode(asked)}" if asked else ""),
            import_href=self.engine.href("import")
            if self.register.imports and await read.holds(self.register.imports)
            else None,
        )

    def _narrow(
        self, read: Read, state: str, query: str, today: date, *columns: Any
    ) -> Select[Any]:
        row = self.engine.row
        statement = read.rows(row, *columns, permission=self.register.read)
        ends_on, starts_on = col(row.ends_on), col(row.starts_on)
        if state == "future":
            statement = statement.where(starts_on > today)
        elif state == "ended":
            statement = statement.where(ends_on < today)
        elif state == "ending":
            soon = and_(ends_on >= today, ends_on <= today + self.soon())
            statement = statement.where(soon, starts_on <= today)
        elif state:
            statement = statement.where(row.in_force(today))
        if query:
            words = query.strip()[:100]
            statement = statement.where(
                or_(
                    col(row.name).contains(words, autoescape=True),
                    col(row.code).startswith(words, autoescape=True),
                )
            )
        return statement

    async def _create(self, read: Read) -> ActionView | None:
        if not await read.holds(self.register.edit):
            return None
        return ActionView(
            verb="add",
            label=self.engine.words("new"),
            href=self.engine.href("new"),
            primary=True,
        )

    def _item(
        self, row: R, names: Mapping[UUID, str], today: date, note: Words | None
    ) -> RecordItem:
        state = self.state(row, today)
        return RecordItem(
            id=str(row.id),
            code=row.code,
            name=row.name,
            state=state,
            state_label=Phrase(f"registers.state.{state}"),
            starts_on=row.starts_on,
            ends_on=row.ends_on,
            unit=names.get(row.organization_id, ""),
            href=self.engine.href(row.id),
            note=note,
        )
