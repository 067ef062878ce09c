"""Who follows which road or township, and telling them: once for each version with news, from a job
that goes on where it stopped."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlmodel import col

from plugin_sdk.extension import Job
from plugin_sdk.ports import Actor, Read, To, Work
from plugin_sdk.problems import AppConflict, Denied, Invalid, NotFound, field_error
from plugin_sdk.views import Option, Phrase
from plugins.traffic.roads.forms import FollowForm
from plugins.traffic.roads.models import RoadFollow, RoadNotice
from plugins.traffic.roads.notices import RoadDesk, subjects

FOLLOW: Final = "road.follow"
BATCH: Final = 200
"""How many followers are told in one unit of work."""
MOST: Final = 2000
"""How many are told in one run of the job; the next goes on."""


class Following:
    """What people follow. One follows at most what there is: each road and township once."""

    def __init__(self, desk: RoadDesk) -> None:
        self.desk = desk
        self.hub = desk.hub

    async def options(self) -> list[Option]:
        """Return what may be followed: the roads of the list, then the townships."""
        roads = [Option(f"road:{road}", road) for road in self.desk.roads]
        towns = [Option(f"region:{one.id}", one.name) for one in await self.desk.regions()]
        return [*roads, *towns]

    async def mine(self, read: Read) -> Sequence[RoadFollow]:
        """Return what the actor follows."""
        statement = read.rows(RoadFollow, permission=FOLLOW).where(
            col(RoadFollow.person_id) == read.actor.person_id
        )
        found = await read.session.execute(statement.order_by(col(RoadFollow.name)))
        rows: Sequence[RoadFollow] = found.scalars().all()
        return rows

    async def follow(
        self, work: Work, form: FollowForm, unit: UUID, offered: Sequence[Option]
    ) -> RoadFollow:
        """Follow a road or a township. Raises `Invalid` for one that there is not, `AppConflict`
        for one that is followed already."""
        me = work.actor.person_id
        if me is None:
            raise Denied(f"{self.hub.app}.{FOLLOW}")
        names: Mapping[str, str] = {one.value: str(one.label) for one in offered}
        if form.subject not in names:
            raise Invalid(field_error("subject", "choice"))
        if form.subject in {row.subject for row in await self.mine(work)}:
            raise AppConflict("traffic", "road-followed")
        row = RoadFollow(
            organization_id=unit,
            person_id=me,
            key=f"{me}:{form.subject}",
            subject=form.subject,
            name=names[form.subject],
            since=work.now,
        )
        await work.add(row, placed=True)
        return row

    async def unfollow(self, work: Work, id: UUID) -> None:
        """Follow it no more. Raises `NotFound` for another's."""
        row = await work.get(RoadFollow, id, permission=FOLLOW)
        if row.person_id != work.actor.person_id:
            raise NotFound
        await work.session.delete(row)

    def job(self) -> Job:
        """Return the job that tells followers."""
        return Job(key="roads", run=self.tell)

    async def tell(self, actor: Actor) -> None:
        """Tell who follows of what is news, a batch after another."""
        left = MOST
        async with self.hub.read(actor) as read:
            statement = read.rows(RoadNotice, col(RoadNotice.id))
            statement = statement.where(col(RoadNotice.news) > col(RoadNotice.told))
            ids = list(
                (await read.session.execute(statement.order_by(col(RoadNotice.id)))).scalars()
            )
        for id in ids:
            while left > 0:
                told = await self._tell_some(actor, id)
                left -= told or BATCH
                if told < BATCH:
                    break

    async def _tell_some(self, actor: Actor, id: UUID) -> int:
        """Tell the next followers of a notice; return how many. One who follows the road and the
        township hears once."""
        async with self.hub.work(actor) as work:
            row = await work.get(RoadNotice, id)
            if row.news <= row.told:
                return 0
            if row.over_at is not None and not row.told and row.told_to is None:
                row.told = row.news  # it was over before anybody heard of it
                return 0
            statement = work.rows(RoadFollow).where(col(RoadFollow.subject).in_(subjects(row)))
            if row.told_to is not None:
                statement = statement.where(col(RoadFollow.id) > row.told_to)
            statement = statement.order_by(col(RoadFollow.id)).limit(BATCH)
            followers = (await work.session.execute(statement)).scalars().all()
            message = self._message(row)
            for one in followers:
                work.notify(
                    To(person_id=one.person_id),
                    message,
                    f"/apps/{self.hub.app}/roads/{row.id}",
                    dedupe=f"road:{row.id}:{row.news}:{one.person_id}",
                )
            if len(followers) < BATCH:
                row.told, row.told_to = row.news, None
            else:
                row.told_to = followers[-1].id
        return len(followers)

    def _message(self, row: RoadNotice) -> Phrase:
        if row.over_at is not None:
            return Phrase("traffic.road.notice.over", {"name": row.name})
        name = "changed" if row.told or row.version > 1 else "published"
        return Phrase(f"traffic.road.notice.{name}", {"name": row.name})
