"""What many send at once is done once, and nobody is answered with a fault."""

import asyncio
from collections import Counter

import pytest

from plugins.village_affairs.meetings import GROUPS
from plugins.village_affairs.models import Publication
from plugins.village_affairs.tests.conftest import HERE, PLAIN
from plugins.village_affairs.tests.test_life import NOTICE


@pytest.mark.parametrize("engine_kind", ["production"], indirect=True)
async def test_a_month_and_a_meeting_are_done_once_however_many_send_them(village):
    clients = [await village.hub.client_as("clerk") for _ in range(5)]

    async def send(n, path, **form):
        answer = await clients[n % 5].post(f"{HERE}{path}", json=form)
        return answer.status_code

    async def together(path, **form):
        return Counter(await asyncio.gather(*(send(n, path, **form) for n in range(20))))

    # a month that nobody has opened, and one that is open
    for period in ("2026-03", "2026-08"):
        path = f"/publications/{period}/CU04"
        assert await together(path, **PLAIN) == {201: 1, 409: 19}
    assert len(await village.rows(Publication)) == 2
    called = await village.post("/meetings", "clerk", **NOTICE)
    village.stand(2026, 9, 8, 14)
    clients[:] = [await village.hub.client_as("clerk") for _ in range(5)]
    counts = {f"{what}_{group}": 3 for group in GROUPS for what in ("came", "of")}
    for verb, form in (("hold", counts), ("publish", {"minutes": "通报收支"})):
        path = f"/meetings/{called['number']}/{verb}"
        assert await together(path, **form) == {200: 1, 409: 19}
    item = {"code": "NEW1", "name": "新事项", "heading": "sanzi", "every": "0"}
    county = [await village.hub.client_as("affairs") for _ in range(5)]
    clients[:] = county
    answers = await together("/catalogue", **item)
    assert (answers[201], answers[409] + answers[422]) == (1, 19)
