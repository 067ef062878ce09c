"""Asking for an archive, a restore and a destruction, and how far each has come.

What is asked for here is carried out by `core.governance.archive.phases`, in a worker of the hub
or by a command, whichever comes first.
"""

import hmac
from datetime import date, datetime
from typing import Any, Literal, cast
from uuid import UUID

import msgspec
from sqlalchemy import delete, insert, select, update
from sqlmodel import col

from core import audit
from core.apps import runtime
from core.apps.models import AppRuntime
from core.apps.slots import State
from core.database import Transaction
from core.governance.archive.models import Approval, Archive
from core.governance.lifecycle.models import Standing
from core.governance.lifecycle.obstacles import Obstacle
from core.governance.lifecycle.service import standing
from plugin_sdk.data import new_id
from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import Actor
from plugin_sdk.problems import Conflict, Denied, Invalid, NotFound, field_error
from plugin_sdk.views import Phrase

Phase = Literal[
    "asked",  # somebody wants the app archived: it is shut, and nothing was written yet
    "written",  # the bundle is complete, and its checksum known
    "verified",  # restored into a scratch place, every row and file was the same
    "dropped",  # the tables are gone; contents of files that nobody else has go next
    "stored",  # archived
    "recalled",  # somebody wants it back
    "returned",  # its tables and rows are back and were compared; the bundle goes next
    "restored",
    "condemned",  # two people agreed to destroy it
    "destroyed",  # the row and its checksum stay
    "called_off",  # it was not archived after all
]
UNDER_WAY: tuple[Phase, ...] = (
    *("asked", "written", "verified", "dropped"),
    *("recalled", "returned", "condemned"),
)
WITH_BUNDLE: tuple[Phase, ...] = ("dropped", "stored", "recalled")
"""Phases in which an app is in its bundle and nowhere else."""
BEFORE_DROPPED: tuple[Phase, ...] = ("asked", "written", "verified")
ARCHIVING: tuple[Phase, ...] = (*BEFORE_DROPPED, "dropped")
RETURNING: tuple[Phase, ...] = ("recalled", "returned")
APPROVERS = 2
ARCHIVE, PURGE = "yimen.lifecycle.archive", "yimen.lifecycle.purge"


class Approved(msgspec.Struct, frozen=True, kw_only=True):
    """Who agreed to destroy a bundle, and when."""

    person_id: UUID
    name: str
    unit: str
    at: datetime


class ArchiveFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The archive of an app as it is shown (`core.governance.archive.models.Archive`). `done` of
    `total` rows and files of the phase are through; `fault` says why it stopped, None while it
    has not. From `keep_until` on the bundle may be destroyed."""

    id: UUID
    app: str
    phase: Phase
    folder: str
    revision: str | None
    sha256: str | None
    rows: int
    files: int
    bytes: int
    done: int
    total: int
    fault: Phrase | None
    reason: str
    asked_by: UUID | None
    asked_name: str
    asked_unit: str
    asked_at: datetime
    recalled_by: UUID | None
    recalled_name: str
    recalled_unit: str
    recall_reason: str
    state: str
    moved_at: datetime
    keep_until: date | None
    approvals: tuple[Approved, ...] = ()

    @property
    def under_way(self) -> bool:
        """Return whether something is still to be done without anybody asking again."""
        return self.phase in UNDER_WAY


_NAMES = tuple(name for name in ArchiveFacts.__struct_fields__ if name != "approvals")


async def latest(tx: Transaction, app: str) -> ArchiveFacts | None:
    """Return the last archive of an app, None if there never was one."""
    columns: list[Any] = [getattr(Archive, name) for name in _NAMES]
    found = await tx.session.execute(
        select(*columns)
        .where(col(Archive.app) == app)
        .order_by(col(Archive.asked_at).desc(), col(Archive.id).desc())
        .limit(1)
    )
    row = found.first()
    if row is None:
        return None
    values = dict(zip(_NAMES, row, strict=True))
    values["fault"] = spoken(values["fault"])
    approvals = await tx.session.execute(
        select(col(Approval.person_id), col(Approval.name), col(Approval.unit), col(Approval.at))
        .where(col(Approval.archive_id) == values["id"])
        .order_by(col(Approval.at))
    )
    given = tuple(
        Approved(person_id=person, name=name, unit=unit, at=at)
        for person, name, unit, at in approvals
    )
    return ArchiveFacts(**values, approvals=given)


def spoken(fault: str) -> Phrase | None:
    """Return a kept fault in words, None where there is none."""
    code, _, detail = fault.partition("|")
    return Phrase(f"archive.fault.{code}", {"detail": detail}) if code else None


async def waiting(tx: Transaction) -> list[tuple[str, bool, datetime]]:
    """Return the apps of which something is under way, whether it stopped of a fault, and since
    when; what was asked for first comes first."""
    found = await tx.session.execute(
        select(col(Archive.app), col(Archive.fault), col(Archive.moved_at))
        .where(col(Archive.phase).in_(UNDER_WAY))
        .order_by(col(Archive.asked_at))
    )
    return [(app, bool(fault), at) for app, fault, at in found]


async def given_up(tx: Transaction) -> list[tuple[str, str]]:
    """Return the archives that were called off: of which app, and the folder of what was written
    by then."""
    found = await tx.session.execute(
        select(col(Archive.app), col(Archive.folder)).where(col(Archive.phase) == "called_off")
    )
    return [(app, folder) for app, folder in found]


async def obstacles(tx: Transaction, app: str) -> list[Obstacle]:
    """Return why an app cannot be archived yet. Raises `NotFound`."""
    here = await standing(tx, app)
    found = []
    if here.stage != "closed":
        found.append(_obstacle("archive-not-closed", app))
    last = await latest(tx, app)
    if last is not None and last.under_way:
        found.append(_obstacle("archive-under-way", app))
    if await _undescribed(tx, app):
        found.append(_obstacle("archive-undescribed", app))
    return found


def _obstacle(key: str, app: str) -> Obstacle:
    return Obstacle(key=key, said=Phrase(f"problem.{key}.detail", {"app": app}))


async def _undescribed(tx: Transaction, app: str) -> bool:
    """Return whether an app stood behind the door and nobody knows its tables."""
    behind = await tx.session.execute(select(col(AppRuntime.app)).where(col(AppRuntime.app) == app))
    kept = await tx.session.execute(select(col(Standing.tables)).where(col(Standing.app) == app))
    return behind.first() is not None and kept.scalar_one() is None


async def ask(tx: Transaction, app: str, by: Actor, reason: str) -> ArchiveFacts:
    """Ask for a closed app to be archived; it is shut for good in the same transaction, so that
    nothing of it writes meanwhile. Asked again after a fault it goes on at once.

    Raises `NotFound`, `Conflict` for what stands in the way (`obstacles`).
    """
    _need_own_hands(by, ARCHIVE)
    # of two who ask at once one waits here, and finds it asked for
    await tx.session.execute(
        select(col(Standing.version)).where(col(Standing.app) == app).with_for_update()
    )
    last = await latest(tx, app)
    if last is not None and last.phase in ARCHIVING and last.fault is not None:
        return await again(tx, app, by)
    for one in await obstacles(tx, app):
        raise Conflict(one.key, app=app)
    state = await _shut(tx, app, by)
    id = new_id()
    await tx.session.execute(
        insert(Archive).values(
            id=id,
            app=app,
            phase="asked",
            folder=f"{app}-{local_day(tx.now):%Y%m%d}-{id.hex[-8:]}",
            rows=0,
            files=0,
            bytes=0,
            done=0,
            total=0,
            fault="",
            reason=reason,
            asked_by=by.real_person_id,
            asked_name=by.name,
            asked_unit=by.organization_name,
            asked_at=tx.now,
            recalled_name="",
            recalled_unit="",
            recall_reason="",
            state=state,
            moved_at=tx.now,
        )
    )
    await _record(tx, by, app, "app-archive-asked", reason=reason)
    return await _now(tx, app)


def _need_own_hands(by: Actor, permission: str) -> None:
    """Raise `Denied` for who acts in another's post or on another's behalf: the two who destroy a
    bundle, and who asked for it, must be known to be three."""
    if by.delegation is not None or by.agent is not None:
        raise Denied(permission)


async def _shut(tx: Transaction, app: str, by: Actor) -> str:
    """Let an app run nowhere; return how it ran."""
    found = await tx.session.execute(
        select(col(AppRuntime.state)).where(col(AppRuntime.app) == app)
    )
    state: str | None = found.scalar_one_or_none()
    if state is None:
        return ""  # it never stood behind the door
    await runtime.change(tx, app, state="disabled", by=by.real_person_id)
    return state


async def ask_restore(tx: Transaction, app: str, by: Actor, reason: str) -> ArchiveFacts:
    """Ask for an archived app to be brought back. Asked again after a fault it goes on at once.
    Consents to destroy the bundle lapse.

    Raises `NotFound`, `Conflict` where there is no archive to bring back.
    """
    here, last = await standing(tx, app), await latest(tx, app)
    if last is not None and last.phase in RETURNING and last.fault is not None:
        return await again(tx, app, by)
    if last is not None and last.under_way:
        raise Conflict("archive-under-way", app=app)
    if last is None or last.phase != "stored" or here.stage != "archived":
        raise Conflict("archive-none", app=app)
    await tx.session.execute(delete(Approval).where(col(Approval.archive_id) == last.id))
    await move(
        tx,
        last,
        "recalled",
        recalled_by=by.real_person_id,
        recalled_name=by.name,
        recalled_unit=by.organization_name,
        recall_reason=reason,
    )
    await _record(tx, by, app, "app-restore-asked", reason=reason)
    return await _now(tx, app)


async def call_off(tx: Transaction, app: str, by: Actor) -> ArchiveFacts:
    """Give up what was asked for: an archive before anything was dropped, or a restore, whose
    bundle stays where it is. Raises `Conflict`."""
    last = await latest(tx, app)
    if last is not None and last.phase in BEFORE_DROPPED:
        await move(tx, last, "called_off")
        if last.state:
            await runtime.change(tx, app, state=as_it_ran(last.state), by=by.real_person_id)
    elif last is not None and last.phase == "recalled":
        await move(tx, last, "stored")
    else:
        raise Conflict("archive-too-late", app=app)
    await _record(tx, by, app, "app-archive-called-off", phase=last.phase)
    return await _now(tx, app)


async def approve(tx: Transaction, app: str, by: Actor, sha256: str) -> ArchiveFacts:
    """Agree to destroy the bundle of an app, whose checksum the approver enters. The second
    person's consent condemns it.

    Two people are needed who did not ask for the archive themselves, nor act for one another
    (委托、代办): whoever wants an app gone does not also decide that nothing of it remains.

    Raises `Denied` for nobody in person, `Conflict` (`purge-too-early`, `purge-same-person`,
    `purge-own-archive`, `archive-none`), `Invalid` for another checksum.
    """
    _need_own_hands(by, PURGE)
    if by.real_person_id is None:
        raise Denied(PURGE)
    here, last = await standing(tx, app), await latest(tx, app)
    if last is None or last.phase != "stored" or here.stage != "archived":
        raise Conflict("archive-none", app=app)
    refused = purge_refused(last, by, local_day(tx.now))
    if refused is not None:
        raise refused
    if not hmac.compare_digest((last.sha256 or "").encode(), sha256.strip().lower().encode()):
        raise Invalid(field_error("sha256", "bundle-checksum"))
    # the row is locked and must stand as it was read: of two who agree at once both are counted
    await move(tx, last, "stored")
    given = (await _now(tx, app)).approvals
    if any(one.person_id in by.hands for one in given):
        raise Conflict("purge-same-person", app=app)
    tx.session.add(
        Approval(
            archive_id=last.id,
            person_id=by.real_person_id,
            name=by.name,
            unit=by.organization_name,
            sha256=last.sha256 or "",
            at=tx.now,
        )
    )
    await tx.session.flush()
    await _record(tx, by, app, "app-purge-approved", sha256=last.sha256, n=len(given) + 1)
    if len(given) + 1 >= APPROVERS:
        await move(tx, last, "condemned")
    return await _now(tx, app)


def purge_refused(last: ArchiveFacts, by: Actor, today: date) -> Conflict | None:
    """Return why somebody does not agree to destroy a bundle now, None where they may."""
    if last.keep_until is None or today < last.keep_until:
        return Conflict("purge-too-early", app=last.app, day=last.keep_until or "")
    if last.asked_by in by.hands:
        return Conflict("purge-own-archive", app=last.app)
    if any(one.person_id in by.hands for one in last.approvals):
        return Conflict("purge-same-person", app=last.app)
    return None


async def move(tx: Transaction, last: ArchiveFacts, phase: Phase, **values: Any) -> None:
    """Write that a phase is finished, unless another came first. Raises `Conflict`."""
    moved = await tx.session.execute(
        update(Archive)
        .where(col(Archive.id) == last.id, col(Archive.phase) == last.phase)
        .values(
            **{"phase": phase, "fault": "", "done": 0, "total": 0, "moved_at": tx.now, **values}
        )
        .returning(col(Archive.id))
    )
    if moved.first() is None:
        raise Conflict("archive-moved", app=last.app)


async def again(tx: Transaction, app: str, by: Actor) -> ArchiveFacts:
    """Let what stopped of a fault go on at once. Raises `NotFound`, `Conflict`."""
    last = await _now(tx, app)
    if not last.under_way:
        raise Conflict("archive-none", app=app)
    await move(tx, last, last.phase)
    await _record(tx, by, app, "app-archive-again", phase=last.phase)
    return await _now(tx, app)


async def _now(tx: Transaction, app: str) -> ArchiveFacts:
    found = await latest(tx, app)
    if found is None:
        raise NotFound
    return found


async def _record(tx: Transaction, by: Actor, app: str, act: str, **facts: Any) -> None:
    told = {name: value for name, value in facts.items() if value}
    await audit.record(tx, by, audit.SHELL, act, f"app:{app}", facts=told)


def as_it_ran(state: str) -> State:
    """Return how an app ran before it was shut for its archive."""
    return cast("State", state)
