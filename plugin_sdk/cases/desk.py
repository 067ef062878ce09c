"""The desk of a procedure: its forms, and what the portal shows of it elsewhere."""

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlencode

import msgspec

from plugin_sdk.cases import queries
from plugin_sdk.cases.flow import Does
from plugin_sdk.cases.queries import Filters
from plugin_sdk.cases.views import CaseViews, R
from plugin_sdk.extension import Card, Hit
from plugin_sdk.forms import Form, Submission, field_views
from plugin_sdk.ports import Read, Work
from plugin_sdk.problems import Conflict, FieldError, Invalid, field_error
from plugin_sdk.views import ActedView, ActView, FormView, Phrase, SubmittedView


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

    async def draw(self, sent: Submission[Any]) -> Submission[Any]:
        """Return the submission with its photos drawn anew, before the unit of work begins.

        Raises `Invalid` for what is no picture, where none is asked for, or where one is
        needed and is not there.
        """
        if missing := type(sent.form).needed - {field for field, _, _ in sent.files}:
            raise Invalid(*(field_error(name, "photo-missing") for name in sorted(missing)))
        if sent.files and not self.with_files:
            raise Invalid(field_error(sent.files[0][0], "unknown"))
        drawn = [await self.hub.files.draw(name, data) for _, name, data in sent.files]
        return msgspec.structs.replace(sent, pictures=tuple(drawn))

    def notices(self, row: R) -> list[Phrase]:
        """Return what a person is told once a case is filed, beside number and date."""
        return []

    async def new_view(
        self,
        read: Read,
        form: type[Form],
        *,
        action: str = "",
        title: str = "new",
        values: Mapping[str, Any] | None = None,
        errors: tuple[FieldError, ...] = (),
    ) -> FormView:
        """Return the form that opens a case, with what was typed."""
        fields = field_views(
            form,
            self.engine.prefix,
            values=values,
            errors=errors,
            options=await self.options(read, form, None),
            hints=self.hints,
        )
        fields.sort(key=lambda field: not (field.kind == "photo" and field.required))  # first
        return FormView(
            title=self.engine.words(title),
            action=action or self.here,
            verb=self.engine.words(f"act.{self.flow.opening}"),
            fields=fields,
            multipart="photo" in form.kinds.values(),
            cancel=self.here,
        )

    async def act_view(
        self,
        read: Read,
        row: R,
        verb: str,
        *,
        values: Mapping[str, Any] | None = None,
        errors: tuple[FieldError, ...] = (),
        conflict: Phrase | None = None,
    ) -> ActView:
        """Return the form of an act. Raises `Conflict` when the state does not know it."""
        transition = self.flow.find(row.state, verb)
        if transition is None:
            raise Conflict("case.illegal", state=self.engine.words(f"state.{row.state}"))
        fields = field_views(
            transition.form,
            self.engine.prefix,
            values={**self.known(row), **(values or {})},
            errors=errors,
            options=await self.options(read, transition.form, transition),
            hints=self.hints,
        )
        fields.sort(key=lambda field: field.name == "reason" and not field.required)  # last
        return ActView(
            title=self.engine.words(f"act.{verb}"),
            action=self.engine.href(row.number, verb),
            verb=self.engine.words(f"act.{verb}"),
            fields=[field for field in fields if field.name != "version"],
            hidden={"version": str(row.version)},
            conflict=conflict,
            cancel=self.engine.href(row.number),
            about=await self.summary(read, row),
            number=row.number,
            case_title=row.title,
            state_label=self.engine.words(f"state.{row.state}"),
            outcome=self.engine.words(f"outcome.{verb}"),
        )

    def submitted_view(self, row: R) -> SubmittedView:
        """Return what makes certain: number, code, and the date by which an answer comes."""
        return SubmittedView(
            number=row.number,
            code=row.code,
            due_at=row.due_at,
            due_unknown=row.due_pending,
            case_href=self.engine.href(row.number),
            track_href=f"/track?{urlencode({'number': row.number})}",
            notices=self.notices(row),
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
        names = await self.hub.directory.names([fact.organization_id for fact in newest])
        return Card(
            rows=tuple(
                self._item(fact, names.get(fact.organization_id, ""), read) for fact in newest
            ),
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
            for fact in found
        ]

    def urges(self, verb: str) -> bool:
        """Return whether a verb is one that can be undone for ten seconds."""
        return self.flow.by_verb(verb).does is Does.URGE
