"""Taking a step with everything that belongs to it: the right, other hands than the owner's, a
reason, what stands in the way, the door, the notice, the record. One transaction holds it all.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final

import msgspec

from core import audit
from core.access.decisions import decide
from core.access.granting import everywhere
from core.access.holders import people_of
from core.apps import runtime
from core.apps.supervisor import Apps
from core.audit import SHELL
from core.database import Transaction
from core.governance.lifecycle import service
from core.governance.lifecycle.hands import need_other_hands
from core.governance.lifecycle.in_the_way import in_the_way
from core.governance.lifecycle.obstacles import Obstacle
from core.governance.lifecycle.service import StandingFacts
from core.governance.lifecycle.steps import CARRIED_OUT, Step, step
from core.governance.merging.gate import EVIDENCE_DAYS
from core.governance.merging.links import links_of
from core.governance.policy import PolicyError
from core.governance.register import RegisterEntry
from core.governance.service import Governance, NoPolicy
from core.identity.organizations import by_code
from core.messages import service as messages
from core.work.calendar import load_calendar
from plugin_sdk.deadlines import CalendarUnknown, WorkingCalendar, local_day
from plugin_sdk.ports import Actor, To
from plugin_sdk.problems import Conflict, Denied, Invalid, NotFound, field_error
from plugin_sdk.times import SHANGHAI
from plugin_sdk.views import Phrase

ANSWERING: Final = ("yimen.feedback.answer", "oversight.review.reply")
"""Who holds one of these at the owner's unit is told what happens to the app."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asks: a step and why; of a sunset the day of closing; the keys of
    what they saw in the way; the version they read, so that nobody steps on old news. `via` says
    how it came, where not by its page."""

    verb: str
    reason: str
    version: int | None = None
    closes_on: date | None = None
    seen: frozenset[str] = frozenset()
    via: str = ""


class Moved(msgspec.Struct, frozen=True):
    """Where an app stands after a step, and the generation of its door (None: it has none)."""

    standing: StandingFacts
    generation: int | None = None


async def move(
    tx: Transaction,
    governance: Governance,
    apps: Apps,
    app: str,
    asked: Asked,
    actor: Actor,
    *,
    told: Sequence[Phrase] = (),
    request_id: str | None = None,
) -> Moved:
    """Take a step of an app's life for a person, with its door, notice and record.

    `told` is what the app says is not finished (`in_the_way.unfinished`). Raises `NotFound`,
    `Denied`, `OwnerDecides`, `Invalid` for a field, and `Conflict` for a step that is not
    possible from here, that follows from a decision or from the archive alone, for news, and for
    what stands in the way.
    """
    one = step(asked.verb)
    register = await governance.register(tx)
    entry = register.get(app)
    if entry is None:
        raise NotFound
    if one.by_review or one.verb in CARRIED_OUT:
        raise Conflict("lifecycle-not-here", app=app, step=Phrase(f"life.step.{one.verb}"))
    grant = _grant(tx, actor, one.permission)
    await need_other_hands(tx, actor, entry.owner.code, entry.owner.name)
    if not asked.reason.strip():
        raise Invalid(field_error("reason", "missing"))
    here = await service.standing(tx, app)
    values: dict[str, Any] = {}
    if one.verb == "sunset":
        rules = governance.in_force().life_cycle
        values = await _sunset(tx, rules.sunset_days, asked.closes_on)
    elif one.verb == "call_off":
        values = {"announced": None, "closes_on": None}
    found = await in_the_way(
        tx,
        apps,
        register,
        here,
        one.verb,
        told=told,
        evidence_days=evidence_days(governance),
    )
    accepted = _accepted(app, found, asked.seen)
    now = await service.take(
        tx,
        app,
        one.verb,
        actor,
        version=asked.version,
        reason=asked.reason.strip(),
        name=actor.name,
        unit=actor.organization_name,
        facts={"accepted": [msgspec.to_builtins(obstacle.said) for obstacle in accepted]}
        if accepted
        else None,
        **values,
    )
    generation = await set_door(tx, apps, one, now, actor=actor)
    await tell_owner(tx, entry, one.verb, now)
    await audit.record(
        tx,
        actor,
        SHELL,
        f"life-{one.verb}",
        f"app:{app}",
        permission=one.permission,
        granted_by=grant,
        request_id=request_id,
        facts={
            "reason": asked.reason.strip(),
            "from": here.stage,
            "to": now.stage,
            **({"via": asked.via} if asked.via else {}),
        },
    )
    return Moved(now, generation)


async def set_door(
    tx: Transaction, apps: Apps, one: Step, now: StandingFacts, *, actor: Actor
) -> int | None:
    """Set the door as a step wants it; return its generation. None: the step leaves it as it is,
    or the app stands beyond the door. Why it was taken stays on record: whoever comes to the door
    reads what stands on it."""
    if one.door is None or now.app not in await runtime.gates(tx):
        return None
    leaving = one.door != "open"
    return await apps.change_within(
        tx,
        now.app,
        mode=one.door,
        successor=now.successor if leaving else None,
        deprecated_at=now.announced if leaving else None,
        sunset_at=closing(now.closes_on) if leaving and now.closes_on else None,
        links=await links_of(tx, now.app) if leaving else (),
        by=actor.person_id,
    )


async def tell_owner(tx: Transaction, entry: RegisterEntry, verb: str, now: StandingFacts) -> None:
    """Tell whoever answers for an app that it took a step, each of them once; who may not read its
    figures is led to the page that everybody reads."""
    unit = await by_code(tx, entry.owner.code)
    if unit is None:
        return
    people = set()
    for permission in ANSWERING:
        people |= await people_of(tx, unit.id, permission)
    said: dict[str, Any] = {"name": entry.names}
    if now.closes_on is not None and verb in ("sunset", "reopen"):
        said["day"] = now.closes_on
    readers = await people_of(tx, unit.id, "yimen.usage.read")
    for person in sorted(people):
        await messages.send(
            tx,
            SHELL,
            To(person_id=person),
            Phrase(f"life.told.{verb}", said),
            f"/owner/apps/{entry.app}/life" if person in readers else f"/about/{entry.app}",
        )


def evidence_days(governance: Governance) -> int:
    """Return for how many days a proof counts; an app can be closed without a policy too."""
    try:
        return governance.policy().life_cycle.evidence_days
    except (NoPolicy, PolicyError):
        return EVIDENCE_DAYS


def closing(day: date) -> datetime:
    """Return when an app closes that closes on a day: as it begins, in Shanghai."""
    return datetime.combine(day, time(), SHANGHAI)


def earliest_closing(today: date, days: int, calendar: WorkingCalendar) -> date:
    """Return the first working day that is so many days ahead. Raises `CalendarUnknown`."""
    day = today + timedelta(days=days)
    while not calendar.is_working_day(day):
        day += timedelta(days=1)
    return day


def _grant(tx: Transaction, actor: Actor, permission: str) -> str:
    """Return the grant that a person takes a step by: one for the whole hub. Raises `Denied`."""
    permit = decide(actor, permission, tx.now)
    if actor.person_id is None or permit is None:
        raise Denied(permission)
    if not everywhere(actor, permission, tx.now):
        raise Denied(permission, reason="out-of-scope")
    return permit.grant


async def _sunset(tx: Transaction, least: int, day: date | None) -> dict[str, Any]:
    """Return what a sunset announces, `least` days ahead or more. Raises `Invalid`: a day that is
    too early, no working day, or in a year whose calendar is not known is refused, never guessed
    at. What takes an app's place is not said here: a merge alone promises that, once it is proven.
    """
    wrong, today = [], local_day(tx.now)
    if day is None:
        wrong.append(field_error("closes_on", "missing"))
    elif day < today + timedelta(days=least):
        wrong.append(
            field_error("closes_on", "closes-early", n=least, day=today + timedelta(days=least))
        )
    else:
        try:
            if not (await load_calendar(tx)).is_working_day(day):
                wrong.append(field_error("closes_on", "not-a-working-day"))
        except CalendarUnknown as unknown:
            wrong.append(field_error("closes_on", "beyond-calendar", year=str(unknown.year)))
    if wrong:
        raise Invalid(*wrong)
    return {"announced": tx.now, "closes_on": day}


def _accepted(app: str, found: Sequence[Obstacle], seen: frozenset[str]) -> list[Obstacle]:
    """Return what was in the way and taken note of. Raises `Conflict` for the first thing that
    cannot be waived or was not seen."""
    left = [one for one in found if not (one.waivable and one.key in seen)]
    if left:
        raise Conflict("lifecycle-blocked", app=app, said=left[0].said, n=len(left))
    return list(found)
