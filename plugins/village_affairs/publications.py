"""What villages publish each month: the form, what must hold, what is masked."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, ClassVar, Final
from uuid import UUID

from pydantic import Field
from sqlmodel import col

from plugin_sdk.divisions import villages
from plugin_sdk.duties import Duty, DutyDesk, DutyEngine, DutyFiling, DutyItem, Rest, ReturnForm
from plugin_sdk.duties.closing import Owes
from plugin_sdk.facts import facts_of
from plugin_sdk.identifiers import mask_name
from plugin_sdk.money import SignedYuan, Yuan, spell_yuan
from plugin_sdk.ports import Hub, Read, Work
from plugin_sdk.problems import FieldError, Invalid
from plugin_sdk.publishing import PublicText, published_text
from plugin_sdk.views import ActionView, FactView, FieldKind, Money, Phrase
from plugins.village_affairs.catalogue import Catalogue
from plugins.village_affairs.models import Month, Publication

ACCOUNTS: Final = ("opening", "income", "expense", "closing")
PLAIN: Final = frozenset({"content", "amount", "payee", "evidence"})
READ: Final = "publication.read"
LINKS: Final = (
    ("assets", "assets", "asset.read"),
    ("figures", "figures", "figures.read"),
    ("catalogue", "catalogue", "catalogue.edit"),
    ("codes", "codes", "code.print"),
    ("subsidies", "subsidies/new", "subsidy.record"),
)
"""What stands beside the month: its name, where, and who may open it."""


class PublicationForm(ReturnForm):
    """What is published of an item; accounts name all four sums."""

    kinds: ClassVar[dict[str, FieldKind]] = {
        "content": "textarea",
        **dict.fromkeys(("amount", *ACCOUNTS), "money"),
    }

    opening: SignedYuan | None = None
    income: Yuan | None = None
    expense: Yuan | None = None
    closing: SignedYuan | None = None
    content: PublicText = Field(min_length=1, max_length=4000)
    amount: Yuan | None = None
    payee: PublicText | None = Field(default=None, max_length=100)
    evidence: PublicText = Field(min_length=1, max_length=500)


class PublicationDesk(DutyDesk[Month]):
    """The monthly publication of a village (每月公开)."""

    hints = frozenset({"content", "evidence", "payee", "opening"})

    def __init__(self, engine: DutyEngine[Month], catalogue: Catalogue) -> None:
        super().__init__(engine)
        self.catalogue = catalogue

    async def items(self, read: Read, period: date) -> Sequence[DutyItem]:
        """Return the catalogue."""
        return await self.catalogue.items(read, period)

    def fields(self, item: DutyItem) -> frozenset[str]:
        """Return what an item asks for: accounts their four sums."""
        return frozenset({*ACCOUNTS, "content", "evidence"}) if item.mark else PLAIN

    def needed(self, item: DutyItem) -> frozenset[str]:
        """Return the sums that accounts must name."""
        return frozenset(ACCOUNTS) if item.mark else frozenset()

    async def links(self, read: Read) -> list[ActionView]:
        """Return the pages that stand in no navigation, to whoever may open them."""
        return [
            ActionView(
                verb=name,
                label=Phrase(f"village-affairs.links.{name}"),
                href=f"/apps/{self.hub.app}/{path}",
            )
            for name, path, permission in LINKS
            if await read.holds(permission)
        ]

    async def known(self, read: Read, period: date, item: DutyItem) -> Mapping[str, Any]:
        """Return the opening balance: what the month before closed with."""
        owner = read.actor.organization_id
        if not item.mark or owner is None:
            return {}
        return {"opening": spell_yuan(await self._neighbour(read, owner, item.code, period, "<"))}

    async def check(
        self, work: Work, row: Month, item: DutyItem, form: ReturnForm | None
    ) -> Mapping[str, Any]:
        """Refuse accounts that do not close, or do not begin where the last ones ended."""
        if not item.mark or not isinstance(form, PublicationForm):
            return {}
        sums = {name: getattr(form, name) for name in ACCOUNTS}
        closing = sums["opening"] + sums["income"] - sums["expense"]
        if closing != sums["closing"]:
            raise Invalid(_wrong("closing", "accounts-open", closing))
        owner = row.organization_id
        before = await self._neighbour(work, owner, item.code, row.period, "<")
        if before is not None and before != sums["opening"]:
            raise Invalid(_wrong("opening", "accounts-jump", before))
        after = await self._neighbour(work, owner, item.code, row.period, ">")
        if after is not None and after != sums["closing"]:
            raise Invalid(_wrong("closing", "accounts-next", after))
        return {}

    async def _neighbour(
        self, read: Read, owner: UUID, item: str, period: date, side: str
    ) -> int | None:
        """Return what the accounts before closed with, or those after opened with."""
        sums = col(Publication.closing if side == "<" else Publication.opening)
        month = col(Publication.period)
        statement = read.rows(Publication, sums, permission=READ).where(
            col(Publication.organization_id) == owner,
            col(Publication.item) == item,
            col(Publication.state) == "published",
            month < period if side == "<" else month > period,
        )
        order = month.desc() if side == "<" else month
        found = await read.session.execute(statement.order_by(order).limit(1))
        value: int | None = found.scalar_one_or_none()
        return value

    def facts(self, made: DutyFiling) -> list[FactView]:
        """Return what was published: names masked, telephone numbers too."""
        if made.nil:
            return []
        values = {name: getattr(made, name) for name in PublicationForm.model_fields}
        values["payee"] = mask_name(values["payee"]) if values["payee"] else None
        values |= {name: published_text(values[name]) for name in ("content", "evidence")}
        return facts_of(PublicationForm, self.engine.prefix, values)


def _wrong(field: str, words: str, fen: int) -> FieldError:
    return FieldError(field, Phrase(f"village-affairs.wrong.{words}", {"sum": Money(fen)}))


async def owing(hub: Hub) -> list[Owes]:
    """Return every village with its town: one that was merged into another is none."""
    return [Owes(unit.id, unit.parent_id) for unit in await villages(hub)]


def publications_of(hub: Hub, catalogue: Catalogue) -> PublicationDesk:
    """Return the desk of a hub's publications, with the county's day and rule."""
    duty = Duty(
        name="publication",
        path="/publications",
        read=READ,
        file="publication.file",
        review="publication.review",
        watch="publication.watch",
        form=PublicationForm,
        day=int(hub.settings.get("due_day", 10)),
        rest=Rest(hub.settings.get("due_day_of_rest", "next")),
        event="publication.published",
        effect="publication.published",
    )
    return PublicationDesk(DutyEngine(hub, duty, Month), catalogue)
