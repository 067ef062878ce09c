"""Governance of one hub: its policy as it stands in the file, and looking at the register."""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, time
from functools import lru_cache
from pathlib import Path

from core.database import Database, Transaction
from core.governance import evaluation
from core.governance.evaluation import Outcome, WhatIf
from core.governance.lifecycle.service import introduce
from core.governance.policy import FILE, Policy, PolicyError, load
from core.governance.register import RegisterEntry, entries
from core.jobs import Jobs
from plugin_sdk.manifest_model import Manifest
from plugin_sdk.problems import Problem
from plugin_sdk.schedules import Daily

logger = logging.getLogger(__name__)

JOB = "core.governance-evaluation"
NIGHTLY = Daily(time(2, 40))


@lru_cache(maxsize=4)
def _read(text: bytes, path: str) -> Policy:
    """Return the policy of a text; the same text is checked once."""
    return load(text, path)


class NoPolicy(LookupError):
    """There is no policy file: nothing can be judged."""


class Governance:
    """Looks at the register each night (one worker does), and when it is asked to."""

    def __init__(
        self, database: Database, folder: Path, installed: Callable[[], Iterable[Manifest]]
    ) -> None:
        self._database = database
        self._installed = installed
        self.file = folder / FILE

    def schedule(self, jobs: Jobs) -> None:
        """Let the jobs of this worker take their part in looking each night."""
        jobs.schedule(NIGHTLY, JOB, self._nightly)

    def policy(self) -> Policy:
        """Return the policy in force. Raises `NoPolicy`, and `PolicyError` for one with faults:
        it is in force as it stands in the file, or not at all."""
        try:
            return _read(self.file.read_bytes(), str(self.file))
        except FileNotFoundError as error:
            raise NoPolicy(f"there is no {self.file.name} beside what was granted") from error

    def in_force(self) -> Policy:
        """Return the policy in force. Raises `Problem` (503) that says what to do about one that
        is missing or has faults."""
        try:
            return self.policy()
        except NoPolicy:
            raise Problem("no-policy", status=503) from None
        except PolicyError as error:
            first = error.faults[0]
            raise Problem(
                "faulty-policy",
                status=503,
                n=len(error.faults),
                fault=first.message,
                line=first.line,
            ) from error

    async def introduce(self) -> None:
        """Give every app that is new its standing, and keep what each runs with now."""
        async with self._database.transaction(write=True) as tx:
            await introduce(tx, self._installed())

    async def register(self, tx: Transaction) -> dict[str, RegisterEntry]:
        """Return the register by app. Without a policy nobody is known to stand behind the names
        of populations."""
        try:
            counts = self.policy().counts
        except (NoPolicy, PolicyError):
            counts = {}
        return {entry.app: entry for entry in await entries(tx, self._installed(), counts)}

    async def evaluate(self, *, now: datetime | None = None) -> Outcome:
        """Look at the register now, or as a demonstration does at another moment. Raises
        `NoPolicy`, `PolicyError`."""
        return await evaluation.run(self._database, self.policy(), self._installed(), now=now)

    async def what_if(self, other: Policy) -> WhatIf:
        """Return whom another policy would nominate. Raises `NoPolicy`, `PolicyError`."""
        present = self.policy()
        async with self._database.transaction() as tx:
            return await evaluation.what_if(tx, present, other, self._installed())

    async def _nightly(self) -> None:
        try:
            outcome = await self.evaluate()
        except NoPolicy as none:
            logger.warning("the register was not looked at: %s", none)
            return
        logger.info(
            "governance: %d apps, %d findings, %d of them new, %d cleared",
            outcome.apps,
            outcome.findings,
            outcome.opened,
            outcome.cleared,
        )
