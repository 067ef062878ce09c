"""Subsidies: recorded by the village, found by their recipient alone."""

from datetime import date
from typing import ClassVar

import msgspec
from pydantic import Field
from sqlmodel import col

from plugin_sdk.deadlines import local_day
from plugin_sdk.forms import Form
from plugin_sdk.identifiers import IdentifierError, mask_name
from plugin_sdk.money import Yuan
from plugin_sdk.ports import Hub, Work
from plugin_sdk.problems import Denied, FieldError, Invalid
from plugin_sdk.views import Money, Phrase, View, Words
from plugins.village_affairs.models import Subsidy


class SubsidyForm(Form):
    """A subsidy that was paid. The identity number is turned into an index and not kept."""

    programme: str = Field(min_length=1, max_length=100)
    recipient: str = Field(min_length=1, max_length=100)
    identity_number: str = Field(min_length=15, max_length=30)
    amount: Yuan
    paid_on: date


class Paid(msgspec.Struct, frozen=True):
    """A subsidy as its recipient sees it."""

    programme: str
    amount: Money
    paid_on: date
    unit: str


class OwnSubsidiesView(View, kw_only=True):
    """What was paid to the reader; `known` is False where the hub knows no number of theirs."""

    template: ClassVar[str] = "village_affairs_subsidies.html"
    title: Words
    known: bool
    items: list[Paid]


async def record(hub: Hub, work: Work, form: SubsidyForm) -> Subsidy:
    """Record a payment of the actor's village. Raises `Invalid` for a number that is none, and
    for a payment that has not happened yet."""
    owner = work.actor.organization_id
    if owner is None:
        raise Denied(f"{hub.app}.subsidy.record")
    if form.paid_on > local_day(work.now):
        raise Invalid(FieldError("paid_on", Phrase("village-affairs.wrong.not-yet-paid")))
    try:
        index = hub.numbers.index(form.identity_number)
    except IdentifierError:
        raise Invalid(
            FieldError("identity_number", Phrase("village-affairs.wrong.identity-number-wrong"))
        ) from None
    row = Subsidy(
        organization_id=owner,
        recipient_index=index,
        recipient_name=mask_name(form.recipient),
        programme=form.programme,
        amount=form.amount,
        paid_on=form.paid_on,
    )
    await work.add(row)
    work.audit("subsidy.record", f"subsidy:{row.id}")
    work.effect("subsidy.recorded", f"subsidy:{row.id}")
    return row


async def own(hub: Hub, index: str | None) -> list[Paid]:
    """Return what was paid to the person of an index, newest first: read by the app itself,
    since the rows lie in the scope of their villages."""
    if index is None:
        return []
    async with hub.read(hub.system("own subsidies")) as read:
        statement = read.rows(
            Subsidy,
            col(Subsidy.programme),
            col(Subsidy.amount),
            col(Subsidy.paid_on),
            col(Subsidy.organization_id),
        ).where(col(Subsidy.recipient_index) == index)
        statement = statement.order_by(col(Subsidy.paid_on).desc(), col(Subsidy.id).desc())
        found = (await read.session.execute(statement.limit(500))).all()
    names = await hub.directory.names(list({row[3] for row in found}))
    return [
        Paid(programme, Money(amount), paid_on, names.get(unit, ""))
        for programme, amount, paid_on, unit in found
    ]
