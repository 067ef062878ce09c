"""What lies in another scope shows nowhere: in no list, however it is narrowed, in no count, file,
search or card."""

import re

from plugins.hotline.tests.conftest import HERE

WORD = "紫藤架"  # it stands in the one order alone
ABSENT = "209901010001"
CHANGING = re.compile(r'\d{4}-\d\d-\d\dT[\d:.]+Z|"request": ?"\w+"')
WAYS = (
    f"{HERE}/orders?q={WORD}",
    f"{HERE}/orders?q={{number}}",
    f"{HERE}/orders?state={{state}}",
    f"{HERE}/orders?late=true",
    f"{HERE}/orders?mine=true",
    f"{HERE}/orders.csv",
    f"{HERE}/orders.csv?q={WORD}",
    f"{HERE}/figures",
    f"/search?q={WORD}",
    "/search?q={number}",
    "/work",
    "/messages",
    "/",
)


async def said(client, kept):
    """All that the ways to a case say to somebody, without what changes by itself."""
    found = {}
    for way in WAYS:
        answer = await client.get(way.format(**kept))
        assert answer.status_code in (200, 401, 403), way
        found[way] = CHANGING.sub("", answer.text)
    return found


async def test_another_scope_shows_in_no_list_count_file_or_search(desk):
    strangers = [desk.hub.client(), await desk.client("resident2"), await desk.client("unit2")]
    kept = {"number": ABSENT, "state": "processing"}
    before = [await said(stranger, kept) for stranger in strangers]
    filed = await desk.file(text=f"{WORD}倒了", region=None)
    await desk.begin(filed["number"])
    await desk.hub.settle()
    kept["number"] = filed["number"]
    for stranger, was in zip(strangers, before, strict=True):
        after = await said(stranger, kept)
        for way in WAYS:  # but for the number that was asked for, nothing has changed
            assert after[way].replace(filed["number"], ABSENT) == was[way], way
    owner = await said(await desk.client("resident"), kept)
    shown = [way for way in WAYS if "倒了" in owner[way] or filed["number"] in owner[way]]
    assert len(shown) > 5, "the ways do show it to who may see it"
