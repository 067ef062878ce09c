"""Requests that repeat another (并案): the follower gets the original's answers.

A follower waits in a state of its own, without a unit. When the original is answered, each follower
is answered with the same text by an act on its own timeline; one that is put there later gets the
answer at once. When the original is reopened each follower is too, so that its requester can rate
the new answer. It keeps its own deadline, the promise that was made to whoever asked: where the
original takes longer, the follower is late too, and the dispatcher is told; supervised is only who
holds the original, when that is late.

The time that it took is the centre's, which put it there. The answer is the unit's that wrote it:
with the answer the unit holds the follower too, so that what its requester says of that, and what
a check finds, is said to whom it concerns. One that is secret stays with the centre: the unit may
be whom it is about. One that is kept secret afterwards goes back there, and is closed to whoever
saw it for nothing but an answer that was passed on.

Whoever called for one order learns nothing of who called for another: nothing of the original but
its answer is passed on, and its caller's name and number are taken out of that. Of an original that
is kept secret afterwards not even the answer is: what waits for it is released, to be dispatched by
itself.
"""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_, delete, func, or_
from sqlmodel import col

from plugin_sdk.cases import CaseEngine
from plugin_sdk.cases.flow import Does, Guard, Notice, State, Transition, Who
from plugin_sdk.cases.forms import LONG_TEXT, ActForm, ReasonForm
from plugin_sdk.cases.shorthand import ORIGIN
from plugin_sdk.ports import Read, Work
from plugin_sdk.problems import Conflict, FieldError, Invalid
from plugin_sdk.views import Phrase
from plugins.hotline.dispatching.alike import unfit
from plugins.hotline.dispatching.forms import FollowForm, PassOnForm
from plugins.hotline.enterprises.models import Enterprise
from plugins.hotline.models import ANSWERED, Order, OrderEntry, OrderParty
from plugins.hotline.naming import without_caller
from plugins.hotline.open311.publishing import changed

FOLLOWING: Final = State(key="following")
PERMISSION: Final = "order.dispatch"
TIMER: Final = "followers"
BATCH: Final = 100
"""How many followers are told in one unit of work."""


def transitions(whole: Guard) -> list[Transition]:
    """Return the acts of following: put on, taken off, answered with the original, told, released
    from it, late. `whole` refuses the part of a decision."""
    requester, dispatchers = Notice(to="requester"), Notice(to="origin", permission=PERMISSION)
    passed: dict[str, Any] = {
        "verb": "pass-on",
        "permission": PERMISSION,
        "who": (Who.SYSTEM,),
        "form": PassOnForm,
        "apply": _keep,
        "public": True,
        "notifies": (requester,),
        "tone": "done",
    }
    return [
        Transition(
            verb="follow",
            sources=("received",),
            target=FOLLOWING.key,
            permission=PERMISSION,
            who=ORIGIN,
            form=FollowForm,
            guard=whole,
            apply=_follow,
            public=True,
        ),
        Transition(
            verb="unfollow",
            sources=(FOLLOWING.key,),
            target="received",
            permission=PERMISSION,
            who=ORIGIN,
            form=ReasonForm,
            apply=_unfollow,
            reason_required=True,
        ),
        Transition(
            sources=(FOLLOWING.key,),
            target="replied",
            resolves=True,
            effect="order.answered",
            event="order.replied",
            **passed,
        ),
        Transition(
            verb="original-reopened",
            sources=ANSWERED,
            target=FOLLOWING.key,
            permission=PERMISSION,
            who=(Who.SYSTEM,),
            public=True,
            reopens=True,
            moves="origin",
            event="order.reopened",
            notifies=(requester,),
        ),
        Transition(
            verb="release",
            sources=(FOLLOWING.key,),
            target="received",
            permission=PERMISSION,
            who=(Who.SYSTEM,),
            apply=_unfollow,
            public=True,
            notifies=(dispatchers,),
        ),
        Transition(
            verb="overdue",
            sources=(FOLLOWING.key,),
            target=None,
            permission=PERMISSION,
            who=(Who.SYSTEM,),
            does=Does.SUPERVISE,  # that it was heard of, once
            notifies=(dispatchers,),
        ),
    ]


async def _keep(work: Work, row: Order, form: PassOnForm) -> None:
    row.reply, row.answered_at, row.organization_id = form.text, work.now, form.unit
    await changed(work, row)


async def take_back(work: Work, row: Order) -> None:
    """Take an order that is kept secret from now on from the units that hold or held it for nothing
    but an answer that was passed on. Who was ever given it to handle goes on seeing it, as any
    secret order."""
    if row.follows_id is not None and row.state in ANSWERED:
        row.organization_id = row.origin_organization_id

    async def units(verb: str) -> set[UUID]:
        found = work.rows(OrderEntry, col(OrderEntry.organization_id), permission="order.read")
        found = found.where(col(OrderEntry.case_id) == row.id, col(OrderEntry.verb) == verb)
        return set((await work.session.execute(found)).scalars())

    answered = await units("pass-on") - await units("dispatch")
    if answered:
        await work.session.execute(
            delete(OrderParty).where(
                col(OrderParty.case_id) == row.id,
                col(OrderParty.role) == "holder",  # and not who filed it, or received it
                col(OrderParty.organization_id).in_(answered),
            )
        )


async def _follow(work: Work, row: Order, form: FollowForm) -> None:
    """Put an order, and what follows it, on its original."""
    original = await _original(work, row, form.original.replace(" ", ""))
    row.follows_id = original.id
    behind = work.rows(Order, col(Order.id), permission=PERMISSION)
    behind = behind.where(col(Order.follows_id) == row.id).order_by(col(Order.id))
    for id in list((await work.session.execute(behind)).scalars()):
        follower = await work.get(Order, id, permission=PERMISSION)
        follower.follows_id = original.id


async def _original(work: Work, row: Order, number: str) -> Order:
    """Return the order that is followed in the end, held so that nobody moves it meanwhile."""
    id = await _root(work, number)
    if id is None or id == row.id:
        raise _refusal("no-original" if id is None else "itself")
    found = await work.get(Order, id, permission=PERMISSION)
    if found.follows_id is not None:  # it was put on another as one looked
        raise Conflict("written-meanwhile")
    if (why := _unfit(found)) is not None:
        raise _refusal(why)
    return found


async def _root(work: Work, number: str) -> UUID | None:
    """Return which order is followed in the end by one that follows a number; nothing is held."""

    async def look(which: Any) -> tuple[UUID, UUID | None] | None:
        columns = (col(Order.id), col(Order.follows_id))
        statement = work.rows(Order, *columns, permission=PERMISSION).where(which)
        row = (await work.session.execute(statement)).first()
        return None if row is None else (row[0], row[1])

    found = await look(col(Order.number) == number)
    while found is not None and found[1] is not None:
        found = await look(col(Order.id) == found[1])
    return found[0] if found else None


def _unfit(row: Order) -> str | None:
    return "part-original" if row.split_from_id is not None else unfit(row)


def _refusal(name: str) -> Invalid:
    return Invalid(FieldError("original", Phrase(f"hotline.dispatching.error.{name}")))


async def _unfollow(work: Work, row: Order, form: ReasonForm | None) -> None:
    row.follows_id = None
    row.supervised_at = None  # it waited for another's answer: from here on its lateness is its own


class FollowingEngine(CaseEngine[Order]):
    """The engine of orders, as far as some follow others."""

    async def act(self, work: Work, id: UUID, verb: str, form: ActForm) -> Order:
        """Do an act; its followers are told soon, and one that is put on an order which is
        answered gets the answer at once."""
        if isinstance(form, FollowForm):
            await self._hold_both(work, id, form.original.replace(" ", ""))
        row = await super().act(work, id, verb, form)
        done = self.flow.by_verb(verb)
        if done.resolves or done.reopens or verb == "keep-secret":
            await work.timer(TIMER, self.subject(row.id), work.now)
        if verb == "follow" and row.follows_id is not None:
            original = await work.get(Order, row.follows_id, permission=PERMISSION)
            if original.state in ANSWERED:
                await self.pass_on(work, row, original)
            await work.timer(TIMER, self.subject(original.id), work.now)  # those behind it
        return row

    async def _hold_both(self, work: Work, id: UUID, number: str) -> None:
        """Hold an order and the original that it is put on, as all who hold several orders do: an
        original before what follows it, and of two that follow none the lower id. Who holds them
        in another order would wait for who waits for them."""
        root = await _root(work, number)
        if root is None or root == id:
            return
        follows = work.rows(Order, col(Order.follows_id), permission=self.flow.read)
        found = (await work.session.execute(follows.where(col(Order.id) == id))).first()
        both = [root, id] if found is None or found[0] is not None else sorted((root, id))
        for one in both:
            await work.get(Order, one, permission=self.flow.read)

    async def on_timer(self, work: Work, kind: str, subject: str) -> None:
        """Do what is due; tell the followers of an order what has become of it."""
        if kind != TIMER:
            await super().on_timer(work, kind, subject)
            return
        await work.timer(kind, subject, None)
        if await self.tell_followers(work, UUID(subject.split(":")[1])) == BATCH:
            await work.timer(kind, subject, work.now)

    async def tell_followers(self, work: Work, id: UUID) -> int:
        """Tell some of the followers of an order that have not heard yet; return how many."""
        original = await work.get(Order, id, permission=self.flow.read)
        state, answered = col(Order.state), original.state in ANSWERED
        which = self._unanswered(original) if answered else state.in_(ANSWERED)
        secret = unfit(original) is not None
        if secret:
            which = or_(which, state == FOLLOWING.key)
        statement = work.rows(Order, col(Order.id), permission=self.flow.read)
        statement = statement.where(col(Order.follows_id) == original.id, which)
        found = await work.session.execute(statement.order_by(col(Order.id)).limit(BATCH))
        ids = list(found.scalars())
        for one in ids:
            row = await work.get(Order, one, permission=self.flow.read)
            await self._by_itself(work, row, "original-reopened")  # if it was answered before
            if secret:
                await self._by_itself(work, row, "release")
            elif answered:
                await self.pass_on(work, row, original)
        return len(ids)

    async def _by_itself(self, work: Work, row: Order, verb: str | None) -> None:
        """Do an act without anybody; of a follower that is late nobody is supervised."""
        late = verb == self.flow.late and row.state == FOLLOWING.key
        await super()._by_itself(work, row, "overdue" if late else verb)

    async def pass_on(self, work: Work, row: Order, original: Order) -> None:
        """Answer a follower with what the original was answered."""
        transition = self.flow.find(row.state, "pass-on")
        if transition is None or not original.reply:
            return
        name, phone = original.caller_name.strip(), original.caller_phone
        enterprise = await self._enterprise(work, original)
        text = without_caller(original.reply, name, phone, enterprise)[:LONG_TEXT]
        unit = row.origin_organization_id if row.secret else original.organization_id
        form = PassOnForm(version=row.version, text=text, unit=unit)
        await self._perform(work, row, transition, form)

    async def _enterprise(self, work: Work, original: Order) -> str:
        statement = work.rows(Enterprise, col(Enterprise.name), permission=self.flow.read)
        statement = statement.where(col(Enterprise.id) == original.enterprise_id)
        return (await work.session.execute(statement)).scalar_one_or_none() or ""

    def _unanswered(self, original: Order) -> Any:
        """Return the condition for followers that lack the present answer."""
        older = col(Order.answered_at) < original.answered_at
        return or_(
            col(Order.state) == FOLLOWING.key,
            and_(col(Order.state).in_(ANSWERED), older),
        )


async def bonds(read: Read, row: Order) -> tuple[str | None, int]:
    """Return the number of the order that a row follows and how many follow it, as far as the
    actor may see those orders."""
    number: str | None = None
    if row.follows_id is not None:
        statement = read.rows(Order, col(Order.number), permission="order.read")
        statement = statement.where(col(Order.id) == row.follows_id)
        number = (await read.session.execute(statement)).scalar_one_or_none()
    count = read.rows(Order, func.count(), permission="order.read")
    count = count.where(col(Order.follows_id) == row.id)
    return number, int((await read.session.execute(count)).scalar_one())
