"""Filing an app beyond the door (备案): by form, by JSON, by a row of a file, checked alike.

The form is flat, since a table is; what it says is checked as a file of declarations is, by the
same schema, so that all three ways refuse the same things.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Any, ClassVar, Final, Literal

import msgspec
from pydantic import Field

from core.database import Transaction
from core.governance.declared import SCHEMA, Declarations, Declared, stored
from core.governance.lifecycle.service import standings
from core.governance.lifecycle.steps import HELD
from core.governance.register import entered
from core.identity.organizations import by_code, closed
from plugin_sdk.deadlines import local_day
from plugin_sdk.forms import Form, field_views, validate
from plugin_sdk.manifest_check import converted
from plugin_sdk.manifest_model import FORBIDDEN_FEATURES
from plugin_sdk.manifest_rules import RESERVED_IDS
from plugin_sdk.manifest_schema import faults as schema_faults
from plugin_sdk.manifest_source import Source
from plugin_sdk.money import Yuan, spell_yuan
from plugin_sdk.problems import FieldError, Invalid, field_error
from plugin_sdk.registers.files import FileRow, RowView, faults_of, refused, row_view
from plugin_sdk.text import Text
from plugin_sdk.views import FieldKind, FieldView, Option, Phrase

LONG: Final = 20_000
LINE: Final = 1000

Outcome = Literal["new", "changed", "same"]


class Stage(StrEnum):
    """What an owner may say of how its app stands when it enters the register."""

    PROPOSED = "proposed"
    FILED = "filed"
    TRIAL = "trial"
    ACTIVE = "active"


class Cadence(StrEnum):
    """How often somebody entitled to it is expected to need it."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    YEARLY = "yearly"


class ExemptionKind(StrEnum):
    """On what an exemption rests."""

    STATUTORY = "statutory"
    EMERGENCY = "emergency"


class FilingForm(Form):
    """An app beyond the door as it is filed. Lists are words separated by spaces; `functions` has
    one a line (in a table: separated by semicolons), its English name after a bar."""

    kinds: ClassVar[Mapping[str, FieldKind]] = {
        "functions": "textarea",
        "owner": "select",
        "stage": "select",
        "cadence": "select",
        "exemption_kind": "select",
        "yearly_cost": "money",
    }

    app: str = Field(min_length=1, max_length=40)
    name: str = Field(min_length=1, max_length=200)
    name_en: str = Field(min_length=1, max_length=200)
    owner: str = Field(min_length=1, max_length=32)
    stage: Stage = Stage.ACTIVE
    since: date
    filing_number: str | None = Field(default=None, max_length=LINE)
    complaints: str | None = Field(default=None, max_length=LINE)
    address: str | None = Field(default=None, max_length=300)
    functions: str | None = Field(default=None, max_length=LONG)
    fields: str | None = Field(default=None, max_length=LONG)
    features: str | None = Field(default=None, max_length=LINE)
    required_of: str | None = Field(default=None, max_length=LINE)
    cadence: Cadence = Cadence.YEARLY
    entitled: str | None = Field(default=None, max_length=60)
    yearly_cost: Yuan | None = None
    checks_in: bool = False
    own_sign_in: bool = False
    nothing_finishes: bool = False
    exemption_kind: ExemptionKind | None = None
    exemption_basis: str | None = Field(default=None, max_length=LINE)
    exemption_expires: date | None = None


HINTS: Final = frozenset(
    {"app", "stage", "functions", "fields", "features", "required_of", "entitled", "yearly_cost"}
)
_PLAIN: Final = ("app", "owner", "filing_number", "complaints", "address", "yearly_cost")
_LISTS: Final = ("fields", "features", "required_of")


def declared_of(form: FilingForm) -> Declared:
    """Return what a form declares. Raises `Invalid` with every fault, at its field."""
    source = Source("", {"apps": [_nested(form)]}, {(): 1})
    faults = list(schema_faults(source, SCHEMA, "core.governance"))
    declared, faults = converted(source, faults, Declarations)
    if declared is None:
        errors = {
            field: FieldError(
                field,
                Phrase("problem.field.declared", {"fault": fault.message, "remedy": fault.remedy}),
            )
            for fault in reversed(faults)
            for field in [_field_of(fault.field)]
        }
        raise Invalid(*errors.values())
    return declared.apps[0]


def form_of(declared: Declared) -> dict[str, Any]:
    """Return a declaration as the form and a table say it."""
    exemption = declared.exemption
    return {
        **{name: getattr(declared, name) for name in _PLAIN},
        "name": declared.names.zh,
        "name_en": declared.names.en,
        "stage": declared.stage,
        "since": declared.since,
        "functions": "\n".join(_function(one) for one in declared.functions) or None,
        **{name: " ".join(getattr(declared, name)) or None for name in _LISTS},
        "cadence": declared.cadence,
        "entitled": None if declared.entitled is None else str(declared.entitled),
        "yearly_cost": spell_yuan(declared.yearly_cost),
        "checks_in": declared.checks_in,
        "own_sign_in": declared.own_sign_in,
        "nothing_finishes": not declared.finishes,
        "exemption_kind": exemption.kind if exemption else None,
        "exemption_basis": exemption.basis if exemption else None,
        "exemption_expires": exemption.expires if exemption else None,
    }


class Weighed(msgspec.Struct, frozen=True, kw_only=True):
    """What filing an app would do, and what whoever files it is told. `fields` are the names of
    what would change."""

    outcome: Outcome
    fields: tuple[str, ...] = ()
    remarks: tuple[Phrase, ...] = ()


def file_fields(
    values: Mapping[str, Any] | None = None,
    errors: tuple[FieldError, ...] = (),
    owners: Sequence[Option] = (),
) -> list[FieldView]:
    """Return the fields of the form, which are the columns of a file."""
    return field_views(
        FilingForm,
        "app_register",
        values=values,
        errors=errors,
        options={"owner": list(owners)},
        hints=HINTS,
    )


async def weigh(tx: Transaction, declared: Declared, behind: Collection[str]) -> Weighed:
    """Return what filing an app would do; nothing is written. `behind` are the apps behind the
    door. Raises `Invalid` for an app that stands behind it, an owner that is not in the register
    of organizations or closed, another owner while it is being decided on the app (`HELD`), and a
    first day that is still to come."""
    errors = []
    if declared.app in behind or declared.app in RESERVED_IDS:
        errors.append(field_error("app", "behind-door"))
    owner = await by_code(tx, declared.owner)
    if owner is None:
        errors.append(field_error("owner", "unit-unknown", unit=declared.owner))
    elif await closed(tx, owner.id):
        errors.append(field_error("owner", "unit-closed"))
    if declared.since > local_day(tx.now):
        errors.append(field_error("since", "in-future"))
    known = await entered(tx, declared.app)
    here = (await standings(tx)).get(declared.app)
    stage = here.stage if here else (known or declared).stage
    if known is not None and known.owner != declared.owner and stage in HELD:
        held = {"stage": Phrase(f"stage.{stage}"), "unit": known.owner}
        errors.append(FieldError("owner", Phrase("app_register.owner_held", held)))
    if errors:
        raise Invalid(*errors)
    if known is None:
        return Weighed(outcome="new", remarks=tuple(_forbidden(declared)))
    remarks = []
    if declared.stage not in (stage, known.stage):
        said = {"stage": Phrase(f"stage.{stage}"), "said": Phrase(f"stage.{declared.stage}")}
        remarks.append(Phrase("app_register.stage_held", said))
    now = stored(msgspec.structs.replace(declared, stage=known.stage, since=known.since))
    was = stored(known)
    fields = tuple(name for name in now if now[name] != was.get(name))
    outcome: Outcome = "changed" if fields else "same"
    return Weighed(outcome=outcome, fields=fields, remarks=(*remarks, *_forbidden(declared)))


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a file as it was tried, and what it declares (None: it is refused)."""

    row: RowView
    declared: Declared | None = None


async def tried(
    tx: Transaction,
    rows: Sequence[FileRow],
    fields: Sequence[FieldView],
    behind: Collection[str],
) -> list[Tried]:
    """Return what each row of a file would do; nothing is written. `behind` are the apps behind
    the door."""
    seen: dict[str, int] = {}
    found = []
    for row in rows:
        name = row.values.get("name", "")
        if row.fault is not None:
            found.append(Tried(row=refused(row.line, name, [row.fault])))
            continue
        try:
            declared = declared_of(validate(FilingForm, await _whole(tx, row)))
            if seen.setdefault(declared.app, row.line) != row.line:
                raise Invalid(field_error("app", "row-twice", line=seen[declared.app]))
            weighed = await weigh(tx, declared, behind)
        except Invalid as wrong:
            found.append(Tried(row=refused(row.line, name, faults_of(wrong.errors, fields))))
            continue
        view = row_view(row.line, name, weighed.outcome, *weighed.remarks)
        found.append(Tried(row=view, declared=declared))
    return found


async def _whole(tx: Transaction, row: FileRow) -> dict[str, Any]:
    """Return a row with what is filed already in the columns that the file does not have."""
    known = await entered(tx, row.values.get("app", ""))
    kept = form_of(known) if known else {}
    return {**{name: value for name, value in kept.items() if value is not None}, **row.values}


def _forbidden(declared: Declared) -> Sequence[Phrase]:
    """Return a word on features that the rules forbid: it is filed as it is, and will be found."""
    found = sorted(FORBIDDEN_FEATURES.intersection(declared.features))
    return [Phrase("app_register.forbidden", {"features": "、".join(found)})] if found else []


def _nested(form: FilingForm) -> dict[str, Any]:
    entitled = form.entitled
    nested: dict[str, Any] = {
        **{name: getattr(form, name) for name in _PLAIN},
        "names": {"zh": form.name, "en": form.name_en},
        "stage": form.stage.value,
        "since": form.since.isoformat(),
        "functions": [_function_of(line) for line in _lines(form.functions)],
        **{name: (getattr(form, name) or "").replace("、", " ").split() for name in _LISTS},
        "cadence": form.cadence.value,
        "entitled": int(entitled) if entitled and entitled.isdecimal() else entitled,
        "checks_in": form.checks_in,
        "own_sign_in": form.own_sign_in,
        "finishes": not form.nothing_finishes,
        "exemption": _exemption(form),
    }
    return {name: value for name, value in nested.items() if value not in (None, [])}


def _exemption(form: FilingForm) -> dict[str, Any] | None:
    given = {
        "kind": form.exemption_kind.value if form.exemption_kind else None,
        "basis": form.exemption_basis,
        "expires": form.exemption_expires.isoformat() if form.exemption_expires else None,
    }
    present = {name: value for name, value in given.items() if value is not None}
    return present or None


def _lines(text: str | None) -> list[str]:
    parts = (text or "").replace("；", "\n").replace(";", "\n").split("\n")
    return [part.strip() for part in parts if part.strip()]


def _function_of(line: str) -> dict[str, str]:
    zh, _, en = line.partition("|")
    return {"zh": zh.strip(), "en": en.strip() or zh.strip()}


def _function(name: Text) -> str:
    return name.zh if name.en == name.zh else f"{name.zh} | {name.en}"


def _field_of(path: str) -> str:
    """Return the field of the form that a path of a declaration stands for."""
    name = path.removeprefix("apps[0].").partition("[")[0]
    if name.startswith("names."):
        return "name" if name.endswith("zh") else "name_en"
    if name.startswith("exemption"):
        return "exemption_" + (name.partition(".")[2] or "kind")
    return name
