"""Handing one's post over for a time, and seeing what was handed to one."""

from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from pydantic import Field

from core.access import delegation
from core.access.decisions import role_titles
from core.access.grants import GrantError
from core.audit import SHELL
from core.database import Transaction
from core.identity import people
from core.messages.service import send
from plugin_sdk.forms import Form, field_views, read_form, typed
from plugin_sdk.ports import Actor, To
from plugin_sdk.problems import Invalid, NotFound, field_error
from plugin_sdk.routes import SIGNED_IN, actor_of, needs
from plugin_sdk.text import Text
from plugin_sdk.times import SHANGHAI
from plugin_sdk.views import Option, Phrase, Words
from portal.frames import last_day
from portal.pages.admin.side import side_form
from portal.pages.context import AnyRequest, Portal
from portal.pages.groups import TEMPLATE, Act, Group, Line, groups_view
from portal.pages.rows import person_of
from portal.pages.session import Nothing

FIELDS = {
    "delegate-oneself": "username",
    "delegate-unknown": "username",
    "delegate-busy": "username",
    "delegation-circle": "username",
    "delegation-twice": "username",
    "delegation-over": "ends_on",
    "delegation-long": "ends_on",
    "role-unknown": "role",
}


class DelegationForm(Form):
    """One's post, to whom, until when."""

    post: UUID
    username: str = Field(max_length=63)
    role: str | None = Field(default=None, max_length=100)
    starts_on: date | None = None
    ends_on: date
    reason: str = Field(max_length=200)

    kinds: ClassVar[Any] = {"post": "select", "role": "select"}


def first_of(day: date) -> datetime:
    """Return when a day begins in Shanghai."""
    return datetime.combine(day, time.min, SHANGHAI)


def end_of(day: date) -> datetime:
    """Return when a day is over in Shanghai."""
    return first_of(day + timedelta(days=1)) if day < date.max else first_of(day)


async def person_named(tx: Transaction, username: str) -> UUID | None:
    """Return who has a user name, None when nobody in use has it."""
    found = await people.by_username(tx, username.strip().lower())
    return found.id if found is not None and not found.disabled else None


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""

    async def page(
        request: AnyRequest, *, status: int = 200, given: Any = None, errors: Any = ()
    ) -> Response[Any]:
        actor = actor_of(request)
        person_id = person_of(actor)
        async with portal.read() as tx:
            own = await people.posts(tx, [person_id])
            mine = await delegation.given(tx, person_id)
            taken = await delegation.taken(tx, person_id)
            now = tx.now
            titles = await role_titles(tx)
            held = {
                key: None for item in own for key in await delegation.roles_of_post(tx, item.id)
            }
        forms = []
        if held:
            posts = [Option(str(item.id), f"{item.organization} · {item.title}") for item in own]
            every = Option("", Phrase("page.delegations.every_role"))
            roles = [every, *(Option(key, _role(titles, key)) for key in held)]
            fields = field_views(
                DelegationForm,
                "page.delegations",
                values=given or ({"post": posts[0].value} if len(posts) == 1 else None),
                errors=errors,
                options={"post": posts, "role": roles},
                hints=frozenset({"starts_on", "ends_on", "username"}),
            )
            forms.append(side_form("page.delegations.add", "/me/delegations", fields))
        view = groups_view(
            Phrase("page.delegations.title"),
            Phrase("page.delegations.intro"),
            [
                Group(
                    Phrase("page.delegations.given"),
                    Phrase("page.delegations.none_given"),
                    [_line(item, item.person, titles, actor) for item in mine],
                ),
                Group(
                    Phrase("page.delegations.taken"),
                    Phrase("page.delegations.none_taken"),
                    [
                        _line(item, item.giver, titles, actor, taken=now >= item.starts_at)
                        for item in taken
                    ],
                ),
            ],
            forms,
        )
        return await portal.show(request, TEMPLATE, "page.delegations.title", view, status=status)

    @get("/me/delegations", opt=needs(SIGNED_IN))
    async def listing(request: AnyRequest) -> Response[Any]:
        """Show what one has handed over, and what was handed to one."""
        return await page(request)

    @post("/me/delegations", opt=needs(SIGNED_IN, body=DelegationForm, fresh=True))
    async def hand_over(request: AnyRequest) -> Response[Any]:
        """Hand one of one's own posts over until a day; who takes it is told."""
        actor = actor_of(request)
        await portal.count_hit(f"delegation:{actor.real_person_id}")
        try:
            form = (await read_form(request, DelegationForm, actor)).form
            async with portal.change(request, "delegated", f"post:{form.post}") as tx:
                to = await person_named(tx, form.username)
                if to is None:
                    raise Invalid(field_error("username", "delegate-unknown"))
                try:
                    await delegation.delegate(
                        tx,
                        form.post,
                        to,
                        by=person_of(actor),
                        starts_at=max(first_of(form.starts_on), tx.now)
                        if form.starts_on
                        else tx.now,
                        ends_at=end_of(form.ends_on),
                        reason=form.reason,
                        roles=(form.role,) if form.role else (),
                    )
                except GrantError as error:
                    raise Invalid(field_error(FIELDS.get(error.code, "post"), error.code)) from None
                words = Phrase("delegations.given", {"name": actor.name, "until": form.ends_on})
                await send(tx, SHELL, To(person_id=to), words, "/me/delegations")
        except Invalid as wrong:
            if not portal.renderer.wants_page(request.scope):
                raise
            return await page(request, status=422, errors=wrong.errors, given=await typed(request))
        portal.services.jobs.wake()
        return portal.done(request, "/me/delegations", "page.delegations.added", status=201)

    @post("/me/delegations/{id:uuid}/end", opt=needs(SIGNED_IN, body=Nothing))
    async def end(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
        """End a delegation that one gave or took: refused everywhere once this has answered."""
        actor = actor_of(request)
        await read_form(request, Nothing, actor)
        async with portal.change(request, "delegation-ended", f"delegation:{id}") as tx:
            try:
                await delegation.revoke(tx, id, by=person_of(actor))
            except GrantError:
                raise NotFound from None
        return portal.done(request, "/me/delegations", "page.delegations.ended")

    return [listing, hand_over, end]


def _role(titles: dict[str, tuple[str, str]], key: str) -> Words:
    if key not in titles:
        return key
    return Phrase("text", {"text": Text(*titles[key])})


def _line(
    item: delegation.DelegationFacts,
    other: str,
    titles: dict[str, tuple[str, str]],
    actor: Actor,
    *,
    taken: bool = False,
) -> Line:
    acting = actor.delegation is not None and actor.delegation.id == item.id
    ending = Act(f"/me/delegations/{item.id}/end", Phrase("page.delegations.end"), danger=True)
    taking = Act("/post", Phrase("page.delegations.take"), hidden={"post": str(item.id)})
    days = Phrase(
        "page.delegations.days",
        {
            "start": item.starts_at.astimezone(SHANGHAI).date(),
            "end": last_day(item.ends_at),
        },
    )
    roles = [_role(titles, key) for key in item.roles] or [Phrase("page.delegations.every_role")]
    return Line(
        id=str(item.id),
        title=f"{other} · {item.organization} {item.post}",
        facts=[days, *roles, item.reason],
        badge=Phrase("page.me.current") if acting else None,
        acts=[taking, ending] if taken and not acting else [ending],
    )
