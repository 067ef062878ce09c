"""The merge of an app into its successor, as an office shows and prints it: old function, new
place, proof or waiver; data; old links; and what is still to be proven."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Final, Literal
from uuid import UUID

import msgspec

from core.database import Transaction
from core.governance.lifecycle.moving import evidence_days
from core.governance.lifecycle.obstacles import Obstacle
from core.governance.lifecycle.service import StandingFacts, standing
from core.governance.lifecycle.steps import OVER
from core.governance.merging import gate, links, parity, reconciling
from core.governance.merging.functions import routes_of
from core.governance.merging.links import LinkFacts
from core.governance.merging.parity import FunctionFacts
from core.governance.merging.reconciling import SHOWN, KindFacts
from core.governance.merging.signing import signers
from core.governance.policy import Policy, PolicyError
from core.governance.register import RegisterEntry
from core.governance.service import NoPolicy
from plugin_sdk.problems import NotFound, Problem
from plugin_sdk.text import Text
from plugin_sdk.views import FieldView, Phrase, View, Words
from portal.pages.context import AnyRequest, Portal
from portal.pages.governance.sight import sight

REFUSED: Final = (401, 403, 404)
"""Answers that may say no more than that whoever checked may not see it."""
Tone = Literal["ok", "soon", "late", "paused"]
TONES: Final[Mapping[str, Tone]] = {
    "proven": "ok",
    "equal": "ok",
    "waived": "paused",
    "old": "soon",
    "open": "late",
    "unplaced": "late",
    "unequal": "late",
}


class ProofView(msgspec.Struct, frozen=True, kw_only=True):
    """How something stands: in words, when and by whom that was found or signed."""

    state: str
    tone: Tone
    said: Words
    by: Phrase | None = None


class FunctionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One function of the old app, its place in the new one, and the proof."""

    function: str
    name: Text
    listed: bool
    was: str
    route: str
    example: str
    proof: ProofView


class DataRow(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of data on both sides."""

    kind: str
    label: Words
    old_rows: int
    old_digest: str
    new_rows: int | None
    new_digest: str | None
    proof: ProofView


class LinkRow(msgspec.Struct, frozen=True, kw_only=True):
    """Where an old address leads; `target` is '' for one that leads nowhere yet, `offered` what
    is proposed for it."""

    path: str
    target: str
    example: str
    offered: str
    proof: ProofView


class MergeView(View, kw_only=True):
    """The proof of a merge. `choose` is the form in which the new app is chosen, where it is not
    yet decided; `acts` says whether the reader may change something; `announce` leads on once the
    gate is open."""

    template: ClassVar[str] = "merge.html"
    app: str
    name: Text
    owner: str
    state_label: Phrase
    successor: str | None
    successor_name: Text | None
    open: bool
    gate: Phrase
    obstacles: list[Obstacle]
    counted: Phrase
    live: Phrase | None
    functions: list[FunctionRow]
    data: list[DataRow]
    links: list[LinkRow]
    behind_door: bool
    acts: bool
    choose: list[FieldView]
    exports: dict[str, str]
    here: str
    back: str
    life_href: str
    announce: str | None = None


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A merge as it stands: the old app, where it stands, and the app that it is merged into."""

    entry: RegisterEntry
    stands: StandingFacts
    successor: RegisterEntry | None
    register: Mapping[str, RegisterEntry]

    @property
    def app(self) -> str:
        """Return the old app."""
        return self.entry.app

    @property
    def into(self) -> str:
        """Return the new app. Raises `Problem` (409) where none is chosen."""
        if self.successor is None:
            raise Problem("merge-none", status=409)
        return self.successor.app

    @property
    def over(self) -> bool:
        """Return whether the old app is closed: what was proven stays as it was."""
        return self.stands.stage in OVER


async def case_of(portal: Portal, request: AnyRequest, tx: Transaction, app: str) -> Case:
    """Return the merge of an app. Raises `NotFound` for one that the reader does not see."""
    register = await portal.governance.register(tx)
    entry = register.get(app)
    if entry is None or not (await sight(tx, request)).sees(entry.owner.code):
        raise NotFound
    stands = await standing(tx, app)
    into = stands.successor or await parity.successor_of(tx, app)
    return Case(entry=entry, stands=stands, successor=register.get(into or ""), register=register)


def policy_of(portal: Portal) -> Policy | None:
    """Return the policy, None where there is none in force."""
    try:
        return portal.governance.policy()
    except (NoPolicy, PolicyError):
        return None


def routes_in(portal: Portal, app: str) -> frozenset[str]:
    """Return the routes that an app behind the door serves."""
    instance = portal.apps.instances.get(app)
    return routes_of(instance) if instance else frozenset()


async def merge(
    portal: Portal, tx: Transaction, case: Case, *, acts: bool, choose: list[FieldView]
) -> MergeView:
    """Return the proof of a merge as it stands."""
    app, successor = case.app, case.successor.app if case.successor else ""
    days = evidence_days(portal.governance)
    fresh = tx.now - timedelta(days=days)
    # what was proven when the app closed does not grow old: it is not asked for any more
    since = datetime.min.replace(tzinfo=tx.now.tzinfo) if case.over else fresh
    functions = await parity.functions(tx, app, successor)
    kinds = await reconciling.kinds(tx, app, successor)
    found = await links.links(tx, app)
    lost = await links.missing(tx, app, successor) if successor else {}
    who = await signers(
        tx, [*(one.checked_by for one in functions), *(one.checked_by for one in kinds)]
    )
    obstacles = []
    if successor and case.stands.stage == "sunset":  # what is left is where old links lead
        obstacles = await links.untested(tx, app, successor, fresh)
    elif successor and not case.over:
        every = await gate.obstacles(tx, app, successor, evidence_days=days)
        obstacles = [one for one in every if one.key != gate.DATE]  # the sunset itself names it
    here = f"/governance/apps/{app}/merge"
    rows = [_function(one, since, who) for one in functions]
    return MergeView(
        app=app,
        name=case.entry.names,
        owner=case.entry.owner.name,
        state_label=Phrase(f"stage.{case.stands.stage}"),
        successor=successor or None,
        successor_name=case.successor.names if case.successor else None,
        open=bool(successor) and not obstacles,
        gate=_gate(case, obstacles),
        obstacles=obstacles,
        counted=Phrase(
            "merge.counted",
            {
                "n": len(rows),
                "proven": sum(row.proof.state == "proven" for row in rows),
                "waived": sum(row.proof.state == "waived" for row in rows),
            },
        ),
        live=_live(functions, since, case.stands.closes_on),
        functions=rows,
        data=[_data(one, since, who) for one in kinds],
        links=[
            *(_link(one, since) for one in found),
            *(_lost(path, offered) for path, offered in lost.items()),
        ],
        behind_door=case.entry.behind_door,
        acts=acts and not case.over,
        choose=choose,
        exports={kind: f"{here}/proof.{kind}" for kind in ("pdf", "xlsx")} if successor else {},
        here=here,
        back=f"/governance/apps/{app}",
        life_href=f"/governance/apps/{app}/life",
        announce=f"/governance/apps/{app}/life/sunset"
        if acts and successor and not obstacles and case.stands.stage == "merge"
        else None,
    )


def _gate(case: Case, obstacles: list[Obstacle]) -> Phrase:
    if case.successor is None:
        return Phrase("merge.choose.intro")
    if case.over:
        return Phrase("merge.over")
    if case.stands.stage == "sunset":
        how = "unlinked" if obstacles else "announced"
        return Phrase(f"merge.{how}", {"closes": case.stands.closes_on, "n": len(obstacles)})
    if obstacles:
        return Phrase("merge.closed", {"n": len(obstacles)})
    return Phrase("merge.open")


def _live(functions: list[FunctionFacts], since: datetime, closes: date | None) -> Phrase | None:
    """Return that everything was there in the new app before the old one stopped, once it is."""
    times = [one.waived_at if one.waiver else one.answered_at for one in functions]
    done = all(one.standing(since) in ("proven", "waived") for one in functions)
    if not functions or not done:
        return None
    at = max(time for time in times if time is not None)
    if closes is None:
        return Phrase("merge.before", {"at": at})
    return Phrase("merge.live", {"at": at, "closes": closes})


def _function(one: FunctionFacts, fresh: datetime, who: Mapping[UUID, str]) -> FunctionRow:
    state = one.standing(fresh)
    return FunctionRow(
        function=one.function,
        name=one.name,
        listed=one.listed,
        was=one.was or "",
        route=one.route,
        example=one.example,
        proof=ProofView(
            state=state,
            tone=TONES[state],
            said=_proof_of(one, state),
            by=_signed(one) if one.waiver else _checked(one.answered_at, one.checked_by, who),
        ),
    )


def _proof_of(one: FunctionFacts, state: str) -> Phrase:
    if state == "waived":
        return Phrase("merge.proof.waived", {"reason": one.waiver})
    if state == "unplaced":
        return Phrase("merge.functions.unplaced")
    if state == "old":
        return Phrase("merge.proof.old")
    if one.proof:
        return Phrase(f"merge.proof.{one.proof}", {"status": one.status})
    if one.checked_by is None:
        return Phrase("merge.proof.none")
    if not one.route.startswith("GET "):
        return Phrase("merge.proof.unused")
    if one.status is None:
        return Phrase("merge.proof.silent" if one.example else "merge.proof.no_example")
    name = "forbidden" if one.status in REFUSED else "failed"
    return Phrase(f"merge.proof.{name}", {"status": one.status})


def _data(one: KindFacts, fresh: datetime, who: Mapping[UUID, str]) -> DataRow:
    state = one.standing(fresh)
    said = {
        "waived": Phrase("merge.proof.waived", {"reason": one.waiver}),
        "equal": Phrase("merge.data.equal"),
        "old": Phrase("merge.data.stale"),
        "unequal": Phrase("merge.data.unequal"),
    }
    return DataRow(
        kind=one.kind,
        label=one.label,
        old_rows=one.old_rows,
        old_digest=one.old_digest[:SHOWN],
        new_rows=one.new_rows,
        new_digest=one.new_digest[:SHOWN] if one.new_digest else None,
        proof=ProofView(
            state=state,
            tone=TONES[state],
            said=said[state],
            by=_signed(one) if one.waiver else _checked(one.at, one.checked_by, who),
        ),
    )


def _link(one: LinkFacts, fresh: datetime) -> LinkRow:
    works = one.works(fresh)
    said = Phrase("merge.links.untested")
    if one.tested_at is not None:
        name = "silent" if one.status is None else "works" if links.leads(one.status) else "failed"
        said = Phrase(f"merge.links.{name}", {"status": one.status, "at": one.tested_at})
    tone: Tone = "ok" if works else "soon" if links.leads(one.status) else "late"
    return LinkRow(
        path=one.path,
        target=one.target,
        example=one.example,
        offered="",
        proof=ProofView(state="proven" if works else "open", tone=tone, said=said),
    )


def _lost(path: str, offered: str) -> LinkRow:
    said = Phrase("merge.functions.unplaced")
    proof = ProofView(state="unplaced", tone="late", said=said)
    return LinkRow(path=path, target="", example="", offered=offered, proof=proof)


def _checked(at: datetime | None, by: UUID | None, who: Mapping[UUID, str]) -> Phrase | None:
    if at is None or by is None:
        return None
    return Phrase("merge.proof.by", {"at": at, "who": who.get(by, "")})


def _signed(one: Any) -> Phrase:
    return Phrase("merge.proof.signed", {"at": one.waived_at, "who": one.waived_name})
