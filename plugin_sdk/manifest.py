"""The manifest: what an app asks, what the platform grants, and what therefore runs.

    asked = load(manifest_text)
    granted = load_grant(grant_text, asked)
    running = intersect(asked, granted)

`check` and `check_grant` report every fault with its line and remedy. The JSON Schemas that
editors use stand beside this file: `manifest.schema.json` and `grant.schema.json`; a TOML file
names its schema in a first line `#:schema <path>`.
"""

from functools import lru_cache
from typing import TypeVar

import msgspec

from plugin_sdk.manifest_check import check, check_grant, examine, examine_grant
from plugin_sdk.manifest_model import (
    FORBIDDEN_FEATURES,
    OPEN_PERMISSIONS,
    Audience,
    Breaker,
    Cadence,
    Category,
    Classification,
    Contact,
    Data,
    Events,
    Exemption,
    ExemptionKind,
    Feature,
    Filing,
    Function,
    Grant,
    GrantedBreaker,
    GrantedLimits,
    Identity,
    Job,
    Level,
    Lifecycle,
    Limits,
    Manifest,
    NavigationItem,
    Owner,
    Permission,
    PersonalField,
    PersonalKind,
    Porting,
    Quality,
    Replaces,
    Risk,
    Role,
    RouteRule,
    SignInOfTheDay,
    Stage,
    Tier,
    Usage,
    Waiver,
)
from plugin_sdk.manifest_schema import schema
from plugin_sdk.manifest_source import MAX_BYTES, Fault, FaultyText
from plugin_sdk.text import Text

__all__ = [
    "FORBIDDEN_FEATURES",
    "MAX_BYTES",
    "OPEN_PERMISSIONS",
    "Audience",
    "Breaker",
    "Cadence",
    "Category",
    "Classification",
    "Contact",
    "Data",
    "Events",
    "Exemption",
    "ExemptionKind",
    "Fault",
    "Feature",
    "Filing",
    "Function",
    "Grant",
    "GrantedBreaker",
    "GrantedLimits",
    "Identity",
    "Job",
    "Level",
    "Lifecycle",
    "Limits",
    "Manifest",
    "ManifestError",
    "NavigationItem",
    "Owner",
    "Permission",
    "PersonalField",
    "PersonalKind",
    "Porting",
    "Quality",
    "Replaces",
    "Risk",
    "Role",
    "RouteRule",
    "SignInOfTheDay",
    "Stage",
    "Text",
    "Tier",
    "Usage",
    "Waiver",
    "check",
    "check_grant",
    "intersect",
    "load",
    "load_grant",
    "schema",
]


_Number = TypeVar("_Number", int, float)


class ManifestError(FaultyText):
    """A manifest or a grant that has faults; `faults` holds every one of them."""


@lru_cache(maxsize=64)
def load(text: str | bytes, path: str = "manifest.toml") -> Manifest:
    """Return the manifest in `text`. Raises `ManifestError` with every fault it has.

    A manifest never changes, so one text is examined once.
    """
    manifest, faults = examine(text, path)
    if manifest is None:
        raise ManifestError(faults)
    return manifest


def load_grant(text: str | bytes, asked: Manifest | None = None, path: str = "grant.toml") -> Grant:
    """Return the grant in `text`. Raises `ManifestError` with every fault it has."""
    grant, faults = examine_grant(text, path, asked)
    if grant is None:
        raise ManifestError(faults)
    return grant


def intersect(asked: Manifest, granted: Grant) -> Manifest:
    """Return what runs: the manifest cut down to what the platform granted.

    Permissions not granted are gone, and with them the navigation and route table entries that
    need them; a permission left without an audience is gone too. Audiences are intersected,
    of every limit the lower value holds, and the grant's owner takes the manifest's place.
    Raises `ValueError` if the grant is another app's.
    """
    if asked.identity.id != granted.id:
        raise ValueError(f"a grant for {granted.id} does not answer {asked.identity.id}")
    audience = _both(asked.audience, granted)
    roles = tuple(role for role in asked.roles if role.audience in (None, *audience))
    permissions = _permissions(asked, granted, {role.key for role in roles})
    usable = {*OPEN_PERMISSIONS, *(permission.key for permission in permissions)}
    replace = msgspec.structs.replace
    routes = tuple(row for row in asked.porting.routes if row.permission in usable)
    owner = replace(asked.owner, organization=granted.owner or asked.owner.organization)
    return replace(
        asked,
        audience=audience,
        owner=owner,
        porting=replace(asked.porting, routes=routes),
        permissions=permissions,
        roles=roles,
        navigation=tuple(item for item in asked.navigation if item.permission in usable),
        limits=_limits(asked.limits, granted.limits),
    )


def _both(asked: tuple[Audience, ...], granted: Grant) -> tuple[Audience, ...]:
    return tuple(name for name in asked if name in granted.audience)


def _permissions(asked: Manifest, granted: Grant, roles: set[str]) -> tuple[Permission, ...]:
    kept = []
    for permission in asked.permissions:
        audience = _both(permission.audience, granted)
        if audience and (granted.permissions == "*" or permission.key in granted.permissions):
            defaults = tuple(name for name in permission.default_roles if name in roles)
            kept.append(
                msgspec.structs.replace(permission, audience=audience, default_roles=defaults)
            )
    return tuple(kept)


def _limits(asked: Limits, granted: GrantedLimits) -> Limits:
    breaker = Breaker(
        failures=_lower(asked.breaker.failures, granted.breaker.failures),
        window_seconds=_lower(asked.breaker.window_seconds, granted.breaker.window_seconds),
        open_seconds=_lower(asked.breaker.open_seconds, granted.breaker.open_seconds),
    )
    return Limits(
        timeout_seconds=_lower(asked.timeout_seconds, granted.timeout_seconds),
        concurrency=_lower(asked.concurrency, granted.concurrency),
        drain_seconds=_lower(asked.drain_seconds, granted.drain_seconds),
        breaker=breaker,
    )


def _lower(asked: _Number, granted: _Number | None) -> _Number:
    return asked if granted is None else min(asked, granted)
