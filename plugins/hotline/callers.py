"""What is passed on of an order without who called for it."""

import re
from typing import Final
from unicodedata import normalize

from plugin_sdk.identifiers import redact

NOBODY: Final = "诉求人"
"""What stands in a passed-on answer for the name of the original's caller."""
STARS: Final = "***"
SHORTEST: Final = 7
"""How many digits a number has that is looked for in every spelling."""
LANDLINE: Final = range(9, 12)
"""How many digits a landline has, with its area's code and without the 0 before that."""
_MOBILE: Final = re.compile("1[3-9][0-9]{9}")
_UNSEEN: Final = "\u200b-\u200d\u2060\ufeff"
_SPACE: Final = rf"[\s·{_UNSEEN}]{{0,3}}"
_GAP: Final = rf"[\s()（）\-‐‑‒–—―－·.{_UNSEEN}]{{0,3}}"


def without_caller(text: str, name: str, phone: str, enterprise: str = "") -> str:
    """Return an answer without the name and the number of whom it was written to, however they
    are spelled, without their enterprise, and with other numbers of people masked."""
    for one in (enterprise, name):
        letters = _letters(one)
        if len(letters) > 1:
            text = re.sub(f"(?i){_SPACE.join(map(_spelled, letters))}", NOBODY, text)
    name = _letters(name)
    if len(name) > 1:
        surname = "|".join([re.escape(name[:2]), re.escape(name[:1])][: 1 if len(name) > 3 else 2])
        titles = "先生|女士|小姐|同志|大爷|大妈|阿姨|师傅|老师|某"
        text = re.sub(rf"(?:{surname})(?={_SPACE}(?:{titles}))", NOBODY, text)
    return redact(_without_number(text, phone))


def _without_number(text: str, phone: str) -> str:
    digits = re.sub("[^0-9]", "", normalize("NFKC", phone))
    own = re.sub("^(?:00)?86" if len(digits) > 11 else "^0", "", digits).removeprefix("0")
    if not own:
        return text
    if len(own) < SHORTEST:
        return text.replace(phone, STARS)
    whole = _GAP.join(map(_spelled, own))
    before = rf"(?:(?:[+＋]{_GAP})?(?:[0０][0０])?[8８][6６]{_GAP})?(?:[0０]{_GAP})?"
    text = re.sub(before + whole, STARS, text)
    if len(own) in LANDLINE and own[0] != "0":
        area = 2 if own[0] == "2" or own[:2] == "10" else 3
        local = _GAP.join(map(_spelled, own[area:]))
        if not _MOBILE.fullmatch(own):  # within its area it is called without the area's code
            text = re.sub(rf"(?<!\d){local}(?!\d)", STARS, text)
    return text


def _letters(name: str) -> str:
    """Return a name without what may stand between its letters: in a pattern that would stand for
    the same as the gaps, and such a pattern takes for ever."""
    return re.sub(rf"[\s·{_UNSEEN}]", "", normalize("NFKC", name))


def _spelled(letter: str) -> str:
    """Return the pattern of a letter or digit, of usual or of full width."""
    wide = ord(letter) + 0xFEE0
    return f"[{letter}{chr(wide)}]" if letter.isascii() and letter.isalnum() else re.escape(letter)
