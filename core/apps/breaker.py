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
        """Return whether requests pass freely."""
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

    def record(self, failed: bool) -> None:
        """Take note of how a request ended."""
        if not failed:
            if self._open_until and self._trying:
                self._open_until = 0.0
                self._trying = False
                self._failures.clear()
            return
        now = time.monotonic()
        self._failures.append(now)
        full = len(self._failures) == self._failures.maxlen
        if self._trying or (full and now - self._failures[0] <= self._limits.window_seconds):
            self._open_until = now + self._limits.open_seconds
            self._trying = False
