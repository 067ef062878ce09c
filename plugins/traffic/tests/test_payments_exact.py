"""Whatever happens in whatever order: sums are exact, and nobody pays twice without getting one
back."""

import secrets
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from plugin_sdk.payments import refunds
from plugin_sdk.payments.models import STATES
from plugin_sdk.payments.simulated import How
from plugin_sdk.problems import Conflict
from plugins.traffic.tests.paying import Till

STEPS = st.one_of(
    st.tuples(st.just("pay"), st.sampled_from(list(How)), st.integers(0, 3)),
    st.tuples(st.just("again"), st.none(), st.integers(0, 3)),  # a notice is sent once more
    st.tuples(
        st.sampled_from(("open", "deliver", "lose", "refund", "mind", "compare", "hours")),
        st.none(),
        st.integers(0, 3),
    ),
)


@pytest.fixture
async def till(hub_app):
    return Till(hub_app, await hub_app.actors())


AGAIN = [("hours", None, 0), ("open", None, 0), ("pay", How.AT_ONCE, 0), ("pay", How.AT_ONCE, 1)]


@example(steps=[*AGAIN, ("deliver", None, 0), ("refund", None, 0)])  # both are paid
@example(steps=[("pay", How.AT_ONCE, 0), *AGAIN, ("lose", None, 0)])
@given(steps=st.lists(STEPS, min_size=4, max_size=14))
@settings(
    max_examples=10,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_sums_are_exact_whatever_happens(till, steps):
    subject = f"violation:{secrets.token_hex(6)}"
    opened = [await till.open(subject)]
    for what, how, n in steps:
        await _do(till, subject, opened, what, how, n)
    for _ in range(2):  # the jobs of the days after
        till.hub.clock.move(hours=25)
        await till.mind()
        await till.compare(3)
    await _exact(till, {payment.id for payment in opened})


async def _do(till, subject, opened, what, how, n):
    payment = await till.row(opened[n % len(opened)])
    match what:
        case "pay":
            await till.provider.pay(till.desk.order(payment), how)
        case "again":
            for movement in await till.provider.movements(payment.number):
                assert (await till.notify(movement)).status_code in (200, 409)
        case "open":
            with suppress(Conflict):  # it is paid
                opened.append(await till.open(subject))
        case "deliver":
            await till.provider.deliver(till.engine.receive)
        case "lose":
            await till.provider._run(lambda db: db.execute("UPDATE said SET taken = 1"))
        case "refund":
            async with till.engine.hub.work(till.engine.system) as work:
                await refunds.give_back(till.engine, work, subject, "撤销处罚")
        case "mind":
            await till.mind()
        case "compare":
            await till.compare()
        case "hours":
            till.hub.clock.move(hours=3)  # what is open expires


async def _exact(till, opened):
    payments, money, refunded, found = [
        await till.rows(name) for name in ("payment", "transaction", "refund", "finding")
    ]
    settled = 0
    for payment in [row for row in payments if row.id in opened]:
        came, back = [
            [row for row in rows if row.payment_id == payment.id] for rows in (money, refunded)
        ]
        assert payment.state in STATES
        assert payment.state not in ("open", "refunding")  # it came to an end
        assert {row.state for row in back} <= {"done"}
        owed = payment.amount if payment.state == "paid" else 0
        settled += payment.state == "paid"
        held = sum(row.amount for row in came) - sum(row.amount for row in back)
        assert held == owed
        # and so does the provider, but for what is listed for staff
        there = await till.provider._found("number = ?", payment.number)
        theirs = sum(m.amount if m.kind == "paid" else -m.amount for m in there)
        listed = sum(
            row.theirs
            for row in found
            if row.number == payment.number and (row.kind, row.state) == ("other-sum", "open")
        )
        assert theirs - listed == owed
    assert settled <= 1
