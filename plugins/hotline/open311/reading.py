"""What of orders everybody may read, as requests of the protocol."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import or_
from sqlmodel import col

from plugin_sdk.files import StoredFile
from plugin_sdk.ports import Hub, Read
from plugin_sdk.problems import NotFound
from plugin_sdk.times import SHANGHAI
from plugins.hotline.desk import OrderDesk
from plugins.hotline.models import Order
from plugins.hotline.open311.asked import Asked
from plugins.hotline.open311.models import Publication
from plugins.hotline.open311.publishing import is_listed, joined
from plugins.hotline.open311.services import code_of, services

V2: Final = "/open311/v2"
NEED_NOT: Final = ("status_notes", "agency_responsible", "service_notice", "expected_datetime")
"""What the protocol says may not be returned; the rest is there, and empty where unknown."""


class Listed(msgspec.Struct, frozen=True):
    """A request as it is public: of the order what is no text, of the copy what is."""

    id: UUID
    number: str
    category: str | None
    organization_id: UUID
    opened_at: datetime
    stage_entered_at: datetime
    resolved_at: datetime | None
    due_at: datetime | None
    kind: str | None
    region_id: UUID | None
    channel: str
    published_at: datetime
    text: str
    address: str
    notes: str | None
    longitude: float | None
    latitude: float | None
    photos: list[str]


def _statement(read: Read) -> Any:
    order = (
        *(Order.id, Order.number, Order.category_code, Order.organization_id, Order.opened_at),
        *(Order.stage_entered_at, Order.resolved_at, Order.due_at, Order.kind, Order.region_id),
        *(Order.channel, Order.published_at),
    )
    copy = (
        *(Publication.text, Publication.address, Publication.notes),
        *(Publication.longitude, Publication.latitude, Publication.photos),
    )
    columns = [col(column) for column in (*order, *copy)]
    return read.rows(Order, *columns).join(Publication, joined()).where(is_listed())


async def find(read: Read, asked: Asked) -> list[Listed]:
    """Return the public requests that are asked for, newest first."""
    statement = _statement(read)
    if asked.ids:
        statement = statement.where(col(Order.number).in_(asked.ids))
    else:
        at = col(Publication.requested_at)
        statement = statement.where(at >= asked.start, at <= asked.end)
        if asked.categories is not None:
            statement = statement.where(_of(asked.categories))
        if not asked.closed:
            statement = statement.where(col(Order.resolved_at).is_(None))
        if not asked.open:
            statement = statement.where(col(Order.resolved_at).is_not(None))
        statement = statement.offset(asked.offset)
    order = (col(Publication.requested_at).desc(), col(Publication.id).desc())
    return await read.fetch(statement.order_by(*order).limit(asked.size), Listed)


async def one(read: Read, number: str) -> Listed:
    """Return one public request. Raises `NotFound`: what is not public is not there."""
    found = await read.fetch(_statement(read).where(col(Order.number) == number), Listed)
    if not found:
        raise NotFound
    return found[0]


async def photo(desk: OrderDesk, read: Read, number: str, n: int) -> tuple[StoredFile, bytes]:
    """Return a photo of a public request that a moderator let pass. Raises `NotFound`."""
    listed = await one(read, number)
    if not 1 <= n <= len(listed.photos):
        raise NotFound
    for file in await desk.hub.files.of(read, desk.engine.subject(listed.id)):
        if str(file.id) == listed.photos[n - 1]:
            return file, await desk.hub.files.content(read, file)
    raise NotFound


async def described(
    desk: OrderDesk, found: Sequence[Listed], *, extended: bool = False
) -> list[dict[str, Any]]:
    """Return requests as the protocol has them; it asks the directory, outside of a reading."""
    ids = {one.organization_id for one in found} | {one.region_id for one in found if one.region_id}
    names = await desk.hub.directory.names(list(ids))
    codes = {one.id: one.code for one in await desk.regions()}
    return [_described(desk.hub, one, names, codes, extended=extended) for one in found]


def _described(
    hub: Hub, one: Listed, names: dict[UUID, str], codes: dict[UUID, str], *, extended: bool
) -> dict[str, Any]:
    service = services()[code_of(one.category)]
    photos = [
        f"{hub.site}/apps/{hub.app}{V2}/media/{one.number}/{n}"
        for n in range(1, len(one.photos) + 1)
    ]
    changed = one.resolved_at or max(one.stage_entered_at, one.published_at)
    said: dict[str, Any] = {
        "service_request_id": one.number,
        "status": "closed" if one.resolved_at else "open",
        "status_notes": one.notes if one.resolved_at else None,
        "service_name": service.name,
        "service_code": service.code,
        "description": one.text,
        "agency_responsible": names.get(one.organization_id),
        "service_notice": None,
        "requested_datetime": moment(one.opened_at),
        "updated_datetime": moment(changed),
        "expected_datetime": moment(one.due_at),
        "address": one.address or None,
        "address_id": codes.get(one.region_id) if one.region_id else None,
        "zipcode": None,
        "lat": one.latitude,
        "long": one.longitude,
        "media_url": photos[0] if photos else None,
    }
    for name in NEED_NOT:
        if said[name] is None:
            del said[name]
    if extended:
        said["extended_attributes"] = {
            "channel": one.channel,
            "kind": one.kind,
            "region": names.get(one.region_id) if one.region_id else None,
            "photos": [{"media_url": href} for href in photos],
        }
    return said


def moment(at: datetime | None) -> str | None:
    """Return a time as the protocol writes it: ISO 8601 to the second, with its zone."""
    return at.astimezone(SHANGHAI).isoformat(timespec="seconds") if at else None


def _of(categories: Sequence[str | None]) -> Any:
    named = [category for category in categories if category is not None]
    column = col(Order.category_code)
    if len(named) == len(categories):
        return column.in_(named)
    return or_(column.in_(named), column.is_(None))
