"""The administrator's pages of posts: another one, transfer (调岗), leaving office (离任)."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from pydantic import Field

from core.access import grants
from core.identity import organizations, people, sessions, transfers
from core.identity.people import PersonError, PersonFacts, PostFacts
from core.work.items import waiting_in_posts
from plugin_sdk.forms import Form, field_views, read_form, typed
from plugin_sdk.problems import Conflict, Invalid, NotFound, Problem, field_error
from plugin_sdk.routes import actor_of, needs
from plugin_sdk.views import FactView, Phrase
from portal.pages.admin.change import ChangeView
from portal.pages.admin.reach import need_person, need_post, need_sight, need_units
from portal.pages.context import AnyRequest, Portal


class PostForm(Form):
    """One more post."""

    organization: str = Field(max_length=32)
    title: str = Field(max_length=100)


class TransferForm(PostForm):
    """The post to take instead; who takes over the open work of the old one."""

    successor: str | None = Field(default=None, max_length=63)


class LeaveForm(Form):
    """Leaving office; who takes over the open work."""

    successor: str | None = Field(default=None, max_length=63)
    keep_account: bool = False


class Standing:
    """What a person holds now, as a page says before any of it ends."""

    def __init__(
        self, who: PersonFacts, posts: list[PostFacts], given: list[Any], signed_in: int
    ) -> None:
        self.who = who
        self.posts = posts
        self.given = given
        self.signed_in = signed_in
        self.waiting: dict[UUID, int] = {}

    @classmethod
    async def of(cls, tx: Any, id: UUID) -> "Standing":
        """Return it. Raises `NotFound`."""
        who = await people.person(tx, id)
        if who is None:
            raise NotFound
        found = cls(
            who,
            await people.posts(tx, [id]),
            await grants.grants(tx, person_id=id),
            len(await sessions.open_sessions(tx, id)),
        )
        found.waiting = await waiting_in_posts(tx, id)
        return found

    def facts(self, only: PostFacts | None = None) -> list[FactView]:
        """Return what ends and to whom the open work goes: of one post, or of all."""
        posts = [only] if only else self.posts
        ending = {(post.organization, post.title) for post in posts}
        given = [g for g in self.given if (g.organization, g.post) in ending]
        facts = [
            FactView(Phrase("posts.ends"), f"{post.organization} · {post.title}") for post in posts
        ]
        facts.append(FactView(Phrase("posts.grants"), Phrase("posts.n", {"n": len(given)})))
        if only is None:
            facts.append(
                FactView(Phrase("posts.sessions"), Phrase("posts.n", {"n": self.signed_in}))
            )
        units = {post.organization_id: post.organization for post in posts}
        facts += [
            FactView(
                Phrase("posts.work"),
                Phrase("posts.goes_to", {"n": self.waiting.get(id, 0), "unit": unit}),
            )
            for id, unit in units.items()
        ]
        return facts


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""

    def transfer_view(id: UUID, held: PostFacts, standing: Standing, **more: Any) -> ChangeView:
        return ChangeView(
            title=Phrase("posts.transfer_of", {"name": standing.who.name}),
            intro=Phrase("posts.transfer_intro"),
            action=f"/admin/posts/{held.id}/transfer",
            verb=Phrase("posts.transfer"),
            fields=field_views(
                TransferForm, "posts", hints=frozenset({"organization", "successor"}), **more
            ),
            cancel=f"/admin/people/{id}",
            about=standing.facts(held),
        )

    def leave_view(id: UUID, standing: Standing, **more: Any) -> ChangeView:
        return ChangeView(
            title=Phrase("posts.leave_of", {"name": standing.who.name}),
            intro=Phrase("posts.leave_intro"),
            action=f"/admin/people/{id}/leave",
            verb=Phrase("posts.leave"),
            fields=field_views(LeaveForm, "posts", hints=frozenset({"successor"}), **more),
            cancel=f"/admin/people/{id}",
            about=standing.facts(),
        )

    def add_view(id: UUID, standing: Standing, **more: Any) -> ChangeView:
        return ChangeView(
            title=Phrase("posts.add_to", {"name": standing.who.name}),
            action=f"/admin/people/{id}/posts",
            verb=Phrase("posts.add"),
            fields=field_views(PostForm, "posts", hints=frozenset({"organization"}), **more),
            cancel=f"/admin/people/{id}",
        )

    async def show(request: AnyRequest, view: ChangeView) -> Response[Any]:
        return await portal.show(request, view.template, "posts.title", view)

    async def held_post(tx: Any, id: UUID) -> tuple[PostFacts, Standing]:
        person_id = await people.holder(tx, id)
        if person_id is None:
            raise NotFound
        standing = await Standing.of(tx, person_id)
        found = next((post for post in standing.posts if post.id == id), None)
        if found is None:
            raise Problem("post-unknown", status=409)
        return found, standing

    async def unit_of(tx: Any, code: str) -> UUID:
        unit = await organizations.by_code(tx, code)
        if unit is None:
            raise Invalid(field_error("organization", "organization-unknown"))
        return unit.id

    async def successor_in(tx: Any, username: str | None, units: set[UUID], but: UUID) -> Any:
        if not username:
            return None
        found = await people.by_username(tx, username.lower())
        if found is not None and found.id != but:
            for unit in units:
                if await transfers.works_in(tx, found.id, unit):
                    return found.id
        raise Invalid(field_error("successor", "successor-elsewhere"))

    async def seen_standing(tx: Any, request: AnyRequest, id: UUID) -> Standing:
        await need_sight(tx, request, id)
        return await Standing.of(tx, id)

    @get("/admin/posts/{id:uuid}/transfer", opt=needs("people.manage"))
    async def transfer_page(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
        """Show what ends with a post, and ask for the one to take instead."""
        async with portal.read() as tx:
            await need_post(tx, request, id)
            held, standing = await held_post(tx, id)
        return await show(request, transfer_view(standing.who.id, held, standing))

    @post("/admin/posts/{id:uuid}/transfer", opt=needs("people.manage", body=TransferForm))
    async def transfer(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
        """Transfer the person of a post to another, in one transaction."""
        actor = actor_of(request)
        async with portal.read() as tx:
            await need_post(tx, request, id)
            held, standing = await held_post(tx, id)
        if standing.who.id in actor.hands:
            raise Conflict("not-oneself")
        try:
            form = (await read_form(request, TransferForm, actor)).form
            async with portal.change(
                request, "transferred", f"post:{id}", organization=form.organization
            ) as tx:
                await need_post(tx, request, id)
                unit = await unit_of(tx, form.organization)
                await need_units(tx, request, unit)
                heir = await successor_in(
                    tx, form.successor, {held.organization_id}, standing.who.id
                )
                try:
                    await transfers.transfer(tx, id, unit, form.title, successor_id=heir)
                except PersonError as error:
                    if error.code == "post-unknown":  # somebody was quicker
                        raise Problem(error.code, status=409) from None
                    raise Invalid(field_error("organization", error.code)) from None
        except Invalid as wrong:
            view = transfer_view(
                standing.who.id, held, standing, values=await typed(request), errors=wrong.errors
            )
            raise Invalid(*wrong.errors, view=view) from None
        return portal.done(request, f"/admin/people/{standing.who.id}", "posts.transferred")

    @get("/admin/people/{id:uuid}/leave", opt=needs("people.manage"))
    async def leave_page(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
        """Show everything of a person that ends, and who takes over the open work."""
        async with portal.read() as tx:
            standing = await seen_standing(tx, request, id)
        return await show(request, leave_view(id, standing))

    @post("/admin/people/{id:uuid}/leave", opt=needs("people.manage", body=LeaveForm))
    async def leave(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
        """Let a person leave office: everything of theirs ends in one transaction."""
        actor = actor_of(request)
        if id in actor.hands:
            raise Conflict("not-oneself")
        async with portal.read() as tx:
            standing = await seen_standing(tx, request, id)
        try:
            form = (await read_form(request, LeaveForm, actor)).form
            async with portal.change(
                request, "left-office", f"person:{id}", kept=form.keep_account
            ) as tx:
                await need_person(tx, request, id)
                units = {post.organization_id for post in standing.posts}
                heir = await successor_in(tx, form.successor, units, id)
                ended = await transfers.leave(
                    tx, id, successor_id=heir, keep_account=form.keep_account
                )
        except Invalid as wrong:
            view = leave_view(id, standing, values=await typed(request), errors=wrong.errors)
            raise Invalid(*wrong.errors, view=view) from None
        return portal.done(request, f"/admin/people/{id}", "posts.left", n=ended)

    @post("/admin/people/{id:uuid}/posts", opt=needs("people.manage", body=PostForm))
    async def add(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
        """Let a person take one more post."""
        try:
            form = (await read_form(request, PostForm, actor_of(request))).form
            async with portal.change(
                request, "post-added", f"person:{id}", organization=form.organization
            ) as tx:
                standing = await seen_standing(tx, request, id)
                unit = await unit_of(tx, form.organization)
                held = (post.organization_id for post in standing.posts)
                await need_units(tx, request, unit, *held)
                if any((p.organization_id, p.title) == (unit, form.title) for p in standing.posts):
                    raise Invalid(field_error("title", "post-same"))
                try:
                    await people.add_post(tx, id, unit, form.title)
                except PersonError as error:
                    raise Invalid(field_error("organization", error.code)) from None
        except Invalid as wrong:
            async with portal.read() as tx:
                standing = await seen_standing(tx, request, id)
            view = add_view(id, standing, values=await typed(request), errors=wrong.errors)
            raise Invalid(*wrong.errors, view=view) from None
        return portal.done(request, f"/admin/people/{id}", "posts.added", status=201)

    @get("/admin/people/{id:uuid}/posts/new", opt=needs("people.manage"))
    async def add_page(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
        """Ask for one more post of a person."""
        async with portal.read() as tx:
            standing = await seen_standing(tx, request, id)
        return await show(request, add_view(id, standing))

    return [transfer_page, transfer, leave_page, leave, add, add_page]
