"""A form that is a page of its own, shown again with what is wrong."""

from collections.abc import Callable, Sequence
from typing import Any

from litestar import Response

from plugin_sdk.forms import typed
from plugin_sdk.problems import FieldError, Invalid
from plugin_sdk.views import FormView, Phrase
from portal.pages.context import AnyRequest, Portal

Fields = Callable[[AnyRequest, dict[str, Any] | None, Sequence[FieldError]], list[Any]]


class FormPage:
    """The page of one form: its title, verb and introduction are the words `title`, `<title>_verb`
    and `<title>_intro` of `words`. `fields` makes its fields of values and errors; `as_error` says
    at which of them stands what the core refuses."""

    def __init__(
        self,
        portal: Portal,
        words: str,
        title: str,
        fields: Fields,
        as_error: Callable[[Any], FieldError],
    ) -> None:
        self._portal = portal
        self._title = f"{words}.{title}"
        self._fields = fields
        self._as_error = as_error

    async def show(
        self,
        request: AnyRequest,
        action: str,
        cancel: str,
        *,
        values: dict[str, Any] | None = None,
        errors: Sequence[FieldError] = (),
    ) -> Response[Any]:
        """Return the page."""
        view = FormView(
            title=Phrase(self._title),
            action=action,
            verb=Phrase(f"{self._title}_verb"),
            fields=self._fields(request, values, errors),
            intro=Phrase(f"{self._title}_intro"),
            cancel=cancel,
        )
        status = 422 if errors else 200
        return await self._portal.show(request, "form.html", self._title, view, status=status)

    async def again(
        self, request: AnyRequest, wrong: Exception, action: str, cancel: str
    ) -> Response[Any]:
        """Return the page with what was typed and what is wrong with it. Raises `Invalid` where no
        page is wanted."""
        errors = wrong.errors if isinstance(wrong, Invalid) else (self._as_error(wrong),)
        if not self._portal.renderer.wants_page(request.scope):
            raise Invalid(*errors) from None
        return await self.show(request, action, cancel, values=await typed(request), errors=errors)
