"""A small breaker: a source that does not answer is left alone for a while."""

import time
from collections.abc import Callable
from typing import Final

FAILURES: Final = 3
REST_SECONDS: Final = 30.0


class Breaker:
    """Opens after so many failures one after another, and lets one question through when it has
    rested: that one's answer shuts it, its failure opens it anew. Each worker has its own."""

    def __init__(
        self,
        *,
        failures: int = FAILURES,
        rest_seconds: float = REST_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.failures = failures
        self.rest_seconds = rest_seconds
        self._clock = clock
        self._failed = 0
        self._rests_until = 0.0

    def lets_through(self) -> bool:
        """Return whether a question may be asked now; of those that come while one is on trial
        none is."""
        if self._failed < self.failures:
            return True
        now = self._clock()
        if now < self._rests_until:
            return False
        self._rests_until = now + self.rest_seconds
        return True

    def answered(self) -> None:
        """Say that the source answered, whatever it said."""
        self._failed = 0

    def failed(self) -> None:
        """Say that it did not."""
        self._failed += 1
        self._rests_until = self._clock() + self.rest_seconds
