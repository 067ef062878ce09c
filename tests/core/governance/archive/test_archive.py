"""The archive: proven before anything is dropped, brought back whole, destroyed by two."""

from core.apps import runtime
from core.apps.migrations import migrate, pending
from tests.core.governance.archive.conftest import APP, ITEMS, SHARED


async def test_an_app_goes_into_the_archive_and_comes_back_as_it_was(office):
    before = await office.held()
    assert before["good_item"][0] == ITEMS
    asked = await office.ask()
    assert asked.phase == "asked"
    stored = await office.run()
    assert (stored.phase, stored.fault, await office.stage()) == ("stored", None, "archived")
    assert await office.tables() == set()
    assert office.contents() == {SHARED}, "another app has it too"
    gone = await office.held()
    assert gone["work_series"][0] == gone["files_file"][0] == gone["work_item"][0] == 0
    assert gone["grants"] == before["grants"], "what somebody may do follows the person"
    async with office.database.transaction() as tx:
        gate = (await runtime.gates(tx))[APP]
    assert (gate.state, gate.mode, gate.successor) == ("disabled", "closed", "hotline")
    assert await pending(office.database, office.apps) == []
    assert await migrate(office.database, office.apps) == []
    assert await office.tables() == set()
    await office.ask_restore()
    back = await office.run()
    assert (back.phase, await office.stage(), await office.stored()) == (
        "restored",
        "closed",
        False,
    )
    assert await office.held() == before
    assert not office.bundle(back).exists()
    assert await pending(office.database, office.apps) == []
