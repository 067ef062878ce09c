"""What becomes of sessions: counted once when they have ended, whatever is late."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from core.identity import sessions as sign_ins
from core.usage import sessions
from core.usage.models import UsageCell, UsageDay, UsageSession
from core.usage.visits import RULES
from plugin_sdk.deadlines import local_day
from plugin_sdk.manifest import Usage as Rules

DONE = Rules(effects=("done", "here"), check_ins=("here",), cadence="daily", entitled="all_staff")


@pytest.fixture
def visits(shell):
    return shell.services.visits


async def flush(shell) -> None:
    await shell.services.count_usage()


async def fold(shell) -> None:
    await flush(shell)
    await shell.services.fold_sessions()


async def counted(shell) -> tuple[int, ...]:
    """Sessions, fruitful and attending ones: of cells, which totals agree with."""
    found = []
    async with shell.read() as tx:
        for table in (UsageCell, UsageDay):
            kinds = (table.sessions, table.fruitful, table.attending)
            (sums,) = await tx.session.execute(select(*(func.sum(kind) for kind in kinds)))
            found.append(tuple(int(count or 0) for count in sums))
    cells, totals = found
    assert cells == totals
    return cells


async def open_rows(shell) -> int:
    async with shell.read() as tx:
        count = await tx.session.execute(select(func.count()).select_from(UsageSession))
        return int(count.scalar_one())


async def signed_in(shell, staff):
    token = await shell.sign_in(staff.person)
    return token, await shell.of_session(token)


async def end(shell, token: str) -> None:
    async with shell.write() as tx:
        await sign_ins.end(tx, sign_ins.digest(token))


async def test_a_session_is_counted_by_what_was_done_in_it(shell, visits):
    did = {
        "looked": [],
        "worked": [("done", None)],
        "checked-in": [("here", None)],
        "both": [("here", None), ("done", None)],
        "filed": "filed",
    }
    tokens, first_day = [], local_day(shell.database.clock())
    for name, effects in did.items():
        token, actor = await signed_in(shell, await shell.staff(name, "U1"))
        tokens.append(token)
        for _ in range(3):
            visits.opened("hotline", DONE, actor, "web")
            filed = effects == "filed"
            visits.did("hotline", DONE, actor, "web", effects=[] if filed else effects, filed=filed)
    await fold(shell)
    assert (await counted(shell), await open_rows(shell)) == ((0, 0, 0), 5), "they are open"
    for token in tokens:
        await end(shell, token)
    shell.clock.move(days=1)
    await fold(shell)
    await fold(shell)
    assert (await counted(shell), await open_rows(shell)) == ((5, 3, 1), 0)
    async with shell.read() as tx:
        (counted_on,) = await tx.session.execute(select(col(UsageDay.day)))
    assert counted_on.day == first_day, "the day of the first visit"


async def test_a_renewed_session_and_another_post_are_still_the_same(shell, visits):
    staff = await shell.staff("clerk", "U1")
    other = await shell.post(staff.person, "T1")
    token, actor = await signed_in(shell, staff)
    visits.opened("hotline", RULES, actor, "web")
    await flush(shell)
    async with shell.write() as tx:
        renewed = await sign_ins.renew(tx, sign_ins.digest(token), ["pwd", "otp"])
    assert renewed is not None
    async with shell.write() as tx:
        assert await sign_ins.switch_post(tx, sign_ins.digest(renewed.token), staff.person, other)
    again = await shell.of_session(renewed.token)
    assert again.organization_id != actor.organization_id
    visits.did("hotline", RULES, again, "web", effects=[("done", None)], filed=False)
    shell.clock.move(minutes=30)
    await fold(shell)
    assert await open_rows(shell) == 1
    visits.opened("hotline", RULES, actor, "web")  # sent under the secret before: late
    await end(shell, renewed.token)
    shell.clock.move(minutes=6)
    await fold(shell)
    assert (await counted(shell), await open_rows(shell)) == ((1, 1, 0), 0)


async def test_marks_that_are_late_belong_to_the_session_while_it_waits(shell, visits):
    token, actor = await signed_in(shell, await shell.staff("clerk", "U1"))
    visits.opened("hotline", RULES, actor, "web")
    await flush(shell)
    await end(shell, token)
    await fold(shell)
    assert await open_rows(shell) == 1, "what it did last may still be on its way"
    visits.did("hotline", RULES, actor, "web", effects=[("done", None)], filed=False)
    shell.clock.move(minutes=6)
    await fold(shell)
    assert await counted(shell) == (1, 1, 0)
    visits.opened("hotline", RULES, actor, "web")  # later still: a batch that waited for hours
    await fold(shell)
    assert (await counted(shell), await open_rows(shell)) == ((2, 1, 0), 0), "it stands alone"


async def test_a_session_that_runs_out_or_is_not_used_ends_too(shell, visits):
    staff = await shell.staff("clerk", "U1")
    brief = await shell.of_session(await shell.sign_in(staff.person, seconds=60))
    idle = await shell.of_session(await shell.sign_in(staff.person, seconds=86_400))
    for actor in (brief, idle):
        visits.opened("hotline", RULES, actor, "web")
    await flush(shell)
    shell.clock.move(minutes=10)
    half_an_hour = timedelta(minutes=30)
    await sessions.fold(shell.database, visits.digests, half_an_hour)
    assert (await counted(shell), await open_rows(shell)) == ((1, 0, 0), 1)
    shell.clock.move(minutes=26)
    await sessions.fold(shell.database, visits.digests, None)
    assert await open_rows(shell) == 1, "where the rules end none"
    await sessions.fold(shell.database, visits.digests, half_an_hour)
    assert (await counted(shell), await open_rows(shell)) == ((2, 0, 0), 0)


async def test_nothing_links_a_session_to_its_person_without_the_secret(shell, visits):
    token, actor = await signed_in(shell, await shell.staff("clerk", "U1"))
    visits.opened("hotline", RULES, actor, "web")
    await flush(shell)
    async with shell.read() as tx:
        (held,) = (await tx.session.execute(select(col(UsageSession.session)))).scalars()
    assert held == visits.digests.of(actor.person_id, actor.signed_in_at)
    assert held != sessions.Digests(b"another").of(actor.person_id, actor.signed_in_at)
    assert held not in (token, actor.session_id)
