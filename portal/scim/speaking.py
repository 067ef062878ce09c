"""How SCIM is spoken: bodies read within bounds, resources and errors written as RFC 7644 has
them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from litestar import Request, Response
from pydantic import ValidationError
from scim2_models import (
    BaseModel,
    Context,
    Error,
    PayloadTooLargeException,
    ResponseParameters,
    SCIMException,
    ScimPolicy,
)
from sqlalchemy.exc import IntegrityError

from core.identity.scim.resources import MOST_BYTES
from plugin_sdk.json_body import decode_json
from plugin_sdk.problems import Problem

MEDIA: Final = "application/scim+json"
KINDS: Final = ("application/scim+json", "application/json")
# what other systems also say of people, and the hub does not keep, is let go unread
LENIENT: Final = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
)
STRICT: Final = ScimPolicy(remove_value_as_filter=ScimPolicy.RemoveValue.apply)


class ScimProblem(Problem):
    """A refusal in SCIM's own words."""

    def __init__(self, error: Error) -> None:
        super().__init__("scim", status=int(error.status or 400))
        self.error = error


@contextmanager
def spoken() -> Iterator[None]:
    """Let what is wrong with a request be said in SCIM's words."""
    try:
        yield
    except SCIMException as refusal:
        raise ScimProblem(refusal.to_error()) from None
    except ValidationError as wrong:
        raise ScimProblem(Error.from_validation_errors(wrong)[0]) from None
    except IntegrityError:  # two said the same at the same moment
        detail = "Another request has just said the same."
        raise ScimProblem(Error(status=409, scim_type="uniqueness", detail=detail)) from None


def refusal(described: dict[str, Any], problem: Problem) -> Response[bytes]:
    """Return the answer of a problem at these addresses."""
    error = problem.error if isinstance(problem, ScimProblem) else None
    if error is None:
        error = Error(status=problem.status, detail=described["detail"])
        if problem.code in ("not-json", "json-too-deep", "not-an-object"):
            error.scim_type = "invalidSyntax"
    return Response(
        _bytes(error.model_dump()),
        status_code=problem.status,
        media_type=MEDIA,
        headers={**problem.headers, "Cache-Control": "no-store"},
    )


def answer(
    found: BaseModel,
    ctx: Context,
    *,
    status: int = 200,
    asked: ResponseParameters[Any] | None = None,
) -> Response[bytes]:
    """Return a resource or a list of them, with the attributes that were asked for."""
    said = found.model_dump(scim_ctx=ctx, response_parameters=asked)
    headers = {"Cache-Control": "no-store"}
    meta = getattr(found, "meta", None)
    if meta is not None and meta.location:
        headers["Location"] = str(meta.location)
    if meta is not None and meta.version:
        headers["ETag"] = str(meta.version)
    return Response(_bytes(said), status_code=status, media_type=MEDIA, headers=headers)


def _bytes(said: dict[str, Any]) -> bytes:
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


async def body_of(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """Return what a request says. Raises `Problem` and `SCIMException`."""
    if request.content_type[0] not in KINDS:
        raise Problem("unknown-content-type", status=415)
    body = await request.body()
    if len(body) > MOST_BYTES:
        raise PayloadTooLargeException(detail=f"A request has at most {MOST_BYTES // 1024} KiB.")
    values = decode_json(body)
    if not isinstance(values, dict):
        raise Problem("not-an-object")
    return values


def as_user(values: dict[str, Any], *, active: bool) -> dict[str, Any]:
    """Return what was said of a person in the hub's words: others call the whole name
    displayName, or give it in two pieces, or leave out that somebody is `active`."""
    keys = {key.lower(): key for key in values}
    name = values.get(keys.get("name", ""))
    if name is not None and not isinstance(name, dict):
        return values  # what it is not is said where it is checked
    parts = {key.lower(): value for key, value in (name or {}).items()}
    whole = parts.get("formatted") or _joined(parts.get("familyname"), parts.get("givenname"))
    whole = whole or values.get(keys.get("displayname", ""))
    if whole is not None:
        values[keys.get("name", "name")] = {"formatted": whole}
    if "active" not in keys:
        values["active"] = active
    return values


def _joined(family: Any, given: Any) -> str | None:
    """Return a name of two pieces as it is written: in Chinese the family's first, and no space."""
    if not isinstance(family, str) or not isinstance(given, str):
        found: str | None = family or given  # what is no text is said where it is checked
        return found
    western = (family + given).isascii()
    return f"{given} {family}".strip() if western else f"{family}{given}"
