"""Of an erased person no words of the shell are left, nor what was sent to their phone."""

from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select, update
from sqlmodel import col

from core.access.models import AccessRequest, Consent, Delegation
from core.database import CoreBase
from core.delivery.service import KEEP_SENT, send_sms, sent
from core.hub import personal
from core.hub.models import TypedElement
from core.identity import people
from core.identity.models import Person, PhoneCode, PhoneProof
from core.identity.people_files import read_people
from core.jobs import OutboxRow
from plugin_sdk.ports import Actor
from tests.core.identity.county import as_csv, build_units, person

CONSOLE = Actor(system=True)
PHONE, OTHER = "+8613900000001", "+8613900000002"
WORDS, NAME, USERNAME = "只有本人才会这样写", "某甲乙丙", "p00001"


async def everything(shell):
    """All that the tables of the shell hold, as text."""
    async with shell.read() as tx:
        tables = [await tx.session.execute(select(t)) for t in CoreBase.metadata.sorted_tables]
        return "\n".join(repr(row) for rows in tables for row in rows)


async def bring_in(shell, row):
    imports = shell.services.people_imports
    plans = await imports.tried(read_people("a.csv", as_csv([row])), by=CONSOLE)
    id = await imports.keep("a.csv", "d", plans, by=CONSOLE)
    async with shell.write() as tx:
        await imports.start(tx, id, by=CONSOLE, queue=False)
        await imports.advance(tx, id)


async def text(shell, *phones):
    async with shell.write() as tx:
        for phone in phones:
            await send_sms(tx, phone, WORDS if phone == PHONE else "别的", shown=phone[-1] * 3)


@pytest.fixture
async def left(shell):
    """Somebody who was renamed by an import, wrote and was written of, and has left."""
    async with shell.write() as tx:
        await build_units(tx, 7)
    row = person(1, units=7)
    for row[1] in (NAME, "后来的名字"):
        await bring_in(shell, row)
    other = await shell.staff("other", "U1")
    async with shell.write() as tx:
        id = (
            await tx.session.execute(select(col(Person.id)).where(col(Person.username) == USERNAME))
        ).scalar_one()
        await tx.session.execute(update(Person).where(col(Person.id) == id).values(phone=PHONE))
        (post,) = await people.posts(tx, [id])
        span = {"starts_at": tx.now, "ends_at": tx.now + timedelta(days=1), "created_at": tx.now}
        for giver, taker, held in ((id, other.person, post.id), (other.person, id, other.post)):
            handed = {"created_by": giver, "person_id": taker, "post_id": held, "reason": WORDS}
            await tx.session.execute(insert(Delegation).values(**handed, **span))
        given = {"scope": ["probe"], "given": "paper", "evidence": WORDS}
        consent = {"person_id": id, "recorded_by": other.person, **given}
        await tx.session.execute(insert(Consent).values(**consent, **span))
        asked = {"permission": "probe.read", "reason": WORDS, "created_at": tx.now}
        await tx.session.execute(
            insert(AccessRequest).values(person_id=id, post_id=post.id, **asked)
        )
        typed = {"element": "person.address", "value": WORDS, "app": "probe", "at": tx.now}
        await tx.session.execute(insert(TypedElement).values(person_id=id, **typed))
        code = {"digest": "d", "sent_at": tx.now, "expires_at": tx.now}
        await tx.session.execute(insert(PhoneCode).values(phone=PHONE, purpose="x", **code))
        proof = {"digest": "d", "purpose": "x", "expires_at": tx.now}
        await tx.session.execute(insert(PhoneProof).values(phone=PHONE, **proof))
    await text(shell, PHONE, OTHER)
    while await shell.services.jobs.relay():
        pass
    await text(shell, PHONE, OTHER)
    async with shell.write() as tx:
        await people.end_post(tx, post.id)
        await people.disable(tx, id)
    return id


async def test_no_words_are_left_of_who_is_erased(shell, left):
    before = await everything(shell)
    assert all(found in before for found in (WORDS, NAME, USERNAME, PHONE))
    async with shell.write() as tx:
        await personal.erase(tx, CONSOLE, left, reason="r")
    after = await everything(shell)
    assert [found for found in (WORDS, NAME, USERNAME, PHONE) if found in after] == []
    async with shell.read() as tx:  # the rights themselves stay, and what was sent to others
        for table, n in ((Consent, 1), (Delegation, 2), (AccessRequest, 1), (OutboxRow, 3)):
            held = await tx.session.execute(select(func.count()).select_from(table))
            assert held.scalar_one() == n, table
        assert [message.text for message in await sent(tx)] == ["222"]


async def test_what_was_sent_is_forgotten_in_time(shell):
    await text(shell, PHONE)
    while await shell.services.jobs.relay():
        pass
    shell.clock.move(days=KEEP_SENT.days - 1)
    await shell.services._tidy_deliveries()
    async with shell.read() as tx:
        assert len(await sent(tx)) == 1
    shell.clock.move(days=2)
    await shell.services._tidy_deliveries()
    async with shell.read() as tx:
        assert await sent(tx) == []
