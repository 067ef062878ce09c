"""The endpoints of SCIM. Every one asks for the scope `scim`, which only applications have."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

from litestar import Response, delete, get, patch, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
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
from plugin_sdk.routes import actor_of, needs
from portal.pages.context import AnyRequest, Portal
from portal.scim.speaking import LENIENT, STRICT, answer, as_user, body_of, spoken

ROOT: Final = "/scim/v2"
USERS: Final = f"{ROOT}/Users"
GROUPS: Final = f"{ROOT}/Groups"
PERMISSION: Final = "yimen.scim"


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""
    base = portal.services.settings.public_url.rstrip("/") + ROOT
    described = provider()

    def desk_of(request: AnyRequest) -> Desk:
        actor = actor_of(request)
        permits = actor.permits_for(PERMISSION, portal.services.database.clock())
        client = actor.bearer.application if actor.bearer else ""
        return Desk(client, {unit for permit in permits for unit in permit.organizations}, base)

    @asynccontextmanager
    async def reading(request: AnyRequest) -> AsyncIterator[tuple[Transaction, Desk]]:
        with spoken():
            async with portal.read() as tx:
                yield tx, desk_of(request)

    @asynccontextmanager
    async def writing(request: AnyRequest) -> AsyncIterator[tuple[Transaction, Desk]]:
        """Return a transaction in which the application may still act, alone of all that change
        rights; it is refused where nobody would be left to grant any. What the client sends is
        read before: nobody is kept waiting for it."""
        with spoken():
            async with portal.write(request) as tx:
                before = await keepers(tx)
                yield tx, desk_of(request)
                await refuse_lockout(tx, before)

    async def note(
        tx: Transaction, request: AnyRequest, act: str, subject: str, **facts: Any
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

    @get(f"{ROOT}/ServiceProviderConfig", opt=needs("scim"))
    async def config(request: AnyRequest) -> Response[bytes]:
        """Return what of SCIM is offered."""
        found: ServiceProviderConfig = described.config.model_copy(deep=True)  # type: ignore[union-attr]
        return answer(found, Context.RESOURCE_QUERY_RESPONSE)

    async def listed(request: AnyRequest, kind: Any, found: Any) -> Response[bytes]:
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

    def named(found: Any, id: str) -> Response[bytes]:
        with spoken():
            for one in found:
                if str(one.id).casefold() == id.casefold():
                    return answer(one, Context.RESOURCE_QUERY_RESPONSE)
            raise NotFoundException(detail="There is nothing of that name.")

    @get(f"{ROOT}/Schemas", opt=needs("scim"))
    async def schemas(request: AnyRequest) -> Response[bytes]:
        """Return the attributes that are kept of people and units."""
        return await listed(request, Schema, described.schemas)

    @get(f"{ROOT}/Schemas/{{id:str}}", opt=needs("scim"))
    async def schema(request: AnyRequest, id: FromPath[str]) -> Response[bytes]:
        """Return the attributes of one of the two."""
        return named(described.schemas, id)

    @get(f"{ROOT}/ResourceTypes", opt=needs("scim"))
    async def types(request: AnyRequest) -> Response[bytes]:
        """Return the kinds of resources there are."""
        return await listed(request, ResourceType, described.resource_types)

    @get(f"{ROOT}/ResourceTypes/{{id:str}}", opt=needs("scim"))
    async def one_type(request: AnyRequest, id: FromPath[str]) -> Response[bytes]:
        """Return one kind of resources."""
        return named(described.resource_types, id)

    # --- finding ------------------------------------------------------------------------

    async def found(request: AnyRequest, values: dict[str, Any], kinds: Any) -> Response[bytes]:
        """Return a page of what matches, of people first and then of units."""
        model: Any = User | Group if len(kinds) > 1 else kinds[0]
        async with reading(request) as (tx, desk):
            check_length(str(values.get("filter") or ""))
            asked = SearchRequest[model].model_validate(values, scim_ctx=Context.SEARCH_REQUEST)
            start = max(asked.start_index or 1, 1)
            count = PAGE if asked.count is None else min(asked.count, MOST_RESULTS)
            filter = str(asked.filter) if asked.filter else None
            bare = any(str(path).lower() == "members" for path in asked.excluded_attributes or ())
            total = 0
            page: list[Any] = []
            for kind in kinds:
                more: Any = {"members": not bare} if kind is Group else {}
                matched, resources = await (groups if kind is Group else users).search(
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

    @get(USERS, opt=needs("scim"))
    async def list_users(request: AnyRequest) -> Response[bytes]:
        """Return people whom the application sees, a page at a time."""
        return await found(request, dict(request.query_params), [User])

    @get(GROUPS, opt=needs("scim"))
    async def list_groups(request: AnyRequest) -> Response[bytes]:
        """Return units in which the application acts, a page at a time."""
        return await found(request, dict(request.query_params), [Group])

    @post(f"{USERS}/.search", opt=needs("scim"), status_code=200)
    async def search_users(request: AnyRequest) -> Response[bytes]:
        """Return people, for a question that is not put in an address."""
        with spoken():
            values = await body_of(request)
        return await found(request, values, [User])

    @post(f"{GROUPS}/.search", opt=needs("scim"), status_code=200)
    async def search_groups(request: AnyRequest) -> Response[bytes]:
        """Return units, for a question that is not put in an address."""
        with spoken():
            values = await body_of(request)
        return await found(request, values, [Group])

    @post(f"{ROOT}/.search", opt=needs("scim"), status_code=200)
    async def search(request: AnyRequest) -> Response[bytes]:
        """Return people and units."""
        with spoken():
            values = await body_of(request)
        return await found(request, values, [User, Group])

    # --- one of them --------------------------------------------------------------------

    def asked_of(request: AnyRequest, model: Any) -> ResponseParameters[Any]:
        names = ("attributes", "excludedAttributes")
        values = {
            name: request.query_params[name] for name in names if name in request.query_params
        }
        asked: ResponseParameters[Any] = ResponseParameters[model].model_validate(values)
        return asked

    async def shown(request: AnyRequest, kind: Any, id: str) -> Response[bytes]:
        async with reading(request) as (tx, desk):
            asked = asked_of(request, kind)
            one: Any = await (groups if kind is Group else users).get(tx, desk, id)
        if _matches(request.headers.get("if-none-match"), one):
            return Response(b"", status_code=304, headers={"ETag": one.meta.version})
        return answer(one, Context.RESOURCE_QUERY_RESPONSE, asked=asked)

    @get(f"{USERS}/{{id:str}}", opt=needs("scim"))
    async def show_user(request: AnyRequest, id: FromPath[str]) -> Response[bytes]:
        """Return a person."""
        return await shown(request, User, id)

    @get(f"{GROUPS}/{{id:str}}", opt=needs("scim"))
    async def show_group(request: AnyRequest, id: FromPath[str]) -> Response[bytes]:
        """Return a unit with who holds a post in it."""
        return await shown(request, Group, id)

    @post(USERS, opt=needs("scim"))
    async def add_user(request: AnyRequest) -> Response[bytes]:
        """Bring a person."""
        with spoken():
            values = as_user(await body_of(request), active=True)
            wanted = User.model_validate(
                values, scim_ctx=Context.RESOURCE_CREATION_REQUEST, scim_policy=LENIENT
            )
            asked = asked_of(request, User)
        async with writing(request) as (tx, desk):
            id = await users.add(tx, desk, wanted)
            await note(tx, request, "scim-user-added", f"person:{id}")
            one = await users.get(tx, desk, str(id))
        return answer(one, Context.RESOURCE_CREATION_RESPONSE, status=201, asked=asked)

    @post(GROUPS, opt=needs("scim"))
    async def add_group(request: AnyRequest) -> Response[bytes]:
        """Bring a unit."""
        with spoken():
            wanted = Group.model_validate(
                await body_of(request),
                scim_ctx=Context.RESOURCE_CREATION_REQUEST,
                scim_policy=LENIENT,
            )
            asked = asked_of(request, Group)
        async with writing(request) as (tx, desk):
            id = await groups.add(tx, desk, wanted)
            await note(tx, request, "scim-group-added", f"organization:{id}")
            one = await groups.get(tx, desk, str(id))
        return answer(one, Context.RESOURCE_CREATION_RESPONSE, status=201, asked=asked)

    async def changed(request: AnyRequest, kind: Any, id: str, *, whole: bool) -> Response[bytes]:
        room: Any = groups if kind is Group else users
        with spoken():
            values = await body_of(request)
            asked = asked_of(request, kind)
        async with writing(request) as (tx, desk):
            was: Any = await room.get(tx, desk, id)
            _need_version(request, was)
            apply = _replaced if whole else _patched
            wanted = await asyncio.to_thread(apply, kind, was, values)
            news = await room.change(tx, desk, was, wanted)
            if news:
                subject = f"{'organization' if kind is Group else 'person'}:{was.id}"
                act = "scim-group-changed" if kind is Group else "scim-user-changed"
                kept = {key: news[key] for key in ("active", "begun", "ended") if key in news}
                await note(tx, request, act, subject, changed=sorted(news), **kept)
            one = await room.get(tx, desk, id)
        ctx = Context.RESOURCE_REPLACEMENT_RESPONSE if whole else Context.RESOURCE_PATCH_RESPONSE
        return answer(one, ctx, asked=asked)

    @put(f"{USERS}/{{id:str}}", opt=needs("scim"))
    async def replace_user(request: AnyRequest, id: FromPath[str]) -> Response[bytes]:
        """Make a person what is said of them."""
        return await changed(request, User, id, whole=True)

    @put(f"{GROUPS}/{{id:str}}", opt=needs("scim"))
    async def replace_group(request: AnyRequest, id: FromPath[str]) -> Response[bytes]:
        """Make a unit what is said of it."""
        return await changed(request, Group, id, whole=True)

    @patch(f"{USERS}/{{id:str}}", opt=needs("scim"))
    async def patch_user(request: AnyRequest, id: FromPath[str]) -> Response[bytes]:
        """Change something of a person."""
        return await changed(request, User, id, whole=False)

    @patch(f"{GROUPS}/{{id:str}}", opt=needs("scim"))
    async def patch_group(request: AnyRequest, id: FromPath[str]) -> Response[bytes]:
        """Change something of a unit, such as who works there."""
        return await changed(request, Group, id, whole=False)

    @delete(f"{USERS}/{{id:str}}", opt=needs("scim"))
    async def let_user_go(request: AnyRequest, id: FromPath[str]) -> None:
        """Let a person leave office. What they did stays; the account stays, disabled."""
        async with writing(request) as (tx, desk):
            was = await users.get(tx, desk, id)
            _need_version(request, was)
            ended = await users.let_go(tx, desk, UUID(was.id))
            await note(tx, request, "scim-user-left", f"person:{was.id}", ended=ended)

    @delete(f"{GROUPS}/{{id:str}}", opt=needs("scim"))
    async def close_group(request: AnyRequest, id: FromPath[str]) -> None:
        """Close a unit that the application brought."""
        async with writing(request) as (tx, desk):
            was = await groups.get(tx, desk, id)
            _need_version(request, was)
            await groups.close(tx, desk, UUID(was.id))
            await note(tx, request, "scim-group-closed", f"organization:{was.id}")

    return [
        *(config, schemas, schema, types, one_type),
        *(list_users, list_groups, search_users, search_groups, search),
        *(show_user, show_group, add_user, add_group),
        *(replace_user, replace_group, patch_user, patch_group, let_user_go, close_group),
    ]


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
