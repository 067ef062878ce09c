"""The rules by which what an upstream says becomes a person and posts: TOML, checked by line.

```toml
[person]                       # who has no account yet; without this table nobody is given one
name = "{name}"
username = "{preferred_username}"
when = { user_type = "staff" }

[[post]]
organization = "371603001"     # a code, or a claim that holds one: "{dept_code}"
title = "{title}"
when = { groups = ["grid", "leaders"] }
```

`{a.b}` is the claim `b` within `a`. `when` holds if each claim named is one of the values, or, a
list, holds one. They give posts and nothing else: what may be done in a post is granted here.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from plugin_sdk.manifest_source import Fault, Source, read
from plugin_sdk.text import Text

FILE: Final = "rules.toml"
MOST_POSTS: Final = 50
MOST_CHARACTERS: Final = 20_000
LONGEST: Final = 100
_CLAIM: Final = re.compile(r"\{([A-Za-z0-9_:/.-]{1,100})\}")
_KEYS: Final = {
    "person": frozenset(("name", "username", "when")),
    "post": frozenset(("organization", "title", "when")),
}

When = dict[str, list[str]]


class PersonRule(msgspec.Struct, frozen=True):
    """How a person is called who comes for the first time."""

    name: str
    username: str = ""
    when: When = {}


class PostRule(msgspec.Struct, frozen=True):
    """A post that somebody is given."""

    organization: str
    title: str
    when: When = {}


class Rules(msgspec.Struct, frozen=True):
    """The rules of an upstream."""

    person: PersonRule | None = None
    posts: tuple[PostRule, ...] = ()


class Wanted(msgspec.Struct, frozen=True):
    """A post by the rules: the organization's code, and the title."""

    organization: str
    title: str


def check(text: str) -> list[Fault]:
    """Return every fault of rules, in the order of their lines."""
    source = read(text, FILE)
    if isinstance(source, list):
        return source
    return sorted(_faults(source), key=lambda fault: fault.line)


def parse(text: str) -> Rules:
    """Return rules that have no fault; a text that has some says nothing."""
    source = read(text, FILE)
    if isinstance(source, list) or list(_faults(source)):
        return Rules()
    data = source.data
    person = data.get("person")
    return Rules(
        PersonRule(person["name"], person.get("username", ""), _when(person)) if person else None,
        tuple(
            PostRule(one["organization"], one["title"], _when(one)) for one in data.get("post", ())
        ),
    )


def _when(table: Mapping[str, Any]) -> When:
    return {
        claim: [_text(value) or "" for value in (wanted if isinstance(wanted, list) else [wanted])]
        for claim, wanted in table.get("when", {}).items()
    }


def _faults(source: Source) -> Iterator[Fault]:
    data = source.data
    for key in data:
        if key not in _KEYS:
            yield source.fault(
                (key,),
                Text("规则里没有这一项", "rules know nothing of this"),
                Text("只写 [person] 和 [[post]]", "write [person] and [[post]] only"),
            )
    if "person" in data:
        yield from _of_table(source, ("person",), data["person"], "person", ("name",))
    posts = data.get("post", [])
    if not isinstance(posts, list):
        yield source.fault(
            ("post",),
            Text("要写成 [[post]]，一条规则一段", "is to be written as [[post]], one a rule"),
            Text("改成双方括号", "write two brackets"),
        )
        return
    if len(posts) > MOST_POSTS:
        yield source.fault(
            ("post", MOST_POSTS),
            Text(f"岗位规则超过 {MOST_POSTS} 条", f"there are more than {MOST_POSTS} of them"),
            Text("用声明里的单位代码合并规则", "join some by a claim that holds the code"),
        )
    for number, one in enumerate(posts):
        needed = ("organization", "title")
        yield from _of_table(source, ("post", number), one, "post", needed)


def _of_table(
    source: Source, path: tuple[str | int, ...], table: Any, kind: str, needed: tuple[str, ...]
) -> Iterator[Fault]:
    if not isinstance(table, dict):
        yield source.fault(
            path, Text("要写成一段", "is to be a table"), Text(f"写 [{kind}]", f"write [{kind}]")
        )
        return
    for key in needed:
        if key not in table:
            yield source.fault(
                path,
                Text(f"缺 {key}", f"{key} is missing"),
                Text(f"添一行 {key} = …", f"add a line {key} = …"),
            )
    for key, value in table.items():
        where = (*path, key)
        if key not in _KEYS[kind]:
            yield source.fault(
                where,
                Text(f"{kind} 里没有这一项", f"{kind} knows nothing of this"),
                Text("删去，或改正拼写", "remove it, or mend its spelling"),
            )
        elif key == "when":
            yield from _of_when(source, where, value)
        elif not isinstance(value, str) or not 0 < len(value.strip()) <= LONGEST:
            yield source.fault(
                where,
                Text(f"要写一段不超过 {LONGEST} 字的文字", f"is to be a text of up to {LONGEST}"),
                Text('例如 "{name}"', 'such as "{name}"'),
            )
        elif "{" in _CLAIM.sub("", value) or "}" in _CLAIM.sub("", value):
            yield source.fault(
                where,
                Text("花括号里只写一个声明的名字", "braces hold the name of one claim"),
                Text('例如 "{dept_code}"', 'such as "{dept_code}"'),
            )


def _of_when(source: Source, path: tuple[str | int, ...], when: Any) -> Iterator[Fault]:
    if not isinstance(when, dict) or not when:
        yield source.fault(
            path,
            Text("要写声明和它的值", "is to name claims and their values"),
            Text('例如 when = { user_type = "staff" }', 'such as when = { user_type = "staff" }'),
        )
        return
    for claim, wanted in when.items():
        values = wanted if isinstance(wanted, list) else [wanted]
        if not values or any(_text(value) is None for value in values):
            yield source.fault(
                (*path, claim),
                Text(
                    "值要是文字、数字或它们的列表", "is to be a text, a number, or a list of them"
                ),
                Text('例如 ["a", "b"]', 'such as ["a", "b"]'),
            )


def holds(when: When, claims: Mapping[str, Any]) -> bool:
    """Return whether a condition holds of claims."""
    for claim, wanted in when.items():
        found = claim_of(claims, claim)
        said = {_text(value) for value in (found if isinstance(found, list) else [found])}
        if not said.intersection(wanted):
            return False
    return True


def written(template: str, claims: Mapping[str, Any]) -> str | None:
    """Return a text with claims in it; None where one of them says nothing."""
    lacking = False

    def put(match: re.Match[str]) -> str:
        nonlocal lacking
        value = _text(claim_of(claims, match[1]))
        lacking = lacking or not (value or "").strip()
        return value or ""

    text = _CLAIM.sub(put, template).strip()
    return None if lacking or len(text) > LONGEST or not text.isprintable() else text


def posts_of(rules: Rules, claims: Mapping[str, Any]) -> list[Wanted]:
    """Return the posts that rules give by claims, each once."""
    found: dict[Wanted, None] = {}
    for rule in rules.posts:
        if holds(rule.when, claims):
            organization = written(rule.organization, claims)
            title = written(rule.title, claims)
            if organization and title:
                found[Wanted(organization, title)] = None
    return list(found)


def claim_of(claims: Mapping[str, Any], name: str) -> Any:
    """Return a claim: by its whole name, or, with dots, one within another; None for none."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _text(value: Any) -> str | None:
    """Return a value as a text to compare: `true` for True, digits for whole numbers."""
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int():
            return str(value)[:1000]
        case _:
            return None
