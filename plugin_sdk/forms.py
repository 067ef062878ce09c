"""Forms: one pydantic model for the page and the API, every input bounded.

Labels and hints come from the app's catalogue: `<app>.field.<name>` and
`<app>.hint.<name>`; an error is `problem.field.<code>`. A field of text without a maximum
length is refused when the form is declared.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from enum import Enum
from typing import Any, ClassVar, Generic, TypeVar, get_args, get_origin
from urllib.parse import parse_qsl

import msgspec
from litestar import Request
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.exceptions import ClientException
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic.fields import FieldInfo

from plugin_sdk.elements import ELEMENTS, Held
from plugin_sdk.files import Picture
from plugin_sdk.json_body import decode_json
from plugin_sdk.ports import Actor, RequestKey
from plugin_sdk.problems import Conflict, FieldError, Invalid, Problem, field_error
from plugin_sdk.views import FieldKind, FieldView, HeldView, Option, Phrase, Words

MAX_FIELDS = 1000
KEY_FIELD = "_key"
CSRF_FIELD = "_csrf"
POST_FIELD = "_post"
CHANGE_FIELD = "_change"
RESERVED = frozenset({KEY_FIELD, CSRF_FIELD, POST_FIELD, CHANGE_FIELD})
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u2028\u2029\ud800-\udfff]")

# pydantic's error types in the words of `problem.field.*`
_CODES = {
    "missing": "missing",
    "string_too_short": "missing",
    "string_too_long": "too-long",
    "text_control": "control-characters",
    "extra_forbidden": "unknown",
    "int_parsing": "number",
    "int_type": "number",
    "int_from_float": "number",
    "float_parsing": "number",
    "float_type": "number",
    "finite_number": "number",
    "decimal_parsing": "number",
    "greater_than_equal": "too-small",
    "greater_than": "too-small",
    "less_than_equal": "too-large",
    "less_than": "too-large",
    "enum": "choice",
    "literal_error": "choice",
    "bool_parsing": "choice",
    "date_from_datetime_parsing": "date",
    "date_parsing": "date",
    "date_from_datetime_inexact": "date",
    "uuid_parsing": "choice",
    "string_type": "text",
    "money": "money",
    "money_negative": "money-negative",
    "identity_number": "identity-number",
}


class Form(BaseModel):
    """The base of all forms: unknown fields, control characters and unbounded text are
    refused; text is stripped; an empty answer counts as none."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, frozen=True)

    kinds: ClassVar[Mapping[str, FieldKind]] = {}
    """Kinds of fields that their type does not tell (textarea, radio, phone, photo)."""
    words: ClassVar[Mapping[str, str]] = {}
    """Fields whose label and hint stand under another name in the catalogue."""
    elements: ClassVar[Mapping[str, str]] = {}
    """Fields of text that ask for a data element: what the hub holds of it is filled in."""
    needed: ClassVar[frozenset[str]] = frozenset()
    """Fields that must be given though their type does not say so: photos, which are no values."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        for name, field in cls.model_fields.items():
            if _plain_type(field) is str and _bound(field, "max_length") is None:
                raise TypeError(f"{cls.__name__}.{name}: text needs a max_length")
        for name, element in cls.elements.items():
            if element not in ELEMENTS or _plain_type(cls.model_fields[name]) is not str:
                raise TypeError(f"{cls.__name__}.{name}: {element} is no element of a text")
            if ELEMENTS[element].sealed and cls.model_fields[name].is_required():
                raise TypeError(f"{cls.__name__}.{name}: what stays in the hub cannot be required")

    @model_validator(mode="before")
    @classmethod
    def _clean(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        cleaned = {}
        for name, value in values.items():
            if isinstance(value, str):
                value = value.replace("\r\n", "\n").replace("\r", "\n")
                if not value.strip():
                    continue
            cleaned[name] = value
        return cleaned

    @model_validator(mode="after")
    def _no_control_characters(self) -> "Form":
        bad = [
            name
            for name in type(self).model_fields
            if isinstance(value := getattr(self, name), str) and _CONTROL.search(value)
        ]
        if bad:
            raise Invalid(*(field_error(name, "control-characters") for name in bad))
        return self


F = TypeVar("F", bound=Form)


class Submission(msgspec.Struct, Generic[F], frozen=True):
    """What a request sent: the checked form, the files, the key that makes it one."""

    form: F
    key: RequestKey | None
    files: tuple[tuple[str, str, bytes], ...] = ()  # field, name, content
    pictures: tuple[Picture, ...] = ()  # the files, drawn anew


def _plain_type(field: FieldInfo) -> Any:
    kind = field.annotation
    if get_origin(kind) is not None and type(None) in get_args(kind):
        (kind,) = (a for a in get_args(kind) if a is not type(None))
    return kind


def _bound(field: FieldInfo, name: str) -> Any:
    return next((getattr(m, name) for m in field.metadata if hasattr(m, name)), None)


def validate(model: type[F], values: Mapping[str, Any]) -> F:
    """Return the form of the values. Raises `Invalid` with one error a field."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        found: dict[str, FieldError] = {}
        for item in error.errors(include_url=False, include_input=False):
            name = str(item["loc"][0]) if item["loc"] else ""
            context = item.get("ctx", {})
            params = {
                key: context[key]
                for key in ("max_length", "ge", "gt", "le", "lt")
                if key in context
            }
            limit = next(iter(params.values()), None)
            code = _CODES.get(item["type"], "wrong")
            found.setdefault(name, field_error(name, code, limit=limit))
        raise Invalid(*found.values()) from None


async def read_form(
    request: Request[Any, Any, Any], model: type[F], actor: Actor, *, max_files: int = 5
) -> Submission[F]:
    """Return the checked form of a request: JSON, urlencoded or multipart.

    Raises `Problem` (400, 403, 409, 422) for what cannot be taken. A form of a page must
    carry the token of its session; JSON cannot be sent across origins without the
    browser asking first, and the door checks the origin of both.
    """
    values, files = await read_values(request)
    own = request.headers.get("idempotency-key")
    key = own or values.get(KEY_FIELD)
    is_page = request.content_type[0] != RequestEncodingType.JSON
    shown = is_page and own is None and bool(request.route_handler.opt.get("start"))
    _check_session(request, values, actor)
    if len(files) > max_files:
        raise Invalid(field_error("photos", "too-many-files", limit=max_files))
    values = {name: value for name, value in values.items() if name not in RESERVED}
    form = validate(model, values)
    return Submission(form, _request_key(request, actor, key, values, files, shown=shown), files)


def _check_session(
    request: Request[Any, Any, Any], values: Mapping[str, Any], actor: Actor
) -> None:
    is_page = request.content_type[0] != RequestEncodingType.JSON
    if is_page and actor.session_id and values.get(CSRF_FIELD) != actor.csrf:
        raise Problem("form-expired", status=403)
    post = values.get(POST_FIELD)
    if post and actor.session_id and post != actor.seat:
        raise Conflict("post-changed")


def check_key(key: object) -> None:
    """Raise `Problem` for what cannot be the key of a request."""
    if not isinstance(key, str) or not 8 <= len(key) <= 100 or not key.isascii():
        raise Problem("bad-idempotency-key")


def _request_key(
    request: Request[Any, Any, Any],
    actor: Actor,
    key: Any,
    values: Mapping[str, Any],
    files: tuple[tuple[str, str, bytes], ...],
    *,
    shown: bool,
) -> RequestKey | None:
    if not key:
        return None
    check_key(key)
    digest = hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode())
    for field, name, data in files:
        digest.update(f"{field}\n{name}\n".encode("utf-8", "replace") + data)
    who = str(actor.person_id or (actor.bearer and actor.bearer.application) or "visitor")
    if actor.agent is not None:  # what a resident sent is not replayed to who acts for them
        who = f"{who}:{actor.agent.person_id}"
    return RequestKey(
        key=f"{who}:{key}",
        route=f"{request.method} {request.url.path}",
        digest=digest.hexdigest(),
        shown=shown,
    )


async def read_values(
    request: Request[Any, Any, Any],
) -> tuple[dict[str, Any], tuple[tuple[str, str, bytes], ...]]:
    """Return what a request sent, unchecked: values by name, and files as field, name and
    content. Raises `Problem` for what cannot be read."""
    kind = request.content_type[0]
    if kind == RequestEncodingType.JSON:
        values = decode_json(await request.body())
        if not isinstance(values, dict):
            raise Problem("not-an-object")
        return values, ()
    if kind not in (RequestEncodingType.URL_ENCODED, RequestEncodingType.MULTI_PART):
        if not await request.body():
            return {}, ()
        raise Problem("unknown-content-type", status=415)
    found: dict[str, Any] = {}
    files: list[tuple[str, str, bytes]] = []
    for name, value in await read_pairs(request):
        if isinstance(value, UploadFile):
            content = await value.read()
            if content or value.filename:
                files.append((name, (value.filename or "")[:200], content))
        elif name in found:
            raise Invalid(field_error(name, "twice"))
        else:
            found[name] = value
    return found, tuple(files)


async def read_pairs(request: Request[Any, Any, Any]) -> list[tuple[str, Any]]:
    """Return what a form holds, in its order. Raises `Problem` for what cannot be read."""
    try:
        if request.content_type[0] == RequestEncodingType.MULTI_PART:
            return list((await request.form()).multi_items())
        # not the framework's: it keeps the last thousand bodies, passwords too, in memory,
        # and writes another letter for what is not UTF-8
        body = (await request.body()).decode()
        return parse_qsl(body, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except (ClientException, ValueError):
        raise Problem("bad-form-data") from None


async def typed(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """Return the texts a request sent, unchecked but without control characters, to show them
    again beside what is wrong with them; nothing when they cannot be read."""
    try:
        values, _ = await read_values(request)
    except Problem:
        return {}
    return {
        name: _CONTROL.sub("", value) if isinstance(value, str) else value
        for name, value in values.items()
        if name not in RESERVED and isinstance(value, str | int | float)
    }


async def read_typed(request: Request[Any, Any, Any], actor: Actor) -> tuple[dict[str, Any], str]:
    """Return the texts of a form on its way, unchecked, and the key it will be sent with.

    Raises `Problem` as `read_form` does for a form that is not this session's own.
    """
    values, _ = await read_values(request)
    _check_session(request, values, actor)
    return await typed(request), await asked_for(request, KEY_FIELD)


def texts_of(model: type[Form], values: Mapping[str, Any]) -> dict[str, str]:
    """Return the texts of a form's own fields without control characters, unchecked: a draft."""
    return {
        name: _CONTROL.sub("", str(values[name]))
        for name in model.model_fields
        if name in values and model.kinds.get(name) != "photo"
    }


async def asked_for(request: Request[Any, Any, Any], name: str) -> str:
    """Return what a form says of itself under a reserved name, '' for nothing."""
    try:
        values, _ = await read_values(request)
    except Problem:
        return ""
    value = values.get(name)
    return value[:100] if isinstance(value, str) else ""


def _kind(model: type[Form], name: str, field: FieldInfo) -> FieldKind:
    if name in model.kinds:
        return model.kinds[name]
    plain = _plain_type(field)
    if plain is bool:
        return "checkbox"
    if plain is date:
        return "date"
    if plain in (int, float):
        return "number"
    if isinstance(plain, type) and issubclass(plain, Enum):
        return "radio"
    return "text"


def _filled(
    model: type[Form],
    name: str,
    given: Mapping[str, Any],
    choices: Sequence[Option],
    held: Mapping[str, Held],
) -> tuple[Any, HeldView | None]:
    """Return what a field says, and the mark that it is what the hub holds."""
    field = model.model_fields[name]
    typed = given.get(name, None if field.is_required() else field.default)
    element = model.elements.get(name)
    known = held.get(element) if element else None
    if element is None or known is None:
        return typed, None
    if choices and known.value not in {choice.value for choice in choices}:
        return typed, None  # a division that is no more
    if name not in given:
        return known.value, known.mark
    plain = ELEMENTS[element].plain
    same = plain(str(typed or "")) == plain(known.value)
    return typed, known.mark if same else None


def field_views(
    model: type[Form],
    prefix: str,
    *,
    values: Mapping[str, Any] | None = None,
    errors: tuple[FieldError, ...] = (),
    options: Mapping[str, list[Option]] | None = None,
    hints: frozenset[str] = frozenset(),
    held: Mapping[str, Held] | None = None,
) -> list[FieldView]:
    """Return the fields of a form for its page, with what was typed and what is wrong.

    What is `held` (by element) fills a field that nobody has seen yet: what was typed or left
    empty, and a draft, stand before it.

    `prefix` is where the words stand in the catalogue (`hotline.order`): labels at
    `<prefix>.field.<name>`, hints (for the fields named) at `<prefix>.hint.<name>`, the
    words of an enum's members at `<prefix>.<name>.<value>`.
    """
    wrong = {error.field: error.message for error in errors}
    given = values or {}
    views = []
    for name, field in model.model_fields.items():
        plain = _plain_type(field)
        choices = list((options or {}).get(name, []))
        if not choices and isinstance(plain, type) and issubclass(plain, Enum):
            choices = [Option(str(m.value), Phrase(f"{prefix}.{name}.{m.value}")) for m in plain]
        called = model.words.get(name, name)
        label: Words = Phrase(f"{prefix}.field.{called}")
        value, mark = _filled(model, name, given, choices, held or {})
        views.append(
            FieldView(
                name=name,
                kind=_kind(model, name, field),
                label=label,
                hint=Phrase(f"{prefix}.hint.{called}") if called in hints else None,
                required=field.is_required() or name in model.needed,
                value=value,
                held=mark,
                options=choices,
                max_length=_bound(field, "max_length"),
                error=wrong.get(name),
            )
        )
    return views
