"""Who comes to an app and what becomes of it: counted of people, and never of a person.

Somebody who opens an app, and somebody for whom it finishes something, is one of those it
reached; their session was in it, and something was finished there, or only a check-in.
"""

from collections.abc import Sequence
from uuid import UUID

from core.database import Database
from core.usage.capture import Usage
from core.usage.pseudonyms import Pseudonyms
from core.usage.reach import COMPLETED, OPENED
from core.usage.sessions import Digests
from plugin_sdk.manifest import Usage as Rules
from plugin_sdk.ports import Actor, Audience

RULES = Rules(effects=(), cadence="monthly", entitled="")
"""The rules of an app that states none."""
ENTITLED = {
    "all_staff": Audience.STAFF,
    "all_residents": Audience.RESIDENT,
    "all_enterprises": Audience.ENTERPRISE,
}


class Visits:
    """What one worker counts of the people who come."""

    def __init__(self, database: Database, usage: Usage, secret: bytes) -> None:
        self.digests = Digests(secret)
        self.pseudonyms = Pseudonyms(database, usage)
        self._usage = usage

    async def close(self) -> None:
        """Count who still waits to be counted."""
        await self.pseudonyms.close()

    def opened(self, app: str, rules: Rules, actor: Actor, channel: str) -> None:
        """Count somebody signed in who comes to an app."""
        if actor.person_id is None:
            return
        if _entitled(rules, actor):
            unit, person_id = actor.organization_id, actor.person_id
            self.pseudonyms.reach(app, rules.cadence, OPENED, unit, person_id)
        self._mark(app, actor, channel)

    def did(
        self,
        app: str,
        rules: Rules,
        actor: Actor,
        channel: str,
        *,
        effects: Sequence[tuple[str, UUID | None]],
        filed: bool,
    ) -> None:
        """Count what a unit of work that is committed has finished: effects, each with whom it
        serves where that is another than who acts, and whether a procedure was filed. What the
        system does by itself is nobody's."""
        finished = [served for name, served in effects if name not in rules.check_ins]
        if actor.system or not (effects or filed):
            return
        for served in finished:
            person_id = served or actor.person_id
            if person_id is not None and (served or _entitled(rules, actor)):
                mine = person_id == actor.person_id
                unit = actor.organization_id if mine else None
                self.pseudonyms.reach(app, rules.cadence, COMPLETED, unit, person_id)
        attending = len(finished) < len(effects)
        self._mark(app, actor, channel, fruitful=bool(finished) or filed, attending=attending)

    def _mark(self, app: str, actor: Actor, channel: str, **marks: bool) -> None:
        person_id, began = actor.real_person_id, actor.signed_in_at
        if person_id is not None and began is not None:
            session = self.digests.of(person_id, began)
            self._usage.outcome(session, app, actor.organization_id, channel, **marks)


def _entitled(rules: Rules, actor: Actor) -> bool:
    """Return whether somebody is one of those whom the app is for: who serves them is not."""
    return ENTITLED.get(str(rules.entitled), actor.audience) == actor.audience
