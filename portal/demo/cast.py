"""Who works in the demonstration county: its units and the cast, all invented."""

import msgspec

from plugin_sdk.ports import ScopeKind

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
        (*HANDLES, OWNS, ("hotline.legal_expert", ScopeKind.ORGANIZATION)),
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
        (
            ("hotline.unit_head", ScopeKind.ORGANIZATION),
            ("hotline.chair", ScopeKind.ORGANIZATION),
        ),
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
    "checker",
    "specialist",
    "unit",
    "leader",
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
