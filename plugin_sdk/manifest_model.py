"""The structs of a manifest (what an app asks) and of a grant (what the platform gave).

`manifest.schema.json` and `grant.schema.json` beside this file name the same fields and say
in a sentence what each one means; a test holds the two together. A struct can be made with
values that `plugin_sdk.manifest.check` would refuse: only `load` vouches for its content.
"""

from datetime import date
from typing import Any, Literal

import msgspec

from plugin_sdk.text import Text

Audience = Literal["staff", "resident", "enterprise"]
Category = Literal[
    "appeals", "service", "office", "grassroots", "supervision", "emergency", "data", "other"
]
Level = Literal["linked", "proxied", "hosted", "native"]
Risk = Literal["low", "medium", "high"]
Classification = Literal["general", "important", "core"]
PersonalKind = Literal[
    "name",
    "phone",
    "identity_number",
    "address",
    "location",
    "photo",
    "biometric",
    "health",
    "financial",
    "account",
    "other",
]
Cadence = Literal["daily", "weekly", "monthly", "quarterly", "yearly"]
ExemptionKind = Literal["statutory", "emergency"]
Tier = Literal["bronze", "silver", "gold"]
Stage = Literal[
    "proposed",
    "filed",
    "trial",
    "active",
    "watch",
    "review",
    "keep",
    "improve",
    "merge",
    "retire",
    "sunset",
    "closed",
    "archived",
    "purged",
]

OPEN_PERMISSIONS = ("public", "signed_in")
"""What a route or a navigation entry may name in place of a permission of the app."""

FORBIDDEN_FEATURES = frozenset({"check-in", "leaderboard", "duration", "likes", "photo-demands"})
"""Features that turn a tool into a burden; each one in a manifest must state a reason."""


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of every section: named fields only, no unknown ones, never changed."""


class Identity(_Section, frozen=True, kw_only=True):
    """Who the app is: its address, its package, its names and its version."""

    id: str
    package: str
    names: Text
    summary: Text
    version: str
    sdk: str
    category: Category


class Contact(_Section, frozen=True, kw_only=True):
    """The person to call about the app; a telephone number or an e-mail address, or both."""

    name: str
    phone: str | None = None
    email: str | None = None


class Owner(_Section, frozen=True, kw_only=True):
    """The organization that answers for the app (主管单位) and its two stewards."""

    organization: str
    contact: Contact
    stewards: tuple[str, str]


class Feature(_Section, frozen=True, kw_only=True):
    """A feature put on file; `reason` is owed where the rules forbid the feature."""

    key: str
    reason: str | None = None


class SignInOfTheDay(_Section, frozen=True, kw_only=True):
    """Whether the app has people sign in day by day (打卡、签到), and why."""

    present: bool
    reason: str | None = None


class Filing(_Section, frozen=True, kw_only=True):
    """What was put on file (备案); the number may be absent only while the app is proposed.

    `complaints` is where people complain of an app whose pages the hub does not frame;
    `required_of` the levels of organizations that are told to use it."""

    legal_basis: str
    sign_in_of_the_day: SignInOfTheDay
    number: str | None = None
    features: tuple[Feature, ...] = ()
    complaints: str | None = None
    required_of: tuple[str, ...] = ()


class Replaces(_Section, frozen=True, kw_only=True):
    """The old app that this one replaces, and the day it was switched off."""

    name: Text
    stopped: date | None = None


class Waiver(_Section, frozen=True, kw_only=True):
    """Why an old function has no successor, and who signed for that."""

    reason: str
    signed_by: str


class Function(_Section, frozen=True, kw_only=True):
    """One function of the old app: the route that serves it now, or a waiver."""

    name: Text
    old: str
    route: str | None = None
    waiver: Waiver | None = None


class RouteRule(_Section, frozen=True, kw_only=True):
    """One row of the route table of a proxied or hosted app: a route and its permission."""

    route: str
    permission: str


class Porting(_Section, frozen=True, kw_only=True):
    """How far the app has been ported, and what became of each function of the old one."""

    level: Level
    upstream: str | None = None
    client: str | None = None
    replaces: Replaces | None = None
    functions: tuple[Function, ...] = ()
    routes: tuple[RouteRule, ...] = ()


class Permission(_Section, frozen=True, kw_only=True):
    """Something a person may be allowed to do; the app's id before the key is implied."""

    key: str
    title: Text
    risk: Risk
    audience: tuple[Audience, ...]
    default_roles: tuple[str, ...] = ()


class Role(_Section, frozen=True, kw_only=True):
    """A role of the app; with an `audience`, everyone of it holds the role for what is theirs.
    Nobody is given it together with a role that it `excludes` (职责分离)."""

    key: str
    title: Text
    audience: Audience | None = None
    excludes: tuple[str, ...] = ()


class NavigationItem(_Section, frozen=True, kw_only=True):
    """One section link inside the app; `path` is counted from the app's own address.

    `own` is what it is called for those who are no staff, where that is another word."""

    key: str
    title: Text
    own: Text | None = None
    path: str
    permission: str


class PersonalField(_Section, frozen=True, kw_only=True):
    """A column that holds personal information, and why the app needs it."""

    table: str
    column: str
    kind: PersonalKind
    reason: str


class Data(_Section, frozen=True, kw_only=True):
    """What the app stores, how sensitive it is, how many months it is kept, and the data
    elements that the hub fills into its forms."""

    table_prefix: str
    classification: Classification
    retention_months: int
    elements: tuple[str, ...] = ()
    personal: tuple[PersonalField, ...] = ()


class Events(_Section, frozen=True, kw_only=True):
    """Events the app emits (its id implied) and those it consumes (named in full)."""

    emitted: tuple[str, ...] = ()
    consumed: tuple[str, ...] = ()


class Job(_Section, frozen=True, kw_only=True):
    """A periodic job: `every` so many seconds, or each day `at` an hour of Asia/Shanghai."""

    key: str
    every: int | None = None
    at: str | None = None


class Breaker(_Section, frozen=True, kw_only=True):
    """So many failures within a window open the breaker, for so many seconds."""

    failures: int = 5
    window_seconds: float = 30.0
    open_seconds: float = 30.0


class Limits(_Section, frozen=True, kw_only=True):
    """What one worker lets the app use: seconds for a request, requests at once."""

    timeout_seconds: float = 10.0
    concurrency: int = 64
    drain_seconds: float = 30.0
    breaker: Breaker = Breaker()


class Exemption(_Section, frozen=True, kw_only=True):
    """Why usage rules do not apply, on what basis, and until when."""

    kind: ExemptionKind
    basis: str
    expires: date


class Usage(_Section, frozen=True, kw_only=True):
    """What counts as use: business effects, how often they are due, and to whom.

    Of the effects `check_ins` are those that only say that somebody was there (打卡): they finish
    nothing. `yearly_cost` is what the owner says the app costs a year, in fen."""

    effects: tuple[str, ...]
    cadence: Cadence
    entitled: int | str
    exemption: Exemption | None = None
    check_ins: tuple[str, ...] = ()
    yearly_cost: int | None = None


class Lifecycle(_Section, frozen=True, kw_only=True):
    """The app's stage of governance and since when it stands there."""

    stage: Stage
    since: date


class Quality(_Section, frozen=True, kw_only=True):
    """The quality tier that the app claims; the tier is checked by machine."""

    tier: Tier = "bronze"


class Manifest(_Section, frozen=True, kw_only=True):
    """Everything an app asks of the platform; the content of its `manifest.toml`."""

    audience: tuple[Audience, ...]
    identity: Identity
    owner: Owner
    filing: Filing
    porting: Porting
    data: Data
    usage: Usage
    lifecycle: Lifecycle
    permissions: tuple[Permission, ...] = ()
    roles: tuple[Role, ...] = ()
    navigation: tuple[NavigationItem, ...] = ()
    events: Events = Events()
    jobs: tuple[Job, ...] = ()
    limits: Limits = Limits()
    quality: Quality = Quality()


class GrantedBreaker(_Section, frozen=True, kw_only=True):
    """The platform's own values for the breaker; an absent one leaves the app's."""

    failures: int | None = None
    window_seconds: float | None = None
    open_seconds: float | None = None


class GrantedLimits(_Section, frozen=True, kw_only=True):
    """The platform's own limits; the lower of the two values holds."""

    timeout_seconds: float | None = None
    concurrency: int | None = None
    drain_seconds: float | None = None
    breaker: GrantedBreaker = GrantedBreaker()


class Grant(_Section, frozen=True, kw_only=True):
    """What the platform gave one app; the content of `manifests/<id>.toml`."""

    id: str
    version: str
    permissions: Literal["*"] | tuple[str, ...]
    audience: tuple[Audience, ...]
    owner: str | None = None
    enabled_at_start: bool = False
    limits: GrantedLimits = GrantedLimits()
    settings: dict[str, Any] = {}
