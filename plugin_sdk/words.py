"""Words of a view: from the catalogues, an amount, or a secret that one reader sees."""

from typing import Any

import msgspec

HIDDEN = "******"


class Phrase(msgspec.Struct, frozen=True):
    """Words from the catalogues: a key and its parameters, translated when shown."""

    key: str
    params: dict[str, Any] = {}


Words = Phrase | str


class Money(msgspec.Struct, frozen=True):
    """An amount in fen, shown as ¥1,234.50."""

    fen: int


class Secret:
    """A parameter for one reader's eyes (a tracking code): hidden wherever its words are shown
    but where they are `revealed`, and never stored with them."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def __str__(self) -> str:
        return HIDDEN

    __repr__ = __str__

    def reveal(self) -> str:
        """Return what is hidden."""
        return self._value


def revealed(words: Words) -> Words:
    """Return words as the one reader gets them, for sending and for nothing else."""
    if isinstance(words, str):
        return words
    opened = {
        name: value.reveal()
        if isinstance(value, Secret)
        else revealed(value)
        if isinstance(value, Phrase)
        else value
        for name, value in words.params.items()
    }
    return Phrase(words.key, opened)
