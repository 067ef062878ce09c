"""The way to a public page for who cannot scan its code: the code is typed."""

from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from litestar.response import Redirect
from pydantic import Field

from plugin_sdk.codes.registry import LENGTH, CodeBook
from plugin_sdk.codes.views import CodeEntry
from plugin_sdk.forms import Form, field_views
from plugin_sdk.ports import Answer
from plugin_sdk.problems import FieldError, NotFound, field_error
from plugin_sdk.routes import PUBLIC, needs, respond


class CodeForm(Form):
    """A code as it stands on the notice."""

    code: str = Field(min_length=LENGTH, max_length=LENGTH)


def entry_route(book: CodeBook) -> HTTPRouteHandler:
    """Return the page at `/c` that leads to the page of a code. An app names it in its
    navigation with the permission `public`, and visitors find it at home."""
    hub = book.hub

    @get("/c", opt=needs(PUBLIC), operation_id="code-entry")
    async def enter(
        request: Request[Any, Any, Any],
        code: Annotated[str | None, QueryParameter(max_length=100)] = None,
    ) -> Response[Any]:
        """Ask for a code; open the page of one that is known."""
        wrong: tuple[FieldError, ...] = ()
        if code is not None:
            try:
                await book.open(code)
            except NotFound:
                wrong = (field_error("code", "code-unknown"),)
            else:
                return Redirect(book.href(code.strip().upper()), status_code=303)
        hints = frozenset({"code"})
        view = CodeEntry(
            action=f"/apps/{hub.app}/c",
            fields=field_views(
                CodeForm, "codes", values={"code": code or ""}, errors=wrong, hints=hints
            ),
        )
        return await respond(hub, request, Answer(view=view, status=422 if wrong else 200))

    return enter
