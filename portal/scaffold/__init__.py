"""A new app: a folder that keeps the contract at once, to be changed from there on.

By itself it is a distribution of its own, whose package stands beside its tests. Inside it is a
package of `plugins/` in the hub's repository, with its tests within and its grant in
`manifests/`. Both are found in the same way, by an entry point.
"""

import importlib
import importlib.util
import json
import keyword
import re
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from string import Template
from typing import Final

from core.apps.registry import folder_of, installed
from core.database import core_metadata
from plugin_sdk import SDK_VERSION
from plugin_sdk.manifest import ManifestError, check, load
from plugin_sdk.manifest_rules import RESERVED_IDS

APP: Final = Path(__file__).parent / "app"
ID: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")  # as the schema of manifests has it
LONGEST: Final = 40
OWNER: Final = "371603"  # of the demonstration county


class ScaffoldError(Exception):
    """Why no app is made; the message says what to do."""


def make(
    id: str,
    folder: Path,
    *,
    zh: str,
    en: str,
    grants: Path,
    owner: str = OWNER,
    inside: bool = False,
) -> list[Path]:
    """Write a new app into `folder`, which must not be there (`inside`: into the repository
    that `folder` is); return what was written. `zh` and `en` are its names, `owner` the code of
    the organization that answers for it; an id in `grants` is taken. Raises `ScaffoldError` and
    writes nothing."""
    package = id.replace("-", "_")
    _refuse(id, package, grants)
    places = _inside(folder, id, package) if inside else _alone(folder, id, package)
    major, minor, _ = SDK_VERSION.split(".")
    words = {
        "id": id,
        "package": package,
        "module": f"plugins.{package}" if inside else package,
        "zh": json.dumps(zh, ensure_ascii=False),
        "en": json.dumps(en, ensure_ascii=False),
        "sdk": f">={major}.{minor},<{major}.{int(minor) + 1}",
        "owner": owner,
        "today": date.today().isoformat(),  # noqa: DTZ011  the day it is where the author sits
        "up": 3 if inside else 1,
    }
    texts = {
        path: Template(source.read_text(encoding="utf-8")).substitute(words)
        for source, path in places.items()
    }
    asked = next(text for path, text in texts.items() if path.name == "manifest.toml")
    if faults := check(asked, "manifest.toml"):  # names and owner as they were said
        raise ScaffoldError(f"{faults[0].field}: {faults[0].message.en}; {faults[0].remedy.en}")
    if there := [path for path in texts if path.exists()]:
        raise ScaffoldError(f"{there[0]} is there already: choose another id")
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(texts)


def _refuse(id: str, package: str, grants: Path) -> None:
    if not ID.fullmatch(id) or len(id) > LONGEST:
        raise ScaffoldError(
            f"{id!r} cannot be an id: write it in kebab-case, as in parking-permits, "
            f"with at most {LONGEST} characters"
        )
    taken = {point.name for point in installed()} | RESERVED_IDS
    if id in taken or (grants / f"{id}.toml").exists():
        raise ScaffoldError(f"{id} is taken: choose another id")
    if keyword.iskeyword(package) or importlib.util.find_spec(package) is not None:
        raise ScaffoldError(f"{package} is a word of Python or a package: choose another id")
    own = f"{package}_"
    for owner, others in _prefixes():
        if any(other.startswith(own) or own.startswith(other) for other in others):
            raise ScaffoldError(f"its tables would be mixed up with those of {owner}")


def _prefixes() -> Iterator[tuple[str, set[str]]]:
    """Yield how the names of tables begin, of the shell's rooms and of each app."""
    for room in ("apps", "governance", "hub"):  # with them, every room's tables
        importlib.import_module(f"core.{room}.models")
    yield "the shell", {f"{name.partition('_')[0]}_" for name in core_metadata.tables}
    for point in installed():
        folder = folder_of(point)
        if folder is not None:
            with suppress(OSError, ManifestError):  # one that is no app has no tables
                asked = load((folder / "manifest.toml").read_bytes())
                yield point.name, {asked.data.table_prefix}


def _alone(folder: Path, id: str, package: str) -> dict[Path, Path]:
    """Return where each file of a distribution of its own stands."""
    if folder.exists():
        raise ScaffoldError(f"{folder} is there already: choose another folder")
    return {source: folder / _named(source, id, package) for source in _sources()}


def _inside(root: Path, id: str, package: str) -> dict[Path, Path]:
    """Return where each file of an app in the hub's repository stands."""
    project = root / "pyproject.toml"
    if not (root / "plugins" / "__init__.py").is_file() or not project.is_file():
        raise ScaffoldError(f"{root} is not the hub's repository: run this where plugins/ is")
    apps = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["entry-points"]
    home = root / "plugins" / package
    if home.exists() or id in apps.get("yimen.apps", {}):
        raise ScaffoldError(f"{home} is there already: choose another id")
    places = {}
    for source in _sources():
        path = _named(source, id, package)
        if path.parts[0] == package:
            places[source] = root / "plugins" / path
        elif path.parts[0] == "tests":
            places[source] = home / path
        elif path.parts[0] == "manifests":
            places[source] = root / path
    return places


def _sources() -> list[Path]:
    return sorted(APP.rglob("*.in"))


def _named(source: Path, id: str, package: str) -> Path:
    path = source.relative_to(APP).with_suffix("")
    parts = [package if part == "package" else part for part in path.parts]
    return Path(*parts).with_name(f"{id}.toml" if path.name == "id.toml" else path.name)
