"""The photos of an accident: which views are asked for and which are missing, and what contradicts
the report.

The camera's own time and place are compared before a photo is drawn anew. They can be forged and
are often left out, so they refuse nothing: a contradiction is told to the person and marked for
the officer.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import select
from sqlmodel import col

from plugin_sdk.files import Picture, StoredFile, Taken
from plugin_sdk.ports import Hub, Read, Work
from plugin_sdk.problems import AppConflict
from plugins.traffic.accidents.models import Accident, AccidentPhoto, AccidentSide

LICENCE: Final = "licence"
"""Of each side, from their own phone, and seen by them and the officers alone."""
VIEWS: Final = (
    "accident_views",
    ("front", "rear", "contact", "plate_a", "plate_b", LICENCE),
)
METRES: Final = ("accident_metres", 500)
MINUTES: Final = ("accident_minutes", 60)
"""Settings of the county, with what holds without them: the views, and how far a photo may be
from the report. The rule asks for photos (公安部令第146号 第十九条) and names no views or
distances."""

MOST_TAKES: Final = 5
"""How often one view may be taken anew: what was kept is not thrown away."""


class Evidence:
    """What is photographed of an accident."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.views = tuple(str(view) for view in hub.settings.get(*VIEWS))
        self.metres = int(hub.settings.get(*METRES))
        self.minutes = timedelta(minutes=int(hub.settings.get(*MINUTES)))

    def asked(self, side: str) -> list[str]:
        """Return the views that a side is asked for: side a the place, each its licence."""
        return [view for view in self.views if side == "a" or view == LICENCE]

    async def photos(self, read: Read, row: Accident) -> list[AccidentPhoto]:
        """Return the photos of an accident that the actor may see, each view as it was taken last,
        in the order in which they are asked for."""
        statement = (
            select(AccidentPhoto)
            .where(col(AccidentPhoto.case_id) == row.id)
            .order_by(col(AccidentPhoto.id))
        )
        found = (await read.session.execute(statement)).scalars()
        latest = {(photo.view, photo.side): photo for photo in found}
        order = {view: n for n, view in enumerate(self.views)}
        return sorted(
            latest.values(), key=lambda photo: (order.get(photo.view, len(order)), photo.side)
        )

    def missing(self, photos: Sequence[AccidentPhoto], side: str) -> list[str]:
        """Return the views that a side still has to take."""
        there = {photo.view for photo in photos if photo.side == side}
        return [view for view in self.asked(side) if view not in there]

    def doubts(self, row: Accident, photo: AccidentPhoto) -> list[str]:
        """Return in what a photo contradicts the report: `time`, `place`."""
        found = []
        if photo.taken_at is not None and abs(photo.taken_at - row.happened_at) > self.minutes:
            found.append("time")
        if photo.metres is not None and photo.metres > self.metres:
            found.append("place")
        return found

    async def doubtful(self, read: Read, row: Accident) -> bool:
        """Return whether any photo contradicts the report."""
        return any(self.doubts(row, photo) for photo in await self.photos(read, row))

    async def add(
        self, work: Work, row: Accident, side: AccidentSide, view: str, picture: Picture
    ) -> AccidentPhoto:
        """Keep a photo of a view. Raises `AppConflict` for one that was taken too often."""
        taken = select(col(AccidentPhoto.id)).where(
            col(AccidentPhoto.case_id) == row.id,
            col(AccidentPhoto.view) == view,
            col(AccidentPhoto.side) == side.side,
        )
        if len((await work.session.execute(taken)).all()) >= MOST_TAKES:
            raise AppConflict(self.hub.app, "photo-too-often", n=MOST_TAKES)
        kept = await self.hub.files.keep(work, self._subject(row, view, side.side), picture)
        photo = AccidentPhoto(
            case_id=row.id,
            side=side.side,
            view=view,
            file_id=kept.id,
            kept_at=work.now,
            taken_at=picture.taken.at,
            metres=metres_off(picture.taken, row.longitude, row.latitude),
        )
        await work.add(photo)
        doubts = self.doubts(row, photo)
        work.audit("accident.photo", f"accident:{row.id}", number=row.number, doubts=doubts)
        return photo

    async def files(self, read: Read, row: Accident, sides: Sequence[str]) -> list[StoredFile]:
        """Return the files of an accident: those of the place, and the licences of the sides."""
        found = await self.hub.files.of(read, self._subject(row, "", ""))
        for side in sides:
            found += await self.hub.files.of(read, self._subject(row, LICENCE, side))
        return found

    def _subject(self, row: Accident, view: str, side: str) -> str:
        return f"accident:{row.id}:{side}" if view == LICENCE else f"accident:{row.id}"


def metres_off(taken: Taken, longitude: float | None, latitude: float | None) -> int | None:
    """Return how many metres (great circle) a photo was taken from a place, None where either is
    not known."""
    found = taken.metres_from(longitude, latitude)
    return None if found is None else round(found)
