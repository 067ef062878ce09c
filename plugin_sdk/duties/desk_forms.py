"""The forms of a duty, and what an app says of it."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, ClassVar, Generic, TypeVar

import msgspec

from plugin_sdk.cases.forms import Decision
from plugin_sdk.duties.calendar import month_words, spell_period
from plugin_sdk.duties.engine import REFUSED, DutyEngine
from plugin_sdk.duties.forms import CorrectForm, ReturnForm, ReviewForm
from plugin_sdk.duties.models import DutyFiling, DutyPeriod
from plugin_sdk.duties.views import DutyItem
from plugin_sdk.facts import facts_of
from plugin_sdk.forms import Form
from plugin_sdk.money import spell_yuan
from plugin_sdk.ports import Read, Work
from plugin_sdk.problems import NotFound, field_error
from plugin_sdk.taking import BLANK, Typed
from plugin_sdk.views import ActionView, FactView, FormView, Option, Phrase

P = TypeVar("P", bound=DutyPeriod)


class DutyForms(Generic[P]):
    """What an app says of a duty beyond its declaration, and the forms that follow from it.

    Override `items` with the catalogue; `check` for what must hold before an item is filed,
    `facts` for what is masked, `options` for choices that the form's types do not tell.
    """

    hints: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, engine: DutyEngine[P]) -> None:
        self.engine = engine
        self.hub = engine.hub
        self.duty = engine.duty

    async def items(self, read: Read, period: date) -> Sequence[DutyItem]:
        """Return the catalogue as it stands for a period, in its order."""
        raise NotImplementedError

    async def check(
        self, work: Work, row: P, item: DutyItem, form: ReturnForm | None
    ) -> Mapping[str, Any]:
        """Return columns to fill beside the form's. Raises `Invalid` for what cannot stand."""
        return {}

    def fields(self, item: DutyItem) -> frozenset[str]:
        """Return the fields of the form that an item asks for; all unless overridden."""
        return frozenset(self.duty.form.model_fields)

    def needed(self, item: DutyItem) -> frozenset[str]:
        """Return fields that an item needs though the form's types do not say so."""
        return frozenset()

    def facts(self, made: DutyFiling) -> list[FactView]:
        """Return what a filing says."""
        if made.nil:
            return []
        values = {name: getattr(made, name) for name in self.duty.form.model_fields}
        return facts_of(self.duty.form, self.engine.prefix, values)

    async def options(self, read: Read) -> Mapping[str, list[Option]]:
        """Return the choices of the form's fields."""
        return {}

    async def links(self, read: Read) -> list[ActionView]:
        """Return what is offered beside the month and the table: pages that belong to them."""
        return []

    async def item(self, read: Read, period: date, code: str) -> DutyItem:
        """Return an item of the catalogue. Raises `NotFound` for one that it does not hold."""
        for item in await self.items(read, period):
            if item.code == code:
                return item
        raise NotFound

    def correcting(self) -> type[Form]:
        """Return the form of a correction: the duty's, and why."""
        form = self.duty.form
        kinds = {"kinds": {**form.kinds, **CorrectForm.kinds}}
        return type(f"{form.__name__}Correction", (CorrectForm, form), kinds)

    async def new_view(self, read: Read, period: date, code: str, typed: Typed = BLANK) -> FormView:
        """Return the form of an item, with what was typed."""
        item = await self.item(read, period, code)
        at = self.engine.href(spell_period(period), code)
        before = await self._returned(read, period, code)
        told = Phrase("duties.returned", {"text": before.remark or ""}) if before else None
        known = self.spelled(before) if before else await self.known(read, period, item)
        typed = msgspec.structs.replace(typed, conflict=typed.conflict or told)
        return await self._form(read, item, period, at, self.duty.form, typed, known)

    async def _returned(self, read: Read, period: date, code: str) -> DutyFiling | None:
        """Return what the actor's organization filed last of an item where it was sent back."""
        owner = read.actor.organization_id
        if owner is None:
            return None
        filed = await self.engine.filings(read, owner, period)
        newest = next((made for made in filed if made.item == code), None)
        return newest if newest is not None and newest.state == REFUSED else None

    async def known(self, read: Read, period: date, item: DutyItem) -> Mapping[str, Any]:
        """Return what is known already of an item's fields: it is filled in."""
        return {}

    async def correct_view(self, read: Read, made: DutyFiling, typed: Typed = BLANK) -> FormView:
        """Return the form of a correction, with what was published."""
        item = await self.item(read, made.period, made.item)
        at, form = self.engine.href("filings", made.id, "correct"), self.correcting()
        return await self._form(read, item, made.period, at, form, typed, self.spelled(made))

    def spelled(self, made: DutyFiling) -> dict[str, Any]:
        """Return what a filing says as a form shows it."""
        names, kinds = self.duty.form.model_fields, self.duty.form.kinds
        stored = {name: getattr(made, name) for name in names}
        return {
            name: spell_yuan(value) if kinds.get(name) == "money" else value
            for name, value in stored.items()
        }

    async def review_view(self, read: Read, made: DutyFiling, typed: Typed = BLANK) -> FormView:
        """Return the form of a review, what was filed beside it."""
        item = await self.item(read, made.period, made.item)
        fields = typed.fields(ReviewForm, "duties", hints=frozenset({"remark"}))
        for field in fields:
            if field.name == "decision":
                field.options = [
                    Option(str(one), Phrase(f"duties.decision.{one}")) for one in Decision
                ]
        return FormView(
            title=Phrase("duties.act.review"),
            intro=Phrase("duties.item_of", {"item": item.name, "period": month_words(made.period)}),
            action=self.engine.href("filings", made.id, "review"),
            verb=Phrase("duties.act.decide"),
            fields=fields,
            conflict=typed.conflict,
            cancel=self.engine.href("filings", made.id),
            about=self.facts(made)
            or [FactView(Phrase("duties.state_label"), Phrase("duties.nothing"))],
        )

    async def _form(
        self,
        read: Read,
        item: DutyItem,
        period: date,
        action: str,
        form: type[Form],
        typed: Typed,
        known: Mapping[str, Any],
    ) -> FormView:
        needed, errors = self.needed(item), typed.errors
        if errors:  # all at once: what the item needs beside what is wrong
            named = {error.field for error in errors}
            lacking = [
                n for n in form.model_fields if n in needed - named and not typed.values.get(n)
            ]
            errors += tuple(field_error(name, "missing") for name in lacking)
            typed = msgspec.structs.replace(typed, errors=errors)
        wrong = next((error.message for error in errors if error.field == "period"), None)
        options = await self.options(read)
        fields = typed.fields(form, self.engine.prefix, known, options=options, hints=self.hints)
        fields = [field for field in fields if field.name in self.fields(item)]
        for field in fields:
            field.required = field.required or field.name in needed
        if issubclass(form, CorrectForm):
            fields += typed.fields(CorrectForm, "duties")
        return FormView(
            title=item.name,
            intro=Phrase("duties.of_month", {"period": month_words(period)}),
            action=action,
            verb=Phrase("duties.act.submit"),
            fields=fields,
            conflict=typed.conflict or wrong,
            cancel=self.engine.href(),
        )
