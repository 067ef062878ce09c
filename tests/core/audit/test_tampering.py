"""Whoever owns the database and changes sealed entries is found, whatever the change."""

import json
import random
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlmodel import col

from core.audit import canonical
from core.audit.canonical import PARTS, Entry, fresh_commitments, new_salts, seal
from core.audit.checkpoints import Book
from core.audit.models import AuditEntry
from core.audit.sealing import COLUMNS
from core.audit.verification import BATCH
from plugin_sdk.data import new_id
from tests.core.audit.conftest import unguarded

SEED = 20261124
TRIALS = 1000
PARTS_OF_TRIALS = 4
PLACE: Any = col(AuditEntry.sequence)


async def entries(tx):
    found = await tx.session.execute(
        select(*COLUMNS).where(PLACE.is_not(None)).order_by(PLACE.asc())
    )
    return [Entry(*row) for row in found]


async def change(tx, place, **values):
    await tx.session.execute(update(AuditEntry).where(place == PLACE).values(**values))


def other(value, rng, now):
    """Return a value of the same kind that is not this one."""
    if isinstance(value, str):
        return value + rng.choice(" x0")
    if isinstance(value, dict):
        return {**value, "n": rng.random()}
    if value is None or value.__class__.__name__ == "UUID":
        return new_id()
    return value + timedelta(microseconds=rng.choice((1, -1, 1000, 86_400_000_000)))


async def edit(tx, rows, rng):
    row = rng.choice(rows)
    name = rng.choice([*canonical.PLAIN, *(name for part in PARTS.values() for name in part)])
    value = getattr(row, name)
    if value is None and name in ("system", "permission", "granted_by", "request_id"):
        value = ""
    await change(tx, row.sequence, **{name: other(value, rng, tx.now)})


async def blank(tx, rows, rng):
    row = rng.choice([row for row in rows if row.person_id])
    await change(tx, row.sequence, person_id=None)


async def edit_seal(tx, rows, rng):
    row = rng.choice(rows)
    at = rng.randrange(64)
    digit = rng.choice([d for d in "0123456789abcdef" if d != row.seal[at]])
    await change(tx, row.sequence, seal=row.seal[:at] + digit + row.seal[at + 1 :])


async def edit_salts(tx, rows, rng):
    salts = rng.choice([new_salts(), {}, None, {"who": "zz"}, {"who": 5}])
    await change(tx, rng.choice(rows).sequence, salts=salts)


async def remove(tx, rows, rng):
    gone = rng.sample([row.sequence for row in rows], rng.randint(1, 5))
    await tx.session.execute(delete(AuditEntry).where(PLACE.in_(gone)))


async def truncate(tx, rows, rng):
    last = rng.randrange(len(rows))
    await tx.session.execute(delete(AuditEntry).where(last < PLACE))


async def unseal(tx, rows, rng):
    await change(tx, rng.choice(rows).sequence, sequence=None, seal=None, salts=None)


async def swap(tx, rows, rng):
    one, two = (row.sequence for row in rng.sample(rows, 2))
    await change(tx, one, sequence=-1)
    await change(tx, two, sequence=one)
    await change(tx, -1, sequence=two)


async def swap_contents(tx, rows, rng):
    one, two = rng.sample(rows, 2)
    for row, from_ in ((one, two), (two, one)):
        await change(tx, row.sequence, act=from_.act, subject=from_.subject, facts=from_.facts)


async def slip_in(tx, rows, rng):
    """Put an entry in and move all later ones up."""
    at = rng.randint(1, len(rows))
    for row in reversed(rows[at - 1 :]):
        await change(tx, row.sequence, sequence=row.sequence + 1)
    await put(tx, rows[at - 1], at)


async def put(tx, like, place):
    values = {name: getattr(like, name) for name in Entry.__struct_fields__}
    values |= {"id": new_id(), "sequence": place, "act": "forged"}
    await tx.session.execute(insert(AuditEntry).values(**values))


async def put_before(tx, rows, rng):
    await put(tx, rng.choice(rows), rng.choice((0, -1, -(10**12))))


async def rewrite(tx, rows, rng):
    """Change an entry and seal it and all that follow anew, as the sealer would."""
    first = rng.randrange(len(rows))
    before = rows[first - 1].seal if first else canonical.GENESIS
    for row in rows[first:]:
        values = {"act": "forged"} if row is rows[first] else {}
        changed = Entry(
            **{name: values.get(name, getattr(row, name)) for name in row.__struct_fields__}
        )
        salts = new_salts()
        before = seal(changed, row.sequence, before, fresh_commitments(changed, salts))
        await change(tx, row.sequence, **values, salts=salts, seal=before)


async def drop_and_close_up(tx, rows, rng):
    """Take an entry out, move the later ones down, and seal them all anew."""
    first = rng.randrange(len(rows) - 1)
    before = rows[first - 1].seal if first else canonical.GENESIS
    await tx.session.execute(delete(AuditEntry).where(first + 1 == PLACE))
    for row in rows[first + 1 :]:
        place, salts = row.sequence - 1, new_salts()
        before = seal(row, place, before, fresh_commitments(row, salts))
        await change(tx, row.sequence, sequence=place, salts=salts, seal=before)


async def feign_erasure(tx, rows, rng):
    """Pass an edit off as the erasure of a person."""
    row = rng.choice(rows)
    part = rng.choice(list(PARTS))
    salts = dict(row.salts)
    note = {"commitment": canonical.commitment(row, part, salts.pop(part))}
    by = rng.choice([str(new_id()), str(rng.choice(rows).id), "nobody", None])
    tombstone = canonical.TOMBSTONES[part]
    if rng.random() < 0.3:
        tombstone = {name: getattr(row, name) for name in PARTS[part]}
    await change(tx, row.sequence, **tombstone, salts=salts, erased={part: {**note, "by": by}})


KINDS = (
    edit,
    edit,
    edit,
    blank,
    edit_seal,
    edit_salts,
    remove,
    truncate,
    unseal,
    swap,
    swap_contents,
    slip_in,
    put_before,
    rewrite,
    drop_and_close_up,
    feign_erasure,
)


@pytest.mark.parametrize("part", range(PARTS_OF_TRIALS))
async def test_a_thousand_tampers_are_all_found(record, part):
    for _ in range(4):
        await record.add(6)
        await record.seal()
    rng = random.Random(SEED + part)
    async with record.shell.read() as tx:
        rows = await entries(tx)
    assert await record.faults() == []
    missed = []
    async with unguarded(record) as tx:
        for trial in range(TRIALS // PARTS_OF_TRIALS):
            tamper = rng.choice(KINDS)
            save = await tx.session.begin_nested()
            await tamper(tx, rows, rng)
            tx.session.info.clear()
            if not await record.faults(tx):
                missed.append((trial, tamper.__name__))
            await save.rollback()
        assert await record.faults(tx) == []
    assert not missed


@pytest.mark.parametrize("name", ["at", "facts", "person_id", "sequence"])
async def test_what_cannot_be_read_as_a_row_is_named(record, name, engine_kind):
    if engine_kind == "production":
        return  # there a column keeps its type
    await record.add(5)
    await record.seal()
    async with unguarded(record):
        pass
    async with record.shell.database.migration() as connection:
        await connection.execute(text(f"UPDATE audit_entry SET {name} = 'x' WHERE sequence = 3"))
        await connection.commit()
    found = await record.faults()
    assert found
    assert found[0] in [("unreadable", 3), ("missing", 3)]


async def test_each_change_is_named_with_its_place(record):
    await record.add(9)
    await record.seal()
    async with unguarded(record) as tx:
        await change(tx, 2, outcome="refused")
        await change(tx, 4, facts={})
        await tx.session.execute(delete(AuditEntry).where(PLACE.in_((6, 7))))
        await tx.session.execute(delete(AuditEntry).where(PLACE == 9))
    assert await record.faults() == [
        ("edited", 2),
        ("edited", 4),
        ("missing", 6),
        ("cut-off", 9),
    ]


async def test_batches_join_without_a_seam(record):
    await record.add(3 * BATCH)
    await record.seal()
    told = []

    async def progress(done, total):
        told.append((done, total))

    assert await record.faults(progress=progress) == []
    assert told[:3] == [(n * BATCH, 3 * BATCH) for n in (1, 2, 3)]
    async with unguarded(record) as tx:
        await change(tx, BATCH, act="x")
        await change(tx, BATCH + 1, act="x")
        await tx.session.execute(delete(AuditEntry).where(2 * BATCH == PLACE))
    assert await record.faults() == [
        ("edited", BATCH),
        ("edited", BATCH + 1),
        ("missing", 2 * BATCH),
    ]


async def test_a_changed_book_is_found_line_by_line(record):
    for _ in range(4):
        await record.add(3)
        await record.seal()
    rng = random.Random(SEED)
    whole = record.book.path.read_bytes()
    for _ in range(100):
        raw = bytearray(whole)
        at = rng.randrange(len(raw) - 1)
        raw[at] = rng.choice([b for b in range(32, 127) if b != raw[at]])
        record.book.path.write_bytes(bytes(raw))
        assert any(what.startswith("checkpoint-") for what, _ in await record.faults()), (
            at,
            raw[at],
        )
    lines = whole.splitlines(keepends=True)
    for changed in (
        lines[1:],
        lines[:2] + lines[3:],
        [lines[1], lines[0], *lines[2:]],
        lines[:3] + lines[2:],
    ):
        record.book.path.write_bytes(b"".join(changed))
        assert any(what.startswith("checkpoint-") for what, _ in await record.faults())
    record.book.path.write_bytes(whole)
    assert await record.faults() == []


async def test_a_whole_book_of_another_key_is_found(record, tmp_path):
    await record.add(4)
    await record.seal()
    async with record.shell.read() as tx:
        last = (await entries(tx))[-1]
    forged = Book(tmp_path / "forged.jsonl", tmp_path / "forged.key")
    forged.append("checkpoint", size=0, head=canonical.GENESIS, now=record.shell.clock())
    forged.append("checkpoint", size=4, head=last.seal, now=record.shell.clock())
    record.book.path.write_bytes(forged.path.read_bytes())
    assert await record.faults() == [("checkpoint-hub", None)]


async def test_a_line_signed_with_another_key_is_found(record, tmp_path):
    await record.add(4)
    await record.seal()
    other_key = Book(tmp_path / "o.jsonl", tmp_path / "o.key")
    other_key.path.write_bytes(record.book.path.read_bytes())
    lines = [json.loads(line) for line in other_key.path.read_text().splitlines()]
    strange = Book(tmp_path / "s.jsonl", tmp_path / "s.key")
    strange.append("checkpoint", size=9, head="a" * 64, now=record.shell.clock())
    line = json.loads(strange.path.read_text()) | {"key": lines[0]["key"]}
    with record.book.path.open("a") as file:
        file.write(json.dumps(line, sort_keys=True, separators=(",", ":")) + "\n")
    assert ("checkpoint-signature", None) in await record.faults()
