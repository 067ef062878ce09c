"""A sentence in both languages, for words that stand in data and not in a catalogue."""

import msgspec


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The same words in Chinese and in English; neither may be missing."""

    zh: str
    en: str
