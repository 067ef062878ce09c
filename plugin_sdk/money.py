"""Money: integer fen everywhere; people write and read yuan."""

import re
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

LARGEST: Final = 10**13
"""The largest amount in fen that a form takes (1,000 亿元)."""

_SPELLING = re.compile(r"(-?)([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,15})(?:\.([0-9]{1,2}))?")


def parse_yuan(text: str) -> int | None:
    """Return the fen of an amount in yuan (`1,234.5`), None for what is no amount."""
    found = _SPELLING.fullmatch(text.strip().removeprefix("¥").replace("，", ","))
    if found is None:
        return None
    sign, yuan, cents = found.groups()
    fen = int(yuan.replace(",", "")) * 100 + int((cents or "").ljust(2, "0"))
    return -fen if sign else fen


def spell_yuan(fen: int | None) -> str | None:
    """Return an amount in fen as a form shows it: `1234.50`."""
    if fen is None:
        return None
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def _amount(least: int) -> Any:
    def check(value: Any) -> Any:
        if value is None:
            return None
        fen = parse_yuan(value) if isinstance(value, str) else None
        if fen is None or fen > LARGEST:
            raise PydanticCustomError("money", "an amount in yuan, as text")
        if fen < least:
            raise PydanticCustomError("money_negative", "an amount is not below zero")
        return fen

    return check


Yuan = Annotated[
    int,
    BeforeValidator(_amount(0)),
    WithJsonSchema({"type": "string", "description": "yuan", "maxLength": 20}),
]
"""An amount from zero up: given in yuan as text (`"1234.50"`), held in fen."""

SignedYuan = Annotated[
    int,
    BeforeValidator(_amount(-LARGEST)),
    WithJsonSchema({"type": "string", "description": "yuan", "maxLength": 20}),
]
"""An amount that may be below zero (a balance that was overdrawn)."""
