"""Ratings (好差评): what the requester alone says of an answer, kept with that answer.

A rating after reopening is kept with its round and not refused: the old answer stays rated as it
was, the new one can be rated once, and each counts once. What would be lost otherwise is just
what is worth knowing, that the first answer did not do.
"""

from collections.abc import Sequence
from typing import Final

from sqlmodel import col

from plugin_sdk.cases.forms import SATISFIED, RateForm
from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import Hub, Read, Work
from plugin_sdk.problems import AppConflict, Conflict
from plugin_sdk.views import FactView, Phrase
from plugins.hotline.checking.models import Rating
from plugins.hotline.counts import RATINGS, count
from plugins.hotline.models import Order

ACCOUNT, PHONE = "account", "phone"
HANDLING: Final = ("answer", "dispatch", "sign", "process", "reply", "return", "extend")
"""The acts of an order whose doers take down no rating of it."""


async def keep(work: Work, order: Order, form: RateForm, source: str) -> None:
    """Keep a rating with the answer that the order has now, and let it be heard of."""
    stars = int(form.rating)
    await work.add(
        Rating(
            organization_id=order.organization_id,
            centre_id=order.origin_organization_id,
            person_id=order.person_id,
            order_id=order.id,
            round=order.reopened,
            stars=stars,
            comment=form.comment,
            source=source,
            answered_at=order.answered_at,
            rated_at=work.now,
        ),
        placed=True,
    )
    unit, centre = order.organization_id, order.origin_organization_id
    count(work, RATINGS, str(stars), local_day(work.now), unit, centre=centre)
    work.emit("order.rated", id=str(order.id), number=order.number, round=order.reopened)


async def refuse_taking(hub: Hub, work: Work, order: Order) -> None:
    """Raise `Conflict` where the answer was rated, `AppConflict` where it is the own unit's: it
    does not take down what is said of itself."""
    if order.rating is not None:
        raise Conflict("case.rated")
    if order.organization_id == work.actor.organization_id:
        raise AppConflict(hub.app, "own-answer")


async def take(work: Work, order: Order, form: RateForm) -> None:
    """Take down what a requester said by telephone."""
    order.rating, order.rating_comment = int(form.rating), form.comment
    order.rated_at = work.now
    work.rated("order.rate", f"order:{order.id}", satisfied=order.rating in SATISFIED)
    await keep(work, order, form, PHONE)


async def of_order(read: Read, order: Order) -> Sequence[Rating]:
    """Return the ratings of an order in the order of its answers, as far as they are in scope."""
    statement = read.rows(Rating, permission="order.read").where(col(Rating.order_id) == order.id)
    found: Sequence[Rating] = (
        (await read.session.execute(statement.order_by(col(Rating.round)))).scalars().all()
    )
    return found


async def facts(read: Read, order: Order) -> list[FactView]:
    """Return the ratings of an order, each with the answer it was given for."""
    return [
        FactView(
            Phrase("hotline.checking.rating.of", {"n": row.round + 1}),
            Phrase(
                f"hotline.checking.rating.{row.source}",
                {"rating": Phrase(f"hotline.order.rating.{row.stars}")},
            ),
        )
        for row in await of_order(read, order)
    ]
