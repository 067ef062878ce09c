"""The catalogue of what villages publish, and the register of what they own and let."""

import csv
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Final, Self

from pydantic import Field, model_validator

from plugin_sdk.divisions import county
from plugin_sdk.duties import DutyItem
from plugin_sdk.duties.calendar import add_months
from plugin_sdk.forms import validate
from plugin_sdk.identifiers import mask_name
from plugin_sdk.money import Yuan
from plugin_sdk.ports import Actor, Hub, Read
from plugin_sdk.problems import Invalid, field_error
from plugin_sdk.publishing import PublicText
from plugin_sdk.registers import RecordForm, Register, RegisterDesk, RegisterEngine
from plugin_sdk.views import FieldKind, Words
from plugins.village_affairs.models import Asset, Item

SOURCE: Final = Path(__file__).parent / "data" / "catalogue.csv"
LONG_AGO: Final = date(2020, 1, 1)
"""Since when the shipped items are in force: months that are brought in later find them."""


class Heading(StrEnum):
    """Under which of the three headings an item stands."""

    SANWU = "sanwu"  # 三务公开
    SANZI = "sanzi"  # 三资管理
    HUIMIN = "huimin"  # 惠民政策


class Every(StrEnum):
    """How often an item is owed, in months."""

    MONTH = "1"
    QUARTER = "3"
    YEAR = "12"
    AS_IT_HAPPENS = "0"


class ItemForm(RecordForm):
    """An item of the catalogue."""

    kinds: ClassVar[dict[str, FieldKind]] = {"every": "select"}

    code: str = Field(min_length=1, max_length=20, pattern=r"^[0-9A-Za-z-]+$")
    heading: Heading
    every: Every
    accounts: bool = False


class Kind(StrEnum):
    """What a village has."""

    ASSET = "asset"
    RESOURCE = "resource"
    CONTRACT = "contract"


class AssetForm(RecordForm):
    """An asset, a resource or a contract; a contract has an end."""

    kinds: ClassVar[dict[str, FieldKind]] = {"amount": "money"}

    kind: Kind
    name: PublicText = Field(min_length=1, max_length=200)
    amount: Yuan | None = None
    counterparty: PublicText | None = Field(default=None, max_length=100)
    place: PublicText | None = Field(default=None, max_length=200)

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.kind is Kind.CONTRACT and self.ends_on is None:
            raise Invalid(field_error("ends_on", "missing"))
        return self


class AssetDesk(RegisterDesk[Asset]):
    """The register of assets, resources and contracts."""

    hints = frozenset({"amount", "counterparty"})

    def note(self, row: Asset) -> Words:
        """Return what it is, and with whom."""
        return self.engine.words(f"kind.{row.kind}")

    def open_facts(self, row: Asset) -> Mapping[str, Any]:
        """Return what everybody may read: names are masked."""
        whom = mask_name(row.counterparty) if row.counterparty else None
        return {**super().open_facts(row), "counterparty": whom}


class Catalogue(RegisterEngine[Item]):
    """The catalogue, as duties read it."""

    async def seed(self, actor: Actor) -> None:
        """Enter the shipped items where there are none, kept by the county."""
        keeper = await county(self.hub)
        async with self.hub.work(actor) as work:
            if keeper is None or await self.in_force(work):
                return
            with SOURCE.open(encoding="utf-8", newline="") as file:
                for row in csv.DictReader(file):
                    form = validate(ItemForm, {**row, "starts_on": LONG_AGO.isoformat()})
                    await self.add(work, form, organization_id=keeper.id)

    async def items(self, read: Read, period: date) -> Sequence[DutyItem]:
        """Return the items of a month, heading by heading."""
        rows = await self.in_force(read, add_months(period, 1) - timedelta(days=1))
        order = {str(one): n for n, one in enumerate(Heading)}
        return [
            DutyItem(
                code=row.code,
                name=row.name,
                group=self.words(f"heading.{row.heading}"),
                owed=row.every != Every.AS_IT_HAPPENS and period.month % int(row.every) == 0,
                may_be_nil=not row.accounts,
                mark="accounts" if row.accounts else "",
            )
            for row in sorted(rows, key=lambda row: (order.get(row.heading, 9), row.code))
        ]


def catalogue_of(hub: Hub) -> Catalogue:
    """Return the catalogue of a hub."""
    return Catalogue(
        hub,
        Register(
            name="item",
            path="/catalogue",
            read="catalogue.read",
            edit="catalogue.edit",
            form=ItemForm,
        ),
        Item,
    )


def assets_of(hub: Hub) -> AssetDesk:
    """Return the register of assets of a hub."""
    days = tuple(hub.settings.get("contract_reminders", (90, 30, 7)))
    register = Register(
        name="asset",
        path="/assets",
        read="asset.read",
        edit="asset.edit",
        form=AssetForm,
        remind=days,
    )
    return AssetDesk(RegisterEngine(hub, register, Asset))
