"""What the published JSON Schemas say about a text, as faults in two languages."""

import difflib
import json
import math
import re
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, ValidationError, validators

from plugin_sdk.manifest_source import Fault, Source, shorten
from plugin_sdk.text import Text

WORDS = {
    "appId": ("小写字母、数字和连字符，如 village-affairs", "kebab-case, as in village-affairs"),
    "packageName": (
        "小写字母、数字和下划线，如 village_affairs",
        "lower case with underscores, as in village_affairs",
    ),
    "semver": ("语义化版本，如 1.4.0", "a semantic version such as 1.4.0"),
    "organizationCode": (
        "机构代码：数字、大写字母和连字符",
        "an organization code: digits, capital letters and hyphens",
    ),
    "phone": ("电话号码，如 010-12345678", "a telephone number such as 010-12345678"),
    "email": ("电子邮箱，如 a@example.cn", "an e-mail address such as a@example.cn"),
    "slug": ("小写字母、数字和连字符", "lower-case letters, digits and hyphens"),
    "snake": ("小写字母、数字和下划线", "lower-case letters, digits and underscores"),
    "tablePrefix": ("小写，以下划线结尾", "lower case, ending in an underscore"),
    "permissionKey": (
        "两段以点相连，如 order.dispatch",
        "dotted parts, as in order.dispatch",
    ),
    "permissionName": (
        "权限键，或 public、signed_in",
        "a permission key, or public, or signed_in",
    ),
    "eventName": ("以点相连的名称，如 order.closed", "a dotted name such as order.closed"),
    "effectName": ("效果名称，如 order.closed", "an effect's name, as in order.closed"),
    "route": ("方法加路径，如 POST /orders/{id}", "a method and a path, as in POST /orders/{id}"),
    "navigationPath": ("以 / 开头的路径，如 /orders", "a path that begins with /, as in /orders"),
    "upstream": (
        "http(s) 地址，或 包.模块:对象",
        "an http(s) address, or package.module:object",
    ),
    "webAddress": ("http(s) 地址", "an http(s) address"),
    "fieldName": ("字段名，如 person.phone", "a field's name, as in person.phone"),
    "timeOfDay": ("时刻 HH:MM，如 02:30", "a time of day HH:MM, such as 02:30"),
    "line": ("文字，首尾无空白", "words without blanks at either end"),
    "everything": ('键的列表，或 "*"', 'a list of keys, or "*"'),
}
"""What each patterned definition of the schemas asks for, by the definition's name."""

_TYPES = {
    "string": ("文字", "a string"),
    "integer": ("整数", "a whole number"),
    "number": ("数字", "a number"),
    "boolean": ("true 或 false", "true or false"),
    "array": ("列表", "a list"),
    "object": ("表", "a table"),
}


@cache
def schema(name: str, package: str = "plugin_sdk") -> dict[str, Any]:
    """Return a published JSON Schema: `manifest`, `grant`, or one of another package."""
    text = resources.files(package).joinpath(f"{name}.schema.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def faults(source: Source, name: str, package: str = "plugin_sdk") -> Iterator[Fault]:
    """Yield a fault for every departure of `source` from a published schema."""
    for error in _validator(name, package).iter_errors(source.data):
        message, remedy = _sentence(error, schema(name, package))
        yield source.fault(error.absolute_path, message, remedy)


def _required(_: Any, names: list[str], instance: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        for name in names:
            if name not in instance:
                yield ValidationError("", path=[name], instance=name)


def _no_others(_: Any, allowed: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, dict) and allowed is False:
        for name in instance:
            if name not in schema.get("properties", {}):
                yield ValidationError("", path=[name], instance=name)


def _unique(_: Any, wanted: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    seen: set[str] = set()
    for number, item in enumerate(instance if isinstance(instance, list) else []):
        if isinstance(item, str):
            if item in seen:
                yield ValidationError("", path=[number], instance=item)
            seen.add(item)


def _pattern(_: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not _compiled(pattern).fullmatch(instance):
        yield ValidationError("")


def _one_or_some(_: Any, options: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    names = [name for option in options for name in option["required"]]
    present = sum(name in instance for name in names) if isinstance(instance, dict) else 1
    if present == 0 or (present > 1 and "oneOf" in schema):
        yield ValidationError("", instance=present)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _is_integer(_: Any, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53


def _is_number(_: Any, value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return _is_integer(_, value)


_formats = FormatChecker(formats=())


@_formats.checks("date", raises=ValueError)
def _is_date(value: object) -> bool:
    return not isinstance(value, str) or date.fromisoformat(value).isoformat() == value


@cache
def _validator(name: str, package: str) -> Any:
    kind = validators.extend(  # type: ignore[no-untyped-call]
        Draft202012Validator,
        {
            "required": _required,
            "additionalProperties": _no_others,
            "uniqueItems": _unique,
            "pattern": _pattern,
            "oneOf": _one_or_some,
            "anyOf": _one_or_some,
        },
        type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
            {"integer": _is_integer, "number": _is_number}
        ),
    )
    return kind(schema(name, package), format_checker=_formats)


def _sentence(error: ValidationError, whole: dict[str, Any]) -> tuple[Text, Text]:
    keyword = str(error.validator)
    wanted: Any = error.validator_value
    value = shorten(error.instance)
    described = _describe(error)
    if keyword == "required":
        return (
            Text(f"缺少 {value}", f"{value} is missing"),
            Text(f"补上 {value}：见模式中的说明", f"add {value}: {described}"),
        )
    if keyword == "additionalProperties":
        return _unknown(str(error.instance), list(_properties(error)))
    if keyword == "type":
        kinds = [wanted] if isinstance(wanted, str) else wanted
        zh = "或".join(_TYPES[kind][0] for kind in kinds)
        en = " or ".join(_TYPES[kind][1] for kind in kinds)
        return (
            Text(f"应当是{zh}，现在是 {value}", f"must be {en}, and is {value}"),
            Text(f"改写为{zh}", f"write {en}"),
        )
    if keyword == "enum":
        near = difflib.get_close_matches(value, wanted, 1)
        choices = ", ".join(wanted)
        hint = near[0] if near else choices
        return (
            Text(f"“{value}”不在可选值之内", f"“{value}” is not one of the values allowed"),
            Text(f"可选：{choices}", f"write {hint}" if near else f"choose one of: {choices}"),
        )
    if keyword == "pattern":
        zh, en = _words_of(wanted, whole)
        return (
            Text(f"“{value}”的写法不合：应为{zh}", f"“{value}” is not {en}"),
            Text(f"改写为{zh}", f"write {en}"),
        )
    if keyword == "uniqueItems":
        return (
            Text(f"“{value}”列了两次", f"“{value}” is listed twice"),
            Text("每项只列一次，各不相同", "list each one once; they must differ"),
        )
    if keyword in ("oneOf", "anyOf"):
        names = [part for option in wanted for part in option["required"]]
        return _choice(names, keyword == "oneOf", bool(error.instance))
    if keyword == "format":
        return (
            Text(f"“{value}”不是日期", f"“{value}” is not a date"),
            Text("写成 2026-01-31 的样子", "write a date such as 2026-01-31"),
        )
    return _bound(keyword, wanted, value)


def _choice(names: list[str], one: bool, present: bool) -> tuple[Text, Text]:
    zh, en = "、".join(names), " or ".join(names)
    if present:
        return (
            Text(f"{zh} 只能写一个", f"both {' and '.join(names)} are given"),
            Text(f"{zh} 只留一个", f"keep either {en}"),
        )
    return (
        Text(f"{zh} 都没有写", f"neither {' nor '.join(names)} is given"),
        Text(f"写上其中{'一' if one else '至少一'}个", f"give {'either ' if one else ''}{en}"),
    )


def _unknown(key: str, known: list[str]) -> tuple[Text, Text]:
    near = difflib.get_close_matches(key, known, 1)
    key = shorten(key)
    message = Text(f"没有“{key}”这个字段", f"there is no field “{key}” here")
    if near:
        return message, Text(f"是否想写 {near[0]}", f"did you mean {near[0]}?")
    names = ", ".join(known)
    return message, Text(f"删去；这里可用：{names}", f"remove it; fields here are: {names}")


def _bound(keyword: str, wanted: Any, value: str) -> tuple[Text, Text]:
    zh, en = {
        "minLength": ("不能为空", "must not be empty"),
        "maxLength": (f"最多 {wanted} 个字符", f"at most {wanted} characters"),
        "minItems": (f"至少要有 {wanted} 项", f"at least {wanted} must be listed"),
        "maxItems": (f"最多 {wanted} 项", f"at most {wanted} may be listed"),
        "minimum": (f"不得小于 {wanted}", f"must be {wanted} or more"),
        "maximum": (f"不得大于 {wanted}", f"must be {wanted} or less"),
        "exclusiveMinimum": (f"必须大于 {wanted}", f"must be more than {wanted}"),
    }.get(keyword, ("不合模式", f"does not meet “{keyword}” of the schema"))
    return (
        Text(f"{zh}，现在是 {value}", f"{en}; this is {value}"),
        Text(f"改到符合：{zh}", f"change it: {en}"),
    )


def _properties(error: ValidationError) -> dict[str, Any]:
    found = error.schema
    return dict(found.get("properties", {})) if isinstance(found, Mapping) else {}


def _describe(error: ValidationError) -> str:
    if error.validator != "required":
        return ""
    found = _properties(error).get(str(error.instance), {})
    return str(found.get("description", "see the schema"))


def _words_of(pattern: str, whole: dict[str, Any]) -> tuple[str, str]:
    for definition, content in whole["$defs"].items():
        if content.get("pattern") == pattern:
            return WORDS[definition]
    return WORDS["line"]
