"""What the parts of a manifest owe one another: the rules that no schema can say.

Every rule reads the plain data and passes by whatever the schema has already refused, so that
one pass names every fault. Each yields `(path, message, remedy)`.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from plugin_sdk.manifest_crowding import crowded
from plugin_sdk.manifest_lines import Path
from plugin_sdk.manifest_model import FORBIDDEN_FEATURES, OPEN_PERMISSIONS
from plugin_sdk.manifest_source import shorten
from plugin_sdk.text import Text

Finding = tuple[Path, Text, Text]

RESERVED_IDS = frozenset({"core", "portal", "yimen"})
"""Ids no app may take: the platform emits events, keeps tables and names rights under them."""


def findings(data: dict[str, Any]) -> Iterator[Finding]:
    """Yield every departure of a manifest's data from the rules between its parts."""
    for rule in (_identity, _owner, _filing, _porting, _inventory, _permissions, _roles):
        yield from rule(data)
    for rule in (_navigation, _data, _jobs, _events):
        yield from rule(data)


def table(data: Any, *names: str) -> dict[str, Any]:
    """Return the table under `names`, or an empty one where there is none."""
    for name in names:
        data = data.get(name) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def tables(data: dict[str, Any], name: str) -> list[tuple[int, dict[str, Any]]]:
    """Return the tables listed under `name` with their positions in the list."""
    found = data.get(name)
    listed = found if isinstance(found, list) else []
    return [(number, item) for number, item in enumerate(listed) if isinstance(item, dict)]


def strings(data: dict[str, Any], name: str) -> list[tuple[int, str]]:
    """Return the strings listed under `name` with their positions in the list."""
    found = data.get(name)
    listed = found if isinstance(found, list) else []
    return [(number, item) for number, item in enumerate(listed) if isinstance(item, str)]


def text(data: dict[str, Any], name: str) -> str | None:
    """Return the string under `name`, or nothing where there is none."""
    found = data.get(name)
    return found if isinstance(found, str) else None


def specifier(value: str | None, path: Path) -> Iterator[Finding]:
    """Yield a finding if `value` is not a PEP 440 version specifier."""
    if value is None or not value.strip():
        return
    try:
        SpecifierSet(value)
    except InvalidSpecifier:
        yield (
            path,
            Text(
                f"“{shorten(value)}”不是 PEP 440 版本范围",
                f"“{shorten(value)}” is not a PEP 440 version specifier",
            ),
            Text('写成 ">=0.1,<0.2" 的样子', 'write a range such as ">=0.1,<0.2"'),
        )


def keys_of(data: dict[str, Any], name: str) -> set[str]:
    """Return the `key` of each table listed under `name`."""
    return {key for _, item in tables(data, name) if (key := text(item, "key")) is not None}


def _twice(items: Iterable[tuple[Path, str]], zh: str, en: str) -> Iterator[Finding]:
    seen: set[str] = set()
    for path, value in items:
        if value in seen:
            shown = shorten(value)
            yield (
                path,
                Text(f"{zh}“{shown}”重复", f"{en} “{shown}” stands twice"),
                Text("改名，或者删去其中一个", "rename one of them, or remove it"),
            )
        seen.add(value)


def _keys(data: dict[str, Any], name: str, zh: str, en: str) -> Iterator[Finding]:
    listed = [
        ((name, number, "key"), key)
        for number, item in tables(data, name)
        if (key := text(item, "key")) is not None
    ]
    yield from _twice(listed, zh, en)


def _identity(data: dict[str, Any]) -> Iterator[Finding]:
    identity = table(data, "identity")
    app, package = text(identity, "id"), text(identity, "package")
    if app is not None and app in RESERVED_IDS:
        yield (
            ("identity", "id"),
            Text(f"“{app}”为平台保留", f"“{app}” is reserved for the platform"),
            Text("换一个 id", "choose another id"),
        )
    if app is not None and package is not None and package != app.replace("-", "_"):
        wanted = shorten(app.replace("-", "_"))
        yield (
            ("identity", "package"),
            Text("包名与 id 不一致", "the package does not follow from the id"),
            Text(f"写成 {wanted}", f"write {wanted}"),
        )
    yield from specifier(text(identity, "sdk"), ("identity", "sdk"))
    version = text(identity, "version")
    if version is not None and version[:1].isdigit() and version.count(".") >= 2:
        try:
            Version(version)
        except InvalidVersion:
            yield (
                ("identity", "version"),
                Text("版本号无法与版本范围比较", "the version cannot be compared with a specifier"),
                Text("预发布写成 1.4.0-rc.1 的样子", "write a pre-release as in 1.4.0-rc.1"),
            )


def _owner(data: dict[str, Any]) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for number, name in strings(table(data, "owner"), "stewards"):
        folded = "".join(name.split()).casefold()
        if folded in seen and seen[folded] != name:
            yield (
                ("owner", "stewards", number),
                Text("两名专员是同一人", "both stewards are the same person"),
                Text("写两名不同的人", "name two different people"),
            )
        seen[folded] = name


def _filing(data: dict[str, Any]) -> Iterator[Finding]:
    filing = table(data, "filing")
    stage = text(table(data, "lifecycle"), "stage")
    if filing and "number" not in filing and stage not in (None, "proposed"):
        yield (
            ("filing", "number"),
            Text("已过提议阶段，却没有备案号", "past the proposed stage, yet no filing number"),
            Text("补上备案号，或把阶段改为 proposed", "add the number, or make the stage proposed"),
        )
    owed = Text("写明理由，或去掉这项功能", "state the reason, or drop the feature")
    present = table(filing, "sign_in_of_the_day").get("present")
    if present is True and "reason" not in table(filing, "sign_in_of_the_day"):
        yield (
            ("filing", "sign_in_of_the_day", "reason"),
            Text("有打卡签到，却没有理由", "a sign-in of the day without a reason"),
            owed,
        )
    listed = []
    for number, feature in tables(filing, "features"):
        key = text(feature, "key")
        if key is None:
            continue
        listed.append((("filing", "features", number, "key"), key))
        if key in FORBIDDEN_FEATURES and "reason" not in feature:
            yield (
                ("filing", "features", number, "key"),
                Text(f"“{key}”是禁止的功能，没有理由", f"“{key}” is forbidden without a reason"),
                owed,
            )
        if key == "check-in" and present is False:
            yield (
                ("filing", "features", number, "key"),
                Text("列了签到，却声明没有", "check-in is listed, yet declared not present"),
                Text(
                    "把 sign_in_of_the_day.present 改为 true",
                    "set sign_in_of_the_day.present to true",
                ),
            )
    yield from _twice(listed, "功能", "the feature")


def _porting(data: dict[str, Any]) -> Iterator[Finding]:
    porting = table(data, "porting")
    level, upstream = porting.get("level"), text(porting, "upstream")
    if level == "native" and "upstream" in porting:
        yield (
            ("porting", "upstream"),
            Text("native 应用没有上游", "a native app has no upstream"),
            Text("删去 upstream，或改 level", "remove upstream, or change the level"),
        )
    elif level in ("linked", "proxied", "hosted") and "upstream" not in porting:
        yield (
            ("porting", "upstream"),
            Text(f"{level} 应用缺少上游", f"a {level} app needs an upstream"),
            Text(
                "写上旧系统地址；hosted 写 包.模块:对象",
                "give the old server's address; for hosted, package.module:object",
            ),
        )
    elif level in ("linked", "proxied", "hosted") and upstream is not None:
        yield from _upstream(level, upstream)
    if level == "linked" and "client" not in porting:
        yield (
            ("porting", "client"),
            Text("linked 应用缺少客户端", "a linked app needs a client"),
            Text("写上登记的 client id", "give the client id it is registered with"),
        )
    routed = level in ("proxied", "hosted")
    if routed and not porting.get("routes"):
        yield (
            ("porting", "routes"),
            Text(
                f"{level} 应用没有路由表，一律拒绝", f"a {level} app with no routes serves nothing"
            ),
            Text("逐条写路由和权限", "list each route with its permission"),
        )
    if level in ("native", "linked") and porting.get("routes"):
        yield (
            ("porting", "routes"),
            Text(f"{level} 应用不写路由表", f"a {level} app has no route table here"),
            Text("native 在代码中声明路由", "a native app declares its routes in code"),
        )
    known = keys_of(data, "permissions")
    listed = []
    for number, row in tables(porting, "routes"):
        path: Path = ("porting", "routes", number)
        if (route := text(row, "route")) is not None:
            listed.append(((*path, "route"), route))
        yield from _known_permission(known, row, (*path, "permission"))
    yield from _twice(listed, "路由", "the route")


def _upstream(level: str, upstream: str) -> Iterator[Finding]:
    if upstream.startswith(("http://", "https://")) == (level == "hosted"):
        yield (
            ("porting", "upstream"),
            Text(f"这种上游不合 {level}", f"this kind of upstream does not fit {level}"),
            Text(
                "linked、proxied 写 http(s) 地址，hosted 写 包.模块:对象",
                "linked and proxied take an http(s) address, hosted package.module:object",
            ),
        )


def _inventory(data: dict[str, Any]) -> Iterator[Finding]:
    porting = table(data, "porting")
    functions = tables(porting, "functions")
    if "replaces" in porting and not porting.get("functions"):
        yield (
            ("porting", "functions"),
            Text("替代了旧应用，却没有功能清单", "an app is replaced, yet no functions are listed"),
            Text("逐项列出旧功能", "list each function of the old app"),
        )
    if functions and "replaces" not in porting:
        yield (
            ("porting", "replaces"),
            Text("有旧功能清单，却没写替代谁", "functions are listed, but not what is replaced"),
            Text("补上 porting.replaces", "add porting.replaces"),
        )
    for part in ("old", "zh", "en"):
        listed: list[tuple[Path, str]] = []
        for number, item in functions:
            inner: Path = ("old",) if part == "old" else ("name", part)
            value = text(item if part == "old" else table(item, "name"), part)
            if value is not None:
                listed.append((("porting", "functions", number, *inner), value))
        yield from _twice(listed, "旧功能", "the old function")


def _permissions(data: dict[str, Any]) -> Iterator[Finding]:
    yield from _keys(data, "permissions", "权限", "the permission")
    roles = {text(role, "key"): role for _, role in tables(data, "roles")}
    for number, permission in tables(data, "permissions"):
        path: Path = ("permissions", number)
        yield from _within(data, permission, path)
        allowed = [name for _, name in strings(permission, "audience")]
        for place, name in strings(permission, "default_roles"):
            where = (*path, "default_roles", place)
            if name not in roles:
                yield (
                    where,
                    Text(
                        f"角色“{shorten(name)}”没有声明",
                        f"the role “{shorten(name)}” is not declared",
                    ),
                    Text("在 roles 中声明它", "declare it under roles"),
                )
                continue
            audience = text(roles[name], "audience")
            if audience is not None and allowed and audience not in allowed:
                yield (
                    where,
                    Text(
                        f"角色“{name}”的人不在此权限的对象之内",
                        f"holders of the role “{name}” are outside the permission's audience",
                    ),
                    Text("补上对象，或去掉角色", "widen the audience, or remove the role"),
                )


def _within(data: dict[str, Any], item: dict[str, Any], path: Path) -> Iterator[Finding]:
    whole = [name for _, name in strings(data, "audience")]
    for place, name in strings(item, "audience"):
        if whole and name not in whole and name in ("staff", "resident", "enterprise"):
            yield _outside((*path, "audience", place), name)


def _outside(path: Path, name: str) -> Finding:
    return (
        path,
        Text(f"“{name}”不在应用的对象之内", f"“{name}” is outside the app's audience"),
        Text("加进应用的 audience，或在此去掉", "add it to the app's audience, or remove it here"),
    )


def _roles(data: dict[str, Any]) -> Iterator[Finding]:
    yield from _keys(data, "roles", "角色", "the role")
    whole = [name for _, name in strings(data, "audience")]
    for number, role in tables(data, "roles"):
        name = text(role, "audience")
        if whole and name in ("staff", "resident", "enterprise") and name not in whole:
            yield _outside(("roles", number, "audience"), name)
        declared = {text(other, "key"): other for _, other in tables(data, "roles")}
        for place, other in strings(role, "excludes"):
            if other == text(role, "key") or other not in declared:
                yield (
                    ("roles", number, "excludes", place),
                    Text(
                        f"“{shorten(other)}”不是本应用的另一个角色",
                        f"“{shorten(other)}” is not another role of the app",
                    ),
                    Text("写本应用声明的另一个角色", "name another role that the app declares"),
                )


def _known_permission(known: set[str], row: dict[str, Any], path: Path) -> Iterator[Finding]:
    name = text(row, "permission")
    if name is None or name in OPEN_PERMISSIONS or name in known:
        return
    yield (
        path,
        Text(f"权限“{shorten(name)}”没有声明", f"the permission “{shorten(name)}” is not declared"),
        Text("在 permissions 中声明它", "declare it under permissions"),
    )


def _navigation(data: dict[str, Any]) -> Iterator[Finding]:
    yield from _keys(data, "navigation", "导航", "the navigation key")
    known = keys_of(data, "permissions")
    for number, item in tables(data, "navigation"):
        yield from _known_permission(known, item, ("navigation", number, "permission"))
    yield from crowded(tables(data, "navigation"), tables(data, "permissions"))


def _data(data: dict[str, Any]) -> Iterator[Finding]:
    section = table(data, "data")
    package, prefix = text(table(data, "identity"), "package"), text(section, "table_prefix")
    if package is not None and prefix is not None and prefix != f"{package}_":
        wanted = shorten(f"{package}_")
        yield (
            ("data", "table_prefix"),
            Text("表前缀与包名不一致", "the table prefix does not follow from the package"),
            Text(f"写成 {wanted}", f"write {wanted}"),
        )
    columns: list[tuple[Path, str]] = []
    for number, field in tables(section, "personal"):
        name, column = text(field, "table"), text(field, "column")
        if name is not None and prefix is not None and not name.startswith(prefix):
            yield (
                ("data", "personal", number, "table"),
                Text(f"表名没有前缀 {shorten(prefix)}", f"lacks the prefix {shorten(prefix)}"),
                Text("写带前缀的完整表名", "write the table's whole name, prefix included"),
            )
        if name is not None and column is not None:
            columns.append((("data", "personal", number, "column"), f"{name}.{column}"))
    yield from _twice(columns, "字段", "the column")


def _jobs(data: dict[str, Any]) -> Iterator[Finding]:
    yield from _keys(data, "jobs", "任务", "the job")


def _events(data: dict[str, Any]) -> Iterator[Finding]:
    app = text(table(data, "identity"), "id")
    for number, name in strings(table(data, "events"), "emitted"):
        if app is not None and name.startswith(f"{app}."):
            yield (
                ("events", "emitted", number),
                Text("事件名前不写应用 id", "the app's id before an event of its own is implied"),
                Text(f"写成 {shorten(name[len(app) + 1 :])}", "drop the id and the dot"),
            )
