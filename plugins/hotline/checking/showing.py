"""The pages of follow-up calls and checks as views."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from plugin_sdk.cases import clock
from plugin_sdk.deadlines import local_day
from plugin_sdk.forms import Form
from plugin_sdk.ports import Read
from plugin_sdk.taking import Typed
from plugin_sdk.views import ActionView, FactView, FieldView, FormView, Phrase
from plugins.hotline.checking.following import (
    CALL,
    DISSATISFIED,
    SATISFIED_RANK,
    UNRATED,
    script_of,
)
from plugins.hotline.checking.forms import CallForm, Verdict
from plugins.hotline.checking.judged import ASKED
from plugins.hotline.checking.models import Check, FollowCall, FollowUp, Question, Sample
from plugins.hotline.checking.quality import CORRECT, DRAW, JUDGE, READ, Quality
from plugins.hotline.checking.views import (
    CallItem,
    CheckItem,
    ChecksView,
    CheckView,
    FollowUpItem,
    FollowUpsView,
    FollowUpView,
    SampleItem,
    SamplesView,
    SampleView,
    StratumItem,
)
from plugins.hotline.models import Order

WORDS: Final = "hotline.checking"
CHECK_HINTS: Final = frozenset({"note", "correct"})
TONES: Final = {
    "open": "state",
    "passed": "ok",
    "failed": "late",
    "asked": "soon",
    "corrected": "paused",
}


def _words(name: str, **params: Any) -> Phrase:
    return Phrase(f"{WORDS}.{name}", params)


class Pages:
    """The pages of the room."""

    def __init__(self, quality: Quality) -> None:
        self.quality = quality
        self.following = quality.following
        self.desk = self.following.desk
        self.hub = quality.hub

    async def link(self, read: Read, path: str, words: str, permission: str) -> list[ActionView]:
        """Return a link to a page of the room, nothing where the actor may not see it."""
        return await self.desk.link(read, path, _words(words), permission)

    # Follow-up calls.

    async def follow_ups(self, read: Read) -> FollowUpsView:
        """Return who is to be called."""
        found, counts = await self.following.waiting(read), await self.following.counts(read)
        names = await self.hub.directory.names(list({row.unit_id for row in found}))
        return FollowUpsView(
            title=_words("follow_ups"),
            counts=[
                FactView(_words(f"rank.{rank}"), counts.get(rank, 0))
                for rank in (DISSATISFIED, UNRATED, SATISFIED_RANK)
            ],
            items=[
                FollowUpItem(
                    id=str(row.id),
                    number=row.order_number,
                    title=row.title,
                    unit=names.get(row.unit_id, ""),
                    rank=row.rank,
                    rank_label=_words(f"rank.{row.rank}"),
                    tries=row.tries,
                    opened_at=row.opened_at,
                    not_before=row.next_at if row.next_at > read.now else None,
                    href=self.following.href(row.id),
                )
                for row in found
            ],
            links=[
                *await self.link(read, "/samples", "samples", JUDGE),
                *await self.link(read, "/checks", "checks", READ),
                *await self.link(read, "/checking/figures", "figures.title", "figures.read"),
                *await self.desk.link(read, "/script", Phrase("hotline.question.list"), CALL),
            ],
        )

    async def follow_up(self, read: Read, row: FollowUp, typed: Typed) -> FollowUpView:
        """Return a follow-up with the form of its next call, while it is open."""
        order = await self.following.order_of(read, row)
        questions = await self.following.questions(read)
        fields: list[FieldView] = []
        early = row.next_at > read.now
        apart = await self.following.apart(read, order)
        if not row.outcome and not early and apart:
            fields = self._call_fields(read, row, order, questions, typed)
        notices = [
            *([_words("call.early", time=row.next_at)] if early and not row.outcome else []),
            *([] if apart else [_words("call.own_hand")]),
            *([_words("call.no_phone")] if not order.caller_phone else []),
            *([_words("call.secret")] if order.secret else []),
        ]
        here = self.following.href(row.id)
        outcome = f"outcome.{row.outcome}" if row.outcome else f"rank.{row.rank}"
        return FollowUpView(
            title=_words("call.title"),
            action=f"{here}/call",
            verb=_words("call.keep"),
            fields=[field for field in fields if field.name not in ("version", "script")],
            hidden={"version": str(row.version), "script": script_of(questions)},
            conflict=typed.conflict,
            cancel=self.following.href(),
            about=await self.desk.summary(read, order),
            number=row.order_number,
            case_title=row.title,
            state_label=_words(outcome),
            notices=notices,
            reveal_href=self.desk.engine.href(order.number, "reveal"),
            order_href=self.desk.engine.href(order.number),
            calls=[_call(call) for call in await self.following.calls(read, row)],
        )

    def _call_fields(
        self,
        read: Read,
        row: FollowUp,
        order: Order,
        questions: Sequence[Question],
        typed: Typed,
    ) -> list[FieldView]:
        hints = frozenset({"rating", *(["note"] if row.revisit else [])})
        shown = typed.fields(CallForm, f"{WORDS}.call", hints=hints)
        found = {field.name: field for field in shown}
        asked = [f"a{n}" for n, _ in enumerate(questions, 1)]
        for name, question in zip(asked, questions, strict=True):
            found[name].label = question.name
        found["rating"].options = [
            type(option)(option.value, Phrase(f"hotline.order.rating.{option.value}"))
            for option in found["rating"].options
        ]
        names = ["outcome", *asked]
        if self.following.takes_rating(read, row, order):
            names += ["rating", "comment"]
        if row.revisit:
            names.append("result")
        return [found[name] for name in (*names, "note")]

    # Checks.

    async def samples(self, read: Read) -> SamplesView:
        """Return the samples."""
        create = await self.link(read, "/samples/new", "sample.new", DRAW)
        return SamplesView(
            title=_words("samples"),
            items=[
                SampleItem(
                    month=f"{row.first_day:%Y-%m}",
                    size=row.size,
                    population=row.population,
                    drawn_at=row.drawn_at,
                    href=self.quality.href(f"samples/{row.id}"),
                )
                for row in await self.quality.samples(read)
            ],
            create=create[0] if create else None,
        )

    async def sample(self, read: Read, row: Sample, checks: Sequence[Check]) -> SampleView:
        """Return a sample with how it was drawn."""
        units = [UUID(one["unit"]) for one in row.strata]
        names = await self.hub.directory.names(units)
        how = _words("sample.share", n=row.share) if row.share else None
        return SampleView(
            title=_words("sample.of", month=f"{row.first_day:%Y-%m}"),
            first_day=row.first_day,
            facts=[
                FactView(_words("sample.how"), how or _words("sample.number", n=row.wanted)),
                FactView(_words("sample.population"), row.population),
                FactView(_words("sample.size"), row.size),
                FactView(_words("sample.seed"), row.seed),
                FactView(_words("sample.digest"), row.digest),
            ],
            strata=[
                StratumItem(unit=names.get(UUID(one["unit"]), ""), n=one["n"], drawn=one["drawn"])
                for one in row.strata
            ],
            checks=await self.items(checks),
            back=self.quality.href("samples"),
        )

    async def checks(self, read: Read) -> ChecksView:
        """Return what checks found."""
        found = await self.quality.found(read)
        return ChecksView(title=_words("checks"), items=await self.items(found))

    async def items(self, found: Sequence[Check]) -> list[CheckItem]:
        """Return checks as lists show them."""
        names = await self.hub.directory.names(list({row.organization_id for row in found}))
        return [
            CheckItem(
                id=str(row.id),
                number=row.order_number,
                title=row.title,
                unit=names.get(row.organization_id, ""),
                state=row.state,
                state_label=_words(f"check.state.{row.state}"),
                tone=TONES[row.state],
                due_at=row.correction_due_at if row.state == "asked" else None,
                href=self.quality.href(f"checks/{row.id}"),
            )
            for row in found
        ]

    async def check(self, read: Read, row: Check) -> CheckView:
        """Return a check with what the actor may do."""
        order = await self.following.order_of(read, row)
        verbs = []
        if row.state == "open" and await self.following.apart(read, order):
            verbs = [("judge", JUDGE)]
        elif row.state == "asked" and row.organization_id == read.actor.organization_id:
            verbs = [("correct", CORRECT)]
        back = "checks"
        if await read.holds(JUDGE, row):
            back = f"samples/{row.sample_id}"
        return CheckView(
            id=str(row.id),
            number=row.order_number,
            title=row.title,
            state=row.state,
            state_label=_words(f"check.state.{row.state}"),
            tone=TONES[row.state],
            version=row.version,
            facts=_found(row),
            asked=await self.desk.summary(read, order),
            actions=[
                ActionView(
                    verb=verb,
                    label=_words(f"check.act.{verb}"),
                    href=self.quality.href(f"checks/{row.id}/{verb}"),
                    primary=True,
                )
                for verb, permission in verbs
                if await read.holds(permission, row)
            ],
            order_href=self.desk.engine.href(row.order_number),
            back=self.quality.href(back),
        )

    async def check_form(
        self, read: Read, row: Check, verb: str, form: type[Form], typed: Typed
    ) -> FormView:
        """Return the form of an act on a check, below what was found and asked. Of a judgement it
        is known already what the clock of the order says."""
        order = await self.following.order_of(read, row)
        prefix, known = "correct", {}
        if verb == "judge":
            prefix, on_time = "check", clock.on_time(order)
            if on_time is not None:
                known = {"on_time": str(Verdict.YES if on_time else Verdict.NO)}
        fields = typed.fields(form, f"{WORDS}.{prefix}", known, hints=CHECK_HINTS)
        here = self.quality.href(f"checks/{row.id}")
        return FormView(
            title=_words(f"check.act.{verb}"),
            action=f"{here}/{verb}",
            verb=_words(f"check.act.{verb}"),
            fields=[field for field in fields if field.name != "version"],
            hidden={"version": str(row.version)},
            conflict=typed.conflict,
            cancel=here,
            about=[*_found(row), *await self.desk.summary(read, order)],
        )


def _call(row: FollowCall) -> CallItem:
    return CallItem(
        at=row.at,
        role=row.role,
        outcome=_words(f"call.outcome.{row.outcome}"),
        answers=[FactView(one["question"], one["answer"]) for one in row.answers],
        note=row.note,
    )


def _found(row: Check) -> list[FactView]:
    if row.judged_at is None:
        return []
    said = {True: "yes", False: "no"}
    facts: list[FactView] = [
        FactView(
            _words(f"check.field.{name}"), _words(f"check.{name}.{said[bool(getattr(row, name))]}")
        )
        for name in ASKED
    ]
    facts.append(FactView(_words("check.judged_on"), local_day(row.judged_at)))
    for name, value in (("note", row.note), ("correction", row.correction)):
        if value:
            facts.append(FactView(_words(f"check.field.{name}"), value))
    return facts
