"""Apps beyond the door as they are declared: what is on hand of an app that has no manifest here.

A manifest that passes its check is filed, has a client and gives reasons; an app that a county
merely knows of may lack all that, which is what the register has to say. A declaration therefore
asks for little: an id, a name, the owner, and how the app stands. Many fit in one TOML file.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import PurePath
from typing import Any

import msgspec

from plugin_sdk.manifest_check import converted, placed
from plugin_sdk.manifest_model import Cadence, Exemption, Stage
from plugin_sdk.manifest_rules import Finding as Departure
from plugin_sdk.manifest_rules import tables
from plugin_sdk.manifest_schema import faults as schema_faults
from plugin_sdk.manifest_source import Fault, FaultyText, read
from plugin_sdk.text import Text

SCHEMA = "declared"


class DeclarationError(FaultyText):
    """A file of declarations that has faults; `faults` holds every one of them."""


class Declared(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One app beyond the door. `entitled` is a number of people or the name of a population;
    `finishes` says whether something can be finished in it, `own_sign_in` whether it asks people
    to sign in by itself; `yearly_cost` is in fen."""

    app: str
    names: Text
    owner: str
    stage: Stage
    since: date
    filing_number: str | None = None
    complaints: str | None = None
    functions: tuple[Text, ...] = ()
    fields: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    checks_in: bool = False
    required_of: tuple[str, ...] = ()
    cadence: Cadence = "yearly"
    entitled: int | str | None = None
    exemption: Exemption | None = None
    address: str | None = None
    own_sign_in: bool = False
    finishes: bool = True
    yearly_cost: int | None = None


class Declarations(msgspec.Struct, frozen=True, kw_only=True):
    """The content of one file."""

    apps: tuple[Declared, ...]


def load(text: str | bytes, path: str = "register.toml") -> tuple[Declared, ...]:
    """Return the apps that a file declares. Raises `DeclarationError` with every fault."""
    declared, faults = examine(text, path)
    if declared is None:
        raise DeclarationError(faults)
    return declared.apps


def examine(text: str | bytes, path: str) -> tuple[Declarations | None, list[Fault]]:
    """Return what a file declares and no faults, or nothing and its faults."""
    source = read(text, PurePath(path).name)
    if isinstance(source, list):
        return None, source
    found = [
        *schema_faults(source, SCHEMA, "core.governance"),
        *placed(source, _twice(source.data)),
    ]
    return converted(source, found, Declarations)


def _twice(data: dict[str, Any]) -> Iterator[Departure]:
    seen: set[str] = set()
    for number, app in tables(data, "apps"):
        id = app.get("app")
        if not isinstance(id, str):
            continue
        if id in seen:
            yield (
                ("apps", number, "app"),
                Text(f"“{id}”写了两次", f"“{id}” is declared twice"),
                Text("删去一处", "remove one of them"),
            )
        seen.add(id)


def stored(declared: Declared) -> dict[str, Any]:
    """Return a declaration as a table keeps it."""
    kept: dict[str, Any] = msgspec.to_builtins(declared)
    return kept


def restored(kept: dict[str, Any]) -> Declared:
    """Return a declaration that a table kept."""
    return msgspec.convert(kept, Declared)
