"""How often names and passwords may be tried, so that nobody guesses and nobody is kept out.

Counted in windows of ten minutes, by all workers together:

- one account from one network: whoever guesses there is stopped there alone;
- one network, whatever the accounts;
- one account, from wherever: a bound that only many networks together reach.

A device that has signed in to the account before is counted by itself, whatever others do:
strangers cannot keep the rightful person out of it (the device cookies of OWASP, "Slow down
online guessing attacks with device cookies"). A try that is refused counts only where it was
refused: one network adds no more than `PER_SOURCE` to the count of an account.
"""

from uuid import UUID

import msgspec

from core.shared_state import SharedState

WINDOW_SECONDS = 600
PER_SOURCE = 10
PER_NETWORK = 50
PER_ACCOUNT = 100


class Try(msgspec.Struct, frozen=True):
    """A try that was admitted, by what it was counted under."""

    source: str
    others: tuple[str, ...] = ()


class SignInThrottle:
    """Counts the tries to sign in."""

    def __init__(self, shared: SharedState) -> None:
        self._shared = shared

    async def admit(self, account: str, network: str, known_device: UUID | None) -> Try | None:
        """Count a try; return it, or None when there were too many.

        `known_device` is the device if it has signed in to this very account.
        """
        source = f"sign-in:source:{known_device or network}|{account}"
        limits = [(source, PER_SOURCE)]
        if known_device is None:
            limits.insert(0, (f"sign-in:network:{network}", PER_NETWORK))
            limits.append((f"sign-in:account:{account}", PER_ACCOUNT))
        counted: list[str] = []
        for key, most in limits:
            if await self._shared.hit(key, WINDOW_SECONDS) > most:
                for earlier in counted:
                    await self._shared.take_back(earlier)
                return None
            counted.append(key)
        return Try(source, tuple(key for key in counted if key != source))

    async def succeeded(self, tried: Try) -> None:
        """Start the count of the source anew, and give back what others share with it: an
        office its network, strangers' guesses the count of the account."""
        await self._shared.forget(tried.source)
        for key in tried.others:
            await self._shared.take_back(key)
