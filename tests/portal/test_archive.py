"""The hotline goes into the archive of a hub that runs, and comes back with all that it was."""

import errno

import pytest
from sqlalchemy import update
from sqlmodel import col

from core import bundles
from core.access.grants import grant
from core.apps.runtime import change
from core.governance.archive import bundle
from core.governance.archive.service import ask, ask_restore, call_off, latest
from core.governance.archive.shell import KEPT, table_of
from core.governance.lifecycle.models import Standing
from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import Actor, ScopeKind
from portal.backup import tables_of
from tests.portal.test_backup import picture

EMBEDDED = pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
BY = Actor(system=True, name="console")


async def held(hub):
    """The digest of every table of the hotline, and of what the shell holds of it."""
    (app,) = [app for app in hub.loaded() if app.id == "hotline"]
    found = {}
    async with hub.services.database.migration(write=False) as connection:
        for table in tables_of([app]):
            if table.name in app.tables:
                found[table.name] = await bundles.digest(connection, table)
        for held in KEPT:
            table = table_of(held)
            found[held.table] = await bundles.digest(
                connection, table, where=held.of(table, "hotline")
            )
    return found


async def carried_out(hub_app):
    """Let the hub look once, as its job does, and wait until it is through."""
    hub = hub_app.hub
    await hub.apps.follow()
    await hub.archives.look()
    await hub.archives._task
    await hub.apps.follow()
    async with hub_app.services.database.transaction() as tx:
        return await latest(tx, "hotline")


async def test_the_hotline_comes_back_with_every_row_file_number_and_right(hub_app):
    hub, write = hub_app.hub, hub_app.services.database.transaction
    resident = await hub_app.client_as("resident")
    snapped = await resident.post(
        "/apps/hotline/snap",
        data={"_csrf": resident.csrf, "kind": "help", "text": "路灯不亮，连着五盏"},
        files={"photos": ("灯.png", picture(), "image/png")},
    )
    assert snapped.status_code == 201, snapped.text
    order = {"kind": "help", "text": "下水道堵了，三天没人来"}
    filed = (await resident.post("/apps/hotline/orders", json=order)).json()
    operator = await hub_app.client_as("operator")
    orders = (await operator.get("/apps/hotline/orders")).json()
    await hub_app.settle()
    async with write(write=True) as tx:
        closed = update(Standing).where(col(Standing.app) == "hotline")
        await tx.session.execute(closed.values(stage="closed"))
        await change(tx, "hotline", mode="closed")
        await ask(tx, "hotline", BY, "")
    before = await held(hub)
    assert before["hotline_order"][0] == 2
    assert before["files_file"][0] == 1
    assert before["work_series"][0] > 0
    stored = await carried_out(hub_app)
    assert (stored.phase, stored.fault) == ("stored", None)
    assert (await operator.get("/apps/hotline/orders")).status_code == 410
    for path in ("/", "/work", "/apps", "/search?q=路灯", "/about/hotline"):
        assert (await resident.page(path)).status_code in (200, 410), path
    assert (await (await hub_app.client_as("unit")).get("/apps/supervision/")).status_code < 400
    async with write(write=True) as tx:
        await ask_restore(tx, "hotline", BY, "")
    assert (await carried_out(hub_app)).phase == "restored"
    assert await held(hub) == before
    await hub_app.set_state("hotline", "enabled", mode="open")
    assert (await operator.get("/apps/hotline/orders")).json() == orders
    # what was written of an archive that is called off does not outlive it
    async with write(write=True) as tx:
        closed = update(Standing).where(col(Standing.app) == "hotline")
        await tx.session.execute(closed.values(stage="closed"))
        asked = await ask(tx, "hotline", BY, "")
        await call_off(tx, "hotline", BY)
    left = hub.settings.home / "archive" / asked.folder
    (left / "tables").mkdir(parents=True)
    await hub.archives.look()
    assert not left.exists()
    await hub_app.set_state("hotline", "enabled", mode="open")
    after = (await resident.post("/apps/hotline/orders", json=order)).json()
    assert after["number"][:-4] == filed["number"][:-4]
    assert int(after["number"][-4:]) == int(filed["number"][-4:]) + 1


@EMBEDDED
async def test_a_bundle_is_restored_and_destroyed_on_the_page_of_the_app(hub_app, monkeypatch):
    hub, at = hub_app.hub, "/governance/apps/hotline/life"

    async def shown(role, page=""):
        return (await (await hub_app.client_as(role)).page(f"{at}{page}")).text

    async def send(role, verb, **form):
        answer = await (await hub_app.client_as(role)).post_form(f"{at}/{verb}", form)
        return answer.status_code, answer.text

    await hub_app.settle()
    async with hub_app.services.database.transaction(write=True) as tx:
        closed = update(Standing).where(col(Standing.app) == "hotline")
        await tx.session.execute(closed.values(stage="closed"))
        await change(tx, "hotline", mode="closed")
        post = (await hub_app.actor("governance")).post_id
        await grant(tx, post, "yimen.second_approver", ScopeKind.ALL, granted_by=None)
    done = None
    for verb, phase in (("archive", "stored"), ("restore", "restored"), ("archive", "stored")):
        assert (await send("governance", verb, reason="治理决定"))[0] == 303
        done = await carried_out(hub_app)
        assert (done.phase, done.fault) == (phase, None)
    assert done is not None
    assert done.sha256 in await shown("decider")
    assert "到那一天才能销毁" in await shown("decider"), "not before anybody has typed a checksum"
    assert 'name="sha256"' not in await shown("decider", "/purge")
    assert (await send("decider", "purge", sha256=done.sha256))[0] == 409
    hub_app.clock.move(days=(done.keep_until - local_day(hub_app.clock())).days)
    assert "是您申请归档的" in await shown("governance", "/purge")
    assert (await send("governance", "purge", sha256=done.sha256))[0] == 409
    assert (await send("owner", "purge", sha256=done.sha256))[0] == 403
    status, page = await send("decider", "purge", sha256="0" * 64)
    assert (status, "与归档包的校验值不一致" in page) == (422, True)
    assert (await send("decider", "purge", sha256=done.sha256))[0] == 303
    assert "已批准销毁：区委网信办 苏*信" in await shown("approver")
    assert "还要另一个人批准" in await shown("decider", "/purge")
    assert (await send("decider", "purge", sha256=done.sha256))[0] == 409

    def full(folder):
        raise OSError(errno.EIO, "disk")

    folder = hub.settings.home / "archive" / done.folder
    with monkeypatch.context() as broken:
        broken.setattr(bundle, "remove", full)
        assert (await send("approver", "purge", sha256=done.sha256))[0] == 303
        assert (await carried_out(hub_app)).fault is not None
    page = await shown("approver")
    assert "每 10 分钟自动再试" in page
    assert f"{at}/restore" not in page, "two have agreed"
    assert folder.exists()
    hub_app.clock.move(minutes=11)
    assert (await carried_out(hub_app)).phase == "destroyed"
    assert not folder.exists()
    page = await shown("approver")
    assert "归档已经销毁" in page
    assert done.sha256 in page, "the checksum stays"
    assert (await hub_app.client().page("/about/hotline")).status_code == 200
