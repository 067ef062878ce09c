"""Entries are sealed once, in an order of their own, and signed outside the database."""

import asyncio
import json
import os
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError
from sqlmodel import col

from core import audit
from core.audit.canonical import Entry, fresh_commitments, seal
from core.audit.checkpoints import CheckpointError
from core.audit.models import AuditEntry
from core.audit.sealing import SealRefused, waiting
from plugin_sdk.ports import Actor
from tests.core.audit.conftest import Record, unguarded


async def sequences(record):
    async with record.shell.read() as tx:
        found = await tx.session.execute(
            select(col(AuditEntry.sequence), col(AuditEntry.id)).order_by(col(AuditEntry.sequence))
        )
        return [tuple(row) for row in found]


async def test_what_is_committed_is_sealed_without_a_gap_and_signed(record):
    ids = await record.add(7)
    assert await record.faults() == []
    assert (record.verdict.sealed, record.verdict.unsealed) == (0, 7)
    assert record.verdict.oldest is not None
    await record.seal()
    assert [n for n, _ in await sequences(record)] == list(range(1, 8))
    assert await record.faults() == []
    assert (record.verdict.checked, record.verdict.signed, record.verdict.unsealed) == (7, 7, 0)
    lines = record.book.path.read_text().splitlines()
    assert [json.loads(line)["size"] for line in lines] == [0, 7]
    assert record.book.key_path.stat().st_mode & 0o777 == 0o600
    assert {id for _, id in await sequences(record)} == set(ids)


async def test_a_round_without_anything_new_writes_nothing(record):
    await record.add(2)
    await record.seal()
    before = record.book.path.read_bytes()
    await record.seal()
    assert record.book.path.read_bytes() == before


async def test_it_catches_up_in_batches(record):
    await record.add(30)
    assert await record.sealer.seal_batch(limit=13) == 13
    assert await record.sealer.seal_batch(limit=13) == 13
    assert await record.sealer.seal_batch(limit=13) == 4
    assert await record.sealer.seal_batch(limit=13) == 0


async def test_an_act_that_commits_late_is_sealed_after_what_was_sealed(record):
    early = record.shell.clock() - timedelta(hours=2)  # it began before, or the clock went back
    await record.add(3)
    await record.seal()
    async with record.shell.database.transaction(write=True, now=early) as tx:
        late = await audit.record(tx, Actor(), "probe", "late", "x")
    await record.seal()
    assert (await sequences(record))[-1] == (4, late)
    assert await record.faults() == []


async def test_two_sealers_at_once_seal_each_entry_once(make_shell):
    record, other = Record(await make_shell()), Record(await make_shell())
    await asyncio.gather(record.seal(), other.seal())
    await record.add(40)
    batches = [one.sealer.seal_batch(limit=7) for one in (record, other) * 4]
    assert sum(await asyncio.gather(*batches)) == 40
    await asyncio.gather(record.seal(), other.seal())
    assert [n for n, _ in await sequences(record)] == list(range(1, 41))
    assert await record.faults() == []


async def test_a_kill_between_sealing_and_signing_is_made_up_for(record):
    await record.add(3)
    await record.seal()
    await record.add(2)
    await record.sealer.seal_batch()  # and here the process ends
    assert await record.faults() == []
    assert (record.verdict.sealed, record.verdict.signed) == (5, 3)
    await record.seal()
    assert await record.faults() == []
    assert record.verdict.signed == 5


async def test_a_line_that_a_crash_cut_short_is_written_anew(record):
    await record.add(3)
    await record.seal()
    whole = record.book.path.read_bytes()
    record.book.path.write_bytes(whole + b'{"at":"2026')
    assert await record.faults() == []
    await record.add(1)
    await record.seal()
    assert record.book.path.read_bytes().startswith(whole)
    assert await record.faults() == []
    assert record.verdict.signed == 4


async def test_a_checkpoint_of_what_was_rolled_back_is_found(record):
    """It cannot come about, since the seal is committed first; a restored backup looks so."""
    await record.add(3)
    await record.seal()
    record.book.append("checkpoint", size=5, head="0" * 64, now=record.shell.clock())
    assert await record.faults() == [("cut-off", 4)]
    await record.add(4)
    with pytest.raises(SealRefused, match="ends at entry 3, signed are 5"):
        await record.seal()
    async with record.shell.read() as tx:
        assert (await waiting(tx)).count == 4


async def test_a_restored_backup_goes_on_once_someone_has_signed_why(record):
    await record.add(6)
    await record.seal()
    async with unguarded(record) as tx:
        await tx.session.execute(delete(AuditEntry).where(col(AuditEntry.sequence) > 4))
    assert await record.faults() == [("cut-off", 5)]
    await record.sealer.resume("服务器更换，恢复到 11 月 24 日的备份")
    await record.add(3)
    await record.seal()
    assert await record.faults() == []
    assert [line.size for line in record.verdict.resumed] == [4]
    assert record.verdict.signed == 7


async def test_without_its_checkpoints_nothing_is_sealed(record):
    await record.add(3)
    await record.seal()
    record.book.path.unlink()
    await record.add(1)
    with pytest.raises(SealRefused, match="is not there"):
        await record.seal()
    assert await record.faults() == [("no-checkpoints", None)]


async def test_nothing_is_sealed_onto_a_rewritten_end(record):
    await record.add(3)
    await record.seal()
    async with unguarded(record) as tx:
        await tx.session.execute(
            update(AuditEntry).where(col(AuditEntry.sequence) == 3).values(seal="f" * 64)
        )
    await record.add(1)
    with pytest.raises(SealRefused, match="entry 3"):
        await record.seal()


async def test_a_new_key_signs_and_both_have_signed_the_change(record):
    await record.add(2)
    await record.seal()
    old = record.book.public_key()
    new = record.book.rotate(record.shell.clock())
    assert record.book.public_key() == new != old
    await record.add(2)
    await record.seal()
    assert await record.faults() == []
    assert [line.next_key for line in record.verdict.keys] == [new]
    assert await record.faults(trust=old) == [("checkpoint-hub", None)]


async def test_a_change_of_keys_that_was_cut_short_is_ended(record, monkeypatch):
    await record.add(2)
    await record.seal()
    replace, calls = os.replace, []

    def dies(source, target):
        calls.append(target)
        if len(calls) == 2:
            raise OSError("killed here")
        replace(source, target)

    monkeypatch.setattr("core.audit.checkpoints.os.replace", dies)
    with pytest.raises(OSError, match="killed"):
        record.book.rotate(record.shell.clock())
    monkeypatch.setattr("core.audit.checkpoints.os.replace", replace)
    await record.add(1)
    await record.seal()
    assert await record.faults() == []


async def test_without_its_key_nothing_is_signed(record):
    await record.add(2)
    await record.seal()
    kept = record.book.key_path.read_bytes()
    record.book.key_path.unlink()
    await record.add(1)
    with pytest.raises(CheckpointError, match="missing"):
        await record.seal()
    record.book.key_path.write_bytes(kept)
    await record.seal()
    assert await record.faults() == []


async def test_sealing_that_lags_is_told(record):
    await record.add(2)
    async with record.shell.read() as tx:
        behind = await waiting(tx)
    assert not behind.lags(record.shell.clock())
    assert behind.lags(record.shell.clock() + timedelta(minutes=11))


async def test_the_application_changes_no_entry(record):
    ids = await record.add(3)
    await record.seal()
    extra = (await record.add(1))[0]
    one = col(AuditEntry.id) == ids[1]
    for statement in (
        update(AuditEntry).where(one).values(act="other"),
        update(AuditEntry).where(one).values(subject="other"),
        update(AuditEntry).where(one).values(person_id=None),
        update(AuditEntry).where(one).values(sequence=9),
        update(AuditEntry).where(one).values(seal="0" * 64),
        update(AuditEntry).where(col(AuditEntry.id) == extra).values(at=record.shell.clock()),
        delete(AuditEntry).where(one),
        delete(AuditEntry).where(col(AuditEntry.id) == extra),
    ):
        with pytest.raises(DBAPIError, match="append-only"):
            async with record.shell.write() as tx:
                await tx.session.execute(statement)
    assert await record.faults() == []


def test_the_canonical_form_stays_what_it_is():
    """The seals of a record in production hang on these bytes: another form is a new version."""
    entry = Entry(
        id=UUID(int=1),
        at=datetime(2026, 11, 24, 9, 0, 0, 5, tzinfo=UTC),
        app="probe",
        act="made",
        subject="件:1",
        outcome="done",
        person_id=UUID(int=2),
        post_id=UUID(int=3),
        organization_id=UUID(int=4),
        behalf_of_id=None,
        delegation_id=UUID(int=5),
        system=None,
        permission="probe.write",
        granted_by=None,
        request_id="r",
        facts={"b": [1, 2.5, None], "a": "名"},
        sequence=None,
        seal=None,
        salts=None,
        erased=None,
    )
    salts = {"who": "00" * 16, "behalf": "11" * 16, "about": "22" * 16}
    found = seal(entry, 1, "0" * 64, fresh_commitments(entry, salts))
    assert found == "b605ae06e471bbacc55432b04fb28fc9da035ed021876c86e0718ab08103bfb1"
