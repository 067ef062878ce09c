"""What a unit of work counts: collected while it is done, written with it."""

from uuid import UUID

import msgspec

from core.database import Transaction
from core.usage.capture import Place, itself
from core.usage.effects import record_effect, record_element, record_rating, record_start
from core.usage.visits import RULES, Visits
from plugin_sdk.manifest import Usage as Rules
from plugin_sdk.ports import Actor


class _Effect(msgspec.Struct, frozen=True):
    name: str
    subject: str
    served: UUID | None
    on_time: bool | None
    reminded: bool


class Counting:
    """The counts of one unit of work of an app.

    `measured` says that what is done is use of the app: history is noted as done, and counted
    nowhere; `place` under which organization it is counted. Without `visits` nobody is counted
    who came.
    """

    def __init__(
        self,
        app: str,
        visits: Visits | None = None,
        rules: Rules = RULES,
        *,
        measured: bool = True,
        place: Place = itself,
    ) -> None:
        self._app = app
        self._visits = visits
        self._rules = rules
        self._measured = measured
        self._place = place
        self._effects: list[_Effect] = []
        self._ratings: list[tuple[str, str, bool]] = []
        self._starts: list[tuple[str, str]] = []
        self._asked: list[tuple[str, bool]] = []

    def effect(
        self,
        name: str,
        subject: str,
        *,
        served: UUID | None = None,
        on_time: bool | None = None,
        reminded: bool = False,
    ) -> None:
        """See `plugin_sdk.ports.Work`."""
        self._effects.append(_Effect(name, subject, served, on_time, reminded))

    def rated(self, name: str, subject: str, *, satisfied: bool) -> None:
        """See `plugin_sdk.ports.Work`."""
        self._ratings.append((name, subject, satisfied))

    def start(self, name: str, subject: str) -> None:
        """See `plugin_sdk.ports.Work`."""
        self._starts.append((name, subject))

    def asked(self, element: str, *, spared: bool) -> None:
        """Count a field that asked for what the hub held: left as it was filled in, or typed."""
        self._asked.append((element, spared))

    async def write(self, tx: Transaction, actor: Actor, channel: str, *, shown: bool) -> None:
        """Write it all in one order for all, so that none waits for another in a circle, and
        count who came once it is committed. `shown` is `RequestKey.shown`."""
        app, measured = self._app, self._measured
        unit = self._place(actor.organization_id)
        if measured:
            for name, subject in sorted(self._starts):
                await record_start(tx, app, name, subject, unit, channel, shown=shown)
        finished = [
            (each.name, each.served)
            for each in sorted(self._effects, key=lambda each: (each.name, each.subject))
            if await record_effect(
                tx,
                app,
                each.name,
                each.subject,
                unit,
                channel,
                measured=measured,
                on_time=each.on_time,
                reminded=each.reminded,
            )
        ]
        if not measured:
            return
        for name, subject, satisfied in sorted(self._ratings):
            await record_rating(tx, app, name, subject, unit, channel, satisfied=satisfied)
        for element, spared in sorted(self._asked):
            await record_element(tx, app, element, spared=int(spared), asked=int(not spared))
        if self._visits is not None and (finished or self._starts):
            visits, rules, filed = self._visits, self._rules, bool(self._starts)
            tx.after_commit(
                lambda: visits.did(app, rules, actor, channel, effects=finished, filed=filed)
            )
