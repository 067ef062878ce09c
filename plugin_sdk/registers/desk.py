"""The desk of a register: beside its list, one record with its versions, its forms."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, ClassVar, TypeVar

from pydantic import Field

from plugin_sdk.deadlines import local_day
from plugin_sdk.facts import facts_of
from plugin_sdk.money import spell_yuan
from plugin_sdk.ports import Read, Work
from plugin_sdk.problems import Invalid, field_error
from plugin_sdk.registers.forms import ChangeForm, EndForm, RecordForm
from plugin_sdk.registers.lists import RegisterList
from plugin_sdk.registers.models import RegisterRow, RegisterVersion
from plugin_sdk.registers.views import (
    RecordView,
    State,
    VersionView,
)
from plugin_sdk.taking import BLANK, Typed
from plugin_sdk.views import (
    ActionView,
    FactView,
    FieldView,
    FormView,
    Option,
    Phrase,
    Words,
)

R = TypeVar("R", bound=RegisterRow)


class RegisterDesk(RegisterList[R]):
    """What an app says of a register beyond its declaration. Override `options` for choices
    that the form's types do not tell."""

    hints: ClassVar[frozenset[str]] = frozenset()
    """Fields with a hint in the catalogue."""

    async def options(self, read: Read) -> Mapping[str, list[Option]]:
        """Return the choices of the form's fields."""
        return {}

    async def end_options(self, read: Read, row: R) -> Mapping[str, list[Option]]:
        """Return the choices of the fields with which a record ends."""
        return await self.options(read)

    async def refuse_unoffered(self, read: Read, form: RecordForm, row: R | None = None) -> None:
        """Raise `Invalid` for a choice that is none of its field's; what a record says already
        may stay."""
        wrong = [
            name
            for name, choices in (await self.options(read)).items()
            if (value := getattr(form, name, None)) is not None
            and str(value) not in {option.value for option in choices}
            and (row is None or value != getattr(row, name, None))
        ]
        if wrong:
            raise Invalid(*(field_error(name, "choice") for name in wrong))

    async def row_values(self, read: Read, values: Mapping[str, str]) -> Mapping[str, Any]:
        """Return a row of a file as the form takes it."""
        return values

    async def remarks(self, read: Read, row: R) -> Sequence[Phrase]:
        """Return what whoever brings in a file is told of a record that was taken."""
        return ()

    def open_facts(self, row: R) -> Mapping[str, Any]:
        """Return the values of a record that everybody may read (see `registers.public`)."""
        return self._stored(row)

    async def record_view(self, read: Read, row: R) -> RecordView:
        """Return a record with its versions, newest first."""
        state = self.state(row, local_day(read.now))
        options = await self.options(read)
        names = await self.hub.directory.names([row.organization_id])
        versions = await self.engine.history(read, row.id)
        return RecordView(
            id=str(row.id),
            code=row.code,
            name=row.name,
            register=self.engine.words("list"),
            state=state,
            state_label=Phrase(f"registers.state.{state}"),
            version=row.version,
            unit=names.get(row.organization_id, ""),
            facts=self.facts(self._stored(row), options),
            versions=[self._version(version, options) for version in versions],
            actions=await self._actions(read, row, state),
            list_href=self.engine.href(),
        )

    async def _actions(self, read: Read, row: R, state: State) -> list[ActionView]:
        if not self.engine.keeps(read, row) or not await read.holds(self.register.edit, row):
            return []
        verbs = ("change",) if state == "ended" else ("change", "end")
        return [
            ActionView(
                verb=verb,
                label=Phrase(f"registers.act.{verb}"),
                href=self.engine.href(row.id, verb),
                primary=verb == "change",
            )
            for verb in verbs
        ]

    def _version(
        self, version: RegisterVersion, options: Mapping[str, list[Option]]
    ) -> VersionView:
        return VersionView(
            version=version.version,
            label=Phrase(f"registers.said.{version.verb}"),
            at=version.at,
            role=version.role,
            unit=version.unit,
            reason=version.reason,
            facts=self.facts(version.data, options),
        )

    def facts(
        self, values: Mapping[str, Any], options: Mapping[str, list[Option]]
    ) -> list[FactView]:
        """Return what a record says, a row for each field of its form that is filled in."""
        said = facts_of(self.register.form, self.engine.prefix, values, options)
        ending = {name: values.get(name) for name in self.engine.end_fields}
        return said + facts_of(self.register.end_form, self.engine.prefix, ending, options)

    def _stored(self, row: R) -> dict[str, Any]:
        fields = self.register.form.model_fields
        asked = (*fields, *self.engine.end_fields)
        kept = {name: getattr(row, name) for name in asked if name in self.engine.row.model_fields}
        if "organization" in fields:
            kept["organization"] = str(row.organization_id)
        return kept

    async def new_view(self, read: Read, typed: Typed = BLANK) -> FormView:
        """Return the form of a new record, with what was typed."""
        return self._form(
            self.engine.words("new"),
            self.engine.href(),
            await self.fields(read, typed),
            conflict=typed.conflict,
        )

    async def change_view(self, read: Read, row: R, typed: Typed = BLANK) -> FormView:
        """Return the form of a record as it stands, or as it was typed."""
        fields = await self.fields(read, typed, self.spelled(row))
        fields = [field for field in fields if field.name not in ("code", "organization")]
        fields += typed.fields(ChangeForm, "registers")
        return self._form(
            Phrase("registers.act.change"),
            self.engine.href(row.id, "change"),
            [field for field in fields if field.name != "version"],
            hidden={"version": str(row.version)},
            cancel=self.engine.href(row.id),
            conflict=typed.conflict,
        )

    async def end_view(self, read: Read, row: R, typed: Typed = BLANK) -> FormView:
        """Return the form that ends a record."""
        known, options = {"ends_on": local_day(read.now)}, await self.end_options(read, row)
        form, prefix = self.register.end_form, self.engine.prefix
        more = typed.fields(form, prefix, options=options, hints=self.hints)
        fields = [field for field in more if field.name in self.engine.end_fields]
        fields += typed.fields(EndForm, "registers", known)
        return self._form(
            Phrase("registers.act.end"),
            self.engine.href(row.id, "end"),
            [field for field in fields if field.name != "version"],
            hidden={"version": str(row.version)},
            cancel=self.engine.href(row.id),
            conflict=typed.conflict,
            about=self.facts(self._stored(row), options),
        )

    async def fields(
        self, read: Read, typed: Typed, known: Mapping[str, Any] | None = None
    ) -> list[FieldView]:
        """Return the fields of a record's form."""
        options = await self.options(read)
        form, prefix = self.register.form, self.engine.prefix
        return typed.fields(form, prefix, known, options=options, hints=self.hints)

    def spelled(self, row: R) -> dict[str, Any]:
        """Return what a record says as its form takes it."""
        kinds, stored = self.register.form.kinds, self._stored(row)
        return {
            name: spell_yuan(value) if kinds.get(name) == "money" else value
            for name, value in stored.items()
        }

    def _form(
        self,
        title: Words,
        action: str,
        fields: list[FieldView],
        *,
        hidden: dict[str, str] | None = None,
        cancel: str | None = None,
        conflict: Phrase | None = None,
        about: list[FactView] | None = None,
    ) -> FormView:
        return FormView(
            title=title,
            action=action,
            verb=Phrase("registers.act.save"),
            fields=fields,
            hidden=hidden or {},
            cancel=cancel or self.engine.href(),
            conflict=conflict,
            about=about or [],
        )

    def form_of(self) -> type[RecordForm]:
        """Return the form of a change: the record's, with the version that was seen and why; what
        a record is entered under stays, and is not asked again."""
        return _change_form(self.register.form)

    async def take_row(self, work: Work, form: RecordForm) -> R:
        """Enter a record that a row of a file says."""
        return await self.engine.add(work, form)


@cache
def _change_form(form: type[RecordForm]) -> type[RecordForm]:
    kept = [name for name in ("code", "organization") if name in form.model_fields]
    names: dict[str, Any] = {
        "kinds": {**form.kinds, **ChangeForm.kinds},
        "__annotations__": dict.fromkeys(kept, str | None),
        **{name: Field(default=None, max_length=40) for name in kept},
    }
    return type(f"{form.__name__}Change", (ChangeForm, form), names)
