"""What the provider says twice, late, wrongly or not at all; and what goes back."""

import asyncio
from collections import Counter

import pytest

from plugin_sdk.payments.provider import ProviderAway, RefundRefused
from plugin_sdk.payments.simulated import How
from plugin_sdk.webhooks import SKEW
from plugins.traffic.tests.paying import HERE, Till


@pytest.fixture
async def till(hub_app):
    return Till(hub_app, await hub_app.actors())


async def states(till):
    return Counter(row.state for row in await till.rows("payment"))


async def test_a_notice_counts_once_whether_it_comes_twice_late_or_replayed(till):
    payment = await till.open(late_fee=450)
    assert payment.amount == 15450
    assert (await till.open(payment.subject)).id == payment.id  # the sum stays as it was
    paid = till.movement(payment, "T-one")
    for _ in range(2):
        assert (await till.notify(paid)).status_code == 200
    row = await till.row(payment)
    assert (row.state, row.transaction, row.late) == ("paid", "T-one", False)
    # refused: unsigned, signed by another or long ago, another sum, another body, unknown
    other = till.movement(payment, "T-two", amount=100)
    for answer, status, code in (
        (await till.notify(paid, key=b"x" * 32), 403, "unsigned"),
        (await till.notify(paid, now=till.engine.hub.now() - 2 * SKEW), 403, "unsigned"),
        (await till.notify(other), 409, "other-sum"),
        (await till.notify(till.movement(payment, "T-one", amount=1)), 409, "other-body"),
        (await till.notify(till.movement(payment, number="404")), 409, "unknown"),
    ):
        assert (answer.status_code, answer.json()["type"]) == (
            status,
            f"urn:yimen:problem:payments.{code}",
        )
    assert len(await till.rows("transaction")) == 1
    kinds = Counter(row.kind for row in await till.rows("finding"))
    assert kinds == {"other-sum": 1, "other-body": 1, "unknown": 1}
    # money that comes after expiry is taken, and said
    late = await till.open()
    till.hub.clock.move(hours=3)
    await till.mind()
    assert (await till.row(late)).state == "expired"
    assert (await till.notify(till.movement(late))).status_code == 200
    assert ((await till.row(late)).state, (await till.row(late)).late) == ("paid", True)


async def test_what_is_paid_twice_goes_back_by_itself(till):
    payment = await till.open()
    await till.provider.pay(till.desk.order(payment), How.PAID_TWICE)
    await till.provider.deliver(till.engine.receive)
    assert (await till.row(payment)).state == "paid"
    await till.mind()
    (refund,) = await till.rows("refund")
    assert (refund.state, refund.automatic, refund.amount) == ("done", True, payment.amount)
    assert refund.transaction != (await till.row(payment)).transaction
    # an expired one that is paid late settles its subject: the one opened since is not owed
    first = await till.open("violation:again")
    till.hub.clock.move(hours=3)
    second = await till.open("violation:again")
    assert second.id != first.id
    assert (await till.notify(till.movement(first))).status_code == 200
    assert [(await till.row(one)).state for one in (first, second)] == ["paid", "expired"]
    assert (await till.notify(till.movement(second, "T-extra"))).status_code == 200
    await till.mind()
    back = [row for row in await till.rows("refund") if row.transaction == "T-extra"]
    assert [row.state for row in back] == ["done"]


async def test_two_hundred_notices_at_once_leave_one_paid(till):
    payment, twice = await till.open(), await till.open()
    clients = [till.hub.client() for _ in range(10)]
    once = [till.movement(payment, "T-one")] * 200
    for movements in (once, [till.movement(twice) for _ in range(20)]):
        waiting = list(movements)
        while waiting:  # more at once than the app takes are sent again, as a provider does
            sent = [till.notify(m, client=clients[n % 10]) for n, m in enumerate(waiting)]
            answers = [answer.status_code for answer in await asyncio.gather(*sent)]
            assert set(answers) <= {200, 503}
            waiting = [m for m, status in zip(waiting, answers, strict=True) if status == 503]
    assert await states(till) == {"paid": 2}
    came = Counter(row.payment_id for row in await till.rows("transaction"))
    back = Counter(row.payment_id for row in await till.rows("refund"))
    assert (came, back) == ({payment.id: 1, twice.id: 20}, {twice.id: 19})


async def test_a_second_person_decides_above_the_limit(till):
    small, large = await till.open(fine=20000), await till.open(fine=20001)
    for payment in (small, large):
        await till.notify(till.movement(payment))
    officer, other = [await till.hub.client_as(role) for role in ("officer", "officer2")]
    form = {"version": 2, "reason": "当事人提交了新证据"}
    for payment, state in ((small, "refunding"), (large, "paid")):
        answer = await officer.post(f"{HERE}/{payment.number}/refund", json=form)
        assert (answer.status_code, answer.json()["state"]) == (200, state)
        again = await officer.post(f"{HERE}/{payment.number}/refund", json=form)
        assert again.status_code == 409
    (proposed,) = [row for row in await till.rows("refund") if row.state == "proposed"]
    decide = f"{HERE}/refunds/{proposed.id}"
    own = await officer.post(decide, json={"decision": "approve"})
    assert own.json()["type"] == "urn:yimen:problem:payments.second-person"
    assert (await other.post(decide, json={"decision": "approve"})).status_code == 200
    await till.mind()
    assert await states(till) == {"refunded": 2}
    # the payer sees both, nobody else does, and the receipt says that it proves nothing now
    payer, stranger = [await till.hub.client_as(role) for role in ("resident", "resident2")]
    assert len((await payer.get(HERE)).json()["items"]) == 2
    assert (await stranger.get(f"{HERE}/{large.number}")).status_code == 404
    receipt = (await payer.get(f"{HERE}/{large.number}/receipt")).json()
    assert receipt["note"]["key"] == "payments.receipt.refunded"


async def test_a_statement_repairs_what_is_certain_and_lists_the_rest(till):
    lost, wrong, ghost = [await till.open() for _ in range(3)]
    await till.provider.pay(till.desk.order(lost), How.LOST)
    await till.provider.pay(till.desk.order(wrong), How.OTHER_SUM)
    await till.notify(till.movement(ghost, "T-ghost"))
    for _ in range(2):  # doing it again changes nothing
        await till.compare()
    assert (await till.row(lost)).state == "paid"
    found = {row.kind: row for row in await till.rows("finding")}
    assert {kind: row.state for kind, row in found.items()} == {
        "missing-here": "repaired",
        "other-sum": "open",
        "missing-there": "open",
    }
    officer = await till.hub.client_as("officer")
    page = (await officer.get(f"{HERE}/findings")).json()
    assert (page["open"], len(page["items"])) == (2, 3)
    settle = f"{HERE}/findings/{found['other-sum'].id}"
    answer = await officer.post(settle, json={"how": "back", "note": "金额不符，退回"})
    assert answer.status_code == 200
    await till.mind()
    (refund,) = await till.rows("refund")
    assert (refund.state, refund.amount) == ("done", wrong.amount - 100)
    refused = f"{HERE}/findings/{found['missing-there'].id}"
    answer = await officer.post(refused, json={"how": "back", "note": "退回"})
    assert answer.json()["type"] == "urn:yimen:problem:payments.cannot-go-back"
    figures = (await officer.get(f"{HERE}/figures")).json()["cards"]
    assert [card["value"] for card in figures] == [2, 44900, 14900, 3]


async def test_a_provider_that_is_away_or_refuses_loses_nothing(till, monkeypatch):
    payment, unpaid = await till.open(), await till.open()
    await till.notify(till.movement(payment))
    officer = await till.hub.client_as("officer")
    form = {"version": 2, "reason": "重复处罚"}
    assert (await officer.post(f"{HERE}/{payment.number}/refund", json=form)).status_code == 200
    till.hub.clock.move(hours=3)

    async def away(*_):
        raise ConnectionRefusedError

    for name, step in (
        ("refund", till.mind),
        ("movements", till.mind),
        ("statement", till.compare),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(till.provider, name, away)
            with pytest.raises(ProviderAway):
                await step()
    assert await states(till) == {"refunded": 1, "open": 1}
    await till.mind()
    assert (await till.row(unpaid)).state == "expired"

    async def refuse(*_):
        raise RefundRefused("closed")

    third = await till.open()
    await till.notify(till.movement(third))
    officer = await till.hub.client_as("officer")  # what is risky wants a fresh proof
    await officer.post(f"{HERE}/{third.number}/refund", json=form)
    monkeypatch.setattr(till.provider, "refund", refuse)
    await till.mind()
    assert (await till.row(third)).state == "paid"
    assert [row.state for row in await till.rows("refund")] == ["done", "failed"]
