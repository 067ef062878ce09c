"""What the pages of an app's life show."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, ClassVar

import msgspec

from core.access.granting import everywhere
from core.database import Transaction
from core.governance.archive import service as archive
from core.governance.archive.service import ArchiveFacts
from core.governance.lifecycle import service
from core.governance.lifecycle.hands import answers_for
from core.governance.lifecycle.in_the_way import ANNOUNCED, in_the_way
from core.governance.lifecycle.moving import earliest_closing, evidence_days
from core.governance.lifecycle.obstacles import Obstacle
from core.governance.lifecycle.service import StandingFacts, Taken
from core.governance.lifecycle.steps import Step, possible, step
from core.governance.register import RegisterEntry
from core.work.calendar import load_calendar
from plugin_sdk.deadlines import CalendarUnknown, local_day
from plugin_sdk.forms import Form, field_views
from plugin_sdk.identifiers import mask_name
from plugin_sdk.ports import Actor
from plugin_sdk.problems import Conflict, FieldError, NotFound
from plugin_sdk.routes import actor_of
from plugin_sdk.text import Text
from plugin_sdk.views import EntryView, FactView, FieldView, Phrase, View
from portal.pages.context import AnyRequest, Portal
from portal.pages.governance.sight import sight
from portal.pages.rows import kept

BACKWARDS = frozenset({"leave", "withdraw", "reconsider", "call_off", "reopen", "restore"})
ORDER = ("closes_on", "sha256", "reason", "noted")


class NextStep(msgspec.Struct, frozen=True, kw_only=True):
    """A step that may come next: `href` is its page, None for who may not take it, `why` where
    that is explained; `backwards` for one that undoes another."""

    verb: str
    label: Phrase
    does: Phrase
    obstacles: tuple[Obstacle, ...]
    href: str | None
    why: str
    backwards: bool = False


class ArchiveView(msgspec.Struct, frozen=True, kw_only=True):
    """The last archive of an app. `running` says that something of it is under way."""

    label: Phrase
    done: int
    total: int
    running: bool
    fault: Phrase | None
    facts: tuple[FactView, ...]
    sha256: str | None
    approvals: tuple[str, ...]
    give_up: bool


class LifeView(View, kw_only=True):
    """Where an app stands, how it came there, what comes next. `decides` is False for who answers
    for the app; `reversal` says what undoes the last step."""

    template: ClassVar[str] = "life.html"
    title: str
    app: str
    name: Text
    owner: str
    state: str
    state_label: Phrase
    facts: list[FactView]
    steps: list[EntryView]
    reversal: Phrase | None
    next: list[NextStep]
    waits: Phrase | None
    decides: bool
    archive: ArchiveView | None
    here: str
    back: str
    about_href: str
    merge_href: str | None = None
    review_href: str | None = None


class StepView(View, kw_only=True):
    """One step, before it is taken: what it does, what stands in its way, the form."""

    template: ClassVar[str] = "life_step.html"
    title: str
    verb: str
    app: str
    name: Text
    label: Phrase
    does: Phrase
    facts: list[FactView]
    blocked: tuple[Obstacle, ...]
    noticed: tuple[Obstacle, ...]
    fields: list[FieldView]
    hidden: dict[str, str]
    action: str
    back: str
    danger: bool


async def life(
    portal: Portal,
    request: AnyRequest,
    tx: Transaction,
    app: str,
    base: str,
    *,
    told: Sequence[Phrase],
) -> LifeView:
    """Return the page of an app's life. Raises `NotFound` for an app that the reader does not
    see."""
    register = await portal.governance.register(tx)
    entry = register.get(app)
    if entry is None or not (await sight(tx, request)).sees(entry.owner.code):
        raise NotFound
    here, last = await service.standing(tx, app), await archive.latest(tx, app)
    actor = actor_of(request)
    decides = base == "/governance" and not await answers_for(tx, actor, entry.owner.code)
    steps = await service.taken(tx, app)
    next = []
    for one in possible(here.stage) if base == "/governance" else []:
        if one.by_review or (last is not None and last.under_way):
            continue
        may = decides and everywhere(actor, one.permission, tx.now)
        next.append(
            NextStep(
                verb=one.verb,
                label=Phrase(f"life.step.{one.verb}"),
                does=Phrase(f"life.does.{one.verb}"),
                obstacles=tuple(await _before(portal, tx, actor, register, here, one, told)),
                href=f"{base}/apps/{app}/life/{one.verb}" if may else None,
                why=f"/why?permission={one.permission}",
                backwards=one.verb in BACKWARDS,
            )
        )
    return LifeView(
        title=portal.renderer.text(request.scope, Phrase("life.title", {"name": entry.names})),
        app=app,
        name=entry.names,
        owner=entry.owner.name,
        state=here.stage,
        state_label=Phrase(f"stage.{here.stage}"),
        facts=_facts(here, register),
        steps=[_entry(portal, request, one) for one in steps],
        reversal=_reversal(steps[0]) if steps else None,
        next=sorted(next, key=lambda one: one.backwards),
        waits=_waits(here.stage),
        decides=decides,
        archive=_archive(last, may=decides) if last else None,
        here=f"{base}/apps/{app}/life",
        back=f"{base}/apps/{app}",
        about_href=f"/about/{app}",
        merge_href=f"/governance/apps/{app}/merge" if here.successor else None,
        review_href=f"/apps/oversight/reviews/{here.review}"
        if here.review and actor.permits_for("oversight.review.read", tx.now)
        else None,
    )


async def step_page(
    portal: Portal,
    request: AnyRequest,
    tx: Transaction,
    app: str,
    one: Step,
    model: type[Form],
    *,
    values: Mapping[str, Any],
    errors: tuple[FieldError, ...],
    told: Sequence[Phrase],
) -> StepView:
    """Return the page of a step. Raises `NotFound`, `Conflict` where it is not possible now."""
    register = await portal.governance.register(tx)
    entry = register.get(app)
    if entry is None:
        raise NotFound
    here = await service.standing(tx, app)
    if here.stage not in one.sources:
        raise Conflict("lifecycle-elsewhere", app=app, stage=Phrase(f"stage.{here.stage}"))
    actor = actor_of(request)
    found = await _before(portal, tx, actor, register, here, one, told)
    noticed = tuple(obstacle for obstacle in found if obstacle.waivable)
    last = await archive.latest(tx, app)
    label = Phrase(f"life.step.{one.verb}")
    name = {"name": entry.names, "step": label}
    return StepView(
        title=portal.renderer.text(request.scope, Phrase("life.step_title", name)),
        verb=one.verb,
        app=app,
        name=entry.names,
        label=label,
        does=Phrase(f"life.does.{one.verb}"),
        facts=_about(one, entry, here, register, last),
        blocked=tuple(obstacle for obstacle in found if not obstacle.waivable),
        noticed=noticed,
        fields=await _fields(portal, tx, model, register, here, values, errors, noticed),
        hidden={"version": str(here.version), "seen": " ".join(o.key for o in noticed)}
        if "version" in model.model_fields
        else {},
        action=f"/governance/apps/{app}/life/{one.verb}",
        back=f"/governance/apps/{app}/life",
        danger=one.verb in ("close", "archive", "purge"),
    )


async def _before(
    portal: Portal,
    tx: Transaction,
    actor: Actor,
    register: Mapping[str, RegisterEntry],
    here: StandingFacts,
    one: Step,
    told: Sequence[Phrase],
) -> list[Obstacle]:
    """Return what stands in the way of a step, the archive's included."""
    if one.verb == "archive":
        return await archive.obstacles(tx, here.app)
    if one.verb == "purge":
        last = await archive.latest(tx, here.app)
        refused = archive.purge_refused(last, actor, local_day(tx.now)) if last else None
        if refused is None:
            return []
        said = Phrase(f"{refused.words}.detail", refused.params)
        return [Obstacle(key=refused.code, said=said)]
    days = evidence_days(portal.governance)
    return await in_the_way(
        tx, portal.apps, register, here, one.verb, told=told, evidence_days=days
    )


async def _fields(
    portal: Portal,
    tx: Transaction,
    model: type[Form],
    register: Mapping[str, RegisterEntry],
    here: StandingFacts,
    values: Mapping[str, Any],
    errors: tuple[FieldError, ...],
    noticed: Sequence[Obstacle],
) -> list[FieldView]:
    """Return the fields of a step, the day of closing filled in as far as it is known."""
    given = dict(values)
    if "closes_on" in model.model_fields and not given:
        days = portal.governance.in_force().life_cycle.sunset_days
        try:
            calendar = await load_calendar(tx)
            given["closes_on"] = str(earliest_closing(local_day(tx.now), days, calendar))
        except CalendarUnknown:
            given["closes_on"] = ""  # nobody knows yet which days are worked
    shown = field_views(
        model,
        "life",
        values=given,
        errors=errors,
        hints=frozenset({"reason", "closes_on", "sha256"}),
    )
    wanted = [field for field in shown if field.kind != "hidden"]
    if not noticed:
        wanted = [field for field in wanted if field.name != "noted"]
    return sorted(wanted, key=lambda field: ORDER.index(field.name))


def _about(
    one: Step,
    entry: RegisterEntry,
    here: StandingFacts,
    register: Mapping[str, RegisterEntry],
    last: ArchiveFacts | None,
) -> list[FactView]:
    """Return who is told of a step and what undoes it; what takes the app's place; of a bundle
    what it holds."""
    told = Phrase(f"life.tells.{one.told}", {"owner": entry.owner.name})
    back = (
        Phrase("life.back_by", {"step": Phrase(f"life.step.{one.back}")})
        if one.back
        else Phrase("life.back_none")
    )
    facts = [FactView(Phrase("life.fact.told"), told), FactView(Phrase("life.fact.back"), back)]
    if one.verb in ANNOUNCED:
        facts += _successor(here, register)
    if one.verb in ("restore", "purge") and last is not None:
        facts += _bundle(last)
    return facts


def _successor(here: StandingFacts, register: Mapping[str, RegisterEntry]) -> list[FactView]:
    if not here.successor:
        return []
    next = register.get(here.successor)
    name = Phrase("text", {"text": next.names if next else here.successor})
    return [FactView(Phrase("life.fact.successor"), name)]


def _facts(here: StandingFacts, register: Mapping[str, RegisterEntry]) -> list[FactView]:
    facts: dict[str, date] = {"since": here.since}
    if here.announced is not None:
        facts["announced"] = local_day(here.announced)
    if here.closes_on is not None:
        facts["closes_on"] = here.closes_on
    days = [FactView(Phrase(f"life.fact.{key}"), value) for key, value in facts.items()]
    return [*days[:1], *_successor(here, register), *days[1:]]


def _entry(portal: Portal, request: AnyRequest, one: Taken) -> EntryView:
    """Return a step that was taken, with what its taker took note of."""
    accepted = [
        portal.renderer.text(request.scope, Phrase(said["key"], kept(said["params"])))
        for said in one.facts.get("accepted", ())
    ]
    noted = portal.renderer.text(request.scope, Phrase("life.noted")) if accepted else ""
    return EntryView(
        verb=one.verb,
        label=Phrase(
            "life.entry",
            {"step": Phrase(f"life.step.{one.verb}"), "stage": Phrase(f"stage.{one.target}")},
        ),
        at=one.at,
        unit=one.unit,
        role=mask_name(one.name),
        reason=one.reason or None,
        text="\n".join([noted, *accepted]) if accepted else None,
        tone="returned" if one.verb in BACKWARDS else "done",
    )


def _reversal(last: Taken) -> Phrase:
    """Return what undoes the last step."""
    back = step(last.verb).back
    if back is None:
        return Phrase("life.reversal.none", {"step": Phrase(f"life.step.{last.verb}")})
    how = "by_review" if step(back).by_review else "by"
    return Phrase(
        f"life.reversal.{how}",
        {"step": Phrase(f"life.step.{last.verb}"), "back": Phrase(f"life.step.{back}")},
    )


def _waits(stage: str) -> Phrase | None:
    """Return what an app waits for that is not done here, None where nothing is."""
    if stage == "review":
        return Phrase("life.waits.review")
    if stage == "purged":
        return Phrase("life.waits.purged")
    return None


def _bundle(last: ArchiveFacts) -> list[FactView]:
    facts: dict[str, Phrase | date | int | str | None] = {
        "rows": last.rows,
        "files": last.files,
        "sha256": last.sha256,
        "keep_until": last.keep_until,
    }
    return [FactView(Phrase(f"life.fact.{key}"), value) for key, value in facts.items() if value]


def _archive(last: ArchiveFacts, *, may: bool) -> ArchiveView:
    return ArchiveView(
        label=Phrase(f"archive.phase.{last.phase}"),
        done=last.done,
        total=last.total,
        running=last.under_way and last.fault is None,
        fault=last.fault,
        facts=tuple(_bundle(last)),
        sha256=last.sha256,
        approvals=tuple(f"{one.unit} {mask_name(one.name)}" for one in last.approvals),
        give_up=may and last.phase in (*archive.BEFORE_DROPPED, "recalled"),
    )
