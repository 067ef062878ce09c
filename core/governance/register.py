"""The register as findings read it: what each app said of itself, and who answers for it."""

from collections.abc import Iterable, Mapping
from datetime import date
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased
from sqlmodel import col

from core.database import Transaction
from core.governance import changes
from core.governance.declared import Declared, restored, stored
from core.governance.lifecycle.service import StandingFacts, enter, kept_manifests, standings
from core.governance.models import RegisteredApp
from core.identity.models import OrganizationClosure, OrganizationRow
from plugin_sdk.manifest_model import (
    FORBIDDEN_FEATURES,
    Cadence,
    Exemption,
    Function,
    Level,
    Manifest,
    Stage,
)
from plugin_sdk.ports import Actor
from plugin_sdk.text import Text


class OwnerFacts(msgspec.Struct, frozen=True):
    """The unit that answers for an app, and whether it is a unit within a division (a department)
    or the division itself. `level` and `division` (its code) are those of the division; `level`
    is None for what is not in the tree."""

    code: str
    name: str
    level: str | None
    unit: bool = False
    division: str = ""


class RegisterEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One app of the register, behind the door or outside it. `entitled` is a number of people,
    None where nobody states one; `own_sign_in` says that it asks people to sign in once more,
    `finishes` that something can be finished in it, and that the hub sees it; `hosts` are its
    own."""

    app: str
    names: Text
    owner: OwnerFacts
    stage: Stage
    since: date
    level: Level
    behind_door: bool
    filing_number: str | None
    complaints: str | None
    functions: tuple[Function, ...]
    fields: frozenset[str]
    forbidden: tuple[str, ...]
    checks_in: bool
    required_of: frozenset[str]
    cadence: Cadence
    entitled: int | None
    exemption: Exemption | None
    own_sign_in: bool
    yearly_cost: int | None
    finishes: bool = True
    hosts: frozenset[str] = frozenset()


def entry_of(
    manifest: Manifest,
    owner: OwnerFacts,
    *,
    behind_door: bool,
    populations: Mapping[str, int],
) -> RegisterEntry:
    """Return the entry of an app that its manifest makes. `populations` says how many people
    stand behind names such as `all_residents`; a description is no number."""
    usage, filing, porting = manifest.usage, manifest.filing, manifest.porting
    entitled = usage.entitled
    outside = not behind_door or porting.level == "linked"
    return RegisterEntry(
        app=manifest.identity.id,
        names=manifest.identity.names,
        owner=owner,
        stage=manifest.lifecycle.stage,
        since=manifest.lifecycle.since,
        level=porting.level,
        behind_door=behind_door,
        filing_number=filing.number,
        complaints=filing.complaints if outside else "/feedback",
        functions=porting.functions,
        fields=frozenset(manifest.data.elements)
        | {f"{field.kind}" for field in manifest.data.personal},
        forbidden=tuple(
            sorted(feature.key for feature in filing.features if feature.key in FORBIDDEN_FEATURES)
        ),
        checks_in=filing.sign_in_of_the_day.present or bool(usage.check_ins),
        required_of=frozenset(filing.required_of),
        cadence=usage.cadence,
        entitled=entitled if isinstance(entitled, int) else populations.get(entitled),
        exemption=usage.exemption,
        own_sign_in=outside and porting.client is None,
        yearly_cost=usage.yearly_cost,
        finishes=behind_door
        and porting.level == "native"
        and bool(set(usage.effects) - set(usage.check_ins)),
        hosts=frozenset(filter(None, [_host(porting.upstream)])),
    )


def _host(upstream: str | None) -> str | None:
    return urlsplit(upstream).hostname if upstream and "://" in upstream else None


def declared_entry(
    declared: Declared, owner: OwnerFacts, *, populations: Mapping[str, int]
) -> RegisterEntry:
    """Return the entry of an app beyond the door, as it was declared."""
    entitled = declared.entitled
    return RegisterEntry(
        app=declared.app,
        names=declared.names,
        owner=owner,
        stage=declared.stage,
        since=declared.since,
        level="linked",
        behind_door=False,
        filing_number=declared.filing_number,
        complaints=declared.complaints,
        functions=tuple(Function(name=name, old=name.zh) for name in declared.functions),
        fields=frozenset(declared.fields),
        forbidden=tuple(sorted(FORBIDDEN_FEATURES.intersection(declared.features))),
        checks_in=declared.checks_in,
        required_of=frozenset(declared.required_of),
        cadence=declared.cadence,
        entitled=populations.get(entitled) if isinstance(entitled, str) else entitled,
        exemption=declared.exemption,
        own_sign_in=declared.own_sign_in,
        yearly_cost=declared.yearly_cost,
        finishes=declared.finishes,
        hosts=frozenset(filter(None, [_host(declared.address)])),
    )


async def entries(
    tx: Transaction, installed: Iterable[Manifest], populations: Mapping[str, int]
) -> list[RegisterEntry]:
    """Return the register by app: the apps that are installed, those whose package is gone, as
    they last ran, and those beyond the door that were declared. One that was declared and is
    installed since stands behind the door."""
    behind = {manifest.identity.id: manifest for manifest in installed}
    behind |= await kept_manifests(tx, list(behind))
    beyond = [
        restored(kept)
        for app, kept in await tx.session.execute(
            select(col(RegisteredApp.app), col(RegisteredApp.declared))
        )
        if app not in behind
    ]
    codes = {manifest.owner.organization for manifest in behind.values()}
    owners = await _owners(tx, codes | {declared.owner for declared in beyond})

    def owner(code: str) -> OwnerFacts:
        return owners.get(code) or OwnerFacts(code, code, None)

    every = [
        *(
            entry_of(
                manifest,
                owner(manifest.owner.organization),
                behind_door=True,
                populations=populations,
            )
            for manifest in behind.values()
        ),
        *(
            declared_entry(declared, owner(declared.owner), populations=populations)
            for declared in beyond
        ),
    ]
    stands = await standings(tx)
    placed = [_where_it_stands(entry, stands.get(entry.app)) for entry in every]
    return sorted(placed, key=lambda entry: entry.app)


def _where_it_stands(entry: RegisterEntry, stands: StandingFacts | None) -> RegisterEntry:
    """Return an entry with the stage that governance gave it, whatever the owner says."""
    if stands is None:
        return entry
    return msgspec.structs.replace(entry, stage=stands.stage, since=stands.since)


async def register(tx: Transaction, declared: Declared, by: Actor | None = None) -> bool:
    """Put an app beyond the door on the register, or what is declared of it now in place of what
    was; return whether anything changed. What changed is written down with who did it (None: the
    hub itself).

    How it stands counts when it enters; from then on governance's row holds, and what is declared
    of it later is left out (`core.governance.filing` says so beforehand).
    """
    known = await entered(tx, declared.app)
    if known is not None:
        declared = msgspec.structs.replace(declared, stage=known.stage, since=known.since)
    if known == declared:
        return False
    kept, dialect = stored(declared), sqlite if tx.database.sqlite else postgresql
    await tx.session.execute(
        dialect.insert(RegisteredApp)
        .values(app=declared.app, declared=kept, registered_at=tx.now)
        .on_conflict_do_update(index_elements=["app"], set_={"declared": kept})
    )
    await enter(tx, declared.app, declared.stage, declared.since)
    await changes.keep(tx, declared.app, by, stored(known) if known else None, kept)
    return True


async def entered(tx: Transaction, app: str) -> Declared | None:
    """Return what is declared of an app beyond the door, None where it is not on the register."""
    row = RegisteredApp
    found = await tx.session.execute(select(col(row.declared)).where(col(row.app) == app))
    kept = found.scalar_one_or_none()
    return restored(kept) if kept is not None else None


async def _owners(tx: Transaction, codes: Iterable[str]) -> dict[str, OwnerFacts]:
    """Return the owners by code; a unit with the division that it is a unit of."""
    row, above, way = OrganizationRow, aliased(OrganizationRow), OrganizationClosure
    found = await tx.session.execute(
        select(col(row.code), col(row.name), col(row.level), col(above.code), col(above.level))
        .join(way, col(way.descendant_id) == col(row.id))
        .join(above, col(way.ancestor_id) == col(above.id))
        .where(col(row.code).in_(list(codes)), col(above.level) != "unit")
        .order_by(col(row.code), col(way.depth))
    )
    owners: dict[str, OwnerFacts] = {}
    for code, name, level, division, division_level in found:
        owners.setdefault(code, OwnerFacts(code, name, division_level, level == "unit", division))
    return owners
