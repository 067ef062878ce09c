"""Who is named in a text that is passed on, kept or published.

Of a caller who is known it is asked whether the text says their name or number, however that is
spelled: of full width, with spaces, dots or dashes between, with what takes no room. Of anybody it
is asked by form alone: numbers, plates, addresses of mail, a greeting, a title after a name.

What may stand between the letters of a name is never a letter itself, and a name is brought to its
letters first: else a name of dots, which outsiders choose, would make a pattern that never ends.
"""

import re
from collections.abc import Iterator
from typing import Final
from unicodedata import normalize

import msgspec

from plugin_sdk.identifiers import (
    UNSEEN,
    IdentifierError,
    find_identity_numbers,
    find_mobiles,
    normalize_phone,
    redact,
)

NOBODY: Final = "诉求人"
"""What stands in a passed-on answer for the name of the original's caller."""
STARS: Final = "***"
SHORTEST: Final = 7
"""How many digits a number has that is looked for in every spelling."""
LANDLINE: Final = range(9, 12)
"""How many digits a landline has, with its area's code and without the 0 before that."""
AROUND: Final = 8
"""How many characters before a place say whether a sentence begins there."""

_APART: Final = r"[\W_]{0,3}"
"""What may stand between digits, and between the letters of a name of three or more."""
_SPACED: Final = rf"(?:[^\S\n]|[·•・.．{UNSEEN}]){{0,3}}"
"""What may stand between two letters: with a comma between they are of two words."""
_MOBILE: Final = re.compile("1[3-9][0-9]{9}")
_TITLES: Final = "先生|女士|小姐|同志|同学|师傅|老师|大爷|大妈|阿姨"
_HAN: Final = r"\u3400-\u9fff"
PATTERNS: Final = {
    "phone": re.compile(r"(?<!\d)0\d{2,3}[ -]?\d{7,8}(?!\d)"),
    "plate": re.compile(
        "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼]"
        "[A-HJ-NP-Z][·. ]?[A-HJ-NP-Z0-9]{4,5}[A-HJ-NP-Z0-9挂学警港澳领]",
        re.IGNORECASE,
    ),
    "mail": re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+", re.ASCII),
    "person": re.compile(rf"[\u4e00-\u9fff]{{1,2}}(?:{_TITLES}|医生|某某?)"),
}


class Find(msgspec.Struct, frozen=True):
    """Something in a text that may tell of a person: what kind of thing, and what it says."""

    kind: str
    text: str


# A caller who is known.


def without_caller(text: str, name: str, phone: str, enterprise: str = "") -> str:
    """Return an answer without the name and the number of whom it was written to, however they
    are spelled, without their enterprise, and with other numbers of people masked."""
    for pattern in (*_names(enterprise), *_names(name), *_surnames(name)):
        text = pattern.sub(NOBODY, text)
    for pattern in _numbers(phone):
        text = pattern.sub(STARS, text)
    return redact(text)


def find(text: str, name: str, phone: str) -> list[Find]:
    """Return what in a text may tell of a person, in order of kind: the caller's name and number,
    identity numbers, telephones, plates, addresses of mail, people named by their title."""
    return list(dict.fromkeys(_found(normalize("NFKC", text), name, phone)))


def _found(text: str, name: str, phone: str) -> Iterator[Find]:
    for pattern in (*_names(name), *_numbers(phone)):
        yield from (Find("caller", match.group()) for match in pattern.finditer(text))
    for kind, spans in (
        ("identity", find_identity_numbers(text, checksum=False)),
        ("mobile", find_mobiles(text)),
    ):
        yield from (Find(kind, text[span.start : span.end]) for span in spans)
    for kind, pattern in PATTERNS.items():
        yield from (Find(kind, match.group()) for match in pattern.finditer(text))


def _names(name: str) -> Iterator[re.Pattern[str]]:
    """Yield the pattern of a name in every spelling; none for a single letter."""
    letters = _letters(name)
    if len(letters) < 2:
        return
    gap = _SPACED if len(letters) == 2 else _APART
    whole = gap.join(map(_spelled, letters))
    first, last = (r"(?<![A-Za-z])", r"(?![A-Za-z])") if letters.isascii() else ("", "")
    yield re.compile(f"(?i){first}{whole}{last}")


def _surnames(name: str) -> Iterator[re.Pattern[str]]:
    """Yield the pattern of a surname before a title (王阿姨)."""
    name = _letters(name)
    if len(name) < 2:
        return
    surname = "|".join([re.escape(name[:2]), re.escape(name[:1])][: 1 if len(name) > 3 else 2])
    yield re.compile(rf"(?:{surname})(?={_SPACED}(?:{_TITLES}|某))")


def _numbers(phone: str) -> Iterator[re.Pattern[str]]:
    """Yield the patterns of a number: whole with what may stand before it, then without the code
    of its area."""
    digits = re.sub("[^0-9]", "", normalize("NFKC", phone))
    own = re.sub("^(?:00)?86" if len(digits) > 11 else "^0", "", digits).removeprefix("0")
    if not own:
        return
    if len(own) < SHORTEST:
        yield re.compile(re.escape(phone))
        return
    before = rf"(?:(?:[+＋]{_APART})?(?:[0０][0０])?[8８][6６]{_APART})?(?:[0０]{_APART})?"
    yield re.compile(before + _APART.join(map(_spelled, own)))
    if len(own) in LANDLINE and own[0] != "0" and not _MOBILE.fullmatch(own):
        area = 2 if own[0] == "2" or own[:2] == "10" else 3
        yield re.compile(rf"(?<!\d){_APART.join(map(_spelled, own[area:]))}(?!\d)")


def _letters(name: str) -> str:
    """Return a name without what may stand between its letters."""
    return re.sub(r"[\W_]", "", normalize("NFKC", name))


def _spelled(letter: str) -> str:
    """Return the pattern of a letter or digit, of usual or of full width."""
    wide = ord(letter) + 0xFEE0
    return f"[{letter}{chr(wide)}]" if letter.isascii() and letter.isalnum() else re.escape(letter)


# Anybody, by form alone.

_RUN: Final = re.compile(rf"[{_HAN}]+")
_SQUEEZED: Final = re.compile(rf"(?<=[{_HAN}])[ \t\u00a0.\-—–_·•・{UNSEEN}]{{1,3}}(?=[{_HAN}])")
_DOTTED: Final = re.compile(rf"([{_HAN}]{{1,8}})([·•・])([{_HAN}]{{1,8}})")
_LATIN: Final = re.compile(r"[A-Z][A-Za-z'-]+(?: [A-Z][A-Za-z'-]+){1,3}")
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
NOT_A_NAME: Final = re.compile(rf"{_NOBODY}|[您你]|尊敬|亲爱|{_TITLES}")


def mobiles(text: str) -> list[str]:
    """Return the mobile numbers in a text, as orders keep them."""
    found = []
    for span in find_mobiles(text):
        digits = re.sub("[^0-9]", "", normalize("NFKC", text[span.start : span.end]))
        try:
            found.append(normalize_phone(digits[-11:]))
        except IdentifierError:
            continue
    return list(dict.fromkeys(found))


def greeted(text: str) -> str | None:
    """Return the name with which a text greets somebody, None where it greets nobody by name."""
    for found in _GREETED.finditer(text):
        name = found["dear"] or found["first"]
        if not NOT_A_NAME.search(name) and not _ROLE.search(name):
            return name
    return None


def possible_names(text: str) -> list[str]:
    """Return what in a text could be the name of a caller, each once.

    It knows no names, so that it takes no word for one: a name of three or more characters counts
    wherever it stands; one of two, or a surname with a title (李女士), is often an ordinary word or
    many people's, and counts where somebody is addressed or called a caller.
    """
    plain = normalize("NFKC", text)
    spellings = dict.fromkeys((plain, _SQUEEZED.sub("", plain)))
    return list(dict.fromkeys(name for spelled in spellings for name in _possible(spelled)))


def _possible(text: str) -> Iterator[str]:
    yield from _LATIN.findall(text)
    for left, dot, right in _DOTTED.findall(text):
        for before in range(1, len(left) + 1):
            for after in range(1, len(right) + 1):
                yield f"{left[-before:]}{dot}{right[:after]}"
    nobody, titles = _spans(NOT_A_NAME, text), _spans(_TITLE, text)
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
