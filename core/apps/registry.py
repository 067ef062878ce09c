"""Finding apps: entry points, manifests asked and granted, and what refuses an app.

Each app is loaded by itself inside a catch: one that cannot be loaded is refused by name,
with the reason, and the others never notice.
"""

import importlib.util
import logging
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
from packaging.specifiers import SpecifierSet
from sqlalchemy import Table

from core.apps.imports import ImportWatch
from plugin_sdk import SDK_VERSION
from plugin_sdk.data import Owned
from plugin_sdk.manifest import (
    Grant,
    Manifest,
    ManifestError,
    intersect,
    load,
    load_grant,
)

logger = logging.getLogger(__name__)

GROUP = "yimen.apps"
LINKED = "linked"
"""The folder beside the grants with the manifests of linked apps, which have no package."""


class Refusal(Exception):
    """Why an app does not load. `code` names the sentence, `detail` the fault."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class LoadedApp(msgspec.Struct, frozen=True, kw_only=True):
    """An app as it was found: what runs (asked ∩ granted), or why it was refused."""

    id: str
    folder: Path | None = None
    manifest: Manifest | None = None
    asked: Manifest | None = None
    grant: Grant | None = None
    plugin: ModuleType | None = None
    tables: frozenset[str] = frozenset()
    refusal: Refusal | None = None


def installed() -> list[EntryPoint]:
    """Return the entry points of the installed apps."""
    return sorted(entry_points(group=GROUP), key=lambda point: point.name)


def load_apps(
    points: Iterable[EntryPoint], grants: Path, watch: ImportWatch | None = None
) -> list[LoadedApp]:
    """Return every app behind the entry points, then every linked one, loaded or refused, one by
    one.

    With `watch` one that blocks ends the process, and is refused by the next.
    """
    apps: list[LoadedApp] = []
    for point in points:
        try:
            apps.append(load_app(point, grants, apps, watch))
        except Exception as error:
            refusal = error if isinstance(error, Refusal) else _unforeseen(error)
            logger.error("the app %s is refused: %s", point.name, refusal)
            apps.append(_refused(point, refusal, apps))
    for path in sorted((grants / LINKED).glob("*.toml")):
        app = load_linked(path)
        if any(other.id == app.id for other in apps):  # it has a package by now, which goes first
            refusal = Refusal("id-taken", f"another app is called {app.id}")
            app = LoadedApp(id=_free(f"{app.id}@{LINKED}", apps), refusal=refusal)
        if app.refusal is not None:
            logger.error("the app %s is refused: %s", app.id, app.refusal)
        apps.append(app)
    return apps


def load_linked(path: Path) -> LoadedApp:
    """Return the linked app of a manifest, loaded or refused. The platform wrote the manifest
    itself, for an app that knows nothing of it: all that it asks for is granted."""
    try:
        asked = load(path.read_bytes(), f"{LINKED}/{path.name}")
    except (OSError, ManifestError) as error:
        return LoadedApp(id=path.stem, refusal=Refusal("manifest", str(error)))
    wrong = None
    if asked.identity.id != path.stem:
        wrong = Refusal("manifest", f"the manifest is of {asked.identity.id}")
    elif asked.porting.level != "linked":
        wrong = Refusal("manifest", f"an app that is {asked.porting.level} is a package")
    elif SDK_VERSION not in SpecifierSet(asked.identity.sdk):
        wrong = Refusal("sdk", f"it asks for SDK {asked.identity.sdk}; this is {SDK_VERSION}")
    if wrong is not None:
        return LoadedApp(id=path.stem, asked=asked, refusal=wrong)
    grant = Grant(
        id=path.stem,
        version=f"=={asked.identity.version}",
        permissions="*",
        audience=asked.audience,
        enabled_at_start=True,
    )
    return LoadedApp(id=path.stem, manifest=intersect(asked, grant), asked=asked, grant=grant)


def _unforeseen(error: Exception) -> Refusal:
    return Refusal("unreadable", f"{type(error).__name__}: {error}")


def _refused(point: EntryPoint, refusal: Refusal, others: Sequence[LoadedApp]) -> LoadedApp:
    if any(other.id == point.name for other in others):
        # the first keeps the name; this one is shown beside it under one that nobody can have
        name = _free(f"{point.name}@{point.module}", others)
        return LoadedApp(id=name, refusal=refusal)
    return LoadedApp(id=point.name, refusal=refusal, asked=_asked(point), folder=folder_of(point))


def _free(name: str, others: Sequence[LoadedApp]) -> str:
    while any(other.id == name for other in others):
        name += "+"
    return name


def load_app(
    point: EntryPoint,
    grants: Path,
    others: Sequence[LoadedApp] = (),
    watch: ImportWatch | None = None,
) -> LoadedApp:
    """Return the app behind an entry point. Raises `Refusal`."""
    if any(other.id == point.name for other in others):
        raise Refusal("id-taken", f"another app is called {point.name}")
    if watch is not None:
        watch.now(point.name)  # to find a package imports what stands above it
    folder = folder_of(point)
    if folder is None:
        raise Refusal("not-installed", f"the package {point.module} is not there")
    manifest_path = folder / "manifest.toml"
    if not manifest_path.is_file():
        raise Refusal("no-manifest", "manifest.toml is missing beside the package")
    try:
        asked = load(manifest_path.read_bytes(), f"{point.name}/manifest.toml")
    except ManifestError as error:
        raise Refusal("manifest", str(error)) from error
    if asked.identity.id != point.name:
        raise Refusal("manifest", f"the manifest is of {asked.identity.id}")
    if SDK_VERSION not in SpecifierSet(asked.identity.sdk):
        raise Refusal("sdk", f"it asks for SDK {asked.identity.sdk}; this is {SDK_VERSION}")
    grant_path = grants / f"{point.name}.toml"
    if not grant_path.is_file():
        raise Refusal("not-granted", f"the platform has granted nothing in {grant_path.name}")
    try:
        grant = load_grant(grant_path.read_bytes(), asked, str(grant_path.name))
    except ManifestError as error:
        raise Refusal("grant", str(error)) from error
    if asked.identity.version not in SpecifierSet(grant.version):
        raise Refusal("grant", f"version {asked.identity.version} is not granted: {grant.version}")
    if watch is not None and (where := watch.blocked(point.name, folder)):
        raise Refusal("import-blocked", where)
    try:
        plugin = point.load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too: an app does not end the hub
        raise Refusal("import", f"{type(error).__name__}: {error}") from error
    tables = tables_of(point.module)
    for table in sorted(tables):
        if not table.startswith(asked.data.table_prefix):
            raise Refusal("table", f"{table} does not start with {asked.data.table_prefix}")
        for other in others:
            if table in other.tables:
                raise Refusal("table", f"{table} is a table of {other.id}")
    return LoadedApp(
        id=point.name,
        folder=folder,
        manifest=intersect(asked, grant),
        asked=asked,
        grant=grant,
        plugin=plugin,
        tables=tables,
    )


def folder_of(point: EntryPoint) -> Path | None:
    """Return the folder of an app's package without importing it, None if it is not there."""
    try:
        spec = importlib.util.find_spec(point.module)
    except KeyboardInterrupt:
        raise
    except BaseException:  # the packages above it are imported, and may do anything
        return None
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent


def _asked(point: EntryPoint) -> Manifest | None:
    folder = folder_of(point)
    try:
        return load((folder / "manifest.toml").read_bytes()) if folder else None
    except (OSError, ManifestError):
        return None


def tables_of(package: str) -> frozenset[str]:
    """Return the names of the tables that the modules of a package declare, in Core too."""
    return frozenset(table.name for table in declared(package))


def declared(package: str) -> set[Table]:
    """Return the tables that the modules of a package declare."""
    found = set()
    for value in _values(package):
        table = value if isinstance(value, Table) else getattr(value, "__table__", None)
        if isinstance(table, Table):
            found.add(table)
    return found


def scoped_models(package: str) -> list[type[Owned]]:
    """Return the models of scoped tables that the modules of a package declare, by table."""
    found = {
        str(value.__tablename__): value
        for value in _values(package)
        if isinstance(value, type) and issubclass(value, Owned) and hasattr(value, "__table__")
    }
    return [found[table] for table in sorted(found)]


def _values(package: str) -> Iterator[Any]:
    """Yield the tables that stand in the modules of a package, and the classes made there."""
    names = [name for name in sys.modules if name.startswith(package)]
    for module in [sys.modules[name] for name in names if _within(name, package)]:
        for value in list(vars(module).values()):
            if isinstance(value, Table) or (
                isinstance(value, type) and _within(value.__module__, package)
            ):
                yield value


def _within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")
