"""What a revision makes of what stands already."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import MetaData, Table, create_engine, insert, select, types

import plugins.hotline
from core.apps.migrations import upgrade

FOLDER = Path(plugins.hotline.__file__).parent / "migrations"
EMPTY: list[tuple[type[Any], Any]] = [
    (types.DateTime, datetime(2026, 3, 2, tzinfo=UTC)),
    (types.Date, date(2026, 3, 2)),
    (types.JSON, {}),
    (types.Integer, 0),
    (types.Boolean, False),
    (types.String, ""),
]


@pytest.fixture
def connection(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path}/old.db")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def table(connection, name):
    return Table(name, MetaData(), autoload_with=connection)


def keep(connection, name, **values):
    """Insert a row, with nothing in the columns that are not named."""
    of = table(connection, name)
    for column in of.columns:
        if not column.nullable and column.name not in values:
            kinds = (empty for kind, empty in EMPTY if isinstance(column.type, kind))
            values[column.name] = uuid4().hex if column.name == "id" else next(kinds)
    connection.execute(insert(of).values(values))
    return values["id"]


def test_who_signed_opined_and_asked_is_kept_as_a_person(connection):
    upgrade(connection, "hotline", FOLDER, "0011")
    chair, expert, asker, agent = [uuid4().hex for _ in range(4)]
    order = keep(connection, "hotline_order")
    entry = {"verb": "file", "seq": 1, "agent_person_id": agent}
    keep(connection, "hotline_order_entry", case_id=order, **entry)
    cases = [
        keep(
            *(connection, "hotline_coordination"),
            number=str(n),
            code=str(n),
            order_id=order,
            asker_person_id=asker,
        )
        for n in range(2)
    ]
    steps = (("opine", 5, expert, "归城管"), ("sign", 9, chair, None))
    for verb, seq, person, text in steps:
        step = {"verb": verb, "seq": seq, "actor_person_id": person, "text": text}
        keep(connection, "hotline_coordination_entry", case_id=cases[0], **step)
    for kind, opinion, unit in (("legal", "归城管", 1), ("legal", None, 2), ("unit", None, 3)):
        seat = {"kind": kind, "opinion": opinion, "organization_id": f"{unit:032}"}
        keep(connection, "hotline_coordination_seat", case_id=cases[0], **seat)
    keep(connection, "hotline_coordination_share", case_id=cases[0])
    connection.commit()

    upgrade(connection, "hotline", FOLDER)
    case = table(connection, "hotline_coordination")
    found = connection.execute(
        select(case.c.id, case.c.chair_person_id, case.c.asker_agent_person_id)
    )
    assert {tuple(row) for row in found} == {(cases[0], chair, agent), (cases[1], None, agent)}
    seat = table(connection, "hotline_coordination_seat")
    kept = connection.execute(select(seat.c.expert_person_id).order_by(seat.c.organization_id))
    assert list(kept.scalars()) == [expert, None, None]
    share = table(connection, "hotline_coordination_share")
    asked = connection.execute(select(share.c.asker_person_id, share.c.asker_agent_person_id))
    assert [tuple(row) for row in asked] == [(asker, agent)]
