"""An import of people as one job in chunks: tried, brought in, taken back.

Each chunk is one transaction and one row of the outbox: what it adds, how far the import is and
the next row of the outbox are committed together, so that a worker that ends loses nothing and
another goes on. A row is planned anew when its turn comes; what the dry run said may have moved.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import delete, insert, select, update
from sqlmodel import col

from core import audit
from core.database import Database, Transaction
from core.identity.events import PersonChanged
from core.identity.models import (
    LegacyUser,
    PeopleImport,
    PeopleImportRow,
    Person,
    PersonNumber,
    Post,
)
from core.identity.numbers import Numbers
from core.identity.people import PersonError, add_post
from core.identity.people_files import PersonRow, Reason
from core.identity.people_plans import Importer, Plan, plan
from core.identity.people_removal import Added, take_back
from core.identity.people_roles import RoleRefused, Roles
from core.identity.transfers import transfer
from core.jobs import OutboxItem, send_later
from plugin_sdk.data import new_id
from plugin_sdk.ports import Actor

KIND: Final = "people-import"
CHUNK: Final = 250
STORE_CHUNK: Final = 2_000
KEEP_TRIED: Final = timedelta(days=7)
RUNNING: Final = ("running", "undoing")


class ImportRefused(ValueError):
    """An import that is not in the state for this; `code` names it in the catalogues."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class PeopleImports:
    """The imports of people of a hub."""

    def __init__(self, database: Database, numbers: Numbers, roles: Roles) -> None:
        self._database = database
        self._numbers = numbers
        self._roles = roles

    async def tried(self, rows: Sequence[PersonRow], *, by: Actor) -> list[Plan]:
        """Return what each row would do: the dry run, which changes nothing."""
        plans: list[Plan] = []
        for chunk in _chunks(rows, STORE_CHUNK):
            async with self._database.transaction() as tx:
                plans += await self._plan(tx, chunk, Importer(by, True, by.hands))
        return plans

    async def keep(self, name: str, digest: str, plans: Sequence[Plan], *, by: Actor) -> UUID:
        """Keep a file that was tried, so that it can be brought in; return the import's id."""
        id = new_id()
        async with self._database.transaction(write=True) as tx:
            tx.session.add(
                PeopleImport(
                    id=id,
                    name=name[:200],
                    digest=digest,
                    state="reading",
                    total=len(plans),
                    may_grant=self._roles.may_grant(tx, by),
                    created_at=tx.now,
                    **_seat(by),
                )
            )
            await tx.session.flush()
        for chunk in _chunks(plans, STORE_CHUNK):
            rows = [self._kept(id, item) for item in chunk]
            async with self._database.transaction(write=True) as tx:
                await tx.session.execute(insert(PeopleImportRow), rows)
        async with self._database.transaction(write=True) as tx:
            await _set(tx, id, "reading", state="tried")
        return id

    def _kept(self, id: UUID, item: Plan) -> dict[str, Any]:
        return {
            "import_id": id,
            "line": item.row.line,
            "username": item.row.username,
            "outcome": item.outcome,
            "does": item.does,
            "reasons": msgspec.to_builtins(item.reasons),
            "sealed": self._numbers.seal(
                msgspec.json.encode(item.row).decode(), f"{id}:{item.row.line}"
            ),
            "added": {},
        }

    async def start(self, tx: Transaction, id: UUID, *, by: Actor, queue: bool = True) -> None:
        """Begin to bring a tried file in. Raises `ImportRefused` if it is not waiting.

        It is the import of who starts it; roles come only if who tried it might grant too.
        Without `queue` the caller goes through the chunks itself (`advance`).
        """
        tried = await tx.session.execute(
            select(col(PeopleImport.hands)).where(col(PeopleImport.id) == id)
        )
        values = _seat(by, *(tried.scalar_one_or_none() or ()))
        if not self._roles.may_grant(tx, by):
            values["may_grant"] = False
        if not await _set(tx, id, "tried", state="running", **values):
            raise ImportRefused("import-not-waiting")
        if queue:
            await send_later(tx, KIND, {"import": str(id)})

    async def roll_back(self, tx: Transaction, id: UUID, *, queue: bool = True) -> None:
        """Begin to take back what a finished import added. Raises `ImportRefused`."""
        if not await _set(tx, id, "done", state="undoing", done=0, last_line=0, ended_at=None):
            raise ImportRefused("import-not-done")
        if queue:
            await send_later(tx, KIND, {"import": str(id)})

    async def work_off(self, tx: Transaction, item: OutboxItem) -> None:
        """Do one chunk, and see to the next (the handler of the outbox)."""
        if await self.advance(tx, UUID(item.payload["import"])):
            await send_later(tx, KIND, dict(item.payload))

    async def advance(self, tx: Transaction, id: UUID) -> bool:
        """Do the next chunk of an import; return whether there is more."""
        job = (
            await tx.session.execute(
                select(PeopleImport).where(col(PeopleImport.id) == id).with_for_update()
            )
        ).scalar_one_or_none()
        if job is None or job.state not in RUNNING:
            return False
        kept = list(
            (
                await tx.session.execute(
                    select(PeopleImportRow)
                    .where(
                        col(PeopleImportRow.import_id) == id,
                        col(PeopleImportRow.line) > job.last_line,
                    )
                    .order_by(col(PeopleImportRow.line))
                    .limit(CHUNK)
                )
            ).scalars()
        )
        if job.state == "running":
            changes = await self._bring_in(tx, job, kept)
        else:
            changes = await self._take_back(tx, kept)
        if changes:
            await tx.session.execute(update(PeopleImportRow), changes)
        job.done += len(kept)
        job.last_line = kept[-1].line if kept else job.last_line
        if job.done >= job.total or not kept:
            job.state = "done" if job.state == "running" else "undone"
            job.ended_at = tx.now
            act = "people-imported" if job.state == "done" else "people-import-rolled-back"
            await audit.record(
                tx,
                Actor(person_id=job.created_by),
                "yimen",
                act,
                f"import:{id}",
                facts={"rows": job.total},
            )
        tx.session.add(job)
        await tx.session.flush()
        return job.state in RUNNING

    async def tidy(self) -> None:
        """Forget files that were tried long ago and never brought in."""
        async with self._database.transaction(write=True) as tx:
            await tx.session.execute(
                delete(PeopleImport).where(
                    col(PeopleImport.state).in_(("reading", "tried")),
                    col(PeopleImport.created_at) < tx.now - KEEP_TRIED,
                )
            )

    async def _plan(self, tx: Transaction, rows: Sequence[PersonRow], by: Importer) -> list[Plan]:
        return await plan(tx, rows, numbers=self._numbers, roles=self._roles, by=by)

    async def _importer(self, tx: Transaction, job: PeopleImport) -> Importer:
        """Return who imports as they are now: chunks come after the request that began them."""
        actor = Actor(system=True)
        if job.created_by is not None:
            actor = await self._roles.actor(tx, job.created_by, job.post_id, job.delegation_id)
        hands = actor.hands.union(UUID(hand) for hand in job.hands)
        return Importer(actor, job.may_grant, hands)

    async def _bring_in(
        self, tx: Transaction, job: PeopleImport, kept: Sequence[PeopleImportRow]
    ) -> list[dict[str, Any]]:
        rows = [
            msgspec.json.decode(
                self._numbers.open(row.sealed or "", f"{job.id}:{row.line}"), type=PersonRow
            )
            for row in kept
        ]
        by = await self._importer(tx, job)
        plans = await self._plan(tx, rows, by)
        done = await self._apply(tx, plans, by.actor)
        return [
            {
                "import_id": job.id,
                "line": item.row.line,
                "outcome": item.outcome,
                "does": item.does,
                "reasons": msgspec.to_builtins(item.reasons),
                "sealed": None,
                "added": msgspec.to_builtins(what),
            }
            for item, what in done
        ]

    async def _apply(
        self, tx: Transaction, plans: Sequence[Plan], by: Actor
    ) -> list[tuple[Plan, Added]]:
        taken = [item for item in plans if item.outcome != "refused"]
        new = {id(item): new_id() for item in taken if item.does == "add"}
        first = {id(item): new_id() for item in taken if item.does == "add"}
        people, posts, numbers, legacy = [], [], [], []
        for item in taken:
            person_id = item.person_id or new[id(item)]
            if item.does == "add":
                people.append(
                    {
                        "id": person_id,
                        "username": item.row.username,
                        "name": item.row.name,
                        "phone": item.phone,
                        "created_at": tx.now,
                    }
                )
                posts.append(
                    {
                        "id": first[id(item)],
                        "person_id": person_id,
                        "organization_id": item.organization_id,
                        "title": item.row.title,
                        "starts_at": tx.now,
                    }
                )
            if item.number:
                numbers.append(
                    {
                        "person_id": person_id,
                        "digest": self._numbers.digest(item.number),
                        "sealed": self._numbers.seal(item.number, str(person_id)),
                        "seen": True,
                        "created_at": tx.now,
                    }
                )
            if item.legacy:
                legacy.append(
                    {
                        "system": item.row.legacy_system,
                        "legacy_id": item.row.legacy_id,
                        "person_id": person_id,
                        "created_at": tx.now,
                    }
                )
        for table, values in (
            (Person, people),
            (Post, posts),
            (PersonNumber, numbers),
            (LegacyUser, legacy),
        ):
            if values:
                await tx.session.execute(insert(table), values)
        asked = [(first[id(item)], key) for item in taken if id(item) in new for key in item.roles]
        grants = iter(await self._roles.give_new(tx, asked, by) if asked else ())
        done = []
        for item in plans:
            if item.outcome == "refused":
                done.append((item, Added()))
            elif item.does == "add":
                given = tuple(next(grants) for _ in item.roles)
                done.append((item, _added(item, new[id(item)], first[id(item)], given)))
            else:
                done.append(await self._change(tx, item, by))
        return done

    async def _change(self, tx: Transaction, item: Plan, by: Actor) -> tuple[Plan, Added]:
        """Bring in the row of somebody who is there, whole or not at all: one that cannot be
        after all is refused alone, and holds up no other."""
        if item.does == "nothing":
            return item, Added()
        try:
            async with tx.session.begin_nested():
                return item, await self._changed(tx, item, by)
        except RoleRefused as refused:
            reason = refused.reason
        except PersonError:  # another has moved them or closed the unit since it was planned
            reason = Reason("changed-meanwhile")
        return msgspec.structs.replace(item, reasons=(*item.reasons, reason)), Added()

    async def _changed(self, tx: Transaction, item: Plan, by: Actor) -> Added:
        person_id, post_id = item.person_id, item.post_id
        if person_id is None or item.organization_id is None:
            return Added()
        if item.changes:
            await tx.session.execute(
                update(Person).where(col(Person.id) == person_id).values(**item.changes)
            )
        if item.does == "post":
            post_id = await add_post(tx, person_id, item.organization_id, item.row.title)
        elif item.does == "move" and post_id is not None:
            post_id = await transfer(tx, post_id, item.organization_id, item.row.title)
        await tx.raise_event(PersonChanged(person_id))
        given: list[UUID] = []
        if post_id is not None:
            given = [await self._roles.give(tx, post_id, role, by) for role in item.roles]
        return _added(item, person_id, post_id, tuple(given))

    async def _take_back(
        self, tx: Transaction, kept: Sequence[PeopleImportRow]
    ) -> list[dict[str, Any]]:
        rows = [(row, msgspec.convert(row.added, Added)) for row in kept if row.added]
        left = await take_back(tx, [added for _, added in rows if added.person_id], self._roles)
        changes: list[dict[str, Any]] = []
        for row, added in rows:
            if added.person_id is None:
                continue
            why: list[Reason] = left.get(added.person_id, [])
            changes.append(
                {
                    "import_id": row.import_id,
                    "line": row.line,
                    "outcome": "kept" if why else "taken-back",
                    "reasons": msgspec.to_builtins(why),
                }
            )
        return changes


def _seat(by: Actor, *others: str) -> dict[str, Any]:
    return {
        "created_by": by.person_id,
        "post_id": by.post_id,
        "delegation_id": by.delegation.id if by.delegation else None,
        "hands": sorted({*others, *map(str, by.hands)}),
    }


def _added(item: Plan, person_id: UUID, post_id: UUID | None, grants: tuple[UUID, ...]) -> Added:
    return Added(
        does=item.does,
        person_id=person_id,
        post_id=post_id if item.does in ("add", "post") else None,
        grants=grants,
        number=item.number is not None,
        legacy=(item.row.legacy_system, item.row.legacy_id) if item.legacy else None,
        changed=tuple(item.changes),
    )


async def _set(tx: Transaction, id: UUID, before: str, **values: Any) -> bool:
    found = await tx.session.execute(
        update(PeopleImport)
        .where(col(PeopleImport.id) == id, col(PeopleImport.state) == before)
        .values(**values)
        .returning(col(PeopleImport.id))
        .execution_options(synchronize_session=False)
    )
    return found.first() is not None


def _chunks(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for at in range(0, len(items), size):
        yield items[at : at + size]
