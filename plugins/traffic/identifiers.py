"""Plates, vehicle identification numbers and file numbers of licences: checked, in one spelling.

Each function returns the spelling that is kept, or raises `IdentifierError` with a code whose
words stand at `traffic.wrong.<code>`.
"""

import re
import unicodedata
from typing import Final, Literal

import msgspec

from plugin_sdk.identifiers import IdentifierError

PROVINCES: Final = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新"
"""The regions of plates (GA 36-2018, annex): the abbreviations of the 31 that issue them."""

PlateKind = Literal["ordinary", "new_energy", "police", "training", "trailer", "hong_kong", "macao"]

_CITY: Final = "[A-HJ-NP-Z]"  # I and O are on no plate: they are read as 1 and 0
_SERIAL: Final = "[A-HJ-NP-Z0-9]"
_NEW: Final = "[A-HJK]"  # A to E purely electric, F to K (without I) other new energy
_KINDS: Final[tuple[tuple[PlateKind, str], ...]] = (
    ("hong_kong", rf"粤Z{_SERIAL}{{4}}港"),
    ("macao", rf"粤Z{_SERIAL}{{4}}澳"),
    ("police", rf".{_CITY}{_SERIAL}{{4}}警"),
    ("training", rf".{_CITY}{_SERIAL}{{4}}学"),
    ("trailer", rf".{_CITY}{_SERIAL}{{4}}挂"),
    ("new_energy", rf".{_CITY}(?:{_NEW}{_SERIAL}[0-9]{{4}}|[0-9]{{5}}{_NEW})"),
    ("ordinary", rf".{_CITY}(?=.*[0-9]){_SERIAL}{{5}}"),
)
_DROPPED = re.compile(r"[\s\-‐‑‒–—―·•・.\u200b-\u200d\u2060\ufeff]+")
_VIN = re.compile(r"[A-HJ-NPR-Z0-9]{17}")
_FILE_NUMBER = re.compile(r"[0-9]{12}")

# GB 16735-2019, annex A: the value of each character, and the weight of each position
_VALUES: Final = {
    **{str(n): n for n in range(10)},
    **dict(zip("ABCDEFGH", range(1, 9), strict=True)),
    **dict(zip("JKLMN", range(1, 6), strict=True)),
    "P": 7,
    "R": 9,
    **dict(zip("STUVWXYZ", range(2, 10), strict=True)),
}
_WEIGHTS: Final = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)

# GB/T 2260: the first two digits of a division
_DIVISIONS: Final = re.compile("1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]")


class Plate(msgspec.Struct, frozen=True):
    """A plate (号牌号码) in the spelling that is kept, and what kind of plate it is."""

    text: str
    kind: PlateKind

    @property
    def shown(self) -> str:
        """Return it as it stands on the plate: 鲁M·12345."""
        return shown_plate(self.text)


def read_plate(text: str) -> Plate:
    """Return a plate, of ordinary and new-energy vehicles, of the police (警), driving schools (学)
    and trailers (挂), and of Hong Kong (港) and Macao (澳) in Guangdong (GA 36-2018).

    Full-width characters, small letters, spaces and the dot are accepted. Raises
    `IdentifierError`: `plate-region` for one of no region, `plate-format`.
    """
    plate = _compact(text)
    if plate[:1] not in PROVINCES or not plate:
        raise IdentifierError("plate-region")
    for kind, pattern in _KINDS:
        if re.fullmatch(pattern, plate):
            return Plate(plate, kind)
    raise IdentifierError("plate-format")


def shown_plate(plate: str) -> str:
    """Return a plate as it is shown to who may see all of it."""
    return f"{plate[:2]}·{plate[2:]}"


def mask_plate(plate: str) -> str:
    """Return a plate as everybody may see it: 鲁M·1***5."""
    return f"{plate[:2]}·{plate[2:3]}{'*' * (len(plate) - 4)}{plate[-1:]}"


def read_vin(text: str) -> str:
    """Return a vehicle identification number (车辆识别代号, GB 16735). Raises `IdentifierError`:
    `vin-format`, `vin-checksum`."""
    vin = _compact(text)
    if not _VIN.fullmatch(vin):
        raise IdentifierError("vin-format")
    if vin_check_digit(vin) != vin[8]:
        raise IdentifierError("vin-checksum")
    return vin


def vin_check_digit(vin: str) -> str:
    """Return the ninth character that a number of 17 must have (GB 16735-2019, annex A)."""
    rest = sum(_VALUES[sign] * weight for sign, weight in zip(vin, _WEIGHTS, strict=True)) % 11
    return "X" if rest == 10 else str(rest)


def read_file_number(text: str) -> str:
    """Return the file number of a driving licence (档案编号): 12 digits, the first of them those
    of the province that issued it. Raises `IdentifierError` (`file-number`)."""
    number = _compact(text)
    if not _FILE_NUMBER.fullmatch(number) or not _DIVISIONS.match(number):
        raise IdentifierError("file-number")
    return number


def _compact(text: str) -> str:
    return _DROPPED.sub("", unicodedata.normalize("NFKC", text)).upper()
