"""Views of cases: the list, one case with its timeline, what may be done next."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import or_
from sqlmodel import col

from plugin_sdk.cases import clock, queries, rules
from plugin_sdk.cases.engine import CaseEngine
from plugin_sdk.cases.flow import Does, Transition
from plugin_sdk.cases.models import CaseRow
from plugin_sdk.cases.queries import CaseFacts, Filters
from plugin_sdk.forms import Form
from plugin_sdk.ports import Actor, Audience, Organization, Read
from plugin_sdk.registers.engine import RegisterEngine
from plugin_sdk.views import (
    ActionView,
    AttachmentView,
    CaseDetailView,
    CaseItem,
    CaseListView,
    DeadlineView,
    EntryView,
    FactView,
    FilterView,
    Money,
    Option,
    PartView,
    Phrase,
    Words,
)

R = TypeVar("R", bound=CaseRow)
AskWho = Callable[[], Awaitable[Sequence[Organization]]]


class CaseViews(Generic[R]):
    """What is shown of a flow's cases. An app overrides `summary`, `options`, `kind_words`."""

    form: ClassVar[type[Form] | None] = None
    """The form that opens a case; None: cases open otherwise."""
    kind: ClassVar[str | None] = None
    """The column shown beside the title in lists."""
    with_files: ClassVar[bool] = False

    def __init__(self, engine: CaseEngine[R]) -> None:
        self.engine = engine
        self.hub = engine.hub
        self.flow = engine.flow
        self.here = f"/apps/{self.hub.app}{self.flow.path}"

    async def summary(self, read: Read, row: R) -> list[FactView]:
        """Return what was asked, as the actor may see it."""
        return []

    def facts(self, **values: Words | Money | datetime | int | None) -> list[FactView]:
        """Return rows of a summary, labelled as the fields are; nothing for what is empty."""
        words = self.engine.words
        return [FactView(words(f"field.{key}"), value) for key, value in values.items() if value]

    def revealed(self, row: R) -> list[FactView]:
        """Return what is masked in the summary, in full: for `reveal_routes` alone."""
        return []

    def organizations(self) -> Mapping[str, AskWho]:
        """Return, for the fields of forms that open a case, who may be chosen there."""
        return {}

    def registers(self) -> Mapping[str, RegisterEngine[Any]]:
        """Return, for the fields of forms that open a case, the register that is chosen from: its
        records in force. Where the column `kind` holds such a code, lists show its name."""
        return {}

    async def options(
        self, read: Read, form: type[Form], transition: Transition | None
    ) -> dict[str, list[Option]]:
        """Return the choices of a form's fields; units to hand a case to are found here."""
        if transition is None:
            asked, kept = self.organizations(), self.registers()
            found = {
                name: [Option(str(one.id), one.name) for one in await asked[name]()]
                for name in asked.keys() & form.model_fields
            }
            for name in kept.keys() & form.model_fields:
                records = await kept[name].in_force(read)
                found[name] = [Option(record.code, record.name) for record in records]
            return found
        field = "unit" if transition.does is Does.ASSIGN else transition.moves
        units = await self.engine.units(transition)
        return {str(field): [Option(str(unit.id), unit.name) for unit in units]} if units else {}

    def known(self, row: R) -> Mapping[str, Any]:
        """Return what a case says already of the fields of its acts: it is filled in."""
        return {}

    def kind_words(self, value: str | None) -> Words | None:
        """Return the words for the value of the column `kind`."""
        if self.kind in self.registers():
            return value
        return self.engine.words(f"{self.kind}.{value}") if value else None

    def beside_title(self, fact: CaseFacts, now: datetime) -> Words | None:
        """Return what stands beside the title of a case in lists: the words of its `kind`."""
        return self.kind_words(fact.kind) if self.kind else None

    async def links(self, read: Read) -> list[ActionView]:
        """Return other pages that belong to the list, as far as the actor may see them."""
        return []

    async def link(self, read: Read, path: str, words: Words, permission: str) -> list[ActionView]:
        """Return a link to a page of the app, nothing where the actor may not see it."""
        if not await read.holds(permission):
            return []
        return [ActionView(verb="see", label=words, href=f"/apps/{self.hub.app}{path}")]

    def called(self, actor: Actor) -> Phrase:
        """Return what the cases are called: staff have a word of their own for them."""
        return self.engine.words("list" if actor.audience is Audience.STAFF else "own")

    async def list_view(self, read: Read, filters: Filters, cursor: str) -> CaseListView:
        """Return a page of the list."""
        found, following = await queries.page(
            self.engine, read, filters, kind=self.kind, cursor=cursor
        )
        chosen = {
            "state": filters.state,
            "late": "1" if filters.late else "",
            "mine": "1" if filters.mine else "",
            "q": filters.query,
        }
        asked = {name: value for name, value in chosen.items() if value}
        create = None
        if self.form is not None and self.flow.file and await read.holds(self.flow.file):
            create = ActionView(
                verb=self.flow.opening,
                label=self.engine.words("new"),
                href=f"{self.here}/new",
                primary=True,
            )
        return CaseListView(
            title=self.called(read.actor),
            items=await self.items(read, found),
            filters=self._filters(chosen),
            query=filters.query,
            next_href=f"{self.here}?{urlencode({**asked, 'cursor': following})}"
            if following
            else None,
            create=create,
            links=await self.links(read),
            export_href=f"{self.here}.csv" + (f"?{urlencode(asked)}" if asked else ""),
            ever_any=bool(found) or (filters.any and await queries.any_at_all(self.engine, read)),
        )

    def _filters(self, chosen: Mapping[str, str]) -> list[FilterView]:
        states = [Option(s.key, self.engine.words(f"state.{s.key}")) for s in self.flow.states]
        yes = [Option("1", Phrase("case.filter.yes"))]
        return [
            FilterView(
                name=name,
                label=Phrase(f"case.filter.{name}"),
                options=states if name == "state" else yes,
                value=chosen[name],
            )
            for name in ("state", "late", "mine")
        ]

    async def shown(self, read: Read, found: Sequence[CaseFacts]) -> Sequence[CaseFacts]:
        """Return those of a page that lists, search and exports show to who looks: all of them."""
        return found

    async def items(self, read: Read, found: Sequence[CaseFacts]) -> list[CaseItem]:
        """Return cases as lists show them, what they are called by their registers too."""
        found = await self.shown(read, found)
        names = await self.hub.directory.names(list({fact.organization_id for fact in found}))
        items = [self.item(fact, names.get(fact.organization_id, ""), read) for fact in found]
        if register := self.registers().get(self.kind or ""):
            called = await register.names(read)
            for item in items:
                item.kind = called.get(str(item.kind), item.kind)
        return items

    def item(self, fact: CaseFacts, unit: str, read: Read) -> CaseItem:
        """Return a case as lists show it."""
        return CaseItem(
            id=str(fact.id),
            number=fact.number,
            title=fact.title,
            state=fact.state,
            state_label=self.engine.words(f"state.{fact.state}"),
            deadline=self._deadline(fact, read.now),
            unit=unit,
            opened_at=fact.opened_at,
            href=self.engine.href(fact.number),
            kind=self.beside_title(fact, read.now),
        )

    def _deadline(
        self, fact: CaseFacts | CaseRow, now: datetime, *, skipped: bool = False
    ) -> DeadlineView:
        return clock.deadline_view(
            self.hub.calendar,
            now,
            due_at=fact.due_at,
            pending=fact.due_pending,
            paused_at=fact.paused_at,
            done_at=fact.resolved_at or fact.closed_at,
            skipped=skipped,
        )

    async def detail_view(self, read: Read, row: R) -> CaseDetailView:
        """Return a case with its timeline (newest first) and what the actor may do next."""
        state, units = self.flow.state(row.state), [row.organization_id, row.origin_organization_id]
        names = await self.hub.directory.names(units)
        waits_at = units[1] if state.at == "origin" else units[0]
        return CaseDetailView(
            id=str(row.id),
            number=row.number,
            title=row.title,
            state=row.state,
            state_label=self.engine.words(f"state.{row.state}"),
            version=row.version,
            deadline=self._deadline(row, read.now, skipped=True),
            summary=await self.summary(read, row),
            timeline=await self.timeline(read, row),
            actions=await self.actions(read, row),
            attachments=await self.attachments(read, row),
            parts=await self.parts(read, row),
            unit=names.get(row.organization_id, ""),
            holder=_holder(names.get(waits_at), done=state.final),
            list_href=self.here,
            notice=self._notice(row),
        )

    def _notice(self, row: R) -> Phrase | None:
        if row.extension_asked is not None:
            return Phrase("case.notice.extension-asked", {"n": row.extension_asked})
        if row.due_pending and row.resolved_at is None:
            return Phrase("case.notice.due-pending")
        return None

    async def timeline(self, read: Read, row: R) -> list[EntryView]:
        """Return the steps, newest first; a requester sees the public ones and their own."""
        entry = row.entries
        statement = read.rows(
            entry,
            *(
                col(getattr(entry, name))
                for name in (
                    *("verb", "at", "on_date", "role", "unit", "reason"),
                    *("text", "version", "target", "public", "data"),
                    *("agent_person_id", "delegator_person_id"),
                )
            ),
            permission=self.flow.read,
        ).where(col(entry.case_id) == row.id)
        if not await self._inside(read, row):
            own = col(entry.actor_person_id) == read.actor.person_id
            statement = statement.where(or_(col(entry.public), own))
        found = (await read.session.execute(statement.order_by(col(entry.seq).desc()))).all()
        sent_to = [_unit(data) for *_, data, _, _ in found]
        names = await self.hub.directory.names([unit for unit in set(sent_to) if unit])
        return [
            EntryView(
                verb=verb,
                label=self.engine.said(verb),
                at=at,
                on=on,
                role=role,
                unit=unit,
                reason=reason,
                text=text,
                version=version,
                tone=self.engine.tone(verb, target),
                public=public,
                acting=_acting(*hands),
                to=names.get(to, "") if to else "",
            )
            for to, (
                verb,
                at,
                on,
                role,
                unit,
                reason,
                text,
                version,
                target,
                public,
                _,
                *hands,
            ) in zip(sent_to, found, strict=True)
        ]

    async def _inside(self, read: Read, row: R) -> bool:
        actor = read.actor
        return actor.audience is Audience.STAFF and not rules.is_of_requester(actor, row)

    async def actions(self, read: Read, row: R) -> list[ActionView]:
        """Return what the actor may do now, the first one primary; and, for staff, what the
        present step waits for, with the permission they lack. A request that waits for its
        decision comes first, one reply for all last while units still owe theirs."""
        engine, actor = self.engine, read.actor
        done, beside = await engine.done(read, row.id), await engine.beside(read, row)
        waits_for = self.flow.state(row.state).waits_for
        held: dict[str, bool] = {}
        offered: list[ActionView] = []
        lacking: list[ActionView] = []
        possible = [t for t in self.flow.possible(row.state) if t.offered]
        for transition in sorted(possible, key=lambda t: _turn(t, beside)):
            if rules.blocked(self.hub, transition, actor, row, read.now, done, beside):
                continue
            if not await engine.apart(read, row, transition):
                continue
            if transition.permission not in held:
                held[transition.permission] = await read.holds(transition.permission, row)
            allowed = held[transition.permission]
            if not allowed and (
                transition.permission != waits_for or actor.audience is not Audience.STAFF
            ):
                continue
            (offered if allowed else lacking).append(
                ActionView(
                    verb=transition.verb,
                    label=engine.words(f"act.{transition.verb}"),
                    href=engine.href(row.number, transition.verb),
                    primary=allowed and not offered,
                    needs_form=transition.needs_form,
                    permission=f"{self.hub.app}.{transition.permission}",
                    missing=None if allowed else f"{self.hub.app}.{transition.permission}",
                )
            )
        return offered + lacking

    async def parts(self, read: Read, row: R) -> list[PartView]:
        """Return what assisting units are asked to do, and their replies."""
        found = await self.engine.parts_of(read, row)
        names = await self.hub.directory.names([part.organization_id for part in found])
        return [
            PartView(
                unit=names.get(part.organization_id, ""),
                asked=part.asked,
                deadline=clock.deadline_view(
                    self.hub.calendar,
                    read.now,
                    due_at=part.due_at,
                    pending=False,
                    paused_at=None,
                    done_at=part.replied_at,
                ),
                reply=part.reply,
                replied_at=part.replied_at,
                sent_back=part.open and part.sent_back > 0,
            )
            for part in found
        ]

    async def attachments(self, read: Read, row: R) -> list[AttachmentView]:
        """Return the files of a case that the actor may see."""
        if not self.with_files:
            return []
        files = await self.hub.files.of(read, self.engine.subject(row.id))
        return [
            AttachmentView(
                href=self.hub.files.href(file, read.actor),
                name=file.name,
                width=file.width,
                height=file.height,
            )
            for file in files
        ]


def _holder(unit: str | None, *, done: bool) -> Phrase | None:
    return Phrase(f"case.holder.{'done' if done else 'now'}", {"unit": unit}) if unit else None


def _turn(transition: Transition, beside: rules.Beside) -> int:
    if transition.does is Does.DECIDE:  # offered only while something is asked for
        return 0
    return 2 if transition.does is Does.COLLECT and beside.assisting else 1


def _unit(data: Mapping[str, Any]) -> UUID | None:
    """Return the unit that an act named (`MoveForm`, `AssignForm`, `SendBackForm`)."""
    try:
        return UUID(str(data.get("unit", "")))
    except ValueError:
        return None


def _acting(agent: UUID | None, giver: UUID | None) -> Phrase | None:
    """Return whether a step was done for another, in words."""
    if agent is not None:
        return Phrase("case.acting.behalf")
    return Phrase("case.acting.delegated") if giver is not None else None
