"""The ways in: each page of signing in shows its own and leads to the others."""

from typing import Any, ClassVar, Final
from urllib.parse import urlencode

import msgspec
from litestar import Response

from plugin_sdk.views import FormView, Phrase
from portal.oidc.asking import asking
from portal.pages.context import AnyRequest, Portal

NEXT: Final = ("/sign-in", "/sign-in/code")  # after these one goes on to where one came from


class Way(msgspec.Struct, frozen=True):
    """A link to another way in."""

    label: Phrase
    href: str


class SignInView(FormView, kw_only=True):
    """A step of signing in; the other ways stand below it."""

    template: ClassVar[str] = "sign_in_step.html"
    ways: list[Way] = msgspec.field(default_factory=list)


async def show_step(portal: Portal, request: AnyRequest, view: SignInView) -> Response[Any]:
    """Return a step as a page, or its view; the address stays that of the first step, since what
    an act answers cannot be asked for again."""
    title = view.title if isinstance(view.title, str) else view.title.key
    response = await portal.show(request, view.template, title, view)
    if request.method == "POST":
        response.headers["HX-Push-Url"] = "false"
    return response


async def show_sign_in(
    portal: Portal,
    request: AnyRequest,
    next: str,
    *,
    username: str = "",
    problem: str | None = None,
    passkey_problem: Phrase | None = None,
) -> Response[Any]:
    """Return the page that asks for a name and a password, or offers a passkey; with what was
    wrong, if something was. `next` is a safe path."""
    asked_by = await asking(portal, next)
    view = {
        "next": next,
        "asked_by": asked_by.name if asked_by else None,
        "username": username or (asked_by.login_hint if asked_by else ""),
        "problem": problem,
        "passkeys": portal.services.passkeys.possible,
        "passkey_problem": passkey_problem,
        "ways": ways(portal, "/sign-in", next),
    }
    status = 422 if problem or passkey_problem else 200
    return await portal.show(request, "sign_in.html", "sign_in.title", view, status=status)


def ways(portal: Portal, here: str, next: str = "/") -> list[Way]:
    """Return the ways in but the one `here`; `next` is a safe path."""
    every = {
        "/sign-in": "ways.password",
        "/sign-in/code": "ways.code",
        "/recover": "ways.recover",
        **({"/register": "ways.register"} if portal.services.settings.registration else {}),
    }
    query = f"?{urlencode({'next': next})}" if next != "/" else ""
    return [
        Way(Phrase(words), href + (query if href in NEXT else ""))
        for href, words in every.items()
        if href != here
    ]
