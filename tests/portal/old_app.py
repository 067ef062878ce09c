"""The mailbox (领导信箱), an old app that the hotline succeeds: letters, and carrying them over."""

from portal.testing.apps import GRANTS, old_app
from portal.testing.apps.mailbox import export

HERE = "/apps/mailbox"


async def with_mailbox(make_hub, **settings):
    """Return a hub that has the mailbox beside its own apps, with a handler of letters."""
    hub = await make_hub(points=[old_app()], grants=GRANTS, **settings)
    await hub.staff("mailbox")
    return hub


async def write_letters(hub, texts, **files):
    """Write letters as a resident; return their numbers."""
    resident = await hub.client_as("resident")
    numbers = []
    for text in texts:
        answer = await resident.post(
            f"{HERE}/letters", data={"text": text, "_csrf": resident.csrf}, **files
        )
        assert answer.status_code == 201, answer.text
        numbers.append(answer.json()["number"])
    return numbers


async def answer_letter(hub, number, text="已转有关部门办理"):
    """Answer a letter as the unit's handler."""
    unit = await hub.client_as("unit")
    seen = (await unit.get(f"{HERE}/letters/{number}")).json()
    form = {"text": text, "version": seen["version"]}
    answer = await unit.post(f"{HERE}/letters/{number}/answer", json=form)
    assert answer.status_code == 200, answer.text


async def carry_over(hub, folder):
    """Bring the letters into the hotline, as `yimen app import hotline FILE --from mailbox` does;
    return what became of each."""
    apps = hub.hub.apps
    source = folder / "letters.csv"
    source.write_bytes(b"".join([part async for part in export(apps.hubs["mailbox"])]))
    own = apps.hubs["hotline"]
    rows = apps.hooks.call("hotline", "import_legacy", hub=own, source=source, of="mailbox")
    return [row.outcome async for row in rows]


async def tallies(hub, app, of):
    """Return what an app says that it holds of another."""
    apps = hub.hub.apps
    return await apps.hooks.call_async(app, "tallies", hub=apps.hubs[app], of=of)
