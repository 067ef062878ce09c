"""How recently, and how well, somebody must have proved who they are.

An act of high risk needs a fresh proof: of one who left their desk a stranger may sit there. And
a hub may ask for a second factor: of whoever does something risky, or of all staff, who without
one can do nothing but set one up.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, Literal

from core.access.bearers import NotForTokens, ScopeMissing
from core.identity.signing_in import SECOND
from plugin_sdk.acting import Bearer
from plugin_sdk.ports import Actor, Audience
from plugin_sdk.problems import Problem

SecondFactor = Literal["off", "risky", "staff"]

# the shell's own permissions of high risk: who reads or changes by them what many rely on
RISKY: Final = frozenset(
    f"yimen.{key}"
    for key in (
        "people.manage",
        "people.factors",
        "people.erase",
        "people.unmask",
        "organizations.manage",
        "grants.manage",
        "apps.operate",
        "upstreams.manage",
        "clients.manage",
        "audit.reveal",
        "lifecycle.move",
        "lifecycle.archive",
        "lifecycle.purge",
    )
)


class StepUpNeeded(Problem):
    """The proof is too old (403): prove once more who you are, then go on."""

    status = 403

    def __init__(self) -> None:
        super().__init__("step-up", location="/sign-in/again")


class SecondFactorNeeded(Problem):
    """The hub asks for a second factor, and this session proved none (403): set one up."""

    status = 403

    def __init__(self) -> None:
        super().__init__("second-factor-missing", location="/me/security")


class Freshness:
    """The rule of one hub."""

    def __init__(self, minutes: int, second_factor: SecondFactor) -> None:
        self.within = timedelta(minutes=minutes)
        self.second_factor = second_factor
        self._risky = RISKY

    def add(self, permissions: Iterable[str]) -> None:
        """Take full permission keys for risky: those of high risk in an app's manifest."""
        self._risky = self._risky.union(permissions)

    def risky(self, permission: str) -> bool:
        """Return whether a permission is of high risk."""
        return permission in self._risky

    def check(self, actor: Actor, permission: str, now: datetime, *, fresh: bool = False) -> None:
        """Raise `StepUpNeeded` or `SecondFactorNeeded` for one who proved too little, or too
        long ago, for a permission; with `fresh` the act is risky whatever the permission.

        A program proves nothing anew: its token must name the permission, for which its maker
        proved themselves, and acts that ask whatever the permission are not a program's. Raises
        `ScopeMissing` or `NotForTokens`.
        """
        if not fresh and permission not in self._risky:
            return
        if actor.bearer is not None:
            self._check_bearer(actor, actor.bearer, permission, fresh=fresh)
            return
        if permission in self._risky and self.second_factor != "off" and not two_factors(actor):
            raise SecondFactorNeeded
        if actor.proved_at is None or now - actor.proved_at > self.within:
            raise StepUpNeeded

    def _check_bearer(self, actor: Actor, bearer: Bearer, permission: str, *, fresh: bool) -> None:
        if fresh and permission not in self._risky:
            raise NotForTokens
        if permission not in bearer.scopes:
            raise ScopeMissing(permission, "token-risky")
        if self.second_factor != "off" and not bearer.application and not two_factors(actor):
            raise SecondFactorNeeded

    def must_enrol(self, actor: Actor) -> bool:
        """Return whether this is staff who must set up a second factor before all else."""
        if self.second_factor != "staff" or two_factors(actor):
            return False
        return actor.audience is Audience.STAFF or actor.agent is not None


def two_factors(actor: Actor) -> bool:
    """Return whether a second factor was proved in the actor's session."""
    return not SECOND.isdisjoint(actor.proofs)
