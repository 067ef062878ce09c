"""The flow of a review (复核): nominated → the owner replies, or stays silent → a person who is
neither the owner nor took part decides: keep, improve, merge or retire."""

from datetime import date
from typing import Any, Final

from msgspec import structs

from core.governance.lifecycle.hands import OwnerDecides
from core.governance.lifecycle.service import standing, take
from core.governance.lifecycle.steps import OVER
from core.governance.oversight.evidence import changed, kept, snapshot, stored
from core.governance.oversight.forms import AnswerForm, ImproveForm, MergeForm, PlanForm
from core.governance.oversight.known import is_owners, policy_of, register_of, tx_of
from core.governance.oversight.models import Review
from core.identity.organizations import organization
from plugin_sdk.cases import clock
from plugin_sdk.cases.flow import Clock, Flow, Notice, State, Transition, Who
from plugin_sdk.cases.forms import ActForm, ReasonForm
from plugin_sdk.cases.shorthand import HOLDER
from plugin_sdk.deadlines import Term, local_day
from plugin_sdk.manifest_model import Stage
from plugin_sdk.ports import Hub, Read, Work
from plugin_sdk.problems import AppConflict, FieldError, Invalid, Problem, field_error
from plugin_sdk.views import Phrase

OPEN, REPLY, DECIDE, READ = "review.open", "review.reply", "review.decide", "review.read"
REPLIES: Final = ("plan", "object", "consent")
VERDICTS: Final = ("keep", "improve", "merge", "retire")
TO_DECIDE: Final = ("answered", "silent", "again", "due")
"""States in which a decision is awaited: after a reply, after silence, once more, and when the
time to improve is over."""
GOING: Final[frozenset[Stage]] = frozenset({"merge", "retire", "sunset", *OVER})
"""Stages of apps that take nobody's place."""
LONGEST: Final = 730
"""Days that an app may be given to improve: two years."""
OWNER: Final = Notice(to="holder")
DECIDERS: Final = Notice(to="origin", permission=DECIDE)


def review_flow(hub: Hub) -> Flow:
    """Return the flow with the terms of the policy in force."""
    return Flow(
        name="review",
        series="review",
        path="/reviews",
        start="waiting",
        opening="nominate",
        read=READ,
        file=OPEN,
        remind=_remind(hub),
        late="lapse",
        states=(
            State(key="waiting", waits_for=REPLY),
            *(
                State(key=key, waits_for=DECIDE, at="origin", clock=Clock.STOPPED)
                for key in TO_DECIDE
            ),
            State(key="improve"),
            *(
                State(key=key, at="origin", clock=Clock.STOPPED, final=True)
                for key in ("keep", "merge", "retire", "withdrawn")
            ),
        ),
        transitions=(*_replies(hub), *_decisions(hub), *_others(hub)),
    )


def _remind(hub: Hub) -> int | None:
    try:
        return policy_of(hub).life_cycle.remind_days
    except Problem:  # said to whoever opens a review
        return None


def _replies(hub: Hub) -> list[Transition]:
    """Return what an owner may answer. Silence is none of them: it is recorded as silence."""

    async def in_time(work: Work, row: Review, form: AnswerForm) -> None:
        if row.due_at is not None and work.now > row.due_at:
            raise AppConflict(hub.app, "reply-late", date=local_day(row.due_at))
        planned = getattr(form, "planned_on", None)
        if planned is not None and planned < local_day(work.now):
            raise Invalid(field_error("planned_on", "in-the-past"))

    def reply(verb: str, form: type[ActForm]) -> Transition:
        async def keep(work: Work, row: Review, sent: AnswerForm) -> None:
            row.reply, row.reply_text, row.replied_at = verb, sent.text, work.now
            row.planned_on = getattr(sent, "planned_on", None)

        return Transition(
            verb=verb,
            sources=("waiting",),
            target="answered",
            permission=REPLY,
            who=HOLDER,
            another_than=("nominate",),
            form=form,
            notifies=(DECIDERS,),
            guard=in_time,
            apply=keep,
            resolves=True,
        )

    return [reply("plan", PlanForm), reply("object", AnswerForm), reply("consent", AnswerForm)]


def _decisions(hub: Hub) -> list[Transition]:
    """Return what may be decided, each with a reason, on evidence that still holds."""

    async def may_decide(work: Work, row: Review, form: ActForm) -> None:
        await check_apart(work, row)
        snap, policy = kept(row.evidence), policy_of(hub)
        fresh = snap.names_the_same(await snapshot(tx_of(work), row.app))
        if not fresh or snap.too_old(policy, work.now):
            day, days = local_day(snap.at or row.opened_at), policy.life_cycle.evidence_days
            raise AppConflict(hub.app, "stale-evidence", date=day, days=days)

    def decide(verdict: str, form: type[ActForm]) -> Transition:
        async def apply(work: Work, row: Review, sent: Any) -> None:
            until: date | None = getattr(sent, "until", None)
            successor: str | None = getattr(sent, "successor", None)
            if successor is not None:
                await _check_successor(hub, work, row, successor)
            if until is not None:
                _give_time(hub, work, row, until)
            facts = {"until": until.isoformat()} if until else {}
            await _move(work, row, verdict, sent.reason, facts, successor=successor)
            row.verdict, row.reasons, row.decided_at = verdict, sent.reason, work.now
            row.improve_until, row.successor = until, successor
            row.decided_by, row.decided_name = work.actor.person_id, work.actor.name
            row.decided_unit = work.actor.organization_name
            if until is None:
                row.pending = None

        return Transition(
            verb=verdict,
            sources=TO_DECIDE,
            target=verdict,
            permission=DECIDE,
            another_than=("nominate", *REPLIES),
            form=form,
            notifies=(OWNER,),
            guard=may_decide,
            apply=apply,
            reason_required=True,
            effect="review.decided",
        )

    forms: dict[str, type[ActForm]] = {
        "keep": ReasonForm,
        "improve": ImproveForm,
        "merge": MergeForm,
        "retire": ReasonForm,
    }
    return [decide(verdict, forms[verdict]) for verdict in VERDICTS]


def _others(hub: Hub) -> list[Transition]:
    """Return what is done beside: bringing the evidence up to date, deciding once more,
    withdrawing, and what the hub does when a term is over."""

    async def may_refresh(work: Work, row: Review, form: ActForm) -> None:
        await check_apart(work, row)

    async def refresh(work: Work, row: Review, form: ActForm) -> None:
        before, after = kept(row.evidence), await snapshot(tx_of(work), row.app)
        if not after.newer_than(before):
            day = local_day(after.at) if after.at else None
            raise AppConflict(hub.app, "nothing-newer", date=day or "")
        row.evidence = stored(structs.replace(after, change=changed(before, after)))

    async def may_reconsider(work: Work, row: Review, form: ActForm) -> None:
        await check_apart(work, row)
        here = await standing(tx_of(work), row.app)
        if here.review != row.number:
            raise AppConflict(hub.app, "another-review", number=here.review or "")
        if here.stage not in VERDICTS:
            raise AppConflict(hub.app, "begun", stage=Phrase(f"stage.{here.stage}"))

    async def reconsider(work: Work, row: Review, form: ReasonForm) -> None:
        await _take(work, row, "reconsider", form.reason)
        row.pending = row.app
        row.closed_at = row.resolved_at = None
        clock.start(hub, row, work.now, None)

    async def may_withdraw(work: Work, row: Review, form: ActForm) -> None:
        if row.opened_by not in work.actor.hands:
            await check_apart(work, row)

    async def withdraw(work: Work, row: Review, form: ReasonForm) -> None:
        await _take(work, row, "withdraw", form.reason, review=None)
        row.pending = None

    async def lapse(work: Work, row: Review, form: None) -> None:
        if row.state == "waiting":
            row.reply = "none"

    def silent(source: str, target: str) -> Transition:
        return Transition(
            verb="lapse",
            sources=(source,),
            target=target,
            permission=DECIDE,
            who=(Who.SYSTEM,),
            notifies=(DECIDERS, OWNER),
            apply=lapse,
            resolves=True,
        )

    reasoned: dict[str, Any] = {"form": ReasonForm, "reason_required": True, "notifies": (OWNER,)}
    return [
        Transition(
            verb="refresh",
            sources=TO_DECIDE,
            permission=DECIDE,
            guard=may_refresh,
            apply=refresh,
            notifies=(OWNER,),
        ),
        Transition(
            verb="reconsider",
            sources=VERDICTS,
            target="again",
            permission=DECIDE,
            another_than=("nominate", *REPLIES),
            guard=may_reconsider,
            apply=reconsider,
            **reasoned,
        ),
        Transition(
            verb="withdraw",
            sources=("waiting", "answered", "silent"),
            target="withdrawn",
            permission=OPEN,
            guard=may_withdraw,
            apply=withdraw,
            **reasoned,
        ),
        silent("waiting", "silent"),
        silent("improve", "due"),
    ]


async def check_apart(read: Read, row: Review) -> None:
    """Raise `OwnerDecides` when the act would be that of the owner of the app."""
    if await is_owners(read, row.organization_id):
        names = await organization(tx_of(read), row.organization_id)
        raise OwnerDecides(names.name if names else "")


async def _check_successor(hub: Hub, work: Work, row: Review, successor: str) -> None:
    entry = (await register_of(hub, work)).get(successor)
    if entry is None or successor == row.app:
        raise Invalid(FieldError("successor", Phrase("oversight.wrong.successor")))
    if entry.stage in GOING:
        raise Invalid(FieldError("successor", Phrase("oversight.wrong.successor_going")))


def _give_time(hub: Hub, work: Work, row: Review, until: date) -> None:
    days = (until - local_day(work.now)).days
    if days < 1:
        raise Invalid(field_error("until", "in-the-past"))
    if days > LONGEST:
        raise Invalid(FieldError("until", Phrase("oversight.wrong.until", {"days": LONGEST})))
    row.resolved_at = None
    clock.start(hub, row, work.now, Term(calendar_days=days))


async def _move(
    work: Work,
    row: Review,
    verdict: str,
    reason: str,
    facts: dict[str, Any],
    *,
    successor: str | None,
) -> None:
    """Move the app as was decided: from a time to improve by way of another review. An app that
    has left its review meanwhile (its time to improve was ended by hand) stays where it is when
    nothing else is decided than to keep it."""
    here = await standing(tx_of(work), row.app)
    if here.review == row.number and here.stage == "improve":
        await _take(work, row, "reconsider", reason)
    elif here.stage != "review" and verdict == "keep":
        return
    await _take(work, row, verdict, reason, facts, successor=successor)


async def _take(
    work: Work,
    row: Review,
    verb: str,
    reason: str,
    facts: dict[str, Any] | None = None,
    **values: Any,
) -> None:
    actor = work.actor
    await take(
        *(tx_of(work), row.app, verb, actor),
        reason=reason,
        name=actor.name,
        unit=actor.organization_name,
        facts={"review": row.number, **(facts or {})},
        **values,
    )
