"""The tables of the old app of the traffic police (掌上交警), and what a row of each becomes."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from sqlmodel import col

from plugin_sdk.cases.imports import (
    OldCase,
    Refused,
    Step,
    answered,
    bring_in_case,
    old_number,
    old_time,
)
from plugin_sdk.deadlines import local_day
from plugin_sdk.identifiers import IdentifierError, redact
from plugin_sdk.money import parse_yuan
from plugin_sdk.payments.models import IMPORTED
from plugin_sdk.ports import LegacyPerson, Work
from plugin_sdk.times import LegacyTime
from plugin_sdk.views import Phrase
from plugins.traffic.identifiers import read_file_number, read_plate, shown_plate
from plugins.traffic.models import Handling, Objection, OwnLicence, OwnVehicle
from plugins.traffic.objections import SECOND_FROM
from plugins.traffic.payments_models import Payment, PaymentRefund, PaymentTransaction
from plugins.traffic.rules import POINTS, pay_by
from plugins.traffic.settling import subject_of
from plugins.traffic.takeover import USER, NotTaken, Table, Takeover, Values

VIOLATION: Final = (
    *("违法编号", "号牌号码", "违法时间", "违法地点"),
    *("违法行为", "记分", "罚款金额"),
)
VERDICTS: Final = {"撤销": "cancelled", "维持": "upheld"}
PAID: Final = {"已缴": "paid", "已退": "refunded"}
VIOLATION_DIGITS: Final = (6, 32)
LONGEST_PAYMENT: Final = 19
"""Digits of an old payment's number: here an L goes before it, in twenty characters."""


async def _vehicle(over: Takeover, work: Work, person: LegacyPerson, values: Values) -> bool:
    plate = _read("号牌号码", read_plate, values).text
    at = old_time(values["绑定时间"]).at
    if person.number is None:
        raise NotTaken("number-unseen")
    if not await over.first(work, person, plate, at):
        return False
    there = await over.one(work, OwnVehicle, col(OwnVehicle.plate) == plate)
    if there is not None:
        if there.person_id != person.person_id:
            raise NotTaken("claimed", plate=shown_plate(plate))
        return False  # bound here since, by the same person
    row = OwnVehicle(**over.owned(person), plate=plate, owner_index=person.number, bound_at=at)
    await work.add(row, placed=True)
    work.audit("vehicle.bind", f"vehicle:{row.id}", source=over.of)
    return True


async def _licence(over: Takeover, work: Work, person: LegacyPerson, values: Values) -> bool:
    number = _read("档案编号", read_file_number, values)
    at = old_time(values["绑定时间"]).at
    if person.number is None:
        raise NotTaken("number-unseen")
    if not await over.first(work, person, number, at):
        return False
    mine = await over.one(work, OwnLicence, col(OwnLicence.person_id) == person.person_id)
    there = await over.one(work, OwnLicence, col(OwnLicence.file_number) == number)
    if mine is not None and mine.file_number == number:
        return False
    if mine is not None or there is not None:
        raise NotTaken("licence-bound")
    row = OwnLicence(
        **over.owned(person), file_number=number, owner_index=person.number, bound_at=at
    )
    await work.add(row, placed=True)
    work.audit("licence.bind", f"licence:{row.id}", source=over.of)
    return True


async def _accepted(over: Takeover, work: Work, person: LegacyPerson, values: Values) -> bool:
    facts, handled = _facts(values), old_time(values["处理时间"])
    _in_order(facts["happened_at"], handled)
    if not await over.first(work, person, facts["number"], facts["happened_at"]):
        return False
    there = await _handling(over, work, person, facts["number"])
    if there is not None:
        return False  # dealt with here since, by the same person
    row = Handling(
        **over.owned(person),
        **facts,
        state="accepted",
        changed_at=handled.at,
        due_on=pay_by(local_day(handled.at)),
    )
    await work.add(row, placed=True)
    work.audit("violation.accept", f"violation:{row.number}", source=over.of)
    return True


async def _paid(over: Takeover, work: Work, person: LegacyPerson, values: Values) -> bool:
    number, paid = old_number(values["缴款编号"]), old_time(values["缴款时间"])
    if len(number) > LONGEST_PAYMENT:
        raise Refused("number-unreadable")
    state, amount = _choice(values["状态"], PAID), _yuan(values["缴款金额"])
    back = old_time(values["退款时间"]) if state == "refunded" else None
    if back is not None:
        _in_order(paid.at, back)
    handling = await _handling(over, work, person, values["违法编号"])
    if handling is None:
        raise NotTaken("violation-missing", violation=values["违法编号"][:32])
    if not handling.fine <= amount <= 2 * handling.fine:
        raise NotTaken("sum-differs", violation=handling.number)
    if not await over.first(work, person, number, paid.at):
        return False
    subject, transaction = subject_of(handling.number), old_number(values["流水号"])
    settled = await over.one(work, Payment, col(Payment.claim) == f"paid:{subject}")
    came = PaymentTransaction
    taken = await over.one(work, came, col(came.transaction) == transaction)
    if taken is not None or (settled is not None and state == "paid"):
        raise NotTaken("paid-already", violation=handling.number)
    row = Payment(
        **over.owned(person),
        number=f"L{number}",
        subject=subject,
        claim=f"paid:{subject}" if state == "paid" else None,
        title=handling.what,
        lines=_lines(handling.fine, amount),
        amount=amount,
        state=state,
        transaction=transaction,
        opened_at=paid.at,
        expires_at=paid.at,
        paid_at=paid.at,
        changed_at=(back or paid).at,
        told=state,  # the source heard it from the old app
    )
    await work.add(row, placed=True)
    money: dict[str, Any] = {
        **over.owned(person),
        "payment_id": row.id,
        "transaction": transaction,
        "amount": amount,
    }
    entry = came(**money, paid_at=paid.at, known_at=work.now, source=IMPORTED)
    await work.add(entry, placed=True)
    if back is not None:
        at: dict[str, Any] = {"at": back.at, "sent_at": back.at, "done_at": back.at}
        refund = PaymentRefund(
            **money,
            **at,
            number=row.number,
            claim=transaction,
            state="done",
            reason="",
            automatic=True,
        )
        await work.add(refund, placed=True)
    elif handling.state == "accepted":
        handling.state, handling.changed_at = "paid", paid.at
    work.audit("payment.import", f"payment:{row.number}", amount=amount, source=over.of)
    return True


async def _objected(over: Takeover, work: Work, person: LegacyPerson, values: Values) -> bool:
    facts, filed = _facts(values), old_time(values["申请时间"])
    number = facts.pop("number")
    _in_order(facts["happened_at"], filed)
    decided = answered(filed, values["审核意见"], values["审核时间"])
    weighty = facts["fine"] >= int(over.desk.hub.settings.get(*SECOND_FROM))
    stands = "weighty" if weighty else "filed"
    verdict = _choice(values["审核结果"], VERDICTS) if decided else stands
    steps = [Step(verb="file", time=filed, target=stands)]
    if decided is not None:
        verb = {"cancelled": "confirm" if weighty else "cancel", "upheld": "uphold"}[verdict]
        steps.append(Step(verb=verb, time=decided, target=verdict, text=values["审核意见"]))
    if not values["异议理由"]:
        raise Refused("nothing-asked")
    old = OldCase(
        number=old_number(values["异议编号"]),
        title=f"{shown_plate(facts['plate'])} {facts['what']}"[:200],
        steps=tuple(steps),
        resolved=decided,
        fields={
            **facts,
            "violation": number,
            "person_id": person.person_id,
            "text": redact(values["异议理由"]),
            "reply": values["审核意见"],
        },
        same=("violation", "person_id", "text", "reply"),
    )
    objections = over.desk.objections
    if not await bring_in_case(objections.engine, work, old, over.unit, over.of):
        return False
    others = work.rows(Objection, col(Objection.id)).where(
        col(Objection.violation) == number, col(Objection.number) != f"L{old.number}"
    )
    if (await work.session.execute(others)).first() is not None:
        raise NotTaken("objected-already", violation=number)
    moment = (decided or filed).at
    row = await _handling(over, work, person, number)
    if row is None:
        row = Handling(
            **over.owned(person), number=number, **facts, state="objected", changed_at=moment
        )
        await work.add(row, placed=True)
    fines = over.desk.fines
    if verdict == "cancelled":
        if await fines.claimed(work, f"paid:{subject_of(number)}") is not None:
            raise NotTaken("not-returned", violation=number)
        row.state = "cancelled"
    else:
        row.state = await fines.stands(work, row) if verdict == "upheld" else "objected"
    row.changed_at = moment
    return True


TABLES: Final = (
    Table("vehicles", (USER, "号牌号码", "绑定时间"), _vehicle),
    Table("licences", (USER, "档案编号", "绑定时间"), _licence),
    Table("violations", (USER, *VIOLATION, "处理时间"), _accepted),
    Table(
        "payments",
        (
            *(USER, "缴款编号", "违法编号", "缴款金额", "流水号"),
            *("缴款时间", "状态", "退款时间"),
        ),
        _paid,
    ),
    Table(
        "objections",
        (
            *(USER, "异议编号", *VIOLATION, "异议理由", "申请时间"),
            *("审核结果", "审核意见", "审核时间"),
        ),
        _objected,
    ),
)
"""The tables of the old app, in the order in which they are brought in: what is paid or objected to
was accepted first."""


def _facts(values: Values) -> dict[str, Any]:
    number, points = values["违法编号"].upper(), values["记分"]
    shortest, longest = VIOLATION_DIGITS
    if not (number.isascii() and number.isalnum() and shortest <= len(number) <= longest):
        raise Refused("number-unreadable" if number else "number-empty")
    if not (points.isdecimal() and points.isascii() and int(points[:4]) in POINTS):
        raise Refused("choice-unknown", text=points[:40])
    return {
        "number": number,
        "plate": _read("号牌号码", read_plate, values).text,
        "happened_at": old_time(values["违法时间"]).at,
        "place": values["违法地点"][:200],
        "what": values["违法行为"][:200],
        "points": int(points),
        "fine": _yuan(values["罚款金额"]),
    }


def _read(column: str, read: Callable[[str], Any], values: Values) -> Any:
    try:
        return read(values[column])
    except IdentifierError as error:
        refused = Refused(error.code)
        refused.reason = Phrase(f"traffic.wrong.{error.code}")
        raise refused from None


def _yuan(text: str) -> int:
    fen = parse_yuan(text)
    if fen is None or not 0 <= fen <= 10_000_000:
        raise NotTaken("sum", text=text[:20])
    return fen


def _choice(text: str, known: Mapping[str, str]) -> str:
    if text not in known:
        raise Refused("choice-unknown", text=text[:40])
    return known[text]


def _in_order(first: datetime, then: LegacyTime) -> None:
    """Raise `Refused` where what followed comes before what it followed on."""
    exact = then.has_time and then.at < first
    if exact or local_day(then.at) < local_day(first):
        raise NotTaken("too-early")


async def _handling(over: Takeover, work: Work, person: LegacyPerson, number: str) -> Any:
    row = await over.one(work, Handling, col(Handling.number) == number.upper())
    if row is not None and row.person_id != person.person_id:
        raise NotTaken("others", violation=row.number)
    return row


def _lines(fine: int, amount: int) -> list[dict[str, Any]]:
    parts = {"fine": fine, "late_fee": amount - fine}
    return [{"name": name, "amount": fen} for name, fen in parts.items() if fen]
