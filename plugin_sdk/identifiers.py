"""Numbers that name a person or a unit: checked, brought to one spelling, masked.

Each `normalize_…` returns the one spelling that is stored, or raises `IdentifierError`. Each
`mask_…` takes any text, right or wrong, and shows no more than a page may: phone 138****5678,
identity number first and last character, names 李* and 李*兰.
"""

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final

import msgspec
from stdnum.cn import ric, uscc
from stdnum.exceptions import ValidationError

from plugin_sdk.times import SHANGHAI

UNSEEN: Final = "\u200b-\u200d\u2060\ufeff"
"""What takes no room and comes along when text is copied, as it stands in a class of a pattern."""

_SEPARATORS = re.compile(rf"[\s\-‐‑‒–—―·.{UNSEEN}]+")
_IDENTITY = re.compile(r"[0-9]{17}[0-9X]")
# GB 32100-2015, table 1: the registering authority may be a letter (A, N for the economic
# collectives of villages, Y); the region is six digits; I, O, S, V and Z are not used.
_CREDIT_CODE = re.compile(r"[0-9A-HJ-NP-RTUW-Y]{2}[0-9]{6}[0-9A-HJ-NP-RTUW-Y]{10}")
_LOCAL_NUMBER = re.compile(r"[2-8][0-9]{6,7}")
_FIRST_YEAR: Final = 1880

_WIDE = str.maketrans("０１２３４５６７８９Ｘｘ－　", "0123456789Xx- ")
_GAP = rf"(?:[^\S\n]|[\-‐‑‒–—―_·•・.．()（）{UNSEEN}]){{0,3}}"
_IDENTITY_IN_TEXT = re.compile(rf"(?<![0-9])[0-9](?:{_GAP}[0-9]){{16}}{_GAP}[0-9Xx](?![0-9A-Za-z])")
_ABROAD = rf"(?:(?:\+|00)?86{_GAP})?"
# in groups, or digit by digit with the same sign between them all (1、3、5、7、9、11、13 is none);
# but the groups of an id like 019ab3c1-1381-7012-834a are no number
_MOBILE_IN_TEXT = re.compile(
    rf"(?<![0-9]){_ABROAD}1[3-9][0-9]{{9}}(?![0-9])|"
    rf"(?<![0-9A-Fa-f])(?<![0-9A-Fa-f]-){_ABROAD}"
    rf"(?:1[3-9][0-9](?:{_GAP}[0-9]){{8}}|1(?P<by>[\W_])[3-9](?:(?P=by)[0-9]){{9}})"
    r"(?![0-9A-Fa-f])"
)


class IdentifierError(ValueError):
    """A number that is not what it should be; `code` says why. The number is never repeated.

    Codes: `identity-number-length`, `-old` (15 digits, void since 2013), `-format`,
    `-birth-date`, `-checksum`; `credit-code-length`, `-format`, `-checksum`; `phone-empty`,
    `phone-unknown`, `phone-short`, `phone-service` (400, 800…), `phone-area-code`,
    `phone-extension`, `phone-foreign`.
    """

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


class Span(msgspec.Struct, frozen=True):
    """Where something stands in a text: `text[start:end]`."""

    start: int
    end: int


def normalize_identity_number(
    text: str, *, today: date | None = None, checksum: bool = True
) -> str:
    """Return a resident identity number (公民身份号码, GB 11643) as 18 characters.

    Spaces, hyphens and full-width digits are accepted. Birth date (not after `today`) and
    checksum must be right; `checksum=False` is for one that a person has seen on the card and
    answers for. The place is not looked up: codes of places come and go, and a person keeps the
    number. Raises `IdentifierError`.
    """
    number = _compact(text)
    if len(number) == 15 and number.isdecimal():
        raise IdentifierError("identity-number-old")
    if len(number) != 18:
        raise IdentifierError("identity-number-length", length=len(number))
    if not _IDENTITY.fullmatch(number):
        raise IdentifierError("identity-number-format")
    if not _born_plausibly(number, today or datetime.now(SHANGHAI).date()):
        raise IdentifierError("identity-number-birth-date")
    if checksum and ric.calc_check_digit(number) != number[-1]:
        raise IdentifierError("identity-number-checksum")
    return number


def normalize_credit_code(text: str, *, checksum: bool = True) -> str:
    """Return a unified social credit code (统一社会信用代码, GB 32100) as 18 characters.

    `checksum=False` is for one that a person has seen on the licence and answers for. Raises
    `IdentifierError`.
    """
    code = _compact(text)
    if len(code) != 18:
        raise IdentifierError("credit-code-length", length=len(code))
    if not _CREDIT_CODE.fullmatch(code):
        raise IdentifierError("credit-code-format")
    if checksum and uscc.calc_check_digit(code[:-1]) != code[-1]:
        raise IdentifierError("credit-code-checksum")
    return code


def normalize_phone(text: str) -> str:
    """Return the phone of a person in China's mainland in E.164: `+8613812345678`.

    Mobiles, and landlines with their area code. Refused: short and service numbers (12345,
    400…), which ring nobody's phone, extensions, and other countries. Raises `IdentifierError`.
    """
    import phonenumbers as pn  # 40 ms, more than twice the start of the interpreter

    spelled = unicodedata.normalize("NFKC", text).strip()
    if not spelled:
        raise IdentifierError("phone-empty")
    digits = _compact(spelled)
    if digits.isdecimal() and len(digits) <= 6:
        raise IdentifierError("phone-short")
    if _LOCAL_NUMBER.fullmatch(digits):
        raise IdentifierError("phone-area-code")
    try:
        number = pn.parse(spelled, "CN")
    except pn.NumberParseException:
        raise IdentifierError("phone-unknown") from None
    if number.country_code != 86:
        raise IdentifierError("phone-foreign")
    if number.extension:
        raise IdentifierError("phone-extension")
    if not pn.is_valid_number_for_region(number, "CN"):
        raise IdentifierError("phone-unknown")
    kind = pn.number_type(number)
    people = {
        pn.PhoneNumberType.MOBILE,
        pn.PhoneNumberType.FIXED_LINE,
        pn.PhoneNumberType.FIXED_LINE_OR_MOBILE,
    }
    if kind not in people:
        raise IdentifierError("phone-service")
    return pn.format_number(number, pn.PhoneNumberFormat.E164)


def mask_identity_number(text: str) -> str:
    """Return the first and last character with stars between; stars alone for a short text."""
    return _ends(_compact(text))


def mask_credit_code(text: str) -> str:
    """Return the first and last character with stars between; stars alone for a short text."""
    return _ends(_compact(text))


def mask_phone(text: str) -> str:
    """Return 138****5678, or 0543-****234 for a landline; stars alone for anything else."""
    try:
        national = normalize_phone(text).removeprefix("+86")
    except IdentifierError:
        return "****"
    if len(national) == 11 and national[0] == "1":
        return f"{national[:3]}****{national[-4:]}"
    area = 2 if national[0] in "12" else 3  # 10 and 2x have two digits without the leading 0
    return f"0{national[:area]}-****{national[-3:]}"


def mask_name(text: str) -> str:
    """Return 李*, 李*兰, 欧**娜 (of a compound surname the first character too), J*** S***."""
    name = " ".join(unicodedata.normalize("NFKC", text).split())
    if not name:
        return ""
    if name.isascii():
        return " ".join(f"{word[0]}***" for word in name.split())
    name = name.replace(" ", "")
    return f"{name[0]}*" if len(name) == 2 else _ends(name)


def find_identity_numbers(
    text: str, *, today: date | None = None, checksum: bool = True
) -> list[Span]:
    """Return where valid resident identity numbers stand in a free text, in order; without
    `checksum` also what is one but for a slip of the pen, which still names the person."""
    spans = []
    for found in _IDENTITY_IN_TEXT.finditer(text.translate(_WIDE)):
        try:
            normalize_identity_number(_digits(found), today=today, checksum=checksum)
        except IdentifierError:
            continue
        spans.append(Span(found.start(), found.end()))
    return spans


def find_mobiles(text: str) -> list[Span]:
    """Return where mobile numbers stand in a free text, in order: of full width, in groups or digit
    by digit too, whether or not the number was ever given out."""
    return [Span(*found.span()) for found in _MOBILE_IN_TEXT.finditer(text.translate(_WIDE))]


def redact(text: str) -> str:
    """Return the text with identity numbers and mobile phones masked, for logs.

    A number with a plausible birth date is masked even when its checksum is wrong: a slip of
    the pen still names the person.
    """
    today = datetime.now(SHANGHAI).date()

    def identity(found: re.Match[str]) -> str:
        number = _digits(found)
        return _ends(number) if _born_plausibly(number, today) else found.group()

    def mobile(found: re.Match[str]) -> str:
        number = _digits(found)
        return f"{number[-11:-8]}****{number[-4:]}"

    return _replace(_MOBILE_IN_TEXT, mobile, _replace(_IDENTITY_IN_TEXT, identity, text))


def _replace(pattern: re.Pattern[str], by: Callable[[re.Match[str]], str], text: str) -> str:
    """Replace in `text` what the pattern finds in its narrow spelling; keep all else as it is."""
    parts, end = [], 0
    for found in pattern.finditer(text.translate(_WIDE)):
        parts += [text[end : found.start()], by(found)]
        end = found.end()
    return "".join([*parts, text[end:]])


def _digits(found: re.Match[str]) -> str:
    return re.sub("[^0-9X]", "", found.group().upper())


def _compact(text: str) -> str:
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", text)).upper()


def _ends(text: str) -> str:
    return text[0] + "*" * (len(text) - 2) + text[-1] if len(text) > 2 else "*" * len(text)


def _born_plausibly(number: str, today: date) -> bool:
    try:
        born = ric.get_birth_date(number)
    except ValidationError:
        return False
    return born.year >= _FIRST_YEAR and born <= today
