"""Whom a text names: what an answer must not say of a caller.

Two things are told apart. By its form alone a text is refused at keeping: a mobile number, an
identity number, a greeting with a name in it. By comparison a text is refused, at keeping and at
answering, that says the name or the mobile number of somebody who called: of another order than
the one it answers, opened within `RECENT`.

The comparison looks at what the writer may read, and never at a secret order: a refusal must tell
nobody that somebody called whose calls they may not see. It knows no names but those of callers,
so that it takes no word for a name: a name of three or more characters counts wherever it stands;
one of two, or a surname with a title (李女士), is often an ordinary word or many people's, and
counts where somebody is addressed or called a caller. It guards against slips (an answer copied
from another order), not against whoever means to write a name in pieces.
"""

import re
import unicodedata
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from sqlmodel import col

from plugin_sdk.identifiers import IdentifierError, find_identity_numbers, normalize_phone, redact
from plugin_sdk.ports import Read
from plugin_sdk.problems import FieldError
from plugin_sdk.views import Phrase
from plugins.hotline.models import Order

RECENT: Final = timedelta(days=90)
AT_ONCE: Final = 1000
"""How many candidates are compared in one statement."""

AROUND: Final = 8
"""How many characters before a place say whether a sentence begins there."""

_HAN: Final = r"\u3400-\u9fff"
_RUN: Final = re.compile(rf"[{_HAN}]+")
_DOTTED: Final = re.compile(rf"([{_HAN}]{{1,8}})([·•・])([{_HAN}]{{1,8}})")
_LATIN: Final = re.compile(r"[A-Z][A-Za-z'-]+(?: [A-Z][A-Za-z'-]+){1,3}")
_TITLES: Final = "先生|女士|小姐|同志|同学|师傅|老师|大爷|大妈|阿姨"
_NOBODY: Final = (
    "市民|居民|村民|群众|业主|网友|家长|朋友|用户|客户|乡亲|各位|大家|匿名|热心"
    "|来电|诉求|反映|投诉|举报"
)
_BEFORE: Final = re.compile(
    r"(?:尊敬的|亲爱的|诉求人|来电人|反映人|投诉人|举报人|市民|居民|村民|业主|网友)[：:“\"]?"
)
_CALLED: Final = re.compile(r"[，,、：:\s]*[您你]|[：:]")
_TITLE: Final = re.compile(_TITLES)
_GREETED: Final = re.compile(
    rf"(?:尊敬的|亲爱的)(?P<dear>[{_HAN}]{{1,4}}?)(?:{_TITLES}|[，,：:])|"
    rf"(?:^|[\n。！？!?])\s*(?P<first>[{_HAN}]{{2,4}}?)(?:{_TITLES})?[，,、：:\s]*[您你]好"
)
_ROLE: Final = re.compile(r"[人者员方们户友]$")
_NOT_A_NAME: Final = re.compile(rf"{_NOBODY}|[您你]|尊敬|亲爱|{_TITLES}")
_MOBILE: Final = re.compile(r"(?<![0-9])(?:86[ -]?)?1[3-9][0-9](?:[ -]{0,2}[0-9]){8}(?![0-9])")


def mobiles(text: str) -> list[str]:
    """Return the mobile numbers in a text, as orders keep them."""
    found = []
    for spelled in _MOBILE.findall(unicodedata.normalize("NFKC", text)):
        try:
            found.append(normalize_phone(spelled))
        except IdentifierError:
            continue
    return list(dict.fromkeys(found))


def greeted(text: str) -> str | None:
    """Return the name with which a text greets somebody, None where it greets nobody by name."""
    for found in _GREETED.finditer(text):
        name = found["dear"] or found["first"]
        if not _NOT_A_NAME.search(name) and not _ROLE.search(name):
            return name
    return None


def by_form(field: str, text: str) -> list[FieldError]:
    """Return what is wrong with a text that is kept to be used again, whoever called."""
    wrong = []
    if find_identity_numbers(text, checksum=False):
        wrong.append(_error(field, "identity-number"))
    elif redact(text) != text or mobiles(text):
        wrong.append(_error(field, "mobile"))
    if name := greeted(text):
        wrong.append(_error(field, "greeting", name=name))
    return wrong


async def other_caller(read: Read, text: str, row: Order | None = None) -> FieldError | None:
    """Return why a text cannot be said in answer to an order (None: kept for any), where it names
    the caller of another; None where it names none that the actor may know."""
    field = "text"
    own = row.caller_name if row else ""
    names = [name for name in dict.fromkeys(_possible(text)) if name not in own]
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


def _possible(text: str) -> Iterator[str]:
    """Yield what in a text could be the name of a caller."""
    yield from _LATIN.findall(text)
    for left, dot, right in _DOTTED.findall(text):
        for before in range(1, len(left) + 1):
            for after in range(1, len(right) + 1):
                yield f"{left[-before:]}{dot}{right[:after]}"
    nobody, titles = _spans(_NOT_A_NAME, text), _spans(_TITLE, text)
    presented = {found.end() for found in _BEFORE.finditer(text)}
    for run in _RUN.finditer(text):
        for at in range(run.start(), run.end() - 1):
            for end in range(at + 2, min(at + 4, run.end()) + 1):
                titled = end in (titles.get(at + 1), titles.get(at + 2))
                if end - at > 2 and not titled:
                    counts = all(nobody.get(n, end + 1) > end for n in range(at, end))
                elif at in presented or (not titled and end in titles):
                    counts = True
                else:
                    counts = _begins(text, at) and _CALLED.match(text, end) is not None
                if counts:
                    yield text[at:end]


def _spans(pattern: re.Pattern[str], text: str) -> dict[int, int]:
    """Return where a pattern ends, by where it begins, also where one begins in another."""
    ahead = re.compile(f"(?=({pattern.pattern}))")
    return {found.start(): found.end(1) for found in ahead.finditer(text)}


def _begins(text: str, at: int) -> bool:
    """Return whether a sentence begins at a place, or the text."""
    return text[max(0, at - AROUND) : at].rstrip(" \t")[-1:] in "\n。！？!?"


def _error(field: str, code: str, **params: Any) -> FieldError:
    return FieldError(field, Phrase(f"hotline.knowledge.wrong.{code}", params))
