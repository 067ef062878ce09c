"""What the hub holds of a person is found in its tables, those of tomorrow too."""

import importlib
import json

import pytest
from sqlalchemy import Uuid

from core.apps.registry import declared
from core.database import core_metadata
from core.hub import personal
from portal.pages.own_record import title_key
from tests.core.probe import Base

# ids that are no person's: what a new one holds is to be said here, or by its name
OTHERS = {
    "actor_post_id",
    "case_id",
    "centre_id",
    "chair_unit",
    "consent_id",
    "day_id",
    "delegation_id",
    "enterprise_id",
    "entry_id",
    "follow_up_id",
    "follows_id",
    "grant_id",
    "id",
    "key_id",
    "knowledge_id",
    "order_id",
    "organization_id",
    "origin_id",
    "origin_organization_id",
    "plan_id",
    "post_id",
    "record_id",
    "region",
    "region_id",
    "repeats_id",
    "rule_unit",
    "sample_id",
    "source",
    "split_from_id",
    "unit",
    "unit_id",
    "version_id",
}


def all_tables():
    importlib.import_module("portal.assembly")  # every room with its tables
    importlib.import_module("plugins.hotline.models")
    tables = dict.fromkeys(core_metadata.tables.values(), "yimen")
    return tables | dict.fromkeys(declared("plugins.hotline"), "hotline")


def test_every_id_is_a_persons_by_its_name_or_known_to_be_none():
    unknown = [
        f"{table.name}.{column.name}"
        for table in all_tables()
        for column in table.columns
        if isinstance(column.type, Uuid)
        and not column.foreign_keys
        and column not in personal.person_columns(table)
        and column.name not in OTHERS
    ]
    assert not unknown, "call a person's id …_person_id or …_by; name another kind in OTHERS"


def test_the_known_tables_are_found():
    found = {t.name: {c.name for c in personal.person_columns(t)} for t in all_tables()}
    assert found["identity_person"] == {"id"}
    assert found["audit_entry"] == {"person_id", "behalf_of_id"}
    assert found["access_grant"] >= {"granted_by"}
    assert found["apps_runtime"] == {"changed_by"}
    assert found["hotline_order"] == {"person_id", "extension_asked_by", "urged_by"}
    acted = {"actor_person_id", "agent_person_id", "delegator_person_id"}
    assert found["hotline_order_entry"] == {"person_id", *acted}
    assert not found["identity_organization"]


def test_every_table_that_holds_a_person_has_words():
    from pathlib import Path

    import plugins.hotline
    from portal.assembly import catalogue_of

    catalogue = catalogue_of({"hotline": Path(plugins.hotline.__file__).parent})
    missing = [
        title_key(app, table.name)
        for table, app in all_tables().items()
        if personal.person_columns(table) and title_key(app, table.name) not in catalogue
    ]
    assert not missing


def test_no_secret_is_exported():
    shown = {
        f"{table.name}.{column.name}"
        for table in all_tables()
        if personal.person_columns(table)
        for column in personal._shown(table)
    }
    for secret in (
        "identity_person.password_hash",
        "identity_earlier_password.hash",
        "identity_session.csrf",
        "hotline_order.code",
    ):
        assert secret not in shown
    assert not {"audit_entry.facts", "audit_entry.subject", "audit_entry.salts"} & shown
    assert "identity_person.phone" in shown


@pytest.fixture
def tables():
    core = dict.fromkeys(core_metadata.tables.values(), "yimen")
    return core | dict.fromkeys(Base.metadata.tables.values(), "probe")


async def test_counts_and_the_copy_hold_ones_own_and_no_others(shell, tables):
    one = await shell.staff("one", "U1", "probe.writer")
    other = await shell.staff("other", "U1", "probe.writer")
    await shell.sign_in(one.person)
    async with shell.read() as tx:
        found = {h.table: (h.rows, h.own) for h in await personal.holdings(tx, tables, one.person)}
    assert found["identity_person"] == (1, 1)
    assert found["identity_post"] == (1, 1)
    assert found["identity_session"] == (1, 1)
    assert "messages_notice" not in found
    chunks = [
        chunk async for chunk in personal.as_json(shell.database, tables, one.person, shell.clock())
    ]
    text = b"".join(chunks).decode()
    copy = json.loads(text)
    assert copy["person"] == str(one.person)
    assert copy["tables"]["identity_person"][0]["username"] == "one"
    assert str(other.person) not in text
    assert "csrf" not in text
    assert "password_hash" not in text


async def test_a_copy_of_nothing_is_a_document_too(shell, tables):
    from plugin_sdk.data import new_id

    chunks = [
        chunk async for chunk in personal.as_json(shell.database, tables, new_id(), shell.clock())
    ]
    assert json.loads(b"".join(chunks))["tables"] == {}
