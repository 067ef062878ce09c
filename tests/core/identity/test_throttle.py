"""The counts at sign-in against a naive oracle, over two workers, and what strangers reach."""

from collections import Counter
from uuid import uuid4

import pytest
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlmodel import col

from core.identity import devices, sessions
from core.identity.models import KnownDevice
from core.identity.throttle import PER_ACCOUNT, PER_NETWORK, PER_SOURCE, SignInThrottle
from tests.core.conftest import explore

HOME = uuid4()


class Oracle:
    """The rules as a person would tell them."""

    def __init__(self):
        self.source: Counter[tuple[str, str]] = Counter()
        self.network: Counter[str] = Counter()
        self.account: Counter[str] = Counter()

    def admits(self, account, network, device, right):
        source = (account, str(device or network))
        full = self.source[source] >= PER_SOURCE or (
            not device
            and (self.network[network] >= PER_NETWORK or self.account[account] >= PER_ACCOUNT)
        )
        if full:
            return False
        if right:
            self.source[source] = 0
        else:
            self.source[source] += 1
            if not device:
                self.network[network] += 1
                self.account[account] += 1
        return True


@pytest.fixture
async def throttles(make_shell, engine_kind):
    """The throttle of each worker: two on production, one embedded."""
    workers = 2 if engine_kind == "production" else 1
    return [SignInThrottle((await make_shell()).services.shared) for _ in range(workers)]


tries = st.tuples(
    st.sampled_from("ab"),
    st.integers(0, 12),
    st.booleans(),
    st.booleans(),
    st.integers(1, 15),
)


async def test_what_is_admitted_is_what_the_rules_say(throttles):
    async def check(steps):
        oracle, run, turn = Oracle(), uuid4().hex, 0
        for account, network, at_home, right, times in steps:
            for _ in range(times):
                turn += 1
                throttle = throttles[turn % len(throttles)]
                device = HOME if at_home else None
                name, there = f"{account}-{run}", f"{network}-{run}"
                tried = await throttle.admit(name, there, device)
                assert (tried is not None) == oracle.admits(name, there, device, right)
                if tried is not None and right:
                    await throttle.succeeded(tried)

    await explore(st.lists(tries, max_size=25), check, examples=40)


async def test_no_crowd_of_strangers_keeps_a_known_device_out(throttles):
    throttle = throttles[0]
    admitted = 0
    for network in range(30):
        for _ in range(PER_SOURCE + 5):
            admitted += await throttle.admit("victim", f"net{network}", None) is not None
    assert admitted == PER_ACCOUNT
    assert await throttle.admit("victim", "a new device", None) is None
    for throttle in throttles:
        assert await throttle.admit("victim", "net1", HOME) is not None
        assert await throttle.admit("another", "a new device", None) is not None


async def test_one_network_keeps_nobody_out_elsewhere_however_long_it_tries(throttles):
    for _ in range(PER_ACCOUNT * 3):
        await throttles[0].admit("victim", "stranger's", None)
    assert await throttles[-1].admit("victim", "the person's", None) is not None
    # nor anybody else there: what was refused for one account does not fill the network
    assert await throttles[-1].admit("another", "stranger's", None) is not None


async def test_who_holds_a_known_device_is_counted_too(throttles):
    found = [await throttles[0].admit("victim", f"net{n}", HOME) for n in range(PER_SOURCE + 1)]
    assert None not in found[:-1]
    assert found[-1] is None
    assert await throttles[0].admit("victim", "net", uuid4()) is not None


async def test_a_device_is_known_to_the_accounts_that_signed_in_on_it(shell):
    ann, bob = [await shell.person(name) for name in ("ann", "bob")]
    async with shell.write() as tx:
        first = await devices.remember(tx, None, ann)
    async with shell.write() as tx:
        second = await devices.remember(tx, first, bob)
    async with shell.read() as tx:
        before = await devices.known(tx, second, "ann")
        assert before is not None
        assert await devices.known(tx, second, "bob") not in (None, before)
        for token, name in ((second, "cat"), (first, "ann"), ("x" * 43, "ann"), ("", "ann")):
            assert await devices.known(tx, token, name) is None
        kept = set((await tx.session.execute(select(col(KnownDevice.digest)))).scalars())
    assert kept == {sessions.digest(second)}
    # signing in as oneself begins no new count of somebody else on the same device
    async with shell.write() as tx:
        third = await devices.remember(tx, second, bob)
    async with shell.read() as tx:
        assert await devices.known(tx, third, "ann") == before


async def test_devices_are_few_and_forgotten_in_time(shell):
    ann, bob = [await shell.person(name) for name in ("ann", "bob")]
    tokens = []
    for _ in range(devices.MOST + 3):
        shell.clock.move(seconds=1)
        async with shell.write() as tx:
            tokens.append(await devices.remember(tx, None, ann))
    async with shell.write() as tx:
        other = await devices.remember(tx, None, bob)
    async with shell.read() as tx:
        known = [await devices.known(tx, token, "ann") is not None for token in tokens]
    assert known == [False] * 3 + [True] * devices.MOST
    async with shell.write() as tx:
        await devices.forget_others(tx, ann, tokens[-1])
    async with shell.read() as tx:
        assert await devices.known(tx, tokens[-1], "ann")
        assert await devices.known(tx, tokens[-2], "ann") is None
        assert await devices.known(tx, other, "bob")
    shell.clock.move(days=366)
    async with shell.write() as tx:
        assert await devices.known(tx, other, "bob") is None
        await devices.tidy(tx)
        left = await tx.session.execute(select(func.count()).select_from(KnownDevice))
        assert left.scalar_one() == 0
