"""The demonstration shows each finding once at least, and each leads to its evidence."""

from html import unescape

from core.governance import evaluation
from core.governance.findings import KINDS
from portal.demo import load_register

PAGE = {"accept": "text/html"}


async def test_a_new_hub_shows_every_kind_of_finding_with_its_evidence(hub_app, client_as):
    hub = hub_app.hub
    registered = await load_register(hub)
    assert await load_register(hub) == registered  # begun again, nothing comes twice
    async with hub.services.database.transaction() as tx:
        held = await evaluation.findings(tx)
    assert {one.finding.kind for one in held} == set(KINDS)
    assert len({(one.finding.app, one.finding.kind, one.finding.about) for one in held}) == len(
        held
    )
    officer = await client_as("governance")
    merge = (await officer.get("/governance/apps/demo-public-voice/merge")).json()
    states = [row["proof"]["state"] for row in merge["functions"]]
    assert {state: states.count(state) for state in set(states)} == {
        "proven": 1,
        "waived": 1,
        "open": 6,
    }
    for finding in {one.finding.kind: one.finding for one in held}.values():
        page = await officer.get(f"/governance/apps/{finding.app}", headers=PAGE)
        read = unescape(page.text)
        assert finding.evidence, finding
        for said in (*(evidence.said for evidence in finding.evidence), finding.change):
            assert hub.catalogue.shown("zh-CN", said) in read, said
