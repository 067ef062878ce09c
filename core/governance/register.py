"""The register as findings read it: what each app said of itself, and who answers for it."""

from collections.abc import Mapping
from datetime import date

import msgspec

from plugin_sdk.manifest_model import (
    FORBIDDEN_FEATURES,
    Cadence,
    Exemption,
    Function,
    Level,
    Manifest,
    Stage,
)
from plugin_sdk.text import Text


class OwnerFacts(msgspec.Struct, frozen=True):
    """The unit that answers for an app, its level in the tree (None: it is not in it), and
    whether it is a unit within a division (a department) or the division itself."""

    code: str
    name: str
    level: str | None
    unit: bool = False


class RegisterEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One app of the register, behind the door or outside it. `entitled` is a number of people,
    None where nobody states one; `own_sign_in` says that it asks people to sign in once more."""

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
    )
