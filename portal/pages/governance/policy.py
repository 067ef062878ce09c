"""The policy in words, and whom other limits would nominate: nothing is written by asking."""

from collections import Counter
from datetime import date
from typing import Any, ClassVar

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from core.governance import evaluation
from core.governance.evaluation import LastLook, WhatIf
from core.governance.findings import KINDS, Finding
from core.governance.policy import Policy
from core.governance.register import RegisterEntry
from plugin_sdk.problems import Invalid, Problem
from plugin_sdk.routes import needs
from plugin_sdk.text import Text
from plugin_sdk.views import FactView, FieldView, Phrase, View
from portal.pages.admin.reach import need_everything
from portal.pages.context import AnyRequest, Portal
from portal.pages.governance.portfolio import label_of
from portal.pages.governance.thresholds import fields, limits, tried

CADENCES = ("daily", "weekly", "monthly", "quarterly", "yearly")


class RuleView(msgspec.Struct, frozen=True, kw_only=True):
    """A rule in words with its limits, the published text behind it, and how often it holds."""

    kind: str
    label: Phrase
    said: Phrase
    basis: str
    found: int


class PopulationView(msgspec.Struct, frozen=True, kw_only=True):
    """How many people stand behind a name of manifests, who counted them, and when."""

    name: str
    count: int
    source: str
    as_of: date


class ChangedLimit(msgspec.Struct, frozen=True, kw_only=True):
    """A limit in the present policy and in the one that is tried."""

    label: Phrase
    now: Phrase
    then: Phrase


class Nominated(msgspec.Struct, frozen=True, kw_only=True):
    """An app that one of the two policies nominates and the other does not."""

    name: Text
    href: str
    label: Phrase
    evidence: tuple[Phrase, ...]


class TrialView(msgspec.Struct, frozen=True, kw_only=True):
    """What the limits that were tried would change."""

    sentence: Phrase
    changed: tuple[ChangedLimit, ...]
    added: tuple[Nominated, ...]
    gone: tuple[Nominated, ...]
    same: int


class PolicyView(View, kw_only=True):
    """The policy in force, rule by rule, and the form in which other limits are tried."""

    template: ClassVar[str] = "policy.html"
    title: Phrase
    version: str
    evaluated: Phrase
    rules: list[RuleView]
    fairness: list[Phrase]
    windows: list[FactView]
    populations: list[PopulationView]
    exemptions: list[Phrase]
    form: dict[str, list[FieldView]]
    open: bool
    trial: TrialView | None


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""

    @get("/governance/policy", opt=needs("usage.read"))
    async def show(request: AnyRequest) -> Response[Any]:
        """Show the policy; with limits in the address also whom they would nominate."""
        known = {limit.name for limit in limits()}
        typed = {name: value for name, value in request.query_params.items() if name in known}
        if set(request.query_params) - known:
            raise Problem("unknown-choice", status=422)
        policy = portal.governance.in_force()
        other = tried(policy, typed)
        async with portal.read() as tx:
            need_everything(tx, request)
            held = Counter(kind for _, kind in await evaluation.kinds(tx))
            last = await evaluation.last(tx)
            register = await portal.governance.register(tx)
        view = view_of(policy, held, last)
        view.form = fields(policy, typed, other.errors)
        view.open = bool(typed)
        if other.policy is None:
            raise Invalid(*other.errors, view=view)
        if typed:
            difference = await portal.governance.what_if(other.policy)
            view.trial = TrialView(
                sentence=_sentence(difference, changed=bool(other.changed)),
                changed=tuple(
                    ChangedLimit(label=limit.label, now=limit.shown(now), then=limit.shown(then))
                    for limit, now, then in other.changed
                ),
                added=_nominated(difference.added, register),
                gone=_nominated(difference.gone, register),
                same=difference.same,
            )
        return await portal.show(request, view.template, view.title.key, view)

    return [show]


def view_of(policy: Policy, held: Counter[Any], last: LastLook | None) -> PolicyView:
    """Return a policy in words, with how many findings of each kind hold."""
    data = msgspec.to_builtins(policy)
    shown = {limit.name: limit.shown(limit.of(data)) for limit in limits()}

    def said(prefix: str, key: str) -> Phrase:
        params = {
            name.removeprefix(prefix).replace(".", "_"): value
            for name, value in shown.items()
            if name.startswith(prefix)
        }
        return Phrase(key, params)

    return PolicyView(
        title=Phrase("page.governance.policy"),
        version=policy.version,
        evaluated=Phrase("page.governance.evaluated", {"at": last.at})
        if last
        else Phrase("page.governance.never_evaluated"),
        rules=[
            RuleView(
                kind=kind,
                label=label_of(kind),
                said=said(f"rules.{kind}.", f"policy.rule.{kind}"),
                basis=getattr(policy.rules, kind).basis,
                found=held[kind],
            )
            for kind in KINDS
        ],
        fairness=[
            said("fairness.", f"policy.fair.{name}")
            for name in ("grace", "small", "unknown", "season", "exempt")
        ],
        windows=[
            FactView(
                Phrase(f"page.dossier.cadence.{cadence}"),
                Phrase("policy.days", {"n": getattr(policy.windows, cadence)}),
            )
            for cadence in CADENCES
        ],
        populations=[
            PopulationView(name=one.name, count=one.count, source=one.source, as_of=one.as_of)
            for one in policy.populations
        ],
        exemptions=[
            Phrase(
                "policy.exempt",
                {
                    "app": one.app,
                    "kind": Phrase(f"page.dossier.exemption_kind.{one.kind}"),
                    "basis": one.basis,
                    "until": one.expires,
                },
            )
            for one in policy.exemptions
        ],
        form={},
        open=False,
        trial=None,
    )


def _sentence(difference: WhatIf, *, changed: bool) -> Phrase:
    if not changed:
        return Phrase("policy.trial.same_limits")
    counts = {"added": len(difference.added), "gone": len(difference.gone), "n": difference.same}
    return Phrase("policy.trial.sentence", counts)


def _nominated(
    found: tuple[Finding, ...], register: dict[str, RegisterEntry]
) -> tuple[Nominated, ...]:
    return tuple(
        Nominated(
            name=register[finding.app].names,
            href=f"/governance/apps/{finding.app}",
            label=label_of(finding.kind),
            evidence=tuple(one.said for one in finding.evidence),
        )
        for finding in found
        if finding.app in register
    )
