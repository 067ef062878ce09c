"""A breaker: so many failures within a window open it for a while; then one may try."""

import time
from collections import deque

from plugin_sdk.manifest import Breaker as Limits


class Breaker:
    """The breaker of one app in one worker. A denial is no failure; an error is."""

    __slots__ = ("_failures", "_limits", "_open_until", "_trying")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._failures: deque[float] = deque(maxlen=limits.failures)
        self._open_until = 0.0
        self._trying = False

    @property
    def closed(self) -> bool:
        """Return whether requests pass freely. One that is admitted while it is not closed
        is the trial, and says so to `record`."""
        return not self._open_until

    def admit(self) -> float:
        """Return 0 when a request may pass, else the seconds to wait."""
        if not self._open_until:
            return 0.0
        left = self._open_until - time.monotonic()
        if left > 0:
            return left
        if self._trying:
            return 1.0
        self._trying = True
        return 0.0

    def record(self, failed: bool | None, *, trial: bool = False) -> None:
        """Take note of how a request ended; None says nothing (it was denied, or given up).

        While the breaker is open only the trial counts: what began before it opened tells
        nothing of how the app does now.
        """
        now = time.monotonic()
        if trial:
            self._trying = False
            if failed:
                self._open_until = now + self._limits.open_seconds
            elif failed is False:
                self._open_until = 0.0
                self._failures.clear()
        elif failed and not self._open_until:
            self._failures.append(now)
            full = len(self._failures) == self._failures.maxlen
            if full and now - self._failures[0] <= self._limits.window_seconds:
                self._open_until = now + self._limits.open_seconds
