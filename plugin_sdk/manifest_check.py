"""Checking a manifest or a grant: every fault, with its line and what to do about it."""

from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import Any, TypeVar

import msgspec
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from plugin_sdk import manifest_elements, manifest_usage
from plugin_sdk import manifest_rules as rules
from plugin_sdk.manifest_model import Grant, Manifest
from plugin_sdk.manifest_schema import faults as schema_faults
from plugin_sdk.manifest_source import Fault, Source, read, shorten
from plugin_sdk.text import Text

_Checked = TypeVar("_Checked", bound=msgspec.Struct)


def check(text: str | bytes, path: str) -> list[Fault]:
    """Return every fault of a manifest, in the order of its lines; none means `load` takes it.

    `path` is only shown in the faults; no file is opened. Raises nothing, whatever the text.
    """
    return examine(text, path)[1]


def check_grant(text: str | bytes, path: str, asked: Manifest | None = None) -> list[Fault]:
    """Return every fault of a grant, also against the manifest it answers where one is given.

    A grant of what was not asked, for another app, or for versions that leave out the one
    installed, is a fault. A file in a folder `manifests` must bear the app's id as its name.
    Raises nothing, whatever the text.
    """
    return examine_grant(text, path, asked)[1]


def examine(text: str | bytes, path: str) -> tuple[Manifest | None, list[Fault]]:
    """Return the manifest and no faults, or no manifest and its faults."""
    source = read(text, path)
    if isinstance(source, list):
        return None, source
    found = [
        *schema_faults(source, "manifest"),
        *placed(source, rules.findings(source.data)),
        *placed(source, manifest_elements.findings(source.data)),
        *placed(source, manifest_usage.findings(source.data)),
    ]
    return converted(source, found, Manifest)


def examine_grant(
    text: str | bytes, path: str, asked: Manifest | None = None
) -> tuple[Grant | None, list[Fault]]:
    """Return the grant and no faults, or no grant and its faults."""
    source = read(text, path)
    if isinstance(source, list):
        return None, source
    found = [
        *schema_faults(source, "grant"),
        *placed(source, rules.specifier(rules.text(source.data, "version"), ("version",))),
        *placed(source, _file_name(source.data, path)),
    ]
    if asked is not None:
        found.extend(placed(source, _beyond(source.data, asked)))
    return converted(source, found, Grant)


def placed(source: Source, findings: Iterable[rules.Finding]) -> Iterator[Fault]:
    """Yield what rules found in a source as faults, each with its line."""
    for path, message, remedy in findings:
        yield source.fault(path, message, remedy)


def converted(
    source: Source, found: list[Fault], kind: type[_Checked]
) -> tuple[_Checked | None, list[Fault]]:
    """Return the struct that a source holds, or no struct and its faults by line."""
    faults = sorted(set(found), key=lambda fault: (fault.line, fault.field, fault.message.en))
    if faults:
        return None, faults
    try:
        return msgspec.convert(source.data, kind), []
    except msgspec.ValidationError as error:
        message = Text(f"内容无法读取：{error}", f"the content cannot be read: {error}")
        remedy = Text("对照模式改正", "correct it against the schema")
        return None, [source.fault((), message, remedy)]


def _file_name(data: dict[str, Any], path: str) -> Iterator[rules.Finding]:
    file, app = PurePath(path), rules.text(data, "id")
    if app is not None and file.parent.name == "manifests" and file.name != f"{app}.toml":
        yield (
            ("id",),
            Text("文件名与 id 不一致", "the file's name does not follow from the id"),
            Text(f"文件改名为 {shorten(app)}.toml", f"rename the file to {shorten(app)}.toml"),
        )


def _beyond(data: dict[str, Any], asked: Manifest) -> Iterator[rules.Finding]:
    identity = asked.identity
    app = rules.text(data, "id")
    if app is not None and app != identity.id:
        yield (
            ("id",),
            Text(f"清单是 {identity.id} 的", f"the manifest is that of {identity.id}"),
            Text(f"写成 {identity.id}", f"write {identity.id}"),
        )
    if _leaves_out(rules.text(data, "version"), identity.version):
        yield (
            ("version",),
            Text(
                f"不含已安装的版本 {identity.version}",
                f"leaves out the version installed, {identity.version}",
            ),
            Text("放宽版本范围，或安装合用的版本", "widen the range, or install a version in it"),
        )
    keys = {permission.key for permission in asked.permissions}
    for number, key in rules.strings(data, "permissions"):
        if key not in keys:
            yield (
                ("permissions", number),
                Text(
                    f"授予了应用没有要的权限“{shorten(key)}”",
                    f"grants “{shorten(key)}”, which the app does not ask for",
                ),
                Text("删去它，或让应用先要", "remove it, or have the app ask for it first"),
            )
    for number, name in rules.strings(data, "audience"):
        if name not in asked.audience:
            yield (
                ("audience", number),
                Text(
                    f"应用没有要对象“{shorten(name)}”",
                    f"grants the audience “{shorten(name)}”, which the app does not ask for",
                ),
                Text("删去它，或让应用先要", "remove it, or have the app ask for it first"),
            )


def _leaves_out(specifier: str | None, version: str) -> bool:
    try:
        return specifier is not None and not SpecifierSet(specifier).contains(
            Version(version), prereleases=True
        )
    except (InvalidSpecifier, InvalidVersion):
        return False
