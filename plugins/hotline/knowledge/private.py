"""Whom a text names: what an answer must not say of a caller.

Two things are told apart. By its form alone a text is refused at keeping: a mobile number, an
identity number, a greeting with a name in it. By comparison a text is refused, at keeping and at
answering, that says the name or the mobile number of somebody who called: of another order than
the one it answers, opened within `RECENT`.

The comparison looks at what the writer may read, and never at a secret order: a refusal must tell
nobody that somebody called whose calls they may not see. It guards against slips (an answer copied
from another order), not against whoever means to write a name in pieces.
"""

from datetime import timedelta
from typing import Any, Final

from sqlmodel import col

from plugin_sdk.identifiers import find_identity_numbers, find_mobiles
from plugin_sdk.ports import Read
from plugin_sdk.problems import FieldError
from plugin_sdk.views import Phrase
from plugins.hotline.models import Order
from plugins.hotline.naming import greeted, mobiles, possible_names

RECENT: Final = timedelta(days=90)
AT_ONCE: Final = 1000
"""How many candidates are compared in one statement."""


def by_form(field: str, text: str) -> list[FieldError]:
    """Return what is wrong with a text that is kept to be used again, whoever called."""
    wrong = []
    if find_identity_numbers(text, checksum=False):
        wrong.append(_error(field, "identity-number"))
    elif find_mobiles(text):
        wrong.append(_error(field, "mobile"))
    if name := greeted(text):
        wrong.append(_error(field, "greeting", name=name))
    return wrong


async def other_caller(read: Read, text: str, row: Order | None = None) -> FieldError | None:
    """Return why a text cannot be said in answer to an order (None: kept for any), where it names
    the caller of another; None where it names none that the actor may know."""
    field = "text"
    own = row.caller_name if row else ""
    names = [name for name in possible_names(text) if name not in own]
    for at in range(0, len(names), AT_ONCE):
        statement = _others(read, row, col(Order.caller_name)).where(
            col(Order.caller_name).in_(names[at : at + AT_ONCE])
        )
        if name := (await read.session.execute(statement.limit(1))).scalar():
            return _error(field, "other-caller", name=name)
    numbers = [one for one in mobiles(text) if row is None or one != row.caller_phone]
    if numbers:
        statement = _others(read, row, col(Order.caller_phone)).where(
            col(Order.caller_phone).in_(numbers[:AT_ONCE])
        )
        if (await read.session.execute(statement.limit(1))).first() is not None:
            return _error(field, "other-phone")
    return None


def _others(read: Read, row: Order | None, column: Any) -> Any:
    statement = read.rows(Order, column, permission="order.read").where(
        col(Order.secret).is_(False), col(Order.opened_at) >= read.now - RECENT
    )
    return statement.where(col(Order.id) != row.id) if row else statement


def _error(field: str, code: str, **params: Any) -> FieldError:
    return FieldError(field, Phrase(f"hotline.knowledge.wrong.{code}", params))
