"""A month of one village, of our own making, acted out through the engines themselves."""

import json
from collections.abc import AsyncIterator, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlmodel import col

from plugin_sdk.deadlines import OFFICE_HOURS, local_day
from plugin_sdk.duties.calendar import add_months, month_of
from plugin_sdk.duties.forms import ReviewForm
from plugin_sdk.extension import ImportReport
from plugin_sdk.forms import validate
from plugin_sdk.meetings import CallForm, MeetingQuestionForm
from plugin_sdk.ports import Actor
from plugins.village_affairs.catalogue import AssetForm
from plugins.village_affairs.desk import Desk
from plugins.village_affairs.models import Meeting, Publication
from plugins.village_affairs.publications import READ, PublicationForm

SOURCE: Final = Path(__file__).parent / "data" / "demonstration.json"


async def run(desk: Desk, cast: Mapping[str, Actor]) -> AsyncIterator[ImportReport]:
    """Yield a report for each scene; what was acted out before is left as it is."""
    system = desk.hub.system("demonstration")
    await desk.catalogue.seed(system)
    async with desk.hub.read(system) as read:
        known = read.rows(Publication, col(Publication.id), permission=READ).limit(1)
        done = (await read.session.execute(known)).first() is not None
    told = json.loads(SOURCE.read_text(encoding="utf-8"))
    period = add_months(month_of(local_day(desk.hub.now())), -1)
    for line, scene in enumerate((_published, _let, _met), 1):
        if not done:
            await scene(desk, cast, period, told)
        yield ImportReport(line=line, outcome="present" if done else "added", total=3)


async def _published(
    desk: Desk, cast: Mapping[str, Actor], period: date, told: dict[str, Any]
) -> None:
    """File a month on the fifth of the next, review all but one item the day after."""
    publications = desk.publications
    filed_at = _moment(desk, add_months(period, 1).replace(day=5))
    made = []
    async with desk.hub.at(filed_at).work(_by(cast["clerk"], "publication.file")) as work:
        for item in await publications.items(work, period):
            values = told["filed"].get(item.code)
            form = validate(PublicationForm, values) if values else None
            if form or item.owed:
                made.append(await publications.file(work, period, item.code, form))
    approve = validate(ReviewForm, {"decision": "approve"})
    reviewed_at = min(filed_at + timedelta(hours=20), desk.hub.now())
    async with desk.hub.at(reviewed_at).work(_by(cast["reviewer"], "publication.review")) as work:
        for filing in made[:-1]:
            await publications.review(work, filing.id, approve)


async def _let(desk: Desk, cast: Mapping[str, Actor], period: date, told: dict[str, Any]) -> None:
    """Enter what the village owns and has let, one contract near its end."""
    ends_on = local_day(desk.hub.now()) + timedelta(days=25)
    village = cast["clerk"].organization_id
    async with desk.hub.work(_by(cast["clerk"], "asset.edit")) as work:
        if village is not None:
            await desk.book.give(work, [village])
        for values in told["assets"]:
            ending = {"ends_on": ends_on.isoformat()} if values["kind"] == "contract" else {}
            await desk.assets.engine.add(work, validate(AssetForm, values | ending))


async def _met(desk: Desk, cast: Mapping[str, Actor], period: date, told: dict[str, Any]) -> None:
    """Hold an open meeting, one question answered there; or leave it called."""
    meetings, chair = desk.meetings, _by(cast["clerk"], "meeting.call")
    day = add_months(period, 1).replace(day=12)
    notice = validate(CallForm, {**told["notice"], "day": day.isoformat()})
    await desk.questions.prepare()
    async with desk.hub.at(_moment(desk, day - timedelta(days=5))).work(chair) as work:
        row = await meetings.engine.call(work, notice)
    if row.starts_at > desk.hub.now():
        return
    held: Any = validate(meetings.forms["hold"], told["attendance"])
    async with desk.hub.at(_moment(desk, day)).work(chair) as work:
        row = await work.get(Meeting, row.id, permission="meeting.read")
        await meetings.engine.hold(work, row, held)
        await meetings.ask(work, row, validate(MeetingQuestionForm, told["asked"]))
        await meetings.engine.publish(work, row, told["minutes"])


def _moment(desk: Desk, day: date) -> datetime:
    """Return the end of office hours of a day, or now where that lies ahead."""
    return min(OFFICE_HOURS.closing(day), desk.hub.now())


def _by(actor: Actor, permission: str) -> Actor:
    """Return an actor as the door hands them on for a route of that permission."""
    return msgspec.structs.replace(actor, permission=f"village-affairs.{permission}")
