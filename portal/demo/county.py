"""The demonstration county: real divisions, invented units and people."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlmodel import col

from core.access.grants import grant
from core.access.loading import load_actor
from core.access.models import Grant
from core.database import Transaction
from core.identity.arrivals import DirectoryRow, import_directory, read_directory
from core.identity.models import Person, Post
from core.identity.organizations import by_code, children
from core.identity.passwords import NewPassword
from core.identity.people import add_person, add_post
from plugin_sdk.manifest import Manifest
from plugin_sdk.ports import Actor, ScopeKind

DIVISIONS = Path(__file__).parent / "divisions.csv"
CITY = "3716"
COUNTY = "371603"
CENTRE = "37160312345"
SUPERVISION = "371603U07"
FARMING = "371603U08"
CYBERSPACE = "371603U09"
TRAFFIC = "371603U10"
CITY_UNIT = "3716U01"
HANDLES = (
    ("hotline.unit_handler", ScopeKind.ORGANIZATION),
    ("supervision.handler", ScopeKind.ORGANIZATION),
)
OWNS = ("oversight.owner", ScopeKind.ORGANIZATION)
KEEPS = ("oversight.keeper", ScopeKind.SUBTREE)

UNITS = (
    (CENTRE, "12345热线服务中心"),
    ("371603U01", "城市管理局"),
    ("371603U02", "交通运输局"),
    ("371603U03", "教育和体育局"),
    ("371603U04", "住房和城乡建设局"),
    ("371603U05", "人力资源和社会保障局"),
    ("371603U06", "政务数据局"),
    (SUPERVISION, "区纪委监委"),
    (FARMING, "农业农村局"),
    (CYBERSPACE, "区委网信办"),
    (TRAFFIC, "公安局交通警察大队"),
)


class Member(msgspec.Struct, frozen=True):
    """One person of the cast: role in the demonstration, post, and what it grants. `number` is an
    identity number of a place that there is not, which staff have compared with their card."""

    role: str
    username: str
    name: str
    unit: str | None = None
    title: str = ""
    grants: tuple[tuple[str, ScopeKind], ...] = ()
    number: str | None = None


CAST = (
    Member("resident", "resident", "周晓岚", number="999999199003070012"),
    Member("resident2", "resident2", "钱立新", number="999999198806120023"),
    Member(
        "operator",
        "operator",
        "吴话务",
        CENTRE,
        "话务员",
        (("hotline.operator", ScopeKind.ORGANIZATION),),
    ),
    Member(
        "dispatcher",
        "dispatcher",
        "郑派单",
        CENTRE,
        "派单员",
        (("hotline.dispatcher", ScopeKind.ORGANIZATION),),
    ),
    Member(
        "checker",
        "checker",
        "褚回访",
        CENTRE,
        "回访员",
        (("hotline.checker", ScopeKind.ORGANIZATION),),
    ),
    Member(
        "specialist",
        "specialist",
        "卫专员",
        CENTRE,
        "企业专员",
        (("hotline.specialist", ScopeKind.ORGANIZATION),),
    ),
    Member(
        "unit",
        "unit",
        "冯城管",
        "371603U01",
        "签收员",
        (*HANDLES, OWNS, KEEPS),
    ),
    Member(
        "unit2",
        "unit2",
        "陈交通",
        "371603U02",
        "签收员",
        (*HANDLES, OWNS),
    ),
    Member(
        "unit3",
        "unit3",
        "楚住建",
        "371603U04",
        "签收员",
        (*HANDLES, OWNS),
    ),
    Member(
        "leader",
        "leader",
        "魏主任",
        CENTRE,
        "主任",
        (("hotline.leader", ScopeKind.ORGANIZATION),),
    ),
    Member(
        "grid",
        "grid",
        "姚网格",
        "371603001",
        "网格员",
        (("yimen.grid_worker", ScopeKind.ORGANIZATION),),
    ),
    Member(
        "deputy",
        "deputy",
        "卫副局",
        "371603U01",
        "副局长",
    ),
    Member(
        "inspector",
        "inspector",
        "谢巡查",
        "371603001",
        "纪检委员",
        (("supervision.inspector", ScopeKind.ORGANIZATION),),
    ),
    Member(
        "head",
        "head",
        "窦站长",
        "371603001",
        "监察联络站站长",
        (("supervision.head", ScopeKind.ORGANIZATION),),
    ),
    Member(
        "supervisor",
        "supervisor",
        "邹监督",
        SUPERVISION,
        "监督室主任",
        (("supervision.supervisor", ScopeKind.ORGANIZATION), OWNS),
    ),
    Member(
        "supervisor2",
        "supervisor2",
        "柏监督",
        SUPERVISION,
        "监督室干部",
        (
            ("supervision.supervisor", ScopeKind.ORGANIZATION),
            ("supervision.handler", ScopeKind.ORGANIZATION),
        ),
    ),
    Member(
        "clerk",
        "clerk",
        "丁村务",
        "371603001202",
        "报账员",
        (("village-affairs.clerk", ScopeKind.ORGANIZATION),),
    ),
    Member(
        "reviewer",
        "reviewer",
        "孙监督",
        "371603001202",
        "村务监督委员会主任",
        (("village-affairs.reviewer", ScopeKind.ORGANIZATION),),
    ),
    Member(
        "clerk2",
        "clerk2",
        "刘村务",
        "371603001204",
        "报账员",
        (("village-affairs.clerk", ScopeKind.ORGANIZATION),),
    ),
    Member(
        "town",
        "town",
        "高镇街",
        "371603001",
        "经管站站长",
        (("village-affairs.town", ScopeKind.SUBTREE),),
    ),
    Member(
        "affairs",
        "affairs",
        "温农业",
        FARMING,
        "经管科科长",
        (("village-affairs.county", ScopeKind.ALL), OWNS),
    ),
    Member(
        "officer",
        "officer",
        "严交警",
        TRAFFIC,
        "民警",
        (("traffic.officer", ScopeKind.ORGANIZATION),),
    ),
    Member(
        "officer2",
        "officer2",
        "华交警",
        TRAFFIC,
        "民警",
        (("traffic.officer", ScopeKind.ORGANIZATION),),
    ),
    Member(
        "brigade",
        "brigade",
        "金大队",
        TRAFFIC,
        "大队长",
        (("traffic.leader", ScopeKind.ORGANIZATION),),
    ),
    Member(
        "administrator",
        "administrator",
        "蒋管理",
        "371603U06",
        "系统管理员",
        (("yimen.administrator", ScopeKind.ALL),),
    ),
    Member(
        "governance",
        "governance",
        "沈治理",
        "371603U06",
        "治理专员",
        (
            ("yimen.governance", ScopeKind.ALL),
            ("oversight.reviewer", ScopeKind.ALL),
            ("oversight.registrar", ScopeKind.ALL),
        ),
    ),
    Member(
        "steward",
        "steward",
        "邵数据",
        "371603U06",
        "数据应用科科长",
        (("yimen.owner", ScopeKind.SUBTREE), OWNS),
    ),
    Member(
        "decider",
        "decider",
        "苏网信",
        CYBERSPACE,
        "副主任",
        (("oversight.decider", ScopeKind.ALL), ("yimen.second_approver", ScopeKind.ALL)),
    ),
    Member(
        "approver",
        "approver",
        "康审计",
        SUPERVISION,
        "审计联络员",
        (("yimen.second_approver", ScopeKind.ALL),),  # a purge takes two
    ),
    Member(
        "owner",
        "owner",
        "韩主管",
        CENTRE,
        "应用主管",
        (
            ("yimen.owner", ScopeKind.SUBTREE),
            ("hotline.leader", ScopeKind.ORGANIZATION),
            OWNS,
        ),
    ),
)

VILLAGES = frozenset(member.unit for member in CAST if member.unit and len(member.unit) == 12)
"""The villages in which somebody of the cast has a post."""

ANNOUNCED = (
    "resident",
    "operator",
    "dispatcher",
    "unit",
    "grid",
    "deputy",
    "inspector",
    "supervisor",
    "clerk",
    "reviewer",
    "town",
    "officer",
    "administrator",
    "governance",
    "decider",
    "approver",
    "owner",
)


def directory(*, villages: bool = True) -> list[DirectoryRow]:
    """Return the organizations: the divisions (without `villages` down to the towns, and those
    villages in which the cast has posts), the county's units and one of the city's."""
    rows = [
        row
        for row in read_directory(DIVISIONS)
        if villages or row.level != "village" or row.code in VILLAGES
    ]
    city = DirectoryRow(CITY_UNIT, "市级部门（示例）", "unit", CITY)
    return [*rows, *(DirectoryRow(code, name, "unit", COUNTY) for code, name in UNITS), city]


async def build(tx: Transaction, rows: Sequence[DirectoryRow]) -> None:
    """Add the organizations."""
    await import_directory(tx, rows)


async def enlist(tx: Transaction, member: Member, password: NewPassword) -> None:
    """Add one person of the cast with post and grants."""
    person_id = await add_person(
        tx,
        member.username,
        member.name,
        password,
        demonstration=True,
        phone="+8613800000000",
    )
    if member.unit is None:
        return
    unit = await by_code(tx, member.unit)
    if unit is None:
        raise LookupError(f"the unit {member.unit} is not in the directory")
    post_id = await add_post(tx, person_id, unit.id, member.title)
    for role, scope in member.grants:
        await grant(tx, post_id, role, scope, granted_by=None)


async def towns(tx: Transaction) -> list[UUID]:
    """Return the towns of the county."""
    found = await by_code(tx, COUNTY)
    below = await children(tx, found.id) if found else []
    return [one.id for one in below if one.level == "township"]


async def staff(tx: Transaction, manifest: Manifest) -> None:
    """Let the unit's handler hold the roles of an app that nobody of the cast was made for."""
    if any(
        role.startswith(f"{manifest.identity.id}.") for member in CAST for role, _ in member.grants
    ):
        return
    unit = (await cast_actors(tx))["unit"]
    held = await tx.session.execute(
        select(col(Grant.role)).where(
            col(Grant.post_id) == unit.post_id, col(Grant.revoked_at).is_(None)
        )
    )
    known = set(held.scalars())
    for role in manifest.roles:
        key = f"{manifest.identity.id}.{role.key}"
        if unit.post_id and role.audience is None and not role.excludes and key not in known:
            await grant(tx, unit.post_id, key, ScopeKind.ORGANIZATION, granted_by=None)


async def cast_actors(tx: Transaction) -> dict[str, Actor]:
    """Return the cast as actors, by role."""
    actors = {}
    for member in CAST:
        found = (
            await tx.session.execute(
                select(col(Person.id), col(Person.name), col(Post.id))
                .outerjoin(Post, col(Post.person_id) == col(Person.id))
                .where(col(Person.username) == member.username)
            )
        ).first()
        if found is not None:
            person_id, name, post_id = found
            post: UUID | None = post_id
            actors[member.role] = await load_actor(tx, person_id, name, post)
    return actors
