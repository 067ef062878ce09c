"""What of an order is public: the requester's wish, a moderator's copy, and the end of both.

An order is listed while all of it holds: its requester wishes so, a moderator let a text pass, it
is no report (举报), and its caller is not secret. The condition is asked of the order each time,
so that whatever makes one secret or a report takes it out at once.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from pydantic import Field, model_validator
from sqlalchemy import ColumnElement, and_, not_, select
from sqlmodel import col

from plugin_sdk.cases.forms import ActForm, Decision
from plugin_sdk.cases.rules import NotYours, is_of_requester
from plugin_sdk.files import StoredFile
from plugin_sdk.forms import Form
from plugin_sdk.ports import Read, To, Work
from plugin_sdk.problems import AppConflict, FieldError, Invalid, field_error
from plugin_sdk.views import FieldKind, Phrase
from plugins.hotline.forms import Kind
from plugins.hotline.models import Order
from plugins.hotline.naming import find
from plugins.hotline.open311.models import Publication

MODERATE: Final = "publication.moderate"
WAITING, PUBLISHED, AGAIN, REFUSED, WITHDRAWN = (
    "waiting",
    "published",
    "again",
    "refused",
    "withdrawn",
)
LISTED: Final = (PUBLISHED, AGAIN)
TO_LOOK_AT: Final = (WAITING, AGAIN)
MOST_PHOTOS: Final = 5
PUBLIC_TEXT: Final = 4000
"""The longest text of the protocol."""

FORBIDDEN: Final = frozenset({"identity", "mobile", "caller"})
"""What no moderator lets pass; the rest may name a shop or an office, and is looked at."""


class PublishForm(Form):
    """A moderator's decision: the copy that everybody reads, or why there is none.

    `version` is the publication's, `seen` the order's, as the moderator saw them.
    """

    kinds: ClassVar[Mapping[str, FieldKind]] = {
        **dict.fromkeys(("text", "notes", "reason"), "textarea"),
        **dict.fromkeys(("version", "seen"), "hidden"),
    }

    decision: Decision
    text: str | None = Field(default=None, max_length=PUBLIC_TEXT)
    address: str | None = Field(default=None, max_length=200)
    notes: str | None = Field(default=None, max_length=PUBLIC_TEXT)
    show_position: bool = False
    photo_1: bool = False
    photo_2: bool = False
    photo_3: bool = False
    photo_4: bool = False
    photo_5: bool = False
    looked: bool = False
    reason: str | None = Field(default=None, max_length=500)
    version: int = Field(ge=1)
    seen: int = Field(ge=1)

    @model_validator(mode="after")
    def _check(self) -> "PublishForm":
        needed = "text" if self.decision is Decision.APPROVE else "reason"
        if getattr(self, needed) is None:
            raise Invalid(field_error(needed, "missing"))
        return self

    def chosen(self, files: list[StoredFile]) -> list[str]:
        """Return the ids of the photos that may be seen."""
        shown = files[:MOST_PHOTOS]
        return [str(file.id) for n, file in enumerate(shown, 1) if getattr(self, f"photo_{n}")]


def may_be_public(order: Order) -> bool:
    """Return whether an order could be public at all, wish and moderation aside."""
    return not order.secret and order.kind != Kind.REPORT


def public_state(order: Order) -> str:
    """Return how far a wish to be public has come: `listed` or `asked`."""
    return "listed" if order.published_at is not None else "asked"


def never_secret() -> ColumnElement[bool]:
    """Return the condition for orders that are wished public and could be."""
    return and_(
        col(Order.wishes_public),
        not_(col(Order.secret)),
        col(Order.kind).is_distinct_from(Kind.REPORT.value),
    )


def is_listed() -> ColumnElement[bool]:
    """Return the condition for what everybody may read, of orders joined to `publications`."""
    return and_(
        never_secret(),
        col(Order.published_at).is_not(None),
        col(Publication.state).in_(LISTED),
    )


def joined() -> ColumnElement[bool]:
    """Return how a publication hangs on its order."""
    return col(Publication.order_id) == col(Order.id)


async def publication_of(read: Read, order: Order) -> Publication | None:
    """Return an order's publication, None where nobody ever wished one."""
    found = await read.session.execute(
        select(Publication).where(col(Publication.order_id) == order.id)
    )
    return found.scalar_one_or_none()


# What the requester does: applied by the flow, in the transaction of the act.


async def publicize(work: Work, order: Order, form: ActForm | None = None) -> None:
    """Ask for an order to be public. Raises `AppConflict` (`never-public`)."""
    if not may_be_public(order):
        raise AppConflict("hotline", "never-public")
    order.wishes_public = True
    row = await publication_of(work, order)
    if row is None:
        row = Publication(order_id=order.id, state=WAITING, asked_at=work.now)
        await work.add(row)
    elif row.state not in LISTED:
        row.state, row.asked_at, row.version = WAITING, work.now, row.version + 1
    await _wait(work, order, row)


async def withhold(work: Work, order: Order, form: ActForm | None = None) -> None:
    """Take an order out of what is public, and drop the copy."""
    order.wishes_public, order.published_at = False, None
    row = await publication_of(work, order)
    if row is not None:
        _drop(row, WITHDRAWN)
        await _wait(work, order, row)


async def keep_secret(work: Work, order: Order, form: ActForm | None = None) -> None:
    """Keep from now on who called: nothing of the order is public any more."""
    order.secret = True
    await withhold(work, order)


async def changed(work: Work, order: Order) -> None:
    """Let a moderator look again at an order of which there is more to say."""
    row = await publication_of(work, order)
    if row is not None and row.state == PUBLISHED:
        row.state, row.asked_at, row.version = AGAIN, work.now, row.version + 1
        row.notes = None  # the answer before this one
        await _wait(work, order, row)


# What the moderator does.


async def decide(
    work: Work, order: Order, form: PublishForm, files: list[StoredFile]
) -> Publication:
    """Publish a copy of an order, or refuse to. The order is locked; `files` are its own.

    Raises `NotYours` for the requester's own hand, `AppConflict` where it is no longer wished
    (`never-public`) or was changed meanwhile (`publication-stale`), `Invalid` for a text that
    tells of a person.
    """
    if is_of_requester(work.actor, order):
        raise NotYours(f"hotline.{MODERATE}", "own-filing")
    row = await publication_of(work, order)
    if row is None or not order.wishes_public or not may_be_public(order):
        raise AppConflict("hotline", "never-public")
    if (row.version, order.version) != (form.version, form.seen):
        raise AppConflict("hotline", "publication-stale")
    approved = form.decision is Decision.APPROVE
    if approved:
        _refuse_persons(form, order)
        row.state, row.requested_at = PUBLISHED, order.opened_at
        row.text, row.address, row.notes = form.text or "", form.address or "", form.notes
        shown = form.show_position
        row.longitude = order.longitude if shown else None
        row.latitude = order.latitude if shown else None
        row.photos, row.version = form.chosen(files), row.version + 1
    else:
        _drop(row, REFUSED)
    order.published_at = work.now if approved else None
    row.reason = form.reason
    row.decided_at, row.decided_by = work.now, work.actor.person_id
    await _wait(work, order, row)
    act = "approve" if approved else "refuse"
    work.audit(f"publication.{act}", f"order:{order.id}", number=order.number)
    if order.person_id is not None:
        words = Phrase(f"hotline.publishing.notice.{act}", {"number": order.number})
        work.notify(To(person_id=order.person_id), words, f"/apps/hotline/orders/{order.number}")
    return row


def _refuse_persons(form: PublishForm, order: Order) -> None:
    wrong = []
    doubtful = False
    for name in ("text", "address", "notes"):
        for one in find(getattr(form, name) or "", order.caller_name, order.caller_phone):
            if one.kind in FORBIDDEN:
                words = Phrase(f"hotline.publishing.wrong.{one.kind}")
                wrong.append(FieldError(name, words))
                break
            doubtful = True
    if doubtful and not form.looked and not wrong:
        wrong.append(FieldError("looked", Phrase("hotline.publishing.wrong.looked")))
    if wrong:
        raise Invalid(*wrong)


def _drop(row: Publication, state: str) -> None:
    row.state, row.version = state, row.version + 1
    row.text = row.address = ""
    row.notes = row.requested_at = row.longitude = row.latitude = None
    row.photos = []


async def _wait(work: Work, order: Order, row: Publication) -> None:
    """Keep the work item of whoever moderates as the publication stands."""
    subject = f"publication:{row.id}"
    if row.state not in TO_LOOK_AT:
        await work.todo.close(subject)
        return
    await work.todo.open(
        subject,
        To(organization_id=order.origin_organization_id, permission=MODERATE),
        order.title,
        f"/apps/hotline/publishing/{order.number}",
        label=Phrase("hotline.publishing.act"),
    )


def values(
    row: Publication | None, order: Order, texts: Mapping[str, str | None]
) -> dict[str, Any]:
    """Return what the form begins with: the copy as it stands, or the order's own words."""
    listed = row is not None and row.state in LISTED
    found: dict[str, Any] = dict(texts)
    if row is not None and listed:
        found |= {"text": row.text, "address": row.address, "notes": row.notes or texts["notes"]}
        found["show_position"] = row.latitude is not None
    found["version"] = row.version if row else 1
    found["seen"] = order.version
    return found
