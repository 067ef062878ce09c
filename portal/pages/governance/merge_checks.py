"""Looking whether the new app does what the old one did: pages are called, use is asked after."""

import asyncio
from datetime import timedelta
from typing import Any, Final

from core.apps.hooks import HookFailure
from core.database import Transaction
from core.governance.merging import links, parity, reconciling
from core.governance.merging.links import LinkFacts
from core.governance.merging.parity import FunctionFacts, Proof
from plugin_sdk.deadlines import local_day
from plugin_sdk.problems import Problem
from plugin_sdk.routes import actor_of
from plugin_sdk.tallies import Tally
from portal.pages.context import AnyRequest, Portal
from portal.pages.governance.merge import Case, policy_of, routes_in
from portal.probe import Probes

TALLY_SECONDS: Final = 60.0
USE_DAYS: Final = 91
"""How far back use is looked for where no policy says so."""


class Check:
    """A look at a merge as the person who asks: what is to be looked at is read, then asked with
    their session and in no transaction (a page that is called may write too), then written."""

    def __init__(
        self,
        portal: Portal,
        request: AnyRequest,
        case: Case,
        functions: list[FunctionFacts],
        old: list[LinkFacts],
        used: frozenset[str],
    ) -> None:
        cookies = request.scope["yimen"].cookies  # type: ignore[typeddict-item]
        self._probes = Probes(portal.front, cookies)
        self._routes = routes_in(portal, case.into)
        self._case = case
        self._functions = functions
        self._links = old
        self._used = used & self._routes
        self._answers: dict[str, tuple[Proof, int | None]] = {}
        self._led: dict[str, int | None] = {}

    @property
    def proven(self) -> int:
        """Return how many functions are proven."""
        return sum(bool(proof) for proof, _ in self._answers.values())

    async def ask(self) -> None:
        """Call the pages."""
        for one in self._functions:
            proof: Proof = "use" if one.route in self._used else ""
            status = None
            if one.example and one.route in self._routes:
                status = await self._probes.status(f"/apps/{self._case.into}{one.example}")
                if status is not None and 200 <= status < 300:
                    proof = "probe"
            self._answers[one.function] = proof, status
        for link in self._links:
            self._led[link.path] = await self._probes.status(link.address)

    async def keep(self, tx: Transaction, request: AnyRequest) -> None:
        """Write what was found, under the name of who looked."""
        by = actor_of(request).real_person_id
        for one in self._functions:
            proof, status = self._answers[one.function]
            await parity.answered(tx, self._case.app, self._case.into, one, proof, by, status)
        for link in self._links:
            await links.tested(tx, self._case.app, link, self._led[link.path])


async def check(portal: Portal, request: AnyRequest, tx: Transaction, case: Case) -> Check:
    """Return the look at a merge: at functions that have a place and are not signed away, and at
    old links."""
    every = await parity.functions(tx, case.app, case.into)
    functions = [one for one in every if one.route and not one.waiver]
    until = local_day(tx.now)
    since = until - timedelta(days=_days_of_use(portal, case))
    used = await parity.used(tx, case.into, (one.route for one in functions), since, until)
    old = await links.links(tx, case.app)
    return Check(portal, request, case, functions, old, used)


def _days_of_use(portal: Portal, case: Case) -> int:
    """Return how far back use is looked for: what is done once a year is not used each week."""
    policy = policy_of(portal)
    if policy is None or case.successor is None:
        return USE_DAYS
    days: int = getattr(policy.windows, case.successor.cadence)
    return days


class Comparison:
    """What the old app holds (None: it does not say) beside what the new one holds of it."""

    def __init__(self, case: Case, old: list[Tally] | None, new: list[Tally]) -> None:
        self._case = case
        self._old = old
        self._new = new

    async def keep(self, tx: Transaction, request: AnyRequest) -> None:
        """Write it, under the name of who compared."""
        by = actor_of(request).real_person_id
        await reconciling.compare(tx, self._case.app, self._case.into, self._old, self._new, by)


async def compare(portal: Portal, case: Case) -> Comparison:
    """Return what both sides hold. Raises `Problem` (503) where one of the two fails."""
    old, new = await asyncio.gather(_asked(portal, case.app, case.app), held(portal, case))
    return Comparison(case, old, new)


async def held(portal: Portal, case: Case) -> list[Tally]:
    """Return what the successor holds of the old app."""
    return await _asked(portal, case.into, case.app) or []


async def _asked(portal: Portal, app: str, of: str) -> list[Tally] | None:
    hub: Any = portal.apps.hubs.get(app)
    if hub is None or app not in portal.apps.hooks.implemented("tallies"):
        return None
    try:
        found = await portal.apps.hooks.call_async(
            app, "tallies", hub=hub, of=of, seconds=TALLY_SECONDS
        )
    except HookFailure as failure:
        raise Problem("merge-unread", status=503, app=app) from failure
    return list(found)
