"""Errors people can act on: RFC 9457 problems whose words come from the catalogues.

A problem's `code` is stable: it is the `type` of the problem+json answer
(`urn:yimen:problem:<code>`); its words stand at `problem.<code>.title` and
`problem.<code>.detail`. Page and JSON say the same sentence.
"""

from typing import Any

import msgspec

from plugin_sdk.views import Phrase, View


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with one field of a form."""

    field: str
    message: Phrase


class Problem(Exception):
    """A refusal with a sentence that says what to do. `params` fill the sentence.

    `view`, when given, is the page to show instead of the plain problem page (the form
    with everything that was typed).
    """

    status = 400

    def __init__(
        self,
        code: str,
        *,
        status: int | None = None,
        errors: tuple[FieldError, ...] = (),
        view: View | None = None,
        headers: dict[str, str] | None = None,
        **params: Any,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.status = status or type(self).status
        self.errors = errors
        self.view = view
        self.headers = headers or {}
        self.params = params

    @property
    def words(self) -> str:
        """Return where its words stand in the catalogue."""
        return f"problem.{self.code}"

    def __str__(self) -> str:
        fields = ", ".join(f"{error.field}: {error.message.key}" for error in self.errors)
        return f"{self.code}" + (f" ({fields})" if fields else "")


class NotFound(Problem):
    """Absent and hidden look alike: one identical answer (404)."""

    status = 404

    def __init__(self) -> None:
        super().__init__("not-found")


class Denied(Problem):
    """The actor lacks a permission (403; a visitor gets 401 and the sign-in page)."""

    status = 403

    def __init__(self, permission: str, *, reason: str = "not-granted") -> None:
        super().__init__("denied", permission=permission, reason=reason)


class Conflict(Problem):
    """The thing has moved on (409): stale version, illegal transition, key used otherwise."""

    status = 409


class AppConflict(Conflict):
    """A refusal (409) in an app's own words, at `<app>.problem.<code>`."""

    @property
    def words(self) -> str:
        """Return where its words stand in the app's catalogue."""
        app, _, code = self.code.partition(".")
        return f"{app}.problem.{code}"

    def __init__(self, app: str, code: str, **params: Any) -> None:
        super().__init__(f"{app}.{code}", **params)


class Invalid(Problem):
    """What was entered cannot be taken (422); each field says why."""

    status = 422

    def __init__(self, *errors: FieldError, view: View | None = None) -> None:
        super().__init__("invalid-form", errors=errors, view=view)


def field_error(field: str, code: str, **params: Any) -> FieldError:
    """Return the error of one field with the words of `problem.field.<code>`."""
    return FieldError(field, Phrase(f"problem.field.{code}", params))
