"""A manifest says what an app asks; every fault in one is named with its line and a remedy."""

import json
import time
import tomllib
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from plugin_sdk import manifest as m
from plugin_sdk.manifest_lines import index
from plugin_sdk.manifest_schema import WORDS

ROOT = Path(__file__).parents[2]
HOTLINE = ROOT / "plugins" / "hotline" / "manifest.toml"
HOTLINE_GRANT = ROOT / "manifests" / "hotline.toml"

GOOD = """\
audience = ["resident", "staff"]

[identity]
id = "village-affairs"
package = "village_affairs"
names = { zh = "村务公开", en = "Village affairs" }
summary = { zh = "看村里的账", en = "See the village's accounts" }
version = "1.2.0"
sdk = ">=0.1,<0.2"
category = "grassroots"

[owner]
organization = "371603"
contact = { name = "农业农村局", phone = "0543-1234567" }
stewards = ["zhang", "wang"]

[filing]
number = "BA-1"
legal_basis = "村民委员会组织法"
features = [{ key = "publish" }]
sign_in_of_the_day = { present = false }

[porting]
level = "native"
replaces = { name = { zh = "旧村务", en = "Old village affairs" }, stopped = 2025-12-31 }

[[porting.functions]]
name = { zh = "看账", en = "See accounts" }
old = "menu/1"
route = "GET /accounts"

[[porting.functions]]
name = { zh = "论坛", en = "Forum" }
old = "menu/2"
waiver = { reason = "无人使用", signed_by = "li" }

[[permissions]]
key = "account.read"
title = { zh = "看账", en = "See accounts" }
risk = "low"
audience = ["resident", "staff"]
default_roles = ["villager", "clerk"]

[[permissions]]
key = "account.publish"
title = { zh = "公开", en = "Publish" }
risk = "medium"
audience = ["staff"]
default_roles = ["clerk"]

[[roles]]
key = "villager"
title = { zh = "村民", en = "Villager" }
audience = "resident"

[[roles]]
key = "clerk"
title = { zh = "文书", en = "Clerk" }

[[navigation]]
key = "accounts"
title = { zh = "账目", en = "Accounts" }
path = "/accounts"
permission = "account.read"

[[navigation]]
key = "publish"
title = { zh = "公开", en = "Publish" }
path = "/publish"
permission = "account.publish"

[data]
table_prefix = "village_affairs_"
classification = "general"
retention_months = 36
personal = [
  { table = "village_affairs_asker", column = "phone", kind = "phone", reason = "答复" },
]

[events]
emitted = ["month.published"]
consumed = ["core.post_ended"]

[[jobs]]
key = "remind"
at = "08:30"

[limits]
timeout_seconds = 5
breaker = { failures = 3 }

[usage]
effects = ["month.published"]
cadence = "monthly"
entitled = "all_residents"
exemption = { kind = "statutory", basis = "组织法", expires = 2020-01-01 }

[lifecycle]
stage = "active"
since = 2026-01-01

[quality]
tier = "silver"
"""


def line_of(text: str, fragment: str, nth: int = 1) -> int:
    """The line on which `fragment` stands for the nth time."""
    at = -1
    for _ in range(nth):
        at = text.index(fragment, at + 1)
    return text.count("\n", 0, at) + 1


def changed(old: str, new: str, nth: int = 1) -> str:
    """The good manifest with one passage replaced."""
    at = -1
    for _ in range(nth):
        at = GOOD.index(old, at + 1)
    return GOOD[:at] + new + GOOD[at + len(old) :]


# Each row: the passage replaced, what replaces it, the field at fault, the passage in the new
# text on whose line the fault stands, and a part of the message.
FAULTS = [
    ('id = "village-affairs"', 'id = "Village"', "identity.id", 'id = "Village"', "kebab-case"),
    ('id = "village-affairs"', 'id = "core"', "identity.id", 'id = "core"', "reserved"),
    ('"village_affairs"', '"villages"', "identity.package", "package =", "follow from the id"),
    ('"1.2.0"', '"1.2"', "identity.version", "version =", "semantic version"),
    ('"1.2.0"', '"01.2.0"', "identity.version", "version =", "semantic version"),
    ('"1.2.0"', '"1.2.0-moon"', "identity.version", "version =", "cannot be compared"),
    ('"1.2.0"', "1.2", "identity.version", "version =", "must be a string"),
    ('">=0.1,<0.2"', '"at least 1"', "identity.sdk", "sdk =", "PEP 440"),
    ('"grassroots"', '"grassrots"', "identity.category", "category =", "not one of"),
    (', en = "Village affairs"', "", "identity.names.en", "names =", "en is missing"),
    ('zh = "村务公开"', 'zh = ""', "identity.names.zh", "names =", "without blanks"),
    ('category = "grass', 'colour = "red"\ncategory = "grass', "identity.colour", "colour", "no f"),
    ('"371603"', '"浆洗街"', "owner.organization", "organization =", "organization code"),
    (', phone = "0543-1234567"', "", "owner.contact", "contact =", "neither phone nor email"),
    ('"0543-1234567"', '"call me"', "owner.contact.phone", "contact =", "telephone"),
    ('["zhang", "wang"]', '["zhang", "zhang"]', "owner.stewards[1]", "stewards", "listed twice"),
    ('["zhang", "wang"]', '["zhang",\n "Zhang"]', "owner.stewards[1]", ' "Zhang"', "same person"),
    ('["zhang", "wang"]', '["zhang"]', "owner.stewards", "stewards =", "at least 2"),
    ('["zhang", "wang"]', '["a", "b", "c"]', "owner.stewards", "stewards =", "at most 2"),
    ('number = "BA-1"\n', "", "filing.number", "[filing]", "no filing number"),
    ("present = false", "present = true", "filing.sign_in_of_the_day.reason", "sign_in", "reason"),
    ("present = false", 'present = "no"', "filing.sign_in_of_the_day.present", "sign_in", "true"),
    *(
        ('"publish" }]', f'"{key}" }}]', "filing.features[0].key", "features", "forbidden")
        for key in sorted(m.FORBIDDEN_FEATURES)
    ),
    (
        '"publish" }]',
        '"check-in", reason = "防汛" }]',
        "filing.features[0].key",
        "features",
        "not present",
    ),
    (
        '{ key = "publish" }]',
        '\n  { key = "publish" },\n  { key = "publish" } ]',
        "filing.features[1].key",
        '{ key = "publish" } ]',
        "stands twice",
    ),
    ('["resident", "staff"]\n\n', '["robots"]\n\n', "audience[0]", "audience", "not one of"),
    ('["resident", "staff"]\n\n', "[]\n\n", "audience", "audience", "at least 1"),
    (
        'level = "native"',
        'level = "native"\nupstream = "https://old.example"',
        "porting.upstream",
        "upstream",
        "native app has no upstream",
    ),
    ('"native"', '"proxied"', "porting.upstream", "[porting]", "proxied app needs an upstream"),
    ('"native"', '"proxied"', "porting.routes", "[porting]", "no routes"),
    ('"native"', '"linked"', "porting.client", "[porting]", "needs a client"),
    (
        '"native"',
        '"hosted"\nupstream = "https://old.example"',
        "porting.upstream",
        "upstream",
        "does not fit hosted",
    ),
    (
        'level = "native"',
        'level = "native"\nroutes = [{ route = "GET /", permission = "public" }]',
        "porting.routes",
        "routes",
        "no route table",
    ),
    ('route = "GET /accounts"\n', "", "porting.functions[0]", "[[porting.functions]]", "neither"),
    (
        'route = "GET /accounts"\n',
        'route = "GET /a"\nwaiver = { reason = "x", signed_by = "y" }\n',
        "porting.functions[0]",
        "[[porting.functions]]",
        "both route and waiver",
    ),
    ('"GET /accounts"', '"accounts"', "porting.functions[0].route", 'route = "ac', "method and"),
    ('"menu/2"', '"menu/1"', "porting.functions[1].old", "old = \x002", "stands twice"),
    (', signed_by = "li"', "", "porting.functions[1].waiver.signed_by", "waiver", "is missing"),
    ("replaces =", "replaced =", "porting.replaces", "[porting]", "what is replaced"),
    ("2025-12-31", "2025-12-31T08:00:00", "porting.replaces.stopped", "replaces", "not a date"),
    (
        '"account.publish"',
        '"account.read"',
        "permissions[1].key",
        'key = "account.read"\x002',
        "stands twice",
    ),
    ('"account.read"', '"read"', "permissions[0].key", 'key = "read"', "dotted"),
    ('risk = "low"', 'risk = "none"', "permissions[0].risk", "risk", "not one of"),
    ('["clerk"]', '["mayor"]', "permissions[1].default_roles[0]", '["mayor"]', "not declared"),
    ('["clerk"]', '["villager"]', "permissions[1].default_roles[0]", '["villager"]', "outside"),
    ('["staff"]', '["enterprise"]', "permissions[1].audience[0]", '["enterprise"]', "outside"),
    (
        '"clerk"\ntitle',
        '"clerk"\nexcludes = ["mayor"]\ntitle',
        "roles[1].excludes[0]",
        '["mayor"]',
        "not another role",
    ),
    ('key = "clerk"', 'key = "villager"', "roles[1].key", 'key = "villager"\x002', "stands twice"),
    ('"resident"\n\n[[r', '"enterprise"\n\n[[r', "roles[0].audience", '= "enterp', "outside"),
    (
        '"publish"\ntitle',
        '"accounts"\ntitle',
        "navigation[1].key",
        'key = "accounts"\x002',
        "stands twice",
    ),
    ('path = "/publish"', 'path = "/../x"', "navigation[1].path", 'path = "/..', "begins with /"),
    (
        'permission = "account.publish"',
        'permission = "account.burn"',
        "navigation[1].permission",
        "account.burn",
        "not declared",
    ),
    ('"village_affairs_"', '"va_"', "data.table_prefix", "table_prefix", "follow from"),
    ("retention_months = 36", "retention_months = 0", "data.retention_months", "retention", "1 or"),
    (
        "retention_months = 36",
        'retention_months = 36\nelements = ["person.shoe-size"]',
        "data.elements[0]",
        "elements",
        "not one of",
    ),
    (
        "retention_months = 36",
        'retention_months = 36\nelements = ["unit.name", "person.identity-number"]',
        "data.elements[1]",
        "elements",
        "no personal column of the kind identity_number",
    ),
    ("retention_months = 36", "retention_months = true", "data.retention_months", "reten", "whole"),
    ("retention_months = 36", "retention_months = 3.0", "data.retention_months", "reten", "whole"),
    ('"village_affairs_asker"', '"asker"', "data.personal[0].table", '"asker"', "lacks the prefix"),
    ('["month.published"]', '["village-affairs.x.y"]', "events.emitted[0]", "emitted", "implied"),
    ('at = "08:30"', 'at = "24:00"', "jobs[0].at", "at = ", "time of day"),
    ('at = "08:30"', 'at = "08:30"\nevery = 5', "jobs[0]", "[[jobs]]", "both every and at"),
    (
        "timeout_seconds = 5",
        "timeout_seconds = 0",
        "limits.timeout_seconds",
        "timeout",
        "more than",
    ),
    ("timeout_seconds = 5", "timeout_seconds = nan", "limits.timeout_seconds", "timeout", "number"),
    ("failures = 3", "failurs = 3", "limits.breaker.failurs", "breaker", "no field"),
    ('"monthly"', '"hourly"', "usage.cadence", "cadence", "not one of"),
    (
        'cadence = "monthly"',
        'cadence = "monthly"\ncheck_ins = ["month.published", "month.seen"]',
        "usage.check_ins[1]",
        "check_ins",
        "none of usage.effects",
    ),
    (", expires = 2020-01-01", "", "usage.exemption.expires", "exemption", "expires is missing"),
    ("2020-01-01", '"soon"', "usage.exemption.expires", "exemption", "not a date"),
    ('"all_residents"', "[]", "usage.entitled", "entitled", "whole number or a string"),
    ('stage = "active"', 'stage = "gone"', "lifecycle.stage", "stage", "not one of"),
    ("since = 2026-01-01\n", "", "lifecycle.since", "[lifecycle]", "since is missing"),
    ('[lifecycle]\nstage = "active"\nsince = 2026-01-01\n', "", "lifecycle", "audience", "missing"),
    ('"silver"', '"platinum"', "quality.tier", "tier", "not one of"),
    ("[events]", "[[events]]", "events", "[[events]]", "must be a table"),
    ("[[jobs]]", "[jobs]", "jobs", "[jobs]", "must be a list"),
    ("[owner]", "[owner]\n[owner]", "", "[owner]\x002", "same table is declared twice"),
    ('version = "1.2.0"', 'version = "1.2.0', "", 'version = "1.2.0', "TOML syntax"),
    ('sdk = ">=0.1,<0.2"', "sdk >= 1", "", "sdk >=", "TOML syntax"),
    ("2026-01-01", "2026-02-31", "", "2026-02-31", "TOML syntax"),
    ("= 36", "= " + "9" * 5000, "", "retention", "number is too long"),
    ('"monthly"', "[" * 40 + "]" * 40, "", "cadence", "nesting"),
    ('cadence = "monthly"', ".".join("c" * 40) + " = 1", "", "c.c", "nesting"),
    ('"monthly"', '"mon\0thly"', "", "cadence", "NUL"),
]


@pytest.mark.parametrize(
    ("old", "new", "field", "stands", "says"), FAULTS, ids=[f"{row[2]}:{row[4]}" for row in FAULTS]
)
def test_a_fault_is_named_with_its_field_line_and_remedy(old, new, field, stands, says):
    text = changed(old, new)
    fragment, _, nth = stands.partition("\x00")
    line = line_of(text, fragment, int(nth or 1))

    faults = m.check(text, "village.toml")

    found = [f for f in faults if f.field == field and says in f.message.en]
    assert found, faults
    assert found[0].line == line
    assert found[0].file == "village.toml"
    assert found[0].remedy.zh
    assert found[0].remedy.en
    assert found[0].message.zh
    with pytest.raises(m.ManifestError) as refused:
        m.load(text)
    assert len(refused.value.faults) == len(faults)


def test_the_good_manifest_has_no_fault_and_loads():
    assert m.check(GOOD, "x") == []
    loaded = m.load(GOOD)
    assert loaded.identity.names == m.Text(zh="村务公开", en="Village affairs")
    assert loaded.limits.breaker == m.Breaker(failures=3)
    assert loaded.limits.concurrency == m.Limits().concurrency
    assert loaded.porting.functions[1].waiver is not None


def test_one_mistake_makes_one_fault():
    for old, new in [
        ('"1.2.0"', '"1.2"'),
        ('zh = "村务公开"', 'zh = ""'),
        ('["zhang", "wang"]', '["zhang", "zhang"]'),
        ("2026-01-01", '"soon"'),
        ("failures = 3", "failurs = 3"),
    ]:
        assert len(m.check(changed(old, new), "x")) == 1, new


def test_every_fault_is_reported_not_just_the_first():
    text = GOOD.replace('"1.2.0"', '"one"').replace('"monthly"', '"hourly"')
    text = text.replace('"village_affairs_"', '"va_"').replace('"GET /accounts"', "7")
    fields = [fault.field for fault in m.check(text, "x")]
    assert fields == [
        "identity.version",
        "porting.functions[0].route",
        "data.table_prefix",
        "data.personal[0].table",
        "usage.cadence",
    ]


def test_an_empty_manifest_lacks_each_section_it_owes():
    faults = m.check("", "x")
    assert {fault.field for fault in faults} == set(m.schema("manifest")["required"])
    assert {fault.line for fault in faults} == {1}


def test_a_misspelt_field_is_answered_with_the_right_spelling():
    (fault,) = m.check(changed("failures = 3", "failurs = 3"), "x")
    assert fault.remedy.en == "did you mean failures?"


def test_a_forbidden_feature_with_a_reason_passes_the_checker():
    text = changed('"publish" }]', '"leaderboard", reason = "上级文件要求" }]')
    assert m.check(text, "x") == []


def test_an_expired_exemption_passes_the_checker():
    exemption = m.load(GOOD).usage.exemption
    assert exemption is not None
    assert exemption.expires.year == 2020


def test_a_proposed_app_may_have_no_filing_number():
    text = changed('number = "BA-1"\n', "").replace('"active"', '"proposed"')
    assert m.check(text, "x") == []


def test_a_seventh_navigation_entry_is_refused():
    entry = '\n[[navigation]]\nkey = "k{}"\ntitle = {{ zh = "页", en = "Page" }}\n'
    entry += 'path = "/k{}"\npermission = "signed_in"\n'
    four = "".join(entry.format(n, n) for n in range(4))
    assert m.check(GOOD + four, "x") == []
    (fault,) = m.check(GOOD + four + entry.format(4, 4), "x")
    assert (fault.field, fault.line) == ("navigation", line_of(GOOD, "[[navigation]]"))
    assert "at most 6" in fault.message.en


def test_a_proxied_app_has_an_upstream_and_a_route_table():
    text = changed(
        'level = "native"',
        'level = "proxied"\nupstream = "http://10.0.0.8:8080/old"\n'
        'routes = [{ route = "GET /{rest}", permission = "account.read" }]',
    )
    assert m.check(text, "x") == []
    (fault,) = m.check(text.replace('"account.read" }]', '"account.x" }]'), "x")
    assert fault.field == "porting.routes[0].permission"


@pytest.mark.parametrize(
    ("raw", "line", "says"),
    [
        (GOOD.encode("gb18030"), 6, "not UTF-8"),
        (b"\xff\xfe" + GOOD.encode("utf-16-le"), 1, "not UTF-8"),
        ("\ufeff" + GOOD, 1, "byte-order mark"),
        ("a = 1\nb = '\ud800'\n", 2, "not UTF-8"),
        ("a = 1\nb = '\0'\n", 2, "NUL"),
        ("#" * (m.MAX_BYTES + 1), 1, "larger than 256 KiB"),
        ("a = [\n1,\n", 2, "TOML syntax"),
        ("\n\na = 1\na = 2", 4, "same key stands twice"),
    ],
)
def test_a_text_that_cannot_be_read_is_one_fault_with_its_line(raw, line, says):
    (fault,) = m.check(raw, "x")
    assert (fault.line, fault.field) == (line, "")
    assert says in fault.message.en


@pytest.mark.parametrize(
    "text",
    [
        "a" + ".a" * 120_000 + "=1",
        "[" + "a." * 120_000 + "a]",
        "a=" + "[" * 250_000,
        "a={a=" * 40_000,
        "[owner]\nstewards=[" + "{}," * 80_000 + "]",
        "[porting]\nupstream='https://" + "x" * 250_000 + "?'",
        "[identity]\nid='a" + "-a" * 120_000 + "!'",
        "[identity]\nsdk='" + ">=1," * 60_000 + "!'",
        '[owner]\norganization="""' + '""a' * 80_000,
        "\n".join(f"k{n}=1" for n in range(25_000)),
        "[[permissions]]\n" * 15_000,
        "[[navigation]]\npermission='x.y'\n" * 7_000,
    ],
    ids=lambda text: text[:24].replace("\n", " "),
)
def test_a_hostile_text_is_answered_in_seconds(text):
    start = time.process_time()
    assert m.check(text, "x")
    assert time.process_time() - start < 10


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)


def literal(value: Any) -> str:
    """A value as TOML, near enough: hypothesis may as well break it."""
    if isinstance(value, dict):
        pairs = ", ".join(f"{json.dumps(k)} = {literal(v)}" for k, v in value.items())
        return "{ " + pairs + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return "true" if value is None else str(value).lower()


def assert_answers(text: str | bytes) -> None:
    faults = m.check(text, "x")
    if faults:
        assert all(fault.line >= 1 and fault.message.en and fault.remedy.en for fault in faults)
    else:
        assert isinstance(m.load(text), m.Manifest)


@settings(deadline=None)
@given(st.text() | st.binary())
@example("a = 9" + "9" * 5000)
@example("[[a]]\n[a.b]\n[[a.b.c]]")
def test_the_checker_answers_any_text_and_any_bytes(text):
    assert_answers(text)
    m.check_grant(text, "x")


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(GOOD)), st.integers(0, 12), st.text(max_size=6))
def test_the_checker_answers_a_damaged_manifest(at, length, instead):
    assert_answers(GOOD[:at] + instead + GOOD[at + length :])


PAIRS = [line for line in GOOD.splitlines() if " = " in line and not line.startswith(" ")]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(PAIRS), VALUES)
def test_the_checker_answers_a_value_of_any_kind_in_any_field(pair, value):
    assert_answers(GOOD.replace(pair, f"{pair.split(' = ')[0]} = {literal(value)}"))


def test_lines_are_right_in_every_shape_of_toml():
    text = (
        'a.b."c.d" = 1\n'  # 1: dotted and quoted keys
        "[t]  # a comment with [brackets] = and 'quotes'\n"
        's = """one\n# not a comment\n[not a table]\n""""\n'  # 3 to 6
        "l = [ # first\n  1, # one\n  { x = 1, y = [\n 2 ] },\n]\n"  # 7 to 11
        "[[u.v]]\nk = 'x'\n[[u.v]]\n[u.v.w]\nk = 1979-05-27 07:32:00\n"
        "'q\"' = '''\n'''\n\"\\u0041\" = true\r\n"
    )
    lines = index(text)
    expected = {
        ("a",): 1,
        ("a", "b", "c.d"): 1,
        ("t",): 2,
        ("t", "s"): 3,
        ("t", "l"): 7,
        ("t", "l", 0): 8,
        ("t", "l", 1, "x"): 9,
        ("t", "l", 1, "y", 0): 10,
        ("u",): 12,
        ("u", "v", 0, "k"): 13,
        ("u", "v", 1): 14,
        ("u", "v", 1, "w", "k"): 16,
        ("u", "v", 1, "w", 'q"'): 17,
        ("u", "v", 1, "w", "A"): 19,
    }
    assert {path: lines.get(path) for path in expected} == expected


# The schema and the structs are one contract.


def resolved(schema: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """A subschema with its reference followed."""
    if "$ref" in part:
        return schema["$defs"][part["$ref"].removeprefix("#/$defs/")] | {"ref": part["$ref"]}
    return part


def assert_same(schema: dict[str, Any], part: dict[str, Any], kind: Any, path: str) -> None:
    part = resolved(schema, part)
    if isinstance(kind, msgspec.inspect.UnionType):
        kinds = [t for t in kind.types if not isinstance(t, msgspec.inspect.NoneType)]
        kind = kinds[0] if len(kinds) == 1 else kinds
    if isinstance(kind, list):
        assert len(part["type"]) == len(kind), path
    elif isinstance(kind, msgspec.inspect.StructType):
        fields = {field.name: field for field in kind.fields}
        assert part["additionalProperties"] is False, path
        assert set(part["properties"]) == set(fields), path
        assert set(part["required"]) == {n for n, f in fields.items() if f.required}, path
        for name, field in fields.items():
            inner = part["properties"][name]
            if "default" in inner:
                default = field.default
                default = list(default) if isinstance(default, tuple) else default
                assert inner["default"] == default, f"{path}.{name}"
            assert_same(schema, inner, field.type, f"{path}.{name}")
    elif isinstance(kind, msgspec.inspect.VarTupleType):
        assert part["type"] == "array", path
        assert_same(schema, part["items"], kind.item_type, f"{path}[]")
    elif isinstance(kind, msgspec.inspect.TupleType):
        assert part["minItems"] == part["maxItems"] == len(kind.item_types), path
    elif isinstance(kind, msgspec.inspect.LiteralType):
        assert set(part["enum"]) == set(kind.values), path
    elif isinstance(kind, msgspec.inspect.DateType):
        assert part["format"] == "date", path
    elif isinstance(kind, msgspec.inspect.DictType):
        assert part["type"] == "object", path
        assert part["additionalProperties"] is True, path  # the app says what it knows
    else:
        expected: dict[Any, str] = {
            msgspec.inspect.StrType: "string",
            msgspec.inspect.IntType: "integer",
            msgspec.inspect.FloatType: "number",
            msgspec.inspect.BoolType: "boolean",
        }
        assert part["type"] == expected[type(kind)], path


@pytest.mark.parametrize(("name", "struct"), [("manifest", m.Manifest), ("grant", m.Grant)])
def test_the_schema_and_the_structs_name_the_same_fields(name, struct):
    schema = m.schema(name)
    Draft202012Validator.check_schema(schema)
    assert_same(schema, schema, msgspec.inspect.type_info(struct), name)


@pytest.mark.parametrize("name", ["manifest", "grant"])
def test_every_field_is_described_and_no_table_takes_unknown_fields(name):
    def walk(part: Any, path: str) -> None:
        if path == "grant.settings":  # what a county sets is the app's to know
            return
        if "properties" in part or part.get("type") == "object":
            assert part["additionalProperties"] is False, path
        for key, inner in part.get("properties", {}).items():
            assert inner.get("description"), f"{path}.{key}"
            walk(inner, f"{path}.{key}")
        if "items" in part:
            walk(part["items"], f"{path}[]")

    schema = m.schema(name)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    walk(schema, name)
    for key, part in schema["$defs"].items():
        walk(part, key)
        assert part["description"], key
        assert "pattern" not in part or key in WORDS, key


def test_the_published_schema_accepts_what_the_checker_accepts():
    def plain(value: Any) -> Any:
        return json.loads(json.dumps(value, default=lambda other: other.isoformat()))

    for text in (GOOD, HOTLINE.read_text("utf-8")):
        Draft202012Validator(m.schema("manifest")).validate(plain(tomllib.loads(text)))
    grant = tomllib.loads(HOTLINE_GRANT.read_text("utf-8"))
    Draft202012Validator(m.schema("grant")).validate(grant)


# What the platform granted.

GRANT = """\
id = "village-affairs"
version = ">=1,<2"
permissions = ["account.read"]
audience = ["resident"]
enabled_at_start = true
owner = "371603001"

[limits]
timeout_seconds = 60
concurrency = 8
breaker = { failures = 2 }
"""

GRANT_FAULTS = [
    ('"village-affairs"', '"hotline"', "id", "id =", "that of village-affairs"),
    ('">=1,<2"', '">=2"', "version", "version", "leaves out the version installed, 1.2.0"),
    ('">=1,<2"', '"newest"', "version", "version", "PEP 440"),
    ('["account.read"]', '["account.burn"]', "permissions[0]", "permissions", "does not ask"),
    ('["account.read"]', '"all"', "permissions", "permissions", "a list of keys"),
    ('["resident"]', '["resident",\n"enterprise"]', "audience[1]", '"enterprise"', "does not ask"),
    ("= true", "= 1", "enabled_at_start", "enabled", "true or false"),
    ("concurrency = 8", "concurrency = 0", "limits.concurrency", "concurrency", "1 or more"),
    ("failures", "fails", "limits.breaker.fails", "breaker", "no field"),
    ('audience = ["resident"]\n', "", "audience", "id =", "is missing"),
]


@pytest.mark.parametrize(("old", "new", "field", "stands", "says"), GRANT_FAULTS)
def test_a_fault_of_a_grant_is_named_the_same_way(old, new, field, stands, says):
    text = GRANT.replace(old, new)
    faults = m.check_grant(text, "manifests/village-affairs.toml", m.load(GOOD))
    found = [f for f in faults if f.field == field and says in f.message.en]
    assert found, faults
    assert found[0].line == line_of(text, stands)
    with pytest.raises(m.ManifestError):
        m.load_grant(text, m.load(GOOD))


def test_a_grant_bears_the_name_of_its_app():
    assert m.check_grant(GRANT, "manifests/village-affairs.toml") == []
    (fault,) = m.check_grant(GRANT, "manifests/village.toml")
    assert "file's name" in fault.message.en


def test_what_runs_is_what_was_asked_and_granted():
    asked = m.load(GOOD)
    running = m.intersect(asked, m.load_grant(GRANT, asked))
    assert [permission.key for permission in running.permissions] == ["account.read"]
    assert [item.key for item in running.navigation] == ["accounts"]
    assert running.audience == ("resident",)
    assert running.permissions[0].audience == ("resident",)
    assert running.owner.organization == "371603001"
    assert running.owner.stewards == asked.owner.stewards
    assert running.identity == asked.identity


def test_of_every_limit_the_lower_value_holds():
    asked = m.load(GOOD)
    limits = m.intersect(asked, m.load_grant(GRANT, asked)).limits
    assert limits.timeout_seconds == 5
    assert limits.concurrency == 8
    assert limits.breaker == m.Breaker(failures=2)
    assert limits.drain_seconds == m.Limits().drain_seconds


def test_a_permission_left_without_an_audience_is_gone():
    asked = m.load(GOOD)
    grant = m.load_grant(GRANT.replace('["account.read"]', '"*"'), asked)
    assert [permission.key for permission in m.intersect(asked, grant).permissions] == [
        "account.read"
    ]


def test_a_role_of_an_audience_not_granted_is_gone_from_every_permission():
    asked = m.load(GOOD)
    text = GRANT.replace('["account.read"]', '"*"').replace('["resident"]', '["staff"]')
    running = m.intersect(asked, m.load_grant(text, asked))
    assert [role.key for role in running.roles] == ["clerk"]
    assert all(permission.default_roles == ("clerk",) for permission in running.permissions)


def test_a_grant_of_another_app_is_refused():
    other = m.load_grant(GRANT.replace("village-affairs", "hotline"))
    with pytest.raises(ValueError, match="hotline"):
        m.intersect(m.load(GOOD), other)


# The hotline, the first real manifest.


def test_the_hotline_asks_and_is_granted_without_a_fault():
    asked = m.load(HOTLINE.read_bytes())
    assert m.check_grant(HOTLINE_GRANT.read_bytes(), "manifests/hotline.toml", asked) == []
    running = m.intersect(asked, m.load_grant(HOTLINE_GRANT.read_bytes(), asked))
    assert running.permissions == asked.permissions
    assert running.audience == ("resident", "staff")


def test_only_a_few_may_reveal_a_caller_and_only_residents_rate():
    asked = {p.key: p for p in m.load(HOTLINE.read_bytes()).permissions}
    assert asked["order.reveal_caller"].risk == "high"
    assert asked["order.reveal_caller"].default_roles == ("operator", "dispatcher", "checker")
    assert asked["order.rate"].audience == ("resident",)


def test_every_function_of_the_old_hotline_has_a_route_or_a_reason():
    functions = m.load(HOTLINE.read_bytes()).porting.functions
    assert len(functions) >= 14
    assert all((item.route is None) != (item.waiver is None) for item in functions)


def test_forbidden_features_are_those_of_the_rules():
    assert {"check-in", "leaderboard", "duration", "likes", "photo-demands"} == m.FORBIDDEN_FEATURES
    assert set(get_args(m.Audience)) == {"staff", "resident", "enterprise"}
