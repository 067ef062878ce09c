"""Filing by an application: POST requests, by the letter of the protocol.

What is sent becomes an order at once, or, where the county looks first (`open311_screened`), a
filing with a token that becomes one when somebody accepts it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from litestar.datastructures import UploadFile
from pydantic import Field
from sqlmodel import col

from plugin_sdk.files import Picture
from plugin_sdk.forms import F, Form, Submission, validate
from plugin_sdk.identifiers import normalize_phone
from plugin_sdk.ports import Hub, Organization, Read, Work
from plugin_sdk.problems import AppConflict, Invalid, NotFound
from plugin_sdk.views import Phrase
from plugins.hotline.desk import OrderDesk
from plugins.hotline.forms import FileForm, Kind
from plugins.hotline.models import Order
from plugins.hotline.open311.asked import Values, single
from plugins.hotline.open311.models import Open311Filing
from plugins.hotline.open311.publishing import MOST_PHOTOS
from plugins.hotline.open311.services import KINDS, NO, YES, Service, screened, services
from plugins.hotline.open311.wire import Refusal, refused

CHANNEL: Final = "open311"
MODERATE_FILINGS: Final = "open311.screen"
DESCRIPTION: Final = 4000
_ATTRIBUTE = re.compile(r"attribute\[([^\[\]]{1,100})\](?:\[\])?")


class CallerForm(Form):
    """The parts of a caller's name."""

    first_name: str | None = Field(default=None, max_length=100)
    last_name: str | None = Field(default=None, max_length=100)


_FIELDS: Final = {
    "text": "description",
    "place": "address_string",
    "longitude": "long",
    "latitude": "lat",
    "phone": "phone",
    "region": "address_id",
    "photos": "media",
}
"""What the order's form calls otherwise than the protocol."""


class Sent(msgspec.Struct, frozen=True):
    """What was sent, checked as far as the protocol goes: the values of the order's form, and the
    photos, drawn anew."""

    values: dict[str, str]
    caller_name: str
    pictures: tuple[Picture, ...] = ()


def read_sent(values: Values, regions: Iterable[Organization], media_said: str) -> Sent:
    """Return what a POST asks for. Every fault is told at once.

    Raises `Refusal`: 404 for an unknown service, 400 without service, without a place (neither
    `lat` and `long` nor `address_string` nor `address_id`), and for what cannot be taken.
    """
    given = {name: single(values, name) for name in values}
    code = given.get("service_code", "")
    known = services()
    if code and code not in known:
        raise refused(404, "service", code=code[:60])
    wrong = [] if code else [Phrase("hotline.open311.error.no-service")]
    place = _place(given, regions, wrong)
    service = known.get(code) or known["other"]
    kind, public = _attributes(values, wrong)
    text = _text(given, service, media_said, wrong)
    if wrong:
        raise Refusal(400, *wrong)
    found = {
        **place,
        "kind": kind,
        "text": text,
        "category": service.category or "",
        "phone": given.get("phone", ""),
        "wishes_public": str(public).lower(),
    }
    name = _name(given.get("first_name", ""), given.get("last_name", ""))
    if len(name) > 100:
        raise refused(400, "name", n=100)
    _validated(CallerForm, {part: given.get(part, "") for part in CallerForm.model_fields})
    sent = Sent({name: value for name, value in found.items() if value}, name)
    form_of(sent.values)
    return sent


def _place(
    given: Mapping[str, str], regions: Iterable[Organization], wrong: list[Phrase]
) -> dict[str, str]:
    lat, long = given.get("lat", ""), given.get("long", "")
    address, id = given.get("address_string", ""), given.get("address_id", "")
    if bool(lat) != bool(long):
        wrong.append(Phrase("hotline.open311.error.half-place"))
    elif not (lat or address or id):
        wrong.append(Phrase("hotline.open311.error.no-place"))
    region = next((str(one.id) for one in regions if one.code == id), "") if id else ""
    if id and not region:
        wrong.append(Phrase("hotline.open311.error.address-id", {"id": id[:60]}))
    return {"latitude": lat, "longitude": long, "place": address, "region": region}


def _attributes(values: Values, wrong: list[Phrase]) -> tuple[str, bool]:
    """Return the kind and whether the requester makes it public: who says nothing does not."""
    found = {"kind": [str(Kind.HELP)], "public": [NO]}
    allowed = {"kind": {str(kind) for kind in KINDS}, "public": {YES, NO}}
    for name, given in values.items():
        attribute = _ATTRIBUTE.fullmatch(name)
        chosen = [value for value in given if value.strip()]
        if attribute is None or not chosen:
            continue
        code = attribute[1]
        if code not in allowed:
            wrong.append(Phrase("hotline.open311.error.attribute", {"code": code[:60]}))
        elif len(chosen) > 1 or chosen[0] not in allowed[code]:
            wrong.append(Phrase("hotline.open311.error.value", {"code": code}))
        else:
            found[code] = chosen
    return found["kind"][0], found["public"][0] == YES


def _text(given: Mapping[str, str], service: Service, said: str, wrong: list[Phrase]) -> str:
    text = given.get("description", "")
    if len(text) > DESCRIPTION:
        wrong.append(Phrase("hotline.open311.error.long", {"n": DESCRIPTION}))
    text = text or service.name
    media = given.get("media_url", "")
    if not media:
        return text
    if len(media) > 500 or not _is_web(media):
        wrong.append(Phrase("hotline.open311.error.media"))
    return f"{text}\n{said}{media}"  # never fetched: it could be any address


def _is_web(address: str) -> bool:
    try:
        found = urlsplit(address)
    except ValueError:
        return False
    return found.scheme in ("http", "https") and bool(found.netloc)


def _name(first: str, last: str) -> str:
    return f"{first} {last}".strip() if (first + last).isascii() else f"{last}{first}"


async def drawn(hub: Hub, sent: Sent, files: Sequence[UploadFile]) -> Sent:
    """Return what was sent with its photos drawn anew. Raises `Refusal` (400) for too many, for
    one that is no picture, and where the county looks first: they would lie there unseen."""
    if len(files) > MOST_PHOTOS:
        raise refused(400, "media-many", n=MOST_PHOTOS)
    given = [(file.filename or "", data) for file in files if (data := await file.read())]
    if given and screened(hub):
        raise refused(400, "media-screened")
    try:
        pictures = [await hub.files.draw(name[:200], data) for name, data in given]
    except Invalid as invalid:
        raise _faults(invalid) from None
    return msgspec.structs.replace(sent, pictures=tuple(pictures))


def form_of(values: Mapping[str, str]) -> FileForm:
    """Return the order's form. Raises `Refusal` (400) with a sentence a field."""
    return _validated(FileForm, values)


def _validated(form: type[F], values: Mapping[str, str]) -> F:
    try:
        return validate(form, values)
    except Invalid as invalid:
        raise _faults(invalid) from None


def _faults(invalid: Invalid) -> Refusal:
    said = (
        {"name": _FIELDS.get(error.field, error.field), "why": error.message}
        for error in invalid.errors
    )
    return Refusal(400, *(Phrase("hotline.open311.error.field", one) for one in said))


async def open_order(
    desk: OrderDesk, work: Work, sent: Sent, source_key: str | None = None
) -> Order:
    """Open the order of what was sent; what is sent again under the same key is the same order.

    Raises `Refusal` (400) where another request was sent under that key.
    """
    known = await known_order(work, sent, source_key)
    if known is not None:
        return known
    return await desk.open_order(
        work,
        Submission(form_of(sent.values), None, pictures=sent.pictures),
        CHANNEL,
        None,
        caller_name=sent.caller_name,
        source_key=source_key,
    )


async def known_order(read: Read, sent: Sent, source_key: str | None) -> Order | None:
    """Return the order that was sent under a key before, at once or by way of a filing that was
    accepted; None where there is none. Raises `Refusal` (400) where another was sent under it."""
    if source_key is None:
        return None
    statement = read.rows(Order).where(col(Order.source_key) == source_key)
    known: Order | None = (await read.session.execute(statement)).scalar_one_or_none()
    if known is not None and not _is_of(known, form_of(sent.values), sent.caller_name):
        raise refused(400, "key-reused")
    return known


def _is_of(order: Order, form: FileForm, caller_name: str) -> bool:
    """Return whether an order is what was sent: of all that nobody changes afterwards."""
    phone = normalize_phone(form.phone) if form.phone else ""
    sent = (form.text, form.place or "", form.longitude, form.latitude, phone, caller_name)
    kept = (order.text, order.place, order.longitude, order.latitude)
    return sent == (*kept, order.caller_phone, order.caller_name)


# Where the county looks first.


async def keep(
    desk: OrderDesk, work: Work, sent: Sent, key_id: UUID, request_key: str | None
) -> Open311Filing:
    """Keep what was sent until somebody looks at it; sent again it is the same filing.

    Raises `Refusal` (400) where another waits under that key, and where what was sent under it was
    refused: its token stands for nothing any more.
    """
    if request_key is not None:
        statement = work.rows(Open311Filing).where(col(Open311Filing.request_key) == request_key)
        known: Open311Filing | None = (await work.session.execute(statement)).scalar_one_or_none()
        if known is not None:
            if known.decided_at is not None:
                raise refused(400, "filing-refused")
            kept = (known.sent, known.caller_name)
            if kept != (sent.values, sent.caller_name):
                raise refused(400, "key-reused")
            return known
    row = Open311Filing(
        organization_id=await desk.engine.receiver(work.actor),
        key_id=key_id,
        request_key=request_key,
        sent=sent.values,
        caller_name=sent.caller_name,
        filed_at=work.now,
    )
    await work.add(row)
    return row


async def number_of(read: Read, token: UUID) -> str | None:
    """Return the number of the order that a token stands for, None before there is one.

    Raises `Refusal` (404) for a token that is none, and for one whose filing was refused.
    """
    statement: Any = read.rows(
        Open311Filing, col(Open311Filing.number), col(Open311Filing.decided_at)
    ).where(col(Open311Filing.id) == token)
    found = (await read.session.execute(statement)).one_or_none()
    if found is None or (found[1] is not None and found[0] is None):
        raise refused(404, "token")
    number: str | None = found[0]
    return number


async def screen(
    desk: OrderDesk, work: Work, id: UUID, *, accepted: bool, reason: str | None
) -> Open311Filing:
    """Let a filing become an order, or refuse it; what was sent is dropped either way.

    Raises `NotFound`, `AppConflict` (`filing-decided`).
    """
    row = await work.get(Open311Filing, id, permission=MODERATE_FILINGS)
    if row.decided_at is not None:
        raise AppConflict("hotline", "filing-decided")
    if accepted:
        order = await open_order(desk, work, Sent(row.sent, row.caller_name), row.request_key)
        row.order_id, row.number = order.id, order.number
    row.decided_at, row.reason = work.now, reason
    row.sent, row.caller_name = {}, ""
    work.audit(f"open311.{'accept' if accepted else 'refuse'}", f"open311-filing:{row.id}")
    return row


async def waiting(read: Read, id: UUID) -> Open311Filing:
    """Return a filing in scope that waits. Raises `NotFound`."""
    statement = read.rows(Open311Filing, permission=MODERATE_FILINGS).where(
        col(Open311Filing.id) == id, col(Open311Filing.decided_at).is_(None)
    )
    found: Open311Filing | None = (await read.session.execute(statement)).scalar_one_or_none()
    if found is None:
        raise NotFound
    return found


async def unseen(read: Read) -> list[Open311Filing]:
    """Return the filings in scope that wait, the oldest first."""
    statement = (
        read.rows(Open311Filing, permission=MODERATE_FILINGS)
        .where(col(Open311Filing.decided_at).is_(None))
        .order_by(col(Open311Filing.filed_at), col(Open311Filing.id))
    )
    return list((await read.session.execute(statement.limit(100))).scalars())
