"""The change log of the register of apps (变更记录): what was and what is, by whom and when."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import urlencode

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from core.governance import changes
from core.governance.changes import ChangeFacts
from core.governance.register import RegisterEntry
from plugin_sdk.routes import needs
from plugin_sdk.text import Text
from plugin_sdk.views import Phrase, View, Words
from portal.pages.admin.reach import need_everything
from portal.pages.context import AnyRequest, Portal
from portal.pages.governance.register import LOG, LONGEST, Tab, tabs


class ChangeView(msgspec.Struct, frozen=True, kw_only=True):
    """One change of an entry: what differs, as it was and as it is."""

    app: str
    name: Text
    href: str
    at: Any
    who: Words
    label: Phrase
    differences: Sequence[tuple[Words, Words, Words]]


class ChangesView(View, kw_only=True):
    """The change log of the register, newest first."""

    template: ClassVar[str] = "register_changes.html"
    title: Phrase
    tabs: list[Tab]
    rows: list[ChangeView]
    query: str
    action: str
    next_href: str | None


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the route."""

    @get(LOG, opt=needs("usage.read"), operation_id="register-changes")
    async def log(
        request: AnyRequest, app: FromQuery[str] = "", cursor: FromQuery[str] = ""
    ) -> Response[Any]:
        """Show what changed on the register of apps, by whom and when."""
        async with portal.read() as tx:
            need_everything(tx, request)
            found, following = await changes.changes(tx, app=app[:LONGEST].strip(), cursor=cursor)
            register = await portal.governance.register(tx)
        asked = {"app": app} if app else {}
        view = ChangesView(
            title=Phrase("app_register.changes"),
            tabs=tabs(portal, request, LOG),
            rows=[_change(change, register) for change in found],
            query=app,
            action=LOG,
            next_href=f"{LOG}?{urlencode({**asked, 'cursor': following})}" if following else None,
        )
        return await portal.show(request, view.template, view.title.key, view)

    return [log]


def _change(change: ChangeFacts, register: Mapping[str, RegisterEntry]) -> ChangeView:
    was, now, app = change.was or {}, change.now or {}, change.subject
    return ChangeView(
        app=app,
        name=register[app].names if app in register else Text(app, app),
        href=f"/governance/apps/{change.subject}",
        at=change.at,
        who=change.name or Phrase("app_register.console"),
        label=Phrase("app_register.changed" if change.was else "app_register.entered"),
        differences=[
            (Phrase(f"app_register.field.{name}"), _spelled(was, name), _spelled(now, name))
            for name in (change.fields if change.was else ())
        ],
    )


def _spelled(values: Mapping[str, Any], name: str) -> Words:
    """Return a value of a declaration as the log shows it."""
    value = values.get(name)
    if value is None or value == []:
        return Phrase("app_register.nothing")
    if isinstance(value, bool):
        return Phrase(f"case.check.{'yes' if value else 'no'}")
    if isinstance(value, dict):
        return " / ".join(str(part) for part in value.values())[:LONGEST]
    if isinstance(value, list):
        parts = [part.get("zh", "") if isinstance(part, dict) else str(part) for part in value]
        return "、".join(parts)[: 3 * LONGEST]
    return str(value)
