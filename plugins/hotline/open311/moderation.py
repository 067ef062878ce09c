"""The pages of whoever lets orders become public (公开审核)."""

from typing import Annotated, Any, Final

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from sqlmodel import col

from plugin_sdk.files import StoredFile
from plugin_sdk.identifiers import redact
from plugin_sdk.ports import Answer, Read, Work
from plugin_sdk.problems import NotFound
from plugin_sdk.routes import actor_of, needs, respond
from plugin_sdk.taking import Of, Typed, form_routes
from plugin_sdk.views import ActionView, AttachmentView, FactView, FilterView, Option, Phrase, View
from plugins.hotline.desk import OrderDesk
from plugins.hotline.models import Order
from plugins.hotline.open311 import publishing
from plugins.hotline.open311.filing import MODERATE_FILINGS
from plugins.hotline.open311.keys import KEYS
from plugins.hotline.open311.models import Publication
from plugins.hotline.open311.publishing import MODERATE, MOST_PHOTOS, PUBLIC_TEXT, PublishForm
from plugins.hotline.open311.services import screened
from plugins.hotline.open311.views import FindView, PublishView, QueueItem, QueueView

Ask = Request[Any, Any, Any]
Which = Annotated[str, QueryParameter(max_length=20)]

PAGE: Final = 50
SHOWN: Final = {
    "": publishing.TO_LOOK_AT,
    "published": publishing.LISTED,
    "refused": (publishing.REFUSED,),
}
HINTS: Final = frozenset({"text", "address", "notes", "show_position", "reason"})


def of(desk: OrderDesk) -> list[HTTPRouteHandler]:
    """Return the routes of publishing."""
    hub = desk.hub
    pages = Moderation(desk)

    @get("/publishing", opt=needs(MODERATE), operation_id="publishing")
    async def show_queue(request: Ask, which: Which = "") -> Response[Any]:
        """List what is to be looked at before everybody reads it."""
        async with hub.read(actor_of(request)) as read:
            view = await pages.queue(read, which if which in SHOWN else "")
        return await respond(hub, request, Answer(view=view))

    async def show(read: Read, of: Of, typed: Typed) -> View:
        return await pages.form(read, of["number"], typed)

    async def decide(work: Work, of: Of, form: PublishForm) -> Answer:
        found = await pages.order(work, of["number"])
        order = await work.get(Order, found.id, permission=MODERATE)
        await publishing.decide(work, order, form, await pages.files(work, order))
        await work.session.flush()
        said = Phrase(f"hotline.publishing.said.{form.decision}")
        return Answer(view=await pages.queue(work, ""), location=pages.here, said=said)

    deciding = form_routes(
        hub,
        PublishForm,
        MODERATE,
        name="publishing-decide",
        does="Publish the copy of an order that everybody would read, or refuse to.",
        at="/publishing/{number:str}",
        show=show,
        do=decide,
    )
    return [show_queue, *deciding]


class Moderation:
    """The queue, and one order of it."""

    def __init__(self, desk: OrderDesk) -> None:
        self.desk = desk
        self.hub = desk.hub
        self.here = f"/apps/{desk.hub.app}/publishing"

    async def order(self, read: Read, number: str) -> Order:
        """Return an order that is wished public, in scope. Raises `NotFound`."""
        statement = read.rows(Order, permission=MODERATE).where(
            col(Order.number) == number, publishing.never_secret()
        )
        found: Order | None = (await read.session.execute(statement)).scalar_one_or_none()
        if found is None:
            raise NotFound
        return found

    async def files(self, read: Read, order: Order) -> list[StoredFile]:
        """Return the photos that could be shown."""
        files = await self.hub.files.of(read, self.desk.engine.subject(order.id))
        return files[:MOST_PHOTOS]

    async def queue(self, read: Read, which: str) -> QueueView:
        """Return what waits, or what was decided."""
        asked = col(Publication.asked_at)
        statement = (
            read.rows(
                Order,
                *(col(Order.number), col(Order.title), col(Publication.state), asked),
                permission=MODERATE,
            )
            .join(Publication, publishing.joined())
            .where(publishing.never_secret(), col(Publication.state).in_(SHOWN[which]))
            .order_by(asked if not which else asked.desc(), col(Publication.id))
            .limit(PAGE)
        )
        links = [("keys", "/open311/keys", KEYS)]
        if screened(self.hub):
            links.append(("filings", "/open311/filings", MODERATE_FILINGS))
        return QueueView(
            title=Phrase("hotline.publishing.title"),
            items=[
                QueueItem(
                    number=number,
                    title=title,
                    state=state,
                    state_label=Phrase(f"hotline.publishing.state.{state}"),
                    asked_at=asked_at,
                    href=f"{self.here}/{number}",
                )
                for number, title, state, asked_at in await read.session.execute(statement)
            ],
            filters=[
                FilterView(
                    name="which",
                    label=Phrase("hotline.publishing.which"),
                    options=[
                        Option(name, Phrase(f"hotline.publishing.shown.{name}"))
                        for name in SHOWN
                        if name
                    ],
                    value=which,
                )
            ],
            links=[
                ActionView(
                    verb=verb,
                    label=Phrase(f"hotline.open311.{verb}.title"),
                    href=f"/apps/{self.hub.app}{path}",
                )
                for verb, path, permission in links
                if await read.holds(permission)
            ],
        )

    async def form(self, read: Read, number: str, typed: Typed) -> PublishView:
        """Return the form of one order: its own words beside what everybody would read."""
        order = await self.order(read, number)
        row = await publishing.publication_of(read, order)
        if row is None:
            raise NotFound
        files = await self.files(read, order)
        texts = {"text": order.text, "address": order.place, "notes": order.reply}
        begun = {name: redact(text)[:PUBLIC_TEXT] if text else "" for name, text in texts.items()}
        known = publishing.values(row, order, begun)
        fields = typed.fields(PublishForm, "hotline.publishing", known, hints=HINTS)
        absent = {f"photo_{n}" for n in range(len(files) + 1, MOST_PHOTOS + 1)}
        if order.latitude is None:
            absent.add("show_position")
        if not order.reply:
            absent.add("notes")
        said = "\n".join(text for text in texts.values() if text)
        return PublishView(
            title=Phrase("hotline.publishing.act"),
            intro=Phrase("hotline.publishing.intro"),
            number=number,
            state_label=Phrase(f"hotline.publishing.state.{row.state}"),
            action=f"{self.here}/{number}",
            verb=Phrase("hotline.publishing.decide"),
            fields=[one for one in fields if one.kind != "hidden" and one.name not in absent],
            hidden={name: str(known[name]) for name in ("version", "seen")},
            conflict=typed.conflict,
            cancel=self.here,
            about=[
                FactView(Phrase(f"hotline.publishing.own.{name}"), text)
                for name, text in texts.items()
                if text
            ],
            found=[
                FindView(Phrase(f"hotline.publishing.find.{one.kind}"), one.text)
                for one in publishing.find(said, order)
            ],
            photos=[
                AttachmentView(
                    href=self.hub.files.href(file, read.actor),
                    name=file.name,
                    width=file.width,
                    height=file.height,
                )
                for file in files
            ],
        )
