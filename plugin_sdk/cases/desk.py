"""The desk of a procedure: its forms, and what the portal shows of it elsewhere."""

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlencode

import msgspec

from plugin_sdk.calendar_file import calendar_file
from plugin_sdk.cases import queries
from plugin_sdk.cases.answers import answers
from plugin_sdk.cases.flow import Does, Transition
from plugin_sdk.cases.parts import replied_units
from plugin_sdk.cases.queries import Filters
from plugin_sdk.cases.views import CaseViews, R
from plugin_sdk.deadlines import local_day
from plugin_sdk.drafts import Draft
from plugin_sdk.elements import Held
from plugin_sdk.extension import Card, Hit
from plugin_sdk.forms import Form, Submission, field_views, texts_of
from plugin_sdk.ports import Read, Work
from plugin_sdk.problems import Conflict, Invalid, NotFound, field_error
from plugin_sdk.taking import BLANK, Typed
from plugin_sdk.views import (
    ActedView,
    ActView,
    CheckView,
    FieldView,
    FiguresView,
    FormView,
    Option,
    Phrase,
    SubmittedView,
)


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """One way to open a case: its form, the words of its title, where it stands, the address that
    takes it, the one that shows the answers before (None: they are sent at once), the one that
    keeps a draft (None: it is filled in at one sitting), and whether it works off line."""

    form: type[Form]
    name: str
    here: str
    action: str
    check: str | None = None
    draft: str | None = None
    offline: bool = False

    @property
    def photos(self) -> frozenset[str]:
        """Return the fields that are photos."""
        return frozenset(name for name, kind in self.form.kinds.items() if kind == "photo")


class CaseDesk(CaseViews[R]):
    """What an app says of its cases beyond the flow, and how it opens one.

    Set `form` and override `file` where people open cases; the rest where there is more to say.
    """

    hints: ClassVar[frozenset[str]] = frozenset()
    """Fields with a hint in the catalogue."""

    async def file(self, work: Work, sent: Submission[Any]) -> R:
        """Open a case from the form. Raises `Invalid`."""
        raise NotImplementedError

    async def prepare(self) -> None:
        """Ask, before the unit of work begins, for what `file` looks up (see `look_up`)."""
        await self.engine.prepare()
        for ask in self.organizations().values():
            await ask()

    async def refuse_unoffered(self, form: Form) -> None:
        """Raise `Invalid` for an organization that none of the form's fields offers."""
        wrong = []
        for name, ask in self.organizations().items():
            value = getattr(form, name, None)
            if value is not None and str(value) not in {str(one.id) for one in await ask()}:
                wrong.append(field_error(name, "choice"))
        if wrong:
            raise Invalid(*wrong)

    async def draw(self, sent: Submission[Any]) -> Submission[Any]:
        """Return the submission with its photos drawn anew, before the unit of work begins.

        Raises `Invalid` for what is no picture, where none is asked for, or where one is
        needed and is not there.
        """
        if missing := type(sent.form).needed - {field for field, _, _ in sent.files}:
            raise Invalid(*(field_error(name, "photo-missing") for name in sorted(missing)))
        photos = {name for name, kind in type(sent.form).kinds.items() if kind == "photo"}
        if other := [field for field, _, _ in sent.files if field not in photos]:
            raise Invalid(field_error(other[0], "unknown"))
        drawn = [await self.hub.files.draw(name, data) for _, name, data in sent.files]
        return msgspec.structs.replace(sent, pictures=tuple(drawn))

    def notices(self, row: R) -> list[Phrase]:
        """Return what a person is told once a case is filed, beside number and date."""
        return []

    async def new_view(
        self,
        read: Read,
        way: Way,
        typed: Typed = BLANK,
    ) -> FormView:
        """Return the form that opens a case, with what was typed."""
        fields = await self._fields(read, way, typed)
        if way.check:  # photos cannot travel on: they are asked for where it is sent
            fields = [field for field in fields if field.kind != "photo"]
        fields.sort(key=lambda field: not (field.kind == "photo" and field.required))  # first
        return FormView(
            title=self.engine.words(way.name),
            intro=Phrase("case.check.step", {"n": 1, "of": 2}) if way.check else None,
            action=way.check or way.action,
            verb=Phrase("case.check.go_on") if way.check else self._filing,
            fields=fields,
            conflict=typed.conflict,
            multipart=any(field.kind == "photo" for field in fields),
            draft=way.draft,
            offline=way.offline,
            cancel=self.here,
        )

    async def check_view(self, read: Read, way: Way, typed: Typed) -> CheckView:
        """Return the answers once more, with what is asked for last: the photos."""
        fields = await self._fields(read, way, typed)
        photos = [field for field in fields if field.kind == "photo"]
        return CheckView(
            title=Phrase("case.check.title"),
            intro=Phrase("case.check.step", {"n": 2, "of": 2}),
            action=way.action,
            verb=self._filing,
            fields=photos,
            hidden={name: str(value) for name, value in typed.values.items()},
            multipart=bool(photos),
            draft=way.draft,
            answers=answers(field for field in fields if field.kind != "photo"),
            change=way.check or way.action,
        )

    def draft(self, way: Way, key: str, values: Mapping[str, Any]) -> Draft | None:
        """Return what was typed so far as a draft, None where that is nothing."""
        texts = texts_of(way.form, values)
        fields = field_views(way.form, self.engine.prefix, values=texts)
        began = [field for field in fields if texts.get(field.name) and field.kind != "radio"]
        if not began:
            return None
        said = next((texts[field.name] for field in began if field.kind == "textarea"), "")
        return Draft(
            key=key,
            app=self.hub.app,
            form=way.name,
            href=f"{way.here}?{urlencode({'draft': key})}",
            title=said.strip().partition("\n")[0][:40] or self.engine.words(way.name),
            lacking=tuple(
                field.label
                for field in fields
                if field.required and not texts.get(field.name) and isinstance(field.label, Phrase)
            ),
            texts=texts,
        )

    @property
    def _filing(self) -> Phrase:
        return self.engine.words(f"act.{self.flow.opening}")

    async def _fields(self, read: Read, way: Way, typed: Typed) -> list[FieldView]:
        return typed.fields(
            way.form,
            self.engine.prefix,
            options=await self.options(read, way.form, None),
            hints=self.hints,
            held=await self._held(read, way),
        )

    async def _held(self, read: Read, way: Way) -> Mapping[str, Held]:
        """Return what the hub holds for a form; nothing for one that is kept on the device."""
        if way.offline:
            return {}
        return await self.hub.elements.held(read, way.form.elements.values())

    async def act_view(
        self,
        read: Read,
        row: R,
        verb: str,
        typed: Typed = BLANK,
    ) -> ActView:
        """Return the form of an act. Raises `Conflict` when the state does not know it."""
        transition = self.flow.find(row.state, verb)
        if transition is None:
            raise Conflict("case.illegal", state=self.engine.words(f"state.{row.state}"))
        known, options = await self._offered(read, row, transition)
        fields = field_views(
            transition.form,
            self.engine.prefix,
            values={**known, **typed.values},
            errors=typed.errors,
            options=options,
            hints=self.hints,
        )
        fields.sort(key=lambda field: field.name == "reason" and not field.required)  # last
        return ActView(
            title=self.engine.words(f"act.{verb}"),
            action=self.engine.href(row.number, verb),
            verb=self.engine.words(f"act.{verb}"),
            fields=[field for field in fields if field.name != "version"],
            hidden={"version": str(row.version)},
            multipart=any(field.kind == "photo" for field in fields),
            conflict=typed.conflict,
            cancel=self.engine.href(row.number),
            about=await self.summary(read, row),
            number=row.number,
            case_title=row.title,
            state_label=self.engine.words(f"state.{row.state}"),
            outcome=self.engine.words(f"outcome.{verb}"),
        )

    async def _offered(
        self, read: Read, row: R, transition: Transition
    ) -> tuple[dict[str, Any], dict[str, list[Option]]]:
        """Return what the form of an act says already, and what there is to choose from."""
        known = dict(self.known(row))
        options = await self.options(read, transition.form, transition)
        if transition.does is Does.COLLECT:
            known["text"] = await self.engine.collected(read, row)
        elif transition.does is Does.SEND_BACK:
            units = replied_units(await self.engine.parts_of(read, row))
            names = await self.hub.directory.names(units)
            options["unit"] = [Option(str(unit), names.get(unit, "")) for unit in units]
        return known, options

    async def keep_files(self, work: Work, row: R, sent: Submission[Any]) -> None:
        """Keep the photos that came with a filing or an act: evidence beside what it says."""
        for picture in sent.pictures:
            await self.hub.files.keep(work, self.engine.subject(row.id), picture)

    def submitted_view(self, row: R) -> SubmittedView:
        """Return what makes certain: number, code, and the date by which an answer comes."""
        return SubmittedView(
            number=row.number,
            code=row.code,
            due_at=row.due_at,
            due_unknown=row.due_pending,
            case_href=self.engine.href(row.number),
            next=self.engine.words("next"),
            track_href=f"/track?{urlencode({'number': row.number})}"
            if self.flow.followed
            else None,
            calendar_href=self.engine.href(row.number, "filed.ics") if row.due_at else None,
            notices=self.notices(row),
        )

    def calendar_file(self, row: R, language: str) -> bytes:
        """Return the date by which an answer comes as a file for a calendar. Raises
        `NotFound` for a case that has none (yet)."""
        if row.due_at is None:
            raise NotFound
        params = {"number": row.number, "title": row.title}
        say = self.hub.pages.say
        return calendar_file(
            uid=f"{self.engine.subject(row.id)}.{self.hub.app}",
            day=local_day(row.due_at),
            summary=say(Phrase("case.calendar.summary", params), language),
            description=say(Phrase("case.calendar.description", params), language),
            stamp=self.hub.now(),
            sequence=row.version,
        )

    def acted_view(self, row: R) -> ActedView:
        """Return what an act led to."""
        return ActedView(
            number=row.number,
            state=row.state,
            state_label=self.engine.words(f"state.{row.state}"),
            version=row.version,
            due_at=row.due_at,
            due_unknown=row.due_pending,
            href=self.engine.href(row.number),
        )

    # What the portal shows of an app elsewhere.

    async def card(self, read: Read) -> Card | None:
        """Return the app's card on a home page, None when nothing is under way."""
        found = await queries.waiting(self.engine, read)
        if not found.open:
            return None
        name = "late" if found.late else "today" if found.today else "open"
        count = getattr(found, name)
        newest, _ = await queries.page(
            self.engine, read, Filters(mine=True), kind=self.kind, size=3
        )
        return Card(
            rows=tuple(await self.items(read, newest)),
            title=self.called(read.actor),
            text=Phrase(f"case.card.{name}", {"n": count}),
            href=f"{self.here}?mine=1" + ("&late=1" if found.late else ""),
            count=count,
        )

    async def hits(self, read: Read, query: str, limit: int) -> list[Hit]:
        """Return the cases in scope that match, newest first."""
        found, _ = await queries.page(self.engine, read, Filters(query=query), size=limit)
        return [
            Hit(
                kind="work",
                title=fact.title,
                text=self.engine.words(f"state.{fact.state}"),
                href=self.engine.href(fact.number),
            )
            for fact in await self.shown(read, found)
        ]

    async def add_figures(self, read: Read, view: FiguresView) -> None:
        """Add what the app counts of the view's period beside what the kit does."""

    def urges(self, verb: str) -> bool:
        """Return whether a verb is one that can be undone for ten seconds."""
        return self.flow.by_verb(verb).does is Does.URGE
