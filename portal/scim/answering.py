"""What the endpoints of SCIM answer (`portal.scim.routes`)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, Literal
from uuid import UUID

from litestar import Response
from scim2_models import (
    Context,
    ForbiddenException,
    InvalidValueException,
    ListResponse,
    NotFoundException,
    PatchOp,
    PreconditionFailedException,
    Resource,
    ResourceType,
    ResponseParameters,
    Schema,
    SearchRequest,
    ServiceProviderConfig,
)

from core import audit
from core.access.decisions import decide
from core.access.keepers import keepers, refuse_lockout
from core.audit import SHELL
from core.database import Transaction
from core.identity.scim import groups, users
from core.identity.scim.desk import Desk
from core.identity.scim.filters import check_length
from core.identity.scim.resources import (
    MOST_LOOKS,
    MOST_OPERATIONS,
    MOST_RESULTS,
    PAGE,
    Group,
    User,
    provider,
)
from plugin_sdk.routes import actor_of
from portal.pages.context import AnyRequest, Portal
from portal.scim.speaking import LENIENT, STRICT, answer, as_user, body_of, spoken

PERMISSION: Final = "yimen.scim"
Kind = Literal["User", "Group"]
MODELS: Final[dict[Kind, Any]] = {"User": User, "Group": Group}
ROOMS: Final[dict[Kind, Any]] = {"User": users, "Group": groups}


class Answering:
    """The answers of one hub, whose resources are found below `base`."""

    def __init__(self, portal: Portal, base: str) -> None:
        self._portal = portal
        self._base = base
        self._described = provider()

    def _desk_of(self, request: AnyRequest) -> Desk:
        actor = actor_of(request)
        permits = actor.permits_for(PERMISSION, self._portal.services.database.clock())
        client = actor.bearer.application if actor.bearer else ""
        units = {unit for permit in permits for unit in permit.organizations}
        return Desk(client, units, self._base)

    @asynccontextmanager
    async def _reading(self, request: AnyRequest) -> AsyncIterator[tuple[Transaction, Desk]]:
        with spoken():
            async with self._portal.read() as tx:
                yield tx, self._desk_of(request)

    @asynccontextmanager
    async def _writing(self, request: AnyRequest) -> AsyncIterator[tuple[Transaction, Desk]]:
        """Return a transaction in which the application may still act, alone of all that change
        rights; it is refused where nobody would be left to grant any. What the client sends is
        read before: nobody is kept waiting for it."""
        with spoken():
            async with self._portal.write(request) as tx:
                before = await keepers(tx)
                yield tx, self._desk_of(request)
                await refuse_lockout(tx, before)

    async def _note(
        self, tx: Transaction, request: AnyRequest, act: str, subject: str, **facts: Any
    ) -> None:
        actor = actor_of(request)
        permit = decide(actor, PERMISSION, tx.now)
        await audit.record(
            tx,
            actor,
            SHELL,
            act,
            subject,
            permission=PERMISSION,
            granted_by=permit.grant if permit else None,
            request_id=request.scope["yimen"].id,  # type: ignore[typeddict-item]
            facts=facts,
        )

    # --- what the service is ------------------------------------------------------------

    def config(self) -> Response[bytes]:
        """Return what of SCIM is offered."""
        found: ServiceProviderConfig = self._described.config.model_copy(deep=True)  # type: ignore[union-attr]
        return answer(found, Context.RESOURCE_QUERY_RESPONSE)

    def _listed(self, request: AnyRequest, kind: Any, found: Any) -> Response[bytes]:
        if request.query_params.get("filter"):  # RFC 7644, section 4
            with spoken():
                raise ForbiddenException(detail="What the service is cannot be filtered.")
        said = ListResponse[kind](
            total_results=len(found),
            start_index=1,
            items_per_page=len(found),
            resources=list(found),
        )
        return answer(said, Context.RESOURCE_QUERY_RESPONSE)

    def _named(self, found: Any, id: str) -> Response[bytes]:
        with spoken():
            for one in found:
                if str(one.id).casefold() == id.casefold():
                    return answer(one, Context.RESOURCE_QUERY_RESPONSE)
            raise NotFoundException(detail="There is nothing of that name.")

    def schemas(self, request: AnyRequest) -> Response[bytes]:
        """Return the attributes that are kept of people and units."""
        return self._listed(request, Schema, self._described.schemas)

    def schema(self, request: AnyRequest, id: str) -> Response[bytes]:
        """Return the attributes of one of the two."""
        return self._named(self._described.schemas, id)

    def types(self, request: AnyRequest) -> Response[bytes]:
        """Return the kinds of resources there are."""
        return self._listed(request, ResourceType, self._described.resource_types)

    def one_type(self, request: AnyRequest, id: str) -> Response[bytes]:
        """Return one kind of resources."""
        return self._named(self._described.resource_types, id)

    # --- finding ------------------------------------------------------------------------

    async def _found(
        self, request: AnyRequest, values: dict[str, Any], *kinds: Kind
    ) -> Response[bytes]:
        """Return a page of what matches, of the first kind first."""
        model: Any = User | Group if len(kinds) > 1 else MODELS[kinds[0]]
        async with self._reading(request) as (tx, desk):
            check_length(str(values.get("filter") or ""))
            asked = SearchRequest[model].model_validate(values, scim_ctx=Context.SEARCH_REQUEST)
            start = max(asked.start_index or 1, 1)
            count = PAGE if asked.count is None else min(asked.count, MOST_RESULTS)
            filter = str(asked.filter) if asked.filter else None
            bare = any(str(path).lower() == "members" for path in asked.excluded_attributes or ())
            total = 0
            page: list[Any] = []
            for kind in kinds:
                more: Any = {"members": not bare} if kind == "Group" else {}
                matched, resources = await ROOMS[kind].search(
                    tx,
                    desk,
                    filter,
                    offset=max(start - 1 - total, 0),
                    limit=count - len(page),
                    lenient=len(kinds) > 1,
                    **more,
                )
                total += matched
                page += resources
        said = ListResponse[model](
            total_results=total, start_index=start, items_per_page=len(page), resources=page
        )
        return await asyncio.to_thread(answer, said, Context.SEARCH_RESPONSE, asked=asked)

    async def listed(self, request: AnyRequest, kind: Kind) -> Response[bytes]:
        """Return what there is of a kind, a page at a time."""
        return await self._found(request, dict(request.query_params), kind)

    async def search(self, request: AnyRequest, *kinds: Kind) -> Response[bytes]:
        """Return what there is of some kinds, for a question that is not put in an address."""
        with spoken():
            values = await body_of(request)
        return await self._found(request, values, *kinds)

    # --- one of them --------------------------------------------------------------------

    async def show(self, request: AnyRequest, kind: Kind, id: str) -> Response[bytes]:
        """Return one of a kind."""
        async with self._reading(request) as (tx, desk):
            asked = _asked_of(request, MODELS[kind])
            one: Any = await ROOMS[kind].get(tx, desk, id)
        if _matches(request.headers.get("if-none-match"), one):
            return Response(b"", status_code=304, headers={"ETag": one.meta.version})
        return answer(one, Context.RESOURCE_QUERY_RESPONSE, asked=asked)

    async def add_user(self, request: AnyRequest) -> Response[bytes]:
        """Bring a person."""
        with spoken():
            values = as_user(await body_of(request), active=True)
            wanted = User.model_validate(
                values, scim_ctx=Context.RESOURCE_CREATION_REQUEST, scim_policy=LENIENT
            )
            asked = _asked_of(request, User)
        async with self._writing(request) as (tx, desk):
            id = await users.add(tx, desk, wanted)
            await self._note(tx, request, "scim-user-added", f"person:{id}")
            one = await users.get(tx, desk, str(id))
        return answer(one, Context.RESOURCE_CREATION_RESPONSE, status=201, asked=asked)

    async def add_group(self, request: AnyRequest) -> Response[bytes]:
        """Bring a unit."""
        with spoken():
            wanted = Group.model_validate(
                await body_of(request),
                scim_ctx=Context.RESOURCE_CREATION_REQUEST,
                scim_policy=LENIENT,
            )
            asked = _asked_of(request, Group)
        async with self._writing(request) as (tx, desk):
            id = await groups.add(tx, desk, wanted)
            await self._note(tx, request, "scim-group-added", f"organization:{id}")
            one = await groups.get(tx, desk, str(id))
        return answer(one, Context.RESOURCE_CREATION_RESPONSE, status=201, asked=asked)

    async def change(
        self, request: AnyRequest, kind: Kind, id: str, *, whole: bool
    ) -> Response[bytes]:
        """Make one of a kind what is said of it: the `whole` of it (PUT), or some (PATCH)."""
        model, room = MODELS[kind], ROOMS[kind]
        with spoken():
            values = await body_of(request)
            asked = _asked_of(request, model)
        async with self._writing(request) as (tx, desk):
            was: Any = await room.get(tx, desk, id)
            _need_version(request, was)
            apply = _replaced if whole else _patched
            wanted = await asyncio.to_thread(apply, model, was, values)
            news = await room.change(tx, desk, was, wanted)
            if news:
                subject = f"{'organization' if kind == 'Group' else 'person'}:{was.id}"
                act = "scim-group-changed" if kind == "Group" else "scim-user-changed"
                kept = {key: news[key] for key in ("active", "begun", "ended") if key in news}
                await self._note(tx, request, act, subject, changed=sorted(news), **kept)
            one = await room.get(tx, desk, id)
        ctx = Context.RESOURCE_REPLACEMENT_RESPONSE if whole else Context.RESOURCE_PATCH_RESPONSE
        return answer(one, ctx, asked=asked)

    async def let_user_go(self, request: AnyRequest, id: str) -> None:
        """Let a person leave office. What they did stays; the account stays, disabled."""
        async with self._writing(request) as (tx, desk):
            was = await users.get(tx, desk, id)
            _need_version(request, was)
            ended = await users.let_go(tx, desk, UUID(was.id))
            await self._note(tx, request, "scim-user-left", f"person:{was.id}", ended=ended)

    async def close_group(self, request: AnyRequest, id: str) -> None:
        """Close a unit that the application brought."""
        async with self._writing(request) as (tx, desk):
            was = await groups.get(tx, desk, id)
            _need_version(request, was)
            await groups.close(tx, desk, UUID(was.id))
            await self._note(tx, request, "scim-group-closed", f"organization:{was.id}")


def _asked_of(request: AnyRequest, model: Any) -> ResponseParameters[Any]:
    names = ("attributes", "excludedAttributes")
    values = {name: request.query_params[name] for name in names if name in request.query_params}
    asked: ResponseParameters[Any] = ResponseParameters[model].model_validate(values)
    return asked


def _replaced(kind: Any, was: Resource[Any], values: dict[str, Any]) -> Any:
    """Return what a PUT makes of a resource. Raises `SCIMException` and `ValidationError`."""
    if isinstance(was, User):
        values = as_user(values, active=bool(was.active))
    wanted = kind.model_validate(
        values, scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST, scim_policy=LENIENT
    )
    original = was
    if isinstance(was, User) and not was.phone_numbers:  # none yet: what is sent is its first
        original = was.model_copy(update={"phone_numbers": wanted.phone_numbers})
    wanted.replace(original)
    return wanted


def _patched(kind: Any, was: Resource[Any], values: dict[str, Any]) -> Any:
    """Return what a PATCH makes of a resource. Raises `SCIMException` and `ValidationError`."""
    for key, operations in values.items():
        if key.lower() == "operations" and isinstance(operations, list):
            members = len(getattr(was, "members", None) or ())
            most = min(MOST_OPERATIONS, MOST_LOOKS // max(members, 1))
            if len(operations) > most:
                raise InvalidValueException(detail=f"At most {most} operations at a time.")
            for operation in operations:
                path = operation.get("path") if isinstance(operation, dict) else None
                check_length(path if isinstance(path, str) else "")
    change = PatchOp[kind].model_validate(
        values, scim_ctx=Context.RESOURCE_PATCH_REQUEST, scim_policy=STRICT
    )
    wanted = was.model_copy(deep=True)
    change.patch(wanted, scim_policy=STRICT)
    return wanted


def _matches(header: str | None, one: Any) -> bool:
    """Return whether a version of a header is the present one (weakly, RFC 9110, 8.8.3.2)."""
    if header is None:
        return False
    named = {part.strip().removeprefix("W/") for part in header.split(",")}
    return "*" in named or str(one.meta.version).removeprefix("W/") in named


def _need_version(request: AnyRequest, one: Any) -> None:
    """Raise `PreconditionFailedException` where it is no longer as the application knows it."""
    if "if-match" in request.headers and not _matches(request.headers["if-match"], one):
        raise PreconditionFailedException(detail="It has changed meanwhile; read it again.")
