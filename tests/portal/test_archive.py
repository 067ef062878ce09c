"""The hotline goes into the archive of a hub that runs, and comes back with all that it was."""

from sqlalchemy import update
from sqlmodel import col

from core import bundles
from core.apps.runtime import change
from core.governance.archive.service import ask, ask_restore, call_off, latest
from core.governance.archive.shell import KEPT, table_of
from core.governance.lifecycle.models import Standing
from plugin_sdk.ports import Actor
from portal.backup import tables_of
from tests.portal.test_backup import picture

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
