"""Data elements: an app is filled with what its manifest asks for, and with nothing sealed."""

from typing import Any, ClassVar

import pytest
from pydantic import Field
from sqlalchemy import insert, select
from sqlmodel import col

from core.apps.native import check_elements
from core.apps.registry import Refusal
from core.audit.models import AuditEntry
from core.hub import AppHub
from core.hub.elements import typed_by
from core.identity.models import Enterprise
from core.identity.register import set_number
from core.usage.models import UsageElement
from plugin_sdk.elements import ELEMENTS
from plugin_sdk.forms import Form, field_views, validate
from plugin_sdk.problems import Denied
from tests.core.access.test_behalf import Case
from tests.core.probe import APP

NUMBER = "11010519491231002X"
ASKED = ("person.name", "person.phone", "person.address", "person.identity-number")
UNITS = ("unit.name", "unit.code", "enterprise.name", "enterprise.code")


class Letter(Form):
    """A form that asks for a good deal."""

    elements: ClassVar[dict[str, str]] = {
        "name": "person.name",
        "address": "person.address",
        "number": "person.identity-number",
    }

    name: str = Field(max_length=100)
    address: str | None = Field(default=None, max_length=500)
    number: str | None = Field(default=None, max_length=30)


def hub_of(shell, *asked):
    pages: Any = None
    return AppHub(shell.services, APP, pages, elements=asked)


async def held(hub, actor, *elements):
    async with hub.read(actor) as read:
        return await hub.elements.held(read, elements)


async def send(hub, actor, needs=None, **values):
    async with hub.work(actor) as work:
        await hub.elements.take(work, validate(Letter, values))
        if needs is not None:
            await work.require(needs)


async def counts(shell):
    async with shell.read() as tx:
        row = UsageElement
        found = await tx.session.execute(select(col(row.element), col(row.spared), col(row.asked)))
        return {element: (spared, asked) for element, spared, asked in found}


@pytest.fixture
async def someone(shell):
    """Somebody with a post, an enterprise and an identity number on file."""
    staff = await shell.staff("someone", "U1", "probe.writer")
    async with shell.write() as tx:
        await set_number(tx, shell.services.numbers, staff.person, NUMBER)
        firm = {"code": "91370000MA3C0T6B5A", "name": "一家", "created_at": tx.now}
        await tx.session.execute(insert(Enterprise).values(agent_id=staff.person, **firm))
    return staff


async def test_an_app_is_filled_with_what_it_asks_for_and_nothing_else(shell, someone):
    actor = await someone.actor()
    assert await held(hub_of(shell), actor, *ASKED, *UNITS) == {}
    found = await held(hub_of(shell, "unit.code", "enterprise.name"), actor, *ASKED, *UNITS)
    assert {element: one.value for element, one in found.items()} == {
        "unit.code": "U1",
        "enterprise.name": "一家",
    }
    assert await held(hub_of(shell, *ASKED), actor, "unit.code") == {}
    async with shell.write() as tx:  # whoever files for several is asked for which
        firm = {"code": "91370000MA3C0T6B5B", "name": "又一家", "created_at": tx.now}
        await tx.session.execute(insert(Enterprise).values(agent_id=someone.person, **firm))
    assert await held(hub_of(shell, *UNITS), actor, "enterprise.name") == {}


async def test_an_identity_number_stays_in_the_hub_and_is_taken_on_record(shell, someone):
    hub, actor = hub_of(shell, *ASKED), await someone.actor("probe.write")
    known = await held(hub, actor, *ASKED)
    (field,) = (f for f in field_views(Letter, "x", held=known) if f.name == "number")
    assert field.held is not None
    assert (field.value, field.held.shown) == ("", "1****************X")
    await send(hub, actor, name="someone", number=NUMBER)  # typed all the same
    await send(hub, actor, name="someone")  # left empty: the one on file
    assert await counts(shell) == {"person.name": (2, 0), "person.identity-number": (1, 1)}
    async with shell.read() as tx:
        assert await typed_by(tx, someone.person) == []
    async with hub.work(actor) as work:
        assert await hub.elements.sealed(work, "person.identity-number") == NUMBER
    async with shell.read() as tx:
        row = AuditEntry
        acts = select(col(row.subject), col(row.facts)).where(col(row.act) == "element-taken")
        ((subject, facts),) = await tx.session.execute(acts)
    assert subject == f"person:{someone.person}"
    assert NUMBER not in str(facts)
    async with hub_of(shell, "person.name").work(actor) as work:
        with pytest.raises(Denied):
            await hub_of(shell, "person.name").elements.sealed(work, "person.identity-number")


async def test_an_agent_sees_the_account_and_leaves_nothing_behind(shell):
    case = await Case(shell).begin()
    hub = hub_of(shell, *ASKED)
    own = await shell.actor(case.resident, None, "probe.file")
    await send(hub, own, name="resident", address="T1 村东")
    agent = await case.actor("probe.file")
    found = await held(hub, agent, *ASKED)
    assert set(found) == {"person.name"}
    assert found["person.name"].href is None  # the page is the resident's own
    await send(hub, agent, name="worker", address="别处")
    async with shell.read() as tx:
        assert [one.value for one in await typed_by(tx, case.resident)] == ["T1 村东"]
        assert await typed_by(tx, case.worker.person) == []
    assert await counts(shell) == {"person.name": (1, 1)}


async def test_what_is_brought_in_or_undone_counts_nowhere(shell, someone):
    hub, actor = hub_of(shell, *ASKED), await someone.actor("probe.write")
    await send(hub.at(shell.database.clock()), actor, name="someone")
    with pytest.raises(Denied):
        await send(hub, actor, "nothing", name="someone", address="x" * 10)
    assert await counts(shell) == {}
    await send(hub, actor, name="someone", address="x" * 201)  # too long to fill anything in
    async with shell.read() as tx:
        assert await typed_by(tx, someone.person) == []


def test_a_form_names_elements_of_text_that_there_are():
    with pytest.raises(TypeError, match="no element of a text"):
        type("Odd", (Letter,), {"elements": {"name": "person.shoe-size"}})
    with pytest.raises(TypeError, match="cannot be required"):
        type("Bare", (Letter,), {"elements": {"name": "person.identity-number"}})
    assert ELEMENTS["person.phone"].plain("138 0013 8000") == "+8613800138000"
    assert ELEMENTS["person.phone"].plain(" 12345 ") == "12345"


def test_an_app_whose_form_names_what_it_does_not_ask_for_is_refused():
    from litestar import get

    from plugin_sdk import manifest
    from plugin_sdk.routes import PUBLIC, needs
    from portal.testing import apps

    @get("/letter", opt=needs(PUBLIC, body=Letter))
    async def letter() -> None: ...

    text = (apps.GRANTS.parent / "good" / "manifest.toml").read_bytes()
    with pytest.raises(Refusal, match=r"form of /letter names person\.name"):
        check_elements([letter], manifest.load(text))
