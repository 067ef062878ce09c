"""What is passed on of an order without who called for it."""

import re
from typing import Final

NOBODY: Final = "诉求人"
"""What stands in a passed-on text for the name of the caller."""


def without_caller(text: str, name: str, phone: str) -> str:
    """Return a text without the name and the number of whom it was written for."""
    if len(name) > 1:
        text = text.replace(name, NOBODY)
        surname = re.escape(name[:2] if len(name) > 3 else name[:1])
        text = re.sub(rf"{surname}(?=先生|女士|同志|大爷|大妈|阿姨|师傅|老师|某)", NOBODY, text)
    if phone:
        digits = phone.removeprefix("+86")
        text = text.replace(phone, "***").replace(digits, "***")
    return text
