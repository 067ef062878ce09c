"""Backup and restore: one moment of a hub that goes on, compared before it counts."""

import io
import json
import secrets
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import msgspec
import pytest
from PIL import Image
from rich.console import Console
from sqlalchemy import func, inspect, select, update
from sqlmodel import col

from core.apps.migrations import migrate, pending
from core.apps.registry import installed, load_apps
from core.apps.runtime import change
from core.bundles import digest
from core.database import Database, core_metadata
from core.governance.archive.desk import Desk
from core.governance.archive.phases import run
from core.governance.archive.service import ask, ask_restore
from core.governance.lifecycle.models import Standing
from core.identity.models import OrganizationRow, Person, SignInSession
from plugin_sdk.ports import Actor
from portal.backup import BackupRefused, back_up, restore, tables_of

QUIET = Console(quiet=True)
TREE = core_metadata.tables["identity_organization"]


def picture():
    data = io.BytesIO()
    Image.new("RGB", (40, 30), (200, 30, 30)).save(data, "PNG")
    return data.getvalue()


@pytest.fixture
async def lived(hub_app):
    """A hub with something of everything in it: a case, a photo, a record, a rating."""
    resident, operator = await hub_app.client_as("resident"), await hub_app.client_as("operator")
    filed = await resident.post(
        "/apps/hotline/snap",
        data={"_csrf": resident.csrf, "kind": "help", "text": "路灯不亮，连着五盏"},
        files={"photos": ("灯.png", picture(), "image/png")},
    )
    assert filed.status_code == 201, filed.text
    assert (await operator.get("/apps/hotline/orders")).status_code == 200
    await hub_app.settle()
    await hub_app.services.count_usage()
    await hub_app.services.sealer.run()
    return hub_app


@pytest.fixture
def another(engine_kind, tmp_path, request):
    """Return the settings of an empty hub on an engine."""

    def empty(hub, kind, name="second"):
        if kind == "production":
            server = request.getfixturevalue("postgres_server")
            url = server.create_database(f"second_{secrets.token_hex(6)}")
            request.addfinalizer(lambda: server.drop_database(url.rpartition("/")[2]))
        else:
            url = f"sqlite+aiosqlite:///{tmp_path / name}.sqlite3"
        home = tmp_path / f"home-{name}"
        return msgspec.structs.replace(hub.settings, database_url=url, redis_url=None, home=home)

    return empty


async def held(url, tables):
    """The digest of every table."""
    database = Database(url)
    try:
        async with database.migration(write=False) as connection:
            return {table.name: await digest(connection, table) for table in tables}
    finally:
        await database.close()


@pytest.mark.parametrize("into", ["embedded", "production"])
async def test_what_is_restored_is_what_was_kept_on_either_engine(lived, another, into, tmp_path):
    hub = lived.hub
    apps = hub.loaded()
    kept = await back_up(hub.settings, apps, tmp_path / "kept", QUIET)
    assert kept.files == 1
    before = await held(hub.settings.database_url, tables_of(apps))
    settings = another(hub, into)
    _, faults = await restore(settings, apps, tmp_path / "kept", QUIET)
    assert faults == 0
    after = await held(settings.database_url, tables_of(apps))
    signed_in = "identity_session"
    assert after.pop(signed_in) != before.pop(signed_in)  # those are ended, whatever was since
    assert after == before
    assert before["hotline_order"][0] == 1
    assert before["identity_organization"][0] > 10
    assert before["audit_entry"][0] > 1
    stored = [p for p in (settings.home / "files").rglob("*") if p.is_file()]
    assert len(stored) == 1
    assert (
        stored[0].read_bytes()
        == (hub.settings.home / "files" / stored[0].parent.name / stored[0].name).read_bytes()
    )


async def test_who_was_signed_in_when_it_was_kept_signs_in_again(lived, another, tmp_path):
    hub = lived.hub
    await back_up(hub.settings, hub.loaded(), tmp_path / "kept", QUIET)
    settings = another(hub, "embedded")
    await restore(settings, hub.loaded(), tmp_path / "kept", QUIET)
    database = Database(settings.database_url)
    try:
        async with database.transaction() as tx:
            ended = await tx.session.execute(select(col(SignInSession.ended_at)))
            moments = list(ended.scalars())
    finally:
        await database.close()
    assert moments
    assert None not in moments


async def test_nobody_else_on_the_machine_reads_a_backup(lived, tmp_path):
    hub = lived.hub
    await back_up(hub.settings, hub.loaded(), tmp_path / "kept", QUIET)
    assert (tmp_path / "kept").stat().st_mode & 0o077 == 0


async def test_a_restore_that_was_cut_is_run_again(lived, another, tmp_path, monkeypatch):
    hub = lived.hub
    await back_up(hub.settings, hub.loaded(), tmp_path / "kept", QUIET)
    settings = another(hub, "production")
    with monkeypatch.context() as patch:
        patch.setattr("portal.backup.os.replace", full_disk)
        with pytest.raises(OSError, match="full"):
            await restore(settings, hub.loaded(), tmp_path / "kept", QUIET)
    _, faults = await restore(settings, hub.loaded(), tmp_path / "kept", QUIET)
    assert faults == 0
    assert len([p for p in (settings.home / "files").rglob("*") if p.is_file()]) == 1


def full_disk(source, target):
    raise OSError("the disk is full")


async def test_a_backup_is_one_moment_while_the_hub_goes_on(lived, tmp_path, monkeypatch):
    from core import bundles

    hub, keep = lived.hub, bundles.keep
    resident = await lived.client_as("resident")
    number = 0

    async def meanwhile(connection, table, path, counted):
        nonlocal number
        number += 1
        if number == 3:  # the snapshot stands; what comes now is of another moment
            answer = await resident.post(
                "/apps/hotline/orders", json={"kind": "help", "text": "路灯又不亮，第二次"}
            )
            assert answer.status_code == 201, answer.text
        return await keep(connection, table, path, counted)

    monkeypatch.setattr("portal.backup.bundles.keep", meanwhile)
    kept = await back_up(hub.settings, hub.loaded(), tmp_path / "kept", QUIET)
    rows = {table.name: table.rows for table in kept.tables}
    assert rows["hotline_order"] == 1
    assert rows["hotline_order_entry"] == 1


async def test_nothing_is_restored_over_what_is_there(lived, another, tmp_path):
    hub = lived.hub
    await back_up(hub.settings, hub.loaded(), tmp_path / "kept", QUIET)
    with pytest.raises(BackupRefused, match="in use"):
        await restore(hub.settings, hub.loaded(), tmp_path / "kept", QUIET)
    with pytest.raises(BackupRefused, match="there already"):
        await back_up(hub.settings, hub.loaded(), tmp_path / "kept", QUIET)


def change_row(folder):
    import gzip

    path = folder / "tables" / "identity_person.jsonl.gz"
    text = gzip.decompress(path.read_bytes()).replace(b"resident", b"intruder")
    path.write_bytes(gzip.compress(text, mtime=0))


def change_row_and_sign(folder):
    from core.bundles import sha256_of

    change_row(folder)
    said = json.loads((folder / "backup.json").read_text())
    for table in said["tables"]:
        if table["name"] == "identity_person":
            table["sha256"] = sha256_of(folder / "tables" / "identity_person.jsonl.gz")
    (folder / "backup.json").write_text(json.dumps(said))


def cut_archive(folder):
    path = folder / "files.tar"
    path.write_bytes(path.read_bytes()[:-100])


def other_revision(folder):
    said = json.loads((folder / "backup.json").read_text())
    said["revisions"]["hotline"] = "9999"
    (folder / "backup.json").write_text(json.dumps(said))


def other_format(folder):
    said = json.loads((folder / "backup.json").read_text())
    said["format"] = 2
    (folder / "backup.json").write_text(json.dumps(said))


HARM = [
    (change_row, "checksum"),
    (change_row_and_sign, "not what was kept"),
    (cut_archive, "checksum"),
    (other_revision, "install the version"),
    (other_format, "format 2"),
    (lambda folder: (folder / "backup.json").unlink(), "no finished backup"),
    (lambda folder: (folder / "tables" / "audit_entry.jsonl.gz").unlink(), "is not there"),
]


async def test_a_backup_that_was_changed_restores_nothing(lived, another, tmp_path):
    hub = lived.hub
    await back_up(hub.settings, hub.loaded(), tmp_path / "kept", QUIET)
    for number, (harm, said) in enumerate(HARM):
        changed = tmp_path / f"changed-{number}"
        shutil.copytree(tmp_path / "kept", changed)
        harm(changed)
        settings = another(hub, "embedded", name=f"hub-{number}")
        with pytest.raises(BackupRefused, match=said):
            await restore(settings, hub.loaded(), changed, QUIET)
        database = Database(settings.database_url)
        try:
            async with database.migration(write=False) as connection:
                there = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
                if "identity_person" in there:
                    count = await connection.execute(select(func.count()).select_from(Person))
                    assert count.scalar_one() == 0, said
        finally:
            await database.close()


async def test_a_parent_may_follow_its_child(lived, another, tmp_path):
    """After a move an organization may hang below one that was added later."""
    hub = lived.hub
    async with lived.services.database.transaction(write=True) as tx:
        towns = await tx.session.execute(
            select(col(OrganizationRow.id))
            .where(col(OrganizationRow.level) == "township")
            .order_by(col(OrganizationRow.id))
        )
        first, *_, last = towns.scalars()
        await tx.session.execute(
            update(OrganizationRow).where(col(OrganizationRow.id) == first).values(parent_id=last)
        )
    before = await held(hub.settings.database_url, [TREE])
    await back_up(hub.settings, hub.loaded(), tmp_path / "kept", QUIET)
    settings = another(hub, "production")
    await restore(settings, hub.loaded(), tmp_path / "kept", QUIET)
    assert await held(settings.database_url, [TREE]) == before


async def test_a_file_that_is_lost_or_changed_on_disk_is_named(lived, tmp_path):
    hub = lived.hub
    (stored,) = [p for p in (hub.settings.home / "files").rglob("*") if p.is_file()]
    stored.write_bytes(b"something else")
    with pytest.raises(BackupRefused, match="was changed on this disk"):
        await back_up(hub.settings, hub.loaded(), tmp_path / "kept", QUIET)
    stored.unlink()
    with pytest.raises(BackupRefused, match="is not on this disk"):
        await back_up(hub.settings, hub.loaded(), tmp_path / "kept", QUIET)
    assert not (tmp_path / "kept").exists()


def test_a_command_knows_every_table_by_itself():
    """A process of its own has imported only what it asked for."""
    program = (
        "from portal.backup import tables_of; from core.apps.registry import installed, load_apps;"
        "from pathlib import Path;"
        "print(len(tables_of(load_apps(installed(), Path('manifests')))))"
    )
    here = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    apps = load_apps(installed(), Path("manifests"))
    assert int(here.stdout) == len(tables_of(apps))


async def test_a_table_that_nobody_here_owns_is_not_left_out_in_silence(lived, tmp_path):
    hub = lived.hub
    async with lived.services.database.migration() as connection:
        await connection.exec_driver_sql("CREATE TABLE gone_thing (id INTEGER)")
        await connection.commit()
    with pytest.raises(BackupRefused, match="gone_thing"):
        await back_up(hub.settings, hub.loaded(), tmp_path / "kept", QUIET)


async def test_an_archived_app_is_kept_with_its_bundle_and_comes_back_on_the_other_engine(
    lived, another, engine_kind, tmp_path
):
    """And of one whose package is gone the tables are kept, and are there when it returns."""
    into = "embedded" if engine_kind == "production" else "production"
    hub = lived.hub
    apps = hub.loaded()
    (hotline,) = [app for app in apps if app.id == "hotline"]
    own = [table for table in tables_of([hotline]) if table.name in hotline.tables]
    before = await held(hub.settings.database_url, own)
    assert before["hotline_order"][0] == 1
    await archive(hub, "hotline")
    assert not [p for p in (hub.settings.home / "files").rglob("*") if p.is_file()]
    here = [app for app in apps if app.id != "supervision"]
    kept = await back_up(hub.settings, here, tmp_path / "kept", QUIET)
    assert (kept.stored, list(kept.orphans), kept.files) == (("hotline",), ["supervision"], 0)
    assert not {table.name for table in kept.tables} & hotline.tables
    settings = another(hub, into)
    _, faults = await restore(settings, here, tmp_path / "kept", QUIET)
    assert faults == 0
    database = Database(settings.database_url)
    try:
        assert await pending(database, apps) == (["supervision"] if into == "production" else [])
        await migrate(database, apps)  # raises the wall around what has returned
        desk = Desk(database, settings.home, apps, lambda: 120)
        async with database.transaction(write=True) as tx:
            await ask_restore(tx, "hotline", Actor(system=True, name="console"), "")
        back = await run(desk, "hotline")
        assert back is not None
        assert back.phase == "restored"
        assert await pending(database, apps) == []
    finally:
        await database.close()
    assert await held(settings.database_url, own) == before
    assert len([p for p in (settings.home / "files").rglob("*") if p.is_file()]) == 1


async def archive(hub, app):
    """Archive an app of a running hub, as if it had been closed before."""
    async with hub.services.database.transaction(write=True) as tx:
        closed = update(Standing).where(col(Standing.app) == app)
        await tx.session.execute(closed.values(stage="closed"))
        await change(tx, app, mode="closed")
        await ask(tx, app, Actor(system=True, name="console"), "")
    await hub.apps.follow()
    assert (await hub.archives.run(app)).phase == "stored"
    await hub.apps.follow()


async def test_keys_are_kept_only_when_they_are_asked_for(lived, tmp_path):
    hub = lived.hub
    (hub.settings.home / "secret.key").write_bytes(b"k" * 64)
    for name, keys in (("without", False), ("with", True)):
        await back_up(hub.settings, hub.loaded(), tmp_path / name, QUIET, keys=keys)
        with tarfile.open(tmp_path / name / "home.tar") as archive:
            assert ("secret.key" in archive.getnames()) == keys
