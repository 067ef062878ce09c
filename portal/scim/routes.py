"""The endpoints of SCIM. Every one asks for the scope `scim`, which only applications have."""

from functools import cache
from typing import TYPE_CHECKING, Final

from litestar import Response, delete, get, patch, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from plugin_sdk.routes import needs
from portal.pages.context import AnyRequest, Portal
from portal.scim import PREFIX

if TYPE_CHECKING:
    from portal.scim.answering import Answering

ROOT: Final = f"{PREFIX}v2"
USERS: Final = f"{ROOT}/Users"
GROUPS: Final = f"{ROOT}/Groups"


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""

    @cache
    def answering() -> "Answering":
        from portal.scim.answering import Answering

        return Answering(portal, portal.services.settings.public_url.rstrip("/") + ROOT)

    # --- what the service is ------------------------------------------------------------

    @get(f"{ROOT}/ServiceProviderConfig", opt=needs("scim"))
    async def config(request: AnyRequest) -> Response[bytes]:
        """Return what of SCIM is offered."""
        return answering().config()

    @get(f"{ROOT}/Schemas", opt=needs("scim"))
    async def schemas(request: AnyRequest) -> Response[bytes]:
        """Return the attributes that are kept of people and units."""
        return answering().schemas(request)

    @get(f"{ROOT}/Schemas/{{id:str}}", opt=needs("scim"))
    async def schema(request: AnyRequest, id: FromPath[str]) -> Response[bytes]:
        """Return the attributes of one of the two."""
        return answering().schema(request, id)

    @get(f"{ROOT}/ResourceTypes", opt=needs("scim"))
    async def types(request: AnyRequest) -> Response[bytes]:
        """Return the kinds of resources there are."""
        return answering().types(request)

    @get(f"{ROOT}/ResourceTypes/{{id:str}}", opt=needs("scim"))
    async def one_type(request: AnyRequest, id: FromPath[str]) -> Response[bytes]:
        """Return one kind of resources."""
        return answering().one_type(request, id)

    # --- finding ------------------------------------------------------------------------

    @get(USERS, opt=needs("scim"))
    async def list_users(request: AnyRequest) -> Response[bytes]:
        """Return people whom the application sees, a page at a time."""
        return await answering().listed(request, "User")

    @get(GROUPS, opt=needs("scim"))
    async def list_groups(request: AnyRequest) -> Response[bytes]:
        """Return units in which the application acts, a page at a time."""
        return await answering().listed(request, "Group")

    @post(f"{USERS}/.search", opt=needs("scim"), status_code=200)
    async def search_users(request: AnyRequest) -> Response[bytes]:
        """Return people, for a question that is not put in an address."""
        return await answering().search(request, "User")

    @post(f"{GROUPS}/.search", opt=needs("scim"), status_code=200)
    async def search_groups(request: AnyRequest) -> Response[bytes]:
        """Return units, for a question that is not put in an address."""
        return await answering().search(request, "Group")

    @post(f"{ROOT}/.search", opt=needs("scim"), status_code=200)
    async def search(request: AnyRequest) -> Response[bytes]:
        """Return people and units."""
        return await answering().search(request, "User", "Group")

    # --- one of them --------------------------------------------------------------------

    @get(f"{USERS}/{{id:str}}", opt=needs("scim"))
    async def show_user(request: AnyRequest, id: FromPath[str]) -> Response[bytes]:
        """Return a person."""
        return await answering().show(request, "User", id)

    @get(f"{GROUPS}/{{id:str}}", opt=needs("scim"))
    async def show_group(request: AnyRequest, id: FromPath[str]) -> Response[bytes]:
        """Return a unit with who holds a post in it."""
        return await answering().show(request, "Group", id)

    @post(USERS, opt=needs("scim"))
    async def add_user(request: AnyRequest) -> Response[bytes]:
        """Bring a person."""
        return await answering().add_user(request)

    @post(GROUPS, opt=needs("scim"))
    async def add_group(request: AnyRequest) -> Response[bytes]:
        """Bring a unit."""
        return await answering().add_group(request)

    @put(f"{USERS}/{{id:str}}", opt=needs("scim"))
    async def replace_user(request: AnyRequest, id: FromPath[str]) -> Response[bytes]:
        """Make a person what is said of them."""
        return await answering().change(request, "User", id, whole=True)

    @put(f"{GROUPS}/{{id:str}}", opt=needs("scim"))
    async def replace_group(request: AnyRequest, id: FromPath[str]) -> Response[bytes]:
        """Make a unit what is said of it."""
        return await answering().change(request, "Group", id, whole=True)

    @patch(f"{USERS}/{{id:str}}", opt=needs("scim"))
    async def patch_user(request: AnyRequest, id: FromPath[str]) -> Response[bytes]:
        """Change something of a person."""
        return await answering().change(request, "User", id, whole=False)

    @patch(f"{GROUPS}/{{id:str}}", opt=needs("scim"))
    async def patch_group(request: AnyRequest, id: FromPath[str]) -> Response[bytes]:
        """Change something of a unit, such as who works there."""
        return await answering().change(request, "Group", id, whole=False)

    @delete(f"{USERS}/{{id:str}}", opt=needs("scim"))
    async def let_user_go(request: AnyRequest, id: FromPath[str]) -> None:
        """Let a person leave office. What they did stays; the account stays, disabled."""
        await answering().let_user_go(request, id)

    @delete(f"{GROUPS}/{{id:str}}", opt=needs("scim"))
    async def close_group(request: AnyRequest, id: FromPath[str]) -> None:
        """Close a unit that the application brought."""
        await answering().close_group(request, id)

    return [
        *(config, schemas, schema, types, one_type),
        *(list_users, list_groups, search_users, search_groups, search),
        *(show_user, show_group, add_user, add_group),
        *(replace_user, replace_group, patch_user, patch_group, let_user_go, close_group),
    ]
