"""The policy of governance: when the figures of an app nominate it, and when they must not.

It is configuration (`manifests/policy.toml`), checked against `policy.schema.json` and against
itself; each fault is named with its line and what to do about it.
"""

from datetime import date
from pathlib import PurePath
from typing import Literal

import msgspec

from core.governance.policy_check import contradictions
from plugin_sdk.manifest_check import converted, placed
from plugin_sdk.manifest_model import Cadence, Exemption, ExemptionKind
from plugin_sdk.manifest_schema import faults as schema_faults
from plugin_sdk.manifest_source import Fault, FaultyText, read

FILE = "policy.toml"


class PolicyError(FaultyText):
    """A policy that has faults; `faults` holds every one of them."""


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of every section: named fields only, no unknown ones, never changed."""


class Windows(_Section, frozen=True, kw_only=True):
    """How many days are looked at, by the cadence of an app."""

    daily: int
    weekly: int
    monthly: int
    quarterly: int
    yearly: int

    def of(self, cadence: Cadence) -> int:
        """Return the days for a cadence."""
        days: int = getattr(self, cadence)
        return days

    @property
    def longest(self) -> int:
        """Return the days of the longest window."""
        return max(self.daily, self.weekly, self.monthly, self.quarterly, self.yearly)


class Fairness(_Section, frozen=True, kw_only=True):
    """Of whom nothing is said: new apps, small populations, windows that are unknown, and for how
    long at most an exemption holds."""

    grace_days: int
    small_population: int
    unknown_share: float
    exempt_days: int


class Population(_Section, frozen=True, kw_only=True):
    """How many people stand behind a name of manifests, and who counted them."""

    name: str
    count: int
    source: str
    as_of: date


class PolicyExemption(_Section, frozen=True, kw_only=True):
    """An app that rules of use leave alone until a day."""

    app: str
    kind: ExemptionKind
    basis: str
    expires: date


class ReachLimits(_Section, frozen=True, kw_only=True):
    """The share of those entitled who finish something, by cadence."""

    daily: float
    weekly: float
    monthly: float
    quarterly: float
    yearly: float

    def of(self, cadence: Cadence) -> float:
        """Return the share for a cadence."""
        share: float = getattr(self, cadence)
        return share


class Rule(_Section, frozen=True, kw_only=True):
    """A rule; `basis` is the published text behind it, as far as that is at hand."""

    basis: str


class LowUse(Rule, frozen=True, kw_only=True):
    """使用率低."""

    reach: ReachLimits


class EmptyShell(Rule, frozen=True, kw_only=True):
    """空壳: `visits` in 30 days at least, an effect in less than the share `effects` of them."""

    visits: float
    effects: float


class Zombie(Rule, frozen=True, kw_only=True):
    """僵尸: `visits` in 30 days at most."""

    visits: float


class Duplicate(Rule, frozen=True, kw_only=True):
    """同质化; each of the `same_words` is compared as the first of its group."""

    alike: float
    functions: float
    functions_with_fields: float
    fields: float
    least_functions: int
    same_words: tuple[tuple[str, ...], ...]


class ForcedUse(Rule, frozen=True, kw_only=True):
    """强制使用: `signals` of its signs together."""

    signals: int
    empty_sessions: float
    attending: float
    near_total: float
    near_zero: float
    burst: float
    burst_days: int
    ranking_days: tuple[int, ...]
    least_sessions: int


class Burden(Rule, frozen=True, kw_only=True):
    """填报负担."""

    asked: float
    least_fields: int
    same_form: float
    least_same: int


class DoorBehindDoor(Rule, frozen=True, kw_only=True):
    """门后有门."""

    least_exits: int
    hosts: tuple[str, ...]

    def allows(self, host: str) -> bool:
        """Return whether people may be led to a host."""
        return any(
            host == known or (known.startswith(".") and host.endswith(known))
            for known in self.hosts
        )


class Unfiled(Rule, frozen=True, kw_only=True):
    """未备案: proposed for more than so many days, or used."""

    days: int


class OwnerBelowCounty(Rule, frozen=True, kw_only=True):
    """县以下单位建设."""

    levels: tuple[str, ...]


class Failing(Rule, frozen=True, kw_only=True):
    """故障多."""

    days: int
    errors: float
    p95_ms: int
    least_answers: int


class Special(_Section, frozen=True, kw_only=True):
    """A system that a cap does not count, and why."""

    app: str
    reason: str


class Cap(_Section, frozen=True, kw_only=True):
    """How many systems a department or a division may require of levels of organizations."""

    owner: str
    per: Literal["owner", "division"]
    most: int
    required_of: tuple[str, ...]
    special: tuple[Special, ...] = ()


class BeyondCap(Rule, frozen=True, kw_only=True):
    """超出数量上限."""

    caps: tuple[Cap, ...]


class Rules(_Section, frozen=True, kw_only=True):
    """All rules, each named as the finding that it makes."""

    low_use: LowUse
    empty_shell: EmptyShell
    zombie: Zombie
    duplicate: Duplicate
    forced_use: ForcedUse
    burden: Burden
    door_behind_door: DoorBehindDoor
    unfiled: Unfiled
    owner_below_county: OwnerBelowCounty
    exemption_expired: Rule
    failing: Failing
    no_complaint_channel: Rule
    beyond_cap: BeyondCap


class LifeCycle(_Section, frozen=True, kw_only=True):
    """What holds from a review to the end: working days that an owner has to reply, and how many
    before the last it is reminded; how old in days the evidence of a decision may be; the least
    days between the announcement of a sunset and the closing; the least months that a bundle is
    kept, if what the app's manifest says is less."""

    basis: str
    reply_days: int
    remind_days: int
    evidence_days: int
    sunset_days: int
    bundle_months: int


class Accounts(_Section, frozen=True, kw_only=True):
    """政务公众账号: after how many days without a post one is flagged (长期未更新)."""

    basis: str
    idle_days: int


class Groups(_Section, frozen=True, kw_only=True):
    """工作群: how many a unit may have, by how many people it has; and how many days a temporary
    one may last, which counts in no quota."""

    basis: str
    small_people: int
    small: int
    large_people: int
    medium: int
    large: int
    township: int
    village: int
    temporary_days: int

    def quota(self, level: str, people: int) -> int:
        """Return how many groups an organization of a level with so many people may have."""
        if level in ("township", "village"):
            return self.township if level == "township" else self.village
        if people <= self.small_people:
            return self.small
        return self.medium if people < self.large_people else self.large


class Policy(_Section, frozen=True, kw_only=True):
    """Everything that decides whether figures nominate an app, and what follows."""

    version: str
    windows: Windows
    fairness: Fairness
    rules: Rules
    life_cycle: LifeCycle
    accounts: Accounts
    groups: Groups
    populations: tuple[Population, ...] = ()
    exemptions: tuple[PolicyExemption, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Return how many people stand behind each name of a population."""
        return {population.name: population.count for population in self.populations}

    def exemptions_of(self, app: str, own: Exemption | None) -> tuple[Exemption, ...]:
        """Return the exemptions of an app: its manifest's and the policy's."""
        given = tuple(
            Exemption(kind=one.kind, basis=one.basis, expires=one.expires)
            for one in self.exemptions
            if one.app == app
        )
        return (*((own,) if own else ()), *given)


def load(text: str | bytes, path: str = FILE) -> Policy:
    """Return the policy in `text`. Raises `PolicyError` with every fault it has."""
    policy, faults = examine(text, path)
    if policy is None:
        raise PolicyError(faults)
    return policy


def check(text: str | bytes, path: str = FILE) -> list[Fault]:
    """Return every fault of a policy, in the order of its lines; raises nothing."""
    return examine(text, path)[1]


def examine(text: str | bytes, path: str) -> tuple[Policy | None, list[Fault]]:
    """Return the policy and no faults, or no policy and its faults."""
    source = read(text, PurePath(path).name)
    if isinstance(source, list):
        return None, source
    found = [
        *schema_faults(source, "policy", "core.governance"),
        *placed(source, contradictions(source.data)),
    ]
    return converted(source, found, Policy)
