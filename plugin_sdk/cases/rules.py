"""Whether an act may happen: the rules of a flow on one case, each with its own refusal."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from plugin_sdk.cases import clock
from plugin_sdk.cases.flow import Does, Since, Transition, Who
from plugin_sdk.cases.models import CaseRow
from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import Actor, Hub
from plugin_sdk.problems import Conflict, Denied


class NotYours(Denied):
    """The permission is held, but the rules of the procedure leave the act to another.

    `code` is `case.own-filing`, `case.own-request`, `case.had-a-hand`, `case.not-requester`,
    `case.not-holder`, `case.not-origin`, `case.not-assistant` or `case.system-only`.
    """

    def __init__(self, permission: str, reason: str) -> None:
        super().__init__(permission, reason=reason)
        self.code = f"case.{reason}"


class Beside(msgspec.Struct, frozen=True):
    """Who else has to do with a case: the people who filed it for the requester, and the
    organizations whose part of it is open."""

    filers: frozenset[UUID] = frozenset()
    assisting: frozenset[UUID] = frozenset()


NOBODY: Final = Beside()
_REASONS = {
    Who.REQUESTER: "not-requester",
    Who.NOT_REQUESTER: "own-filing",
    Who.HOLDER: "not-holder",
    Who.ORIGIN: "not-origin",
    Who.ASSISTANT: "not-assistant",
    Who.SYSTEM: "system-only",
}


def is_requester(actor: Actor, row: CaseRow) -> bool:
    """Return whether the actor asked for the case."""
    return row.person_id is not None and actor.person_id == row.person_id


def is_of_requester(actor: Actor, row: CaseRow) -> bool:
    """Return whether the requester has a hand in what the actor does: as the person, as who
    acts for them, or as who delegated the post they act in."""
    return row.person_id is not None and row.person_id in actor.hands


def who_may(
    app: str,
    transition: Transition,
    actor: Actor,
    row: CaseRow,
    beside: Beside = NOBODY,
) -> None:
    """Raise `NotYours` unless the act is left to this actor.

    Staff do not act on what they filed themselves, for themselves or on a resident's behalf:
    rules that name a unit leave out the requester and who filed it for them,
    whatever post they hold, and whoever acts in a post of theirs. And nobody rates on
    another's behalf.
    """
    if actor.system:
        return
    mine = is_requester(actor, row)
    other = not is_of_requester(actor, row) and not beside.filers & actor.hands
    permission = f"{app}.{transition.permission}"
    if transition.does is Does.RATE and actor.agent is not None:  # it may be their own work
        raise NotYours(permission, "not-requester")
    if transition.does is Does.DECIDE and row.extension_asked_by in actor.hands:
        raise NotYours(permission, "own-request")
    admits = {
        Who.REQUESTER: mine,
        Who.NOT_REQUESTER: other,
        Who.HOLDER: other and actor.organization_id == row.organization_id,
        Who.ORIGIN: other and actor.organization_id == row.origin_organization_id,
        Who.ASSISTANT: other and actor.organization_id in beside.assisting,
        Who.SYSTEM: False,
    }
    if not transition.who or any(admits[rule] for rule in transition.who):
        return
    if not other and Who.REQUESTER not in transition.who:
        raise NotYours(permission, "own-filing")
    raise NotYours(permission, _REASONS[transition.who[0]])


def when_may(
    hub: Hub, transition: Transition, row: CaseRow, now: datetime, done: Mapping[str, int]
) -> None:
    """Raise `Conflict` when the act comes too often, too late, or for the second time.

    `done` counts the entries of the timeline by verb.
    """
    if transition.at_most is not None and done.get(transition.verb, 0) >= transition.at_most:
        raise Conflict("case.too-often", n=transition.at_most)
    if transition.within is not None:
        anchor = _anchor(transition.within.since, row)
        end = clock.window(hub, anchor, transition.within.term) if anchor else None
        if end is not None and now > end:
            raise Conflict("case.window-over", date=local_day(end))
    if transition.does is Does.RATE and row.rating is not None:
        raise Conflict("case.rated")
    if transition.does is Does.DECIDE and row.extension_asked is None:
        raise Conflict("case.nothing-asked")
    if transition.does is Does.EXTEND:
        if row.extension_asked is not None:
            raise Conflict("case.extension-asked")
        if row.due_term is None:
            raise Conflict("case.no-deadline")
        if row.due_at is not None and now > row.due_at:
            raise Conflict("case.extension-late", date=local_day(row.due_at))
    if (
        transition.does is Does.URGE
        and row.urged_at is not None
        and local_day(row.urged_at) == local_day(now)
    ):
        raise Conflict("case.urged-today", post=row.urged_by_post)


def _anchor(since: Since, row: CaseRow) -> datetime | None:
    if since is Since.RESOLUTION:
        return row.resolved_at
    if since is Since.HANDOVER:
        return row.held_at
    return row.opened_at if since is Since.OPENING else row.stage_entered_at


def blocked(
    hub: Hub,
    transition: Transition,
    actor: Actor,
    row: CaseRow,
    now: datetime,
    done: Mapping[str, int],
    beside: Beside = NOBODY,
) -> bool:
    """Return whether a rule (not a permission) stands against the act now."""
    try:
        who_may(hub.app, transition, actor, row, beside)
        when_may(hub, transition, row, now, done)
    except (NotYours, Conflict):
        return True
    return False
