"""What oversight shows of reviews, and how one is opened."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from sqlmodel import col

from core.access.granting import everywhere
from core.access.scope import covers
from core.governance.lifecycle.service import take
from core.governance.lifecycle.steps import IN_USE
from core.governance.oversight.engine import ReviewEngine
from core.governance.oversight.evidence import Snapshot, kept, snapshot, stored
from core.governance.oversight.flows import (
    DECIDE,
    GOING,
    OPEN,
    REPLIES,
    REPLY,
    TO_DECIDE,
    VERDICTS,
    review_flow,
)
from core.governance.oversight.forms import NominateForm
from core.governance.oversight.known import is_owners, policy_of, register_of, tx_of
from core.governance.oversight.models import Review
from core.governance.oversight.shown import (
    Parts,
    ReviewListView,
    ReviewView,
    evidence_facts,
    review_view,
    weighed_view,
)
from core.governance.register import RegisterEntry
from core.identity.organizations import by_code
from plugin_sdk.cases.desk import CaseDesk, Way
from plugin_sdk.cases.flow import Clock, Transition
from plugin_sdk.cases.models import CaseRow
from plugin_sdk.cases.queries import CaseFacts, Filters
from plugin_sdk.deadlines import Term
from plugin_sdk.forms import Form, Submission
from plugin_sdk.ports import Hub, Organization, Read, Work
from plugin_sdk.problems import (
    AppConflict,
    Denied,
    FieldError,
    Invalid,
    Problem,
    field_error,
)
from plugin_sdk.taking import BLANK, Typed
from plugin_sdk.views import (
    ActionView,
    ActView,
    CaseItem,
    CaseListView,
    DeadlineView,
    FactView,
    FormView,
    Option,
    Phrase,
)

DECIDING: Final = frozenset({*VERDICTS, "reconsider", "refresh"})
WEIGHED: Final = frozenset({*VERDICTS, *REPLIES})
"""Acts whose form stands beside the evidence."""
USAGE: Final = "yimen.usage.read"


class ReviewDesk(CaseDesk[Review]):
    """Reviews of apps: the review desk, and what owners are asked."""

    engine: ReviewEngine
    form = NominateForm
    kind = "app"
    hints = frozenset({"cause", "until", "successor", "photos", "planned_on"})
    with_files = True

    # --- opening -----------------------------------------------------------------------

    async def file(self, work: Work, sent: Submission[NominateForm]) -> Review:
        """Open a review: keep the evidence, move the app, and ask its owner."""
        form, tx = sent.form, tx_of(work)
        policy = policy_of(self.hub)
        entry = (await register_of(self.hub, work)).get(form.app)
        if entry is None or entry.app == self.hub.app:  # nobody would be left to review it
            raise Invalid(field_error("app", "choice"))
        if entry.stage not in IN_USE and entry.stage != "review":
            stage = Phrase(f"stage.{entry.stage}")
            raise AppConflict(self.hub.app, "not-in-use", stage=stage)
        owner = await self._owner(work, entry)
        await self._refuse_second(work, entry.app)
        snap = await snapshot(tx, entry.app)
        if not snap.findings and not form.cause:
            raise Invalid(FieldError("cause", Phrase("oversight.wrong.cause")))
        decides = await self._decides(work, owner)
        row = await self.engine.open(
            work,
            title=entry.names.zh,
            organization_id=owner.id,
            origin=decides.id if decides else work.actor.organization_id,
            person_id=None,
            term=Term(working_days=policy.life_cycle.reply_days),
            filer=work.actor.organization_id,
            app=entry.app,
            pending=entry.app,
            cause=form.cause or "",
            opened_by=work.actor.person_id,
            evidence=stored(snap),
        )
        await take(
            *(tx, entry.app, "review", work.actor),
            reason=form.cause or "",
            name=work.actor.name,
            unit=work.actor.organization_name,
            facts={"review": row.number, "findings": [one.kind for one in snap.findings]},
            review=row.number,
        )
        self.engine.announce(work, row)
        return row

    async def _owner(self, work: Work, entry: RegisterEntry) -> Organization:
        """Return the unit that answers for an app. Raises `AppConflict` when it is not in the
        directory or nobody there can reply, and `Denied` when it is beyond the actor's scope."""
        tx, actor, code = tx_of(work), work.actor, entry.owner.code
        owner = await by_code(tx, code)
        if owner is None:
            raise AppConflict(self.hub.app, "owner-unknown", owner=code)
        key = f"{self.hub.app}.{OPEN}"
        permits = actor.permits_for(key, work.now)
        if not actor.system and not any([await covers(tx, actor, p, [owner.id]) for p in permits]):
            raise Denied(key, reason="out-of-scope")
        if owner.id not in {unit.id for unit in await self.engine.units_with(REPLY)}:
            raise AppConflict(self.hub.app, "nobody-replies", unit=owner.name)
        return owner

    async def _refuse_second(self, work: Work, app: str) -> None:
        """Raise `AppConflict` while another review of the app is open, whoever sees it."""
        open_one = work.beyond_scope(Review, col(Review.number), reason="one review an app").where(
            col(Review.pending) == app
        )
        number = (await work.session.execute(open_one)).scalar_one_or_none()
        if number is not None:
            raise AppConflict(self.hub.app, "open-review", number=number)

    async def _decides(self, work: Work, owner: Organization) -> Organization | None:
        """Return the unit in which reviews are decided (setting `decides`, its code), where that
        is not the owner; None: the one that opens them."""
        code = self.hub.settings.get("decides")
        unit = await by_code(tx_of(work), str(code)) if code else None
        return unit if unit and unit.id != owner.id else None

    # --- choosing ----------------------------------------------------------------------

    async def options(
        self, read: Read, form: type[Form], transition: Transition | None
    ) -> dict[str, list[Option]]:
        """Return the apps to choose from: those in use, or those that may take over."""
        found = await super().options(read, form, transition)
        if "app" in form.model_fields:
            own = self.hub.app
            found["app"] = await self._apps(
                read, lambda entry: entry.stage in IN_USE and entry.app != own
            )
        if "successor" in form.model_fields:
            found["successor"] = await self._apps(read, lambda entry: entry.stage not in GOING)
        return found

    async def _apps(self, read: Read, suits: Callable[[RegisterEntry], bool]) -> list[Option]:
        register = await register_of(self.hub, read)
        return [
            Option(entry.app, Phrase("text", {"text": entry.names}))
            for entry in register.values()
            if suits(entry)
        ]

    async def new_view(self, read: Read, way: Way, typed: Typed = BLANK) -> FormView:
        """Return the form that nominates an app, with what was found of it beside."""
        view = await super().new_view(read, way, typed)
        app = typed.values.get("app")
        if app:
            view.about = evidence_facts(await snapshot(tx_of(read), str(app)))
            for field in view.fields:
                if field.name == "cause":  # nothing was found: then a person says why
                    field.required = not view.about
        return view

    # --- showing -----------------------------------------------------------------------

    async def list_view(self, read: Read, filters: Filters, cursor: str) -> CaseListView:
        """Return the desk: what waits for a decision is one tap away."""
        view = await super().list_view(read, filters, cursor)
        shown = {name: getattr(view, name) for name in view.__struct_fields__}
        return ReviewListView(**shown)

    async def items(self, read: Read, found: Sequence[CaseFacts]) -> list[CaseItem]:
        """Return reviews as lists show them: by the name of the app in the reader's language."""
        register = await register_of(self.hub, read)
        items = await super().items(read, found)
        for fact, item in zip(found, items, strict=True):
            if entry := register.get(str(fact.kind)):
                item.title = Phrase("text", {"text": entry.names})
        return items

    def _deadline(
        self, fact: CaseFacts | CaseRow, now: datetime, *, skipped: bool = False
    ) -> DeadlineView:
        """Return the owner's deadline while it runs: a decision has none, and a reply that came is
        not the end of a review."""
        if self.flow.state(fact.state).clock is not Clock.RUNS:
            return DeadlineView(kind="none")
        return super()._deadline(fact, now, skipped=skipped)

    def beside_title(self, fact: CaseFacts, now: datetime) -> None:
        """Return nothing: the column `app` is there for the name."""

    async def summary(self, read: Read, row: Review) -> list[FactView]:
        """Return which app, whose, and why."""
        names = await self.hub.directory.names([row.organization_id])
        return self.facts(app=row.app, owner=names.get(row.organization_id, ""), cause=row.cause)

    async def detail_view(self, read: Read, row: Review) -> ReviewView:
        """Return a review with its evidence, and whether that still holds."""
        view = await super().detail_view(read, row)
        return review_view(view, row, await self._parts(read, row))

    async def act_view(self, read: Read, row: Review, verb: str, typed: Typed = BLANK) -> ActView:
        """Return the form of an act; that of a decision or a reply beside the evidence."""
        view = await super().act_view(read, row, verb, typed)
        parts = await self._parts(read, row)
        if parts.entry is not None:
            view.case_title = Phrase("text", {"text": parts.entry.names})
        return weighed_view(view, row, parts) if verb in WEIGHED else view

    async def _parts(self, read: Read, row: Review) -> Parts:
        register = await register_of(self.hub, read)
        snap, now = kept(row.evidence), await snapshot(tx_of(read), row.app)
        return Parts(
            entry=register.get(row.app),
            successor=register.get(row.successor or ""),
            snap=snap,
            stale=self._stale(row, snap, now, read.now),
            dossier=_dossier(read, row),
            document=f"/governance/reviews/{row.number}/decision.pdf" if row.verdict else None,
        )

    def _stale(self, row: Review, snap: Snapshot, now: Snapshot, moment: datetime) -> Phrase | None:
        """Return why nobody decides on the evidence any more, None while somebody may."""
        if row.state not in TO_DECIDE:
            return None
        if not snap.names_the_same(now):
            return self.engine.words("stale_changed")
        try:
            old = snap.too_old(policy_of(self.hub), moment)
        except Problem:  # said to whoever decides
            return None
        return self.engine.words("stale_old") if old else None

    async def actions(self, read: Read, row: Review) -> list[ActionView]:
        """Return what the actor may do now: nobody of the owner's unit is offered to decide, and
        evidence is brought up to date, where there is newer, before anything is decided. No reply
        and no decision stands before the others: that alone is a primary act."""
        found = await super().actions(read, row)
        if await is_owners(read, row.organization_id):
            found = [one for one in found if one.verb not in DECIDING]
        if (await snapshot(tx_of(read), row.app)).newer_than(kept(row.evidence)):
            found.sort(key=lambda one: one.verb != "refresh")
        else:
            found = [one for one in found if one.verb != "refresh"]
        for one in found:
            one.primary = one.verb == "refresh" and one.missing is None
        return found

    async def links(self, read: Read) -> list[ActionView]:
        """Return what waits for a decision."""
        if not await read.holds(DECIDE):
            return []
        return [
            ActionView(
                verb="see",
                label=self.engine.words(f"state.{state}"),
                href=f"{self.here}?state={state}",
            )
            for state in ("answered", "silent")
        ]


def _dossier(read: Read, row: Review) -> str | None:
    """Return where the reader sees the dossier of the app, None where they see none."""
    if everywhere(read.actor, USAGE, read.now):
        return f"/governance/apps/{row.app}"
    return f"/owner/apps/{row.app}" if read.actor.permits_for(USAGE, read.now) else None


def desk_of(hub: Hub) -> ReviewDesk:
    """Return the desk of a hub's reviews."""
    return ReviewDesk(ReviewEngine(hub, review_flow(hub), Review))


def desks(hub: Hub) -> tuple[ReviewDesk]:
    """Return the desks of the app."""
    return (desk_of(hub),)
