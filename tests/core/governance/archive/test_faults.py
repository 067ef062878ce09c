"""What goes wrong with an archive: nothing is dropped before it is proven, nothing is lost."""

import asyncio
import errno
import gzip
import json

import pytest
from sqlalchemy import insert, update
from sqlmodel import col

from core import bundles
from core.apps import runtime
from core.audit.service import search
from core.bundles import sha256_of
from core.database import core_metadata
from core.governance.archive import archiving, bundle, phases, service
from core.governance.archive.bundle import ArchiveFault
from core.governance.archive.models import Archive
from core.governance.archive.shell import decided
from core.governance.lifecycle.service import taken
from core.identity.models import Person
from core.identity.people import ERASED
from plugin_sdk.data import new_id
from plugin_sdk.ports import Actor
from plugin_sdk.problems import Conflict, Denied, Invalid
from portal.testing.apps.good.models import Tally
from tests.core.governance.archive.conftest import APP, OWN, SHARED
from tests.core.governance.archive.killed import work_until

EMBEDDED = pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)


@pytest.fixture
def url(fresh_database_url):
    return fresh_database_url


async def test_whatever_kills_it_the_next_run_ends_as_an_unbroken_one(office, url):
    """A real process is killed at each place, one after another; each goes on from the last."""

    async def killed(*points):
        for point in points:
            assert await asyncio.to_thread(work_until, point, url, office.home) == -9, point
            yield point

    before = await office.held()
    await office.ask()
    async for point in killed(
        "between two tables",
        "before it has its name",
        "before written is said",
        "while it is tried",
        "when tables are dropped",
    ):
        assert await office.held() == before, point
        assert await office.stage() == "closed", point
    async for _ in killed("before files are cleared"):
        assert await office.tables() == set()
        assert office.contents() == {SHARED, OWN}
    stored = await office.run()
    assert (stored.phase, office.contents()) == ("stored", {SHARED})
    await office.ask_restore()
    async for _ in killed("when rows are back"):
        assert (await office.tables(), await office.stage()) == (set(), "archived")
    async for point in killed("when half the bundle is gone"):
        assert await office.held() == before, point
    assert (await office.run()).phase == "restored"
    assert await office.held() == before
    await office.ask()
    stored = await office.run()
    await office.keep_no_longer()
    for by in ("administrator", "operator"):
        await office.approve(by, stored.sha256)
    async for _ in killed("when half the bundle is gone", "before destroyed is said"):
        assert await office.stage() == "archived"
    ended = await office.run()
    assert (ended.phase, ended.sha256, await office.stage()) == (
        "destroyed",
        stored.sha256,
        "purged",
    )
    assert not list(office.bundle(ended).parent.glob(f"{ended.folder}*"))
    async with office.database.transaction() as tx:
        verbs = [step.verb for step in await taken(tx, APP)]
        acts = [entry.act for entry in await search(tx, subject=f"app:{APP}")]
    assert verbs == ["purge", "archive", "restore", "archive"], "each step once"
    assert acts.count("app-archived") == 2
    assert acts.count("app-purged") == 1


@EMBEDDED
async def test_on_a_full_disk_nothing_is_dropped_and_it_goes_on_later(office, monkeypatch):
    before = await office.held()
    await office.ask()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    for place, name in ((bundle, "copy"), (archiving, "compared")):
        with monkeypatch.context() as patch:
            patch.setattr(place, name, full)
            with pytest.raises(ArchiveFault, match="full"):
                await office.run()
        facts = await office.facts()
        assert facts.fault.key == "archive.fault.full", name
        assert await office.held() == before, name
    facts = await office.facts()
    assert facts.phase == "written"
    assert not list(office.bundle(facts).parent.glob("*.part"))
    assert not list(office.bundle(facts).parent.glob("*.scratch*"))
    assert (await office.ask()).fault is None, "asked again it goes on at once"
    assert (await office.run()).phase == "stored"


@EMBEDDED
async def test_a_bundle_of_which_a_byte_was_changed_is_refused_and_the_part_is_named(office):
    await office.ask()
    stored = await office.run()
    folder = office.bundle(stored)
    (content,) = {path for path in (folder / "files").glob("*/*") if path.read_bytes() == OWN}
    await office.ask_restore()
    for path in (
        folder / "bundle.json",
        folder / "manifest.json",
        folder / "schema.json",
        folder / "tables" / "good_item.jsonl.gz",
        folder / "shell" / "work_series.jsonl.gz",
        content,
    ):
        whole = path.read_bytes()
        path.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
        with pytest.raises(ArchiveFault, match="damaged") as fault:
            await office.run()
        named = f"files/{content.parent.name}{content.name}" if path == content else path.name
        assert named in fault.value.detail
        assert (await office.tables(), await office.stage()) == (set(), "archived"), path
        path.write_bytes(whole)
    assert (await office.run()).phase == "restored"
    assert office.contents() == {SHARED, OWN}


@EMBEDDED
async def test_a_bundle_that_does_not_hold_what_it_says_is_never_trusted(office):
    """It is whole by its checksums, and yet not what was in the tables: the trial finds it."""
    before = await office.held()
    await office.ask()
    keep = bundles.keep

    async def wrong(connection, table, path, *args, **named):
        kept = await keep(connection, table, path, *args, **named)
        if table.name != "good_tally":
            return kept
        path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).splitlines()[0] + b"\n"))
        return type(kept)(kept.name, kept.rows, kept.digest, sha256_of(path))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundles, "keep", wrong)
        with pytest.raises(ArchiveFault, match="different: good_tally"):
            await office.run()
    assert await office.held() == before
    assert (await office.facts()).phase == "asked", "it is written anew"
    assert (await office.run()).phase == "stored"


async def test_what_is_written_after_the_bundle_keeps_the_tables_from_being_dropped(
    office, monkeypatch
):
    await office.ask()
    move_on = archiving.drop

    async def written_meanwhile(desk, facts):
        async with office.database.migration() as connection:
            await connection.execute(insert(Tally), [{"id": new_id(), "at": office.clock()}])
            await connection.commit()
        await move_on(desk, facts)

    with monkeypatch.context() as patch:
        patch.setitem(phases.STEPS, "verified", written_meanwhile)
        with pytest.raises(ArchiveFault, match="changed: good_tally"):
            await office.run()
    before = await office.held()
    assert before["good_tally"][0] == 2
    async with office.write() as tx:
        await runtime.change(tx, APP, state="enabled")
    with pytest.raises(ArchiveFault, match="running"):
        await office.run()
    async with office.write() as tx:
        await runtime.change(tx, APP, state="disabled")
    assert (await office.run()).phase == "stored"
    await office.ask_restore()
    await office.run()
    assert await office.held() == before


@EMBEDDED
async def test_one_process_works_at_an_app_at_a_time(office, url):
    await office.ask()
    office.desk.archive.mkdir(parents=True)
    async with phases.alone(office.database, office.desk.archive, APP):
        with pytest.raises(Conflict, match="archive-busy"):
            await office.run()
    assert (await office.run()).phase == "stored"


async def test_what_the_package_does_not_know_is_not_brought_back(office):
    before = await office.held()
    await office.ask()
    apps, office.desk.apps = office.desk.apps, {}  # its package is gone
    stored = await office.run()
    assert stored.phase == "stored", "it is archived from its tables"
    await office.ask_restore()
    with pytest.raises(ArchiveFault, match="uninstalled: good"):
        await office.run()
    office.desk.apps = apps
    said = office.bundle(stored) / "bundle.json"
    whole = said.read_bytes()
    for change, refused in (
        ({"revision": "9999"}, "ahead: good 9999"),
        ({"shell_revision": "9999"}, "ahead: core 9999"),
        ({"format": 2}, "ahead: format 2"),
    ):
        said.write_text(json.dumps(json.loads(whole) | change))
        await _set(office, sha256=sha256_of(said))
        with pytest.raises(ArchiveFault, match=refused):
            await office.run()
        assert (await office.tables(), await office.stage()) == (set(), "archived")
    said.write_bytes(whole)
    await _set(office, sha256=stored.sha256)
    assert (await office.run()).phase == "restored"
    assert await office.held() == before


async def _set(office, **values):
    async with office.write() as tx:
        await tx.session.execute(update(Archive).values(**values))


@EMBEDDED
async def test_tables_that_nobody_noted_are_not_left_out(office):
    await office.ask()
    async with office.database.migration() as connection:
        await connection.exec_driver_sql("CREATE TABLE good_other (id INTEGER)")
        await connection.commit()
    with pytest.raises(ArchiveFault, match="unlike: good_other"):
        await office.run()


@EMBEDDED
async def test_what_cannot_be_asked_for_is_refused_with_a_reason(office):
    async with office.database.transaction() as tx:
        assert await service.obstacles(tx, APP) == []
    with pytest.raises(Conflict, match="archive-none"):
        await office.ask_restore()
    await office.ask()
    with pytest.raises(Conflict, match="archive-under-way"):
        await office.ask()
    async with office.write() as tx:
        await service.call_off(tx, APP, office.actor("governance"))
    async with office.database.transaction() as tx:
        gate = (await runtime.gates(tx))[APP]
    assert (gate.state, gate.mode) == ("enabled", "closed"), "as it was before"
    assert (await office.run()).phase == "called_off"
    await office.ask()
    await office.run()
    async with office.write() as tx:
        with pytest.raises(Conflict, match="archive-too-late"):
            await service.call_off(tx, APP, office.actor("governance"))
    async with office.database.transaction() as tx:
        (one,) = await service.obstacles(tx, APP)
    assert one.key == "archive-not-closed"
    async with office.write() as tx:
        await runtime.change(tx, APP, state="enabled")
        assert (await runtime.gates(tx))[APP].state == "disabled", "without tables it never runs"


@EMBEDDED
async def test_two_people_destroy_a_bundle_when_its_time_is_over(office):
    await office.ask("governance")
    stored = await office.run()
    checksum = stored.sha256
    with pytest.raises(Conflict, match="purge-too-early"):
        await office.approve("administrator", checksum)
    await office.keep_no_longer()
    with pytest.raises(Invalid, match="bundle-checksum"):
        await office.approve("administrator", "0" * 64)
    with pytest.raises(Conflict, match="purge-own-archive"):
        await office.approve("governance", checksum)
    async with office.write() as tx:
        with pytest.raises(Denied):
            await service.approve(tx, APP, Actor(system=True, name="console"), checksum)
    first = await office.approve("administrator", f" {checksum.upper()} ")
    assert (first.phase, len(first.approvals)) == ("stored", 1)
    with pytest.raises(Conflict, match="purge-same-person"):
        await office.approve("administrator", checksum)
    await office.ask_restore()
    async with office.write() as tx:
        called_off = await service.call_off(tx, APP, office.actor("governance"))
    assert called_off.approvals == (), "who wanted it destroyed had not seen that it is wanted"
    await office.approve("administrator", checksum)
    second = await office.approve("operator", checksum)
    assert second.phase == "condemned"
    with pytest.raises(Conflict, match="archive-under-way"):
        await office.ask_restore()
    ended = await office.run()
    assert (ended.phase, ended.sha256, len(ended.approvals)) == ("destroyed", checksum, 2)
    gone = await office.held()
    assert gone["access_grant"][0] == gone["access_role"][0] == 0


@EMBEDDED
async def test_rows_of_people_who_are_gone_stay_out_and_are_counted(office):
    await office.ask()
    await office.run()
    resident = office.actor("resident").person_id
    async with office.write() as tx:
        named = update(Person).where(col(Person.id) == resident)
        await tx.session.execute(named.values(username=f"{ERASED}-{resident.hex}"))
    await office.ask_restore()
    await office.run()
    async with office.database.transaction() as tx:
        step = (await taken(tx, APP))[0]
    assert step.facts["left_out"] == {"work_draft": 1, "work_pin": 1}


def test_of_every_table_of_the_shell_it_is_decided_what_becomes_of_its_rows():
    import core.governance.merging.models  # noqa: F401
    import portal.assembly  # noqa: F401

    assert [name for name in core_metadata.tables if not decided(name)] == []
