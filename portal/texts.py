"""The words people read: catalogues in both languages, merged at start.

A catalogue is a TOML file. Nested tables make dotted keys; a leaf is
`{ zh = "…", en = "…" }`, with `one = "…"` for English when the parameter `n` is 1.
`{name}` stands for a parameter, which is inserted as plain text and escaped by the page.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from plugin_sdk.text import Text
from plugin_sdk.views import Money, Phrase
from portal import formats

Source = Path | Iterable[Path]

_PLACE: Final = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
_LEAF: Final = frozenset({"zh", "en", "one"})

_FORBIDDEN_ZH: Final = (
    ("成功", re.compile("成功")),
    ("失败", re.compile("失败")),
    ("非法", re.compile("非法")),
    ("无效", re.compile("无效")),
    ("系统异常", re.compile("系统异常")),
    ("亲", re.compile("(?<![父母双探])亲(?![属人自子友戚情切笔生])")),
    ("确定 as a button", re.compile("^确定$")),
    ("an exclamation mark", re.compile("[!！]")),
)
_FORBIDDEN_EN: Final = (
    *(
        (word, re.compile(rf"\b{word}\b", re.IGNORECASE))
        for word in ("please", "sorry", "invalid", "oops")
    ),
    ("an exclamation mark", re.compile("[!！]")),
)


class MissingText(KeyError):
    """A key that no catalogue holds, or a parameter that its text needs."""


class Entry(msgspec.Struct, frozen=True):
    """The words of one key, and the file they stand in."""

    zh: str | None
    en: str | None
    one: str | None
    source: str

    def words(self, lang: str, n: Any = None) -> str | None:
        """Return the words of a language: `zh` or `zh-CN`, or `en`."""
        if not lang.startswith("en"):
            return self.zh
        return self.one if n == 1 and self.one is not None else self.en


class Catalogue:
    """All texts by key. It never changes once merged."""

    def __init__(self, entries: Mapping[str, Entry], faults: Iterable[str] = ()) -> None:
        self._entries = dict(entries)
        self._faults = list(faults)

    @classmethod
    def merge(cls, sources: Mapping[str, Source]) -> "Catalogue":
        """Return the catalogue of all sources, each under its prefix ('' for shell and SDK).

        A source is a file, a folder of files, or several of them; one that does not exist is
        empty. A key stands once: the first keeps it, and `check` names the second.
        """
        return cls.joined(
            _read(path, prefix) for prefix, source in sources.items() for path in _files(source)
        )

    @classmethod
    def joined(cls, catalogues: Iterable["Catalogue"]) -> "Catalogue":
        """Return one catalogue of several: a key stands once, as in `merge`."""
        entries: dict[str, Entry] = {}
        faults: list[str] = []
        for catalogue in catalogues:
            faults += catalogue._faults
            for key, entry in catalogue._entries.items():
                first = entries.setdefault(key, entry)
                if first is not entry:
                    faults.append(f"{entry.source}: {key}: stands in {first.source} too")
        return cls(entries, faults)

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def keys(self) -> list[str]:
        """Return all keys in order."""
        return sorted(self._entries)

    def text(self, lang: str, key: str, /, **params: Any) -> str:
        """Return the words of a key with its parameters.

        A parameter may itself be words (`Phrase`, `Text`) or a moment; both are shown in the
        same language. Raises `MissingText`.
        """
        entry = self._entries.get(key)
        words = entry.words(lang, params.get("n")) if entry is not None else None
        if words is None:
            raise MissingText(f"no {lang} text for {key}")

        def place(found: re.Match[str]) -> str:
            name = found[1]
            if name not in params:
                raise MissingText(f"{key} needs the parameter {name}")
            return self.shown(lang, params[name])

        return _PLACE.sub(place, words)

    def shown(self, lang: str, value: Any) -> str:
        """Return words (`Phrase`, `Text`, text, number, moment or date) in a language."""
        match value:
            case Phrase():
                return self.text(lang, value.key, **value.params)
            case Money():
                return formats.money(value.fen, lang)
            case Text():
                return value.en if lang.startswith("en") else value.zh
            case datetime():
                return formats.moment(value, lang)
            case date():
                return formats.day(value, lang)
            case None:
                return formats.unknown(lang)
            case bool():
                return str(value)
            case int():
                return formats.number(value)
            case _:
                return str(value)

    def check(self) -> list[str]:
        """Return what is wrong, one line each: languages, placeholders, forbidden words."""
        faults = list(self._faults)
        for key, entry in sorted(self._entries.items()):
            at = f"{entry.source}: {key}"
            faults += [f"{at}: no {name}" for name in ("zh", "en") if not getattr(entry, name)]
            if entry.zh and entry.en:
                faults += _placeholders(at, entry)
            if entry.zh:
                faults += _forbidden(at, "zh", entry.zh, _FORBIDDEN_ZH)
            for words in (entry.en, entry.one):
                if words:
                    faults += _forbidden(at, "en", words, _FORBIDDEN_EN)
        return faults


def words_of_app(folder: Path) -> tuple[Path, ...]:
    """Return the files of an app's words: its own, and those of its rooms beside their code."""
    return folder / "locale.toml", *sorted(folder.glob("*/locale.toml"))


def _read(path: Path, prefix: str) -> Catalogue:
    """Return the texts of one file."""
    entries: dict[str, Entry] = {}
    faults: list[str] = []
    where = f"{path.parent.name}/{path.name}"
    for key, leaf in _leaves(tomllib.loads(path.read_text(encoding="utf-8")), prefix):
        if leaf is None:
            faults.append(f"{where}: {key}: neither a table nor words")
        else:
            entries[key] = Entry(leaf.get("zh"), leaf.get("en"), leaf.get("one"), where)
    return Catalogue(entries, faults)


def _files(source: Source) -> Iterator[Path]:
    for path in (source,) if isinstance(source, Path) else source:
        if path.is_dir():
            yield from sorted(path.glob("*.toml"))
        elif path.exists():
            yield path


def _leaves(tables: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, dict[str, str] | None]]:
    for name, value in tables.items():
        key = f"{prefix}.{name}" if prefix else name
        if not isinstance(value, dict):
            yield key, None
        elif value.keys() <= _LEAF and all(isinstance(words, str) for words in value.values()):
            yield key, value
        else:
            yield from _leaves(value, key)


def _placeholders(at: str, entry: Entry) -> list[str]:
    zh, en = (set(_PLACE.findall(words or "")) for words in (entry.zh, entry.en))
    one = set(_PLACE.findall(entry.one or ""))
    faults = []
    if zh != en:
        faults.append(f"{at}: zh has {sorted(zh)}, en has {sorted(en)}")
    if one - en:
        faults.append(f"{at}: one has {sorted(one - en)} more than en")
    if entry.one is not None and "n" not in en:
        faults.append(f"{at}: one without a parameter n")
    return faults


def _forbidden(
    at: str, lang: str, words: str, rules: Iterable[tuple[str, re.Pattern[str]]]
) -> list[str]:
    return [f"{at}: {lang} says {name}" for name, rule in rules if rule.search(words)]
