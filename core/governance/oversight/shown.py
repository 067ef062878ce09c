"""How a review is shown: evidence on one side; replies, decision and acts on the other."""

from datetime import datetime
from typing import Any, ClassVar

import msgspec

from core.governance.measured import card
from core.governance.oversight.evidence import Change, Snapshot
from core.governance.oversight.models import Review
from core.governance.register import RegisterEntry
from plugin_sdk.text import Text
from plugin_sdk.views import (
    ActionView,
    ActView,
    CaseDetailView,
    CaseListView,
    FactView,
    FigureCard,
    Phrase,
    Words,
)


class FoundView(msgspec.Struct, frozen=True, kw_only=True):
    """A finding as it was when the evidence was taken: in words, with its rule and what would
    make it go away."""

    kind: str
    label: Phrase
    said: tuple[Phrase, ...]
    change: Phrase
    basis: str


class ReviewListView(CaseListView, kw_only=True):
    """The review desk."""

    template: ClassVar[str] = "oversight_reviews.html"


class ReviewView(CaseDetailView, kw_only=True):
    """A review. `looked` says when the register was looked at for its evidence, `stale` why nobody
    decides on that any more, `changes` what its last refreshing changed; `reply` and `decision`
    are what the owner said and what was decided, `next` what leads on from there."""

    template: ClassVar[str] = "oversight_review.html"
    app: str
    name: Text
    cause: str
    looked: Phrase
    findings: tuple[FoundView, ...]
    cards: tuple[FigureCard, ...]
    stale: Phrase | None = None
    changes: tuple[Phrase, ...] = ()
    reply: tuple[FactView, ...] = ()
    decision: tuple[FactView, ...] = ()
    dossier: str | None = None
    document: str | None = None
    next: ActionView | None = None


class WeighedView(ActView, kw_only=True):
    """The form of a decision or a reply, beside what it is about."""

    template: ClassVar[str] = "oversight_weighed.html"
    cause: str
    looked: Phrase
    findings: tuple[FoundView, ...]
    stale: Phrase | None = None
    owner_said: tuple[FactView, ...] = ()


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What a review shows beside what the kit does: the app as the register has it now (None: no
    more), what is known of the app now, and what can be opened from here."""

    entry: RegisterEntry | None
    successor: RegisterEntry | None
    snap: Snapshot
    stale: Phrase | None
    dossier: str | None
    document: str | None


def review_view(view: CaseDetailView, row: Review, parts: Parts) -> ReviewView:
    """Return the kit's view of a review with its evidence, reply and decision."""
    snap = parts.snap
    shown: dict[str, Any] = {name: getattr(view, name) for name in view.__struct_fields__}
    return ReviewView(
        **shown,
        app=row.app,
        name=parts.entry.names if parts.entry else Text(row.app, row.app),
        cause=row.cause,
        looked=looked(snap),
        findings=found(snap),
        cards=tuple(card(one) for one in snap.measures),
        stale=parts.stale,
        changes=changes(snap.change) if snap.change else (),
        reply=reply(row),
        decision=decision(row, parts.successor),
        dossier=parts.dossier,
        document=parts.document,
        next=_next(row, parts.dossier),
    )


def _next(row: Review, dossier: str | None) -> ActionView | None:
    """Return what leads on from a decision that something follows from: to the proof of a merge, or
    to the app's life; None for who reads neither."""
    if row.state not in ("merge", "retire") or dossier is None:
        return None
    label = Phrase(f"oversight.review.next_{row.state}")
    page = "merge" if row.state == "merge" else "life"
    base = f"/governance/apps/{row.app}" if page == "merge" else dossier
    return ActionView(verb=page, label=label, href=f"{base}/{page}")


def weighed_view(view: ActView, row: Review, parts: Parts) -> WeighedView:
    """Return the kit's form of an act with the evidence and the reply that it weighs."""
    shown: dict[str, Any] = {name: getattr(view, name) for name in view.__struct_fields__}
    return WeighedView(
        **shown,
        cause=row.cause,
        looked=looked(parts.snap),
        findings=found(parts.snap),
        stale=parts.stale,
        owner_said=reply(row),
    )


def evidence_facts(snap: Snapshot) -> list[FactView]:
    """Return what was found as rows of a summary: a row for each piece of evidence."""
    return [FactView(one.label, said) for one in found(snap) for said in one.said]


def looked(snap: Snapshot) -> Phrase:
    """Return when the register was looked at for a snapshot, and under which policy."""
    if snap.at is None:
        return Phrase("oversight.review.never_looked")
    return Phrase("oversight.review.looked", {"at": snap.at, "policy": snap.policy})


def found(snap: Snapshot) -> tuple[FoundView, ...]:
    """Return the findings of a snapshot in words."""
    return tuple(
        FoundView(
            kind=one.kind,
            label=Phrase(f"finding.{one.kind}.name"),
            said=tuple(evidence.said for evidence in one.evidence),
            change=one.change,
            basis=one.basis,
        )
        for one in snap.findings
    )


def changes(change: Change) -> tuple[Phrase, ...]:
    """Return what a refreshing changed, a sentence a finding."""
    said = tuple(
        Phrase(f"oversight.review.change_{how}", {"finding": Phrase(f"finding.{kind}.name")})
        for how in ("new", "gone", "moved")
        for kind in getattr(change, how)
    )
    return said or (Phrase("oversight.review.change_none"),)


def reply(row: Review) -> tuple[FactView, ...]:
    """Return what the owner answered; that it was silent where it was."""
    if not row.reply:
        return ()
    word = "oversight.review.field"
    facts: list[tuple[str, Words | datetime | Any]] = [
        ("reply_kind", Phrase(f"oversight.review.reply.{row.reply}")),
        ("planned_on", row.planned_on),
        ("reply", row.reply_text),
        ("replied_at", row.replied_at),
    ]
    return tuple(FactView(Phrase(f"{word}.{name}"), value) for name, value in facts if value)


def decision(row: Review, successor: RegisterEntry | None) -> tuple[FactView, ...]:
    """Return what was decided last, by whom and why."""
    if not row.verdict:
        return ()
    name = Phrase("text", {"text": successor.names}) if successor else row.successor
    facts: list[tuple[str, Any]] = [
        ("verdict", Phrase(f"oversight.review.verdict.{row.verdict}")),
        ("successor", name),
        ("until", row.improve_until),
        ("reason", row.reasons),
        ("decided_by", " ".join(filter(None, (row.decided_unit, row.decided_name)))),
        ("decided_at", row.decided_at),
    ]
    return tuple(
        FactView(Phrase(f"oversight.review.field.{key}"), value) for key, value in facts if value
    )
