"""On which line of a TOML text each value stands.

`tomllib` keeps no positions, so this is a second, lenient reading of the same text: it accepts
everything TOML does and more, records lines, and stops at what it cannot read. It runs before
`tomllib` and refuses what would cost that parser too much: deep nesting, endless numbers.
"""

import re
from contextlib import suppress

Path = tuple[str | int, ...]

MAX_DEPTH = 24
MAX_BARE = 256

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[^\s.=\[\]{}\"'#,]+")
_BARE_VALUE = re.compile(r"[^,\]}\n#]*")
_STRINGS = (
    re.compile(r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}', re.DOTALL),
    re.compile(r"'''(?:[^']|'(?!''))*'{3,5}", re.DOTALL),
    re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    re.compile(r"'[^'\n]*'"),
)


class TooMuch(Exception):
    """The text nests too deeply, or holds a number without end; `line` says where."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class _Stop(Exception):
    """The reader met something that is not TOML; the parser proper will name it."""


def index(text: str) -> dict[Path, int]:
    """Return the line, counted from 1, of every table, key and list element in `text`.

    A table stands where it is first named. Where the text breaks the rules of TOML the index
    ends. Raises `TooMuch` beyond `MAX_DEPTH` levels or `MAX_BARE` characters in a number.
    """
    reader = _Reader(text)
    with suppress(_Stop):
        reader.document()
    return reader.lines


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1
        self.lines: dict[Path, int] = {(): 1}
        self.counts: dict[Path, int] = {}

    def document(self) -> None:
        """Read statements until the text ends."""
        table: Path = ()
        while True:
            self._skip(_BLANK)
            if self.at >= len(self.text):
                return
            if self.text.startswith("[[", self.at):
                table = self._header(2)
            elif self._peek() == "[":
                table = self._header(1)
            else:
                self._pair(table)
            self._skip(_SPACE)
            if self._peek() not in ("", "\r", "\n", "#"):
                raise _Stop

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _take(self, end: int) -> str:
        taken = self.text[self.at : end]
        self.line += taken.count("\n")
        self.at = end
        return taken

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self.text, self.at)
        if match:
            self._take(match.end())

    def _expect(self, token: str) -> None:
        if not self.text.startswith(token, self.at):
            raise _Stop
        self.at += len(token)

    def _record(self, path: Path, line: int) -> None:
        if len(path) > MAX_DEPTH:
            raise TooMuch(line)
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                break
            self.lines[path[:length]] = line

    def _header(self, brackets: int) -> Path:
        line = self.line
        self._expect("[" * brackets)
        keys = self._keys()
        self._expect("]" * brackets)
        path = (*self._resolve(keys[:-1]), keys[-1])
        if brackets == 2:
            number = self.counts.get(path, 0)
            self.counts[path] = number + 1
            path = (*path, number)
        elif path in self.counts:
            path = (*path, self.counts[path] - 1)
        self._record(path, line)
        return path

    def _resolve(self, keys: list[str]) -> Path:
        path: Path = ()
        for key in keys:
            path = (*path, key)
            if path in self.counts:
                path = (*path, self.counts[path] - 1)
        return path

    def _keys(self) -> list[str]:
        keys = []
        while True:
            self._skip(_SPACE)
            keys.append(self._key())
            if len(keys) > MAX_DEPTH:
                raise TooMuch(self.line)
            self._skip(_SPACE)
            if self._peek() != ".":
                return keys
            self.at += 1

    def _key(self) -> str:
        if self._peek() in ('"', "'"):
            for pattern in _STRINGS[2:]:
                match = pattern.match(self.text, self.at)
                if match:
                    raw = self._take(match.end())
                    return _unescape(raw[1:-1]) if raw[0] == '"' else raw[1:-1]
            raise _Stop
        match = _BARE_KEY.match(self.text, self.at)
        if not match:
            raise _Stop
        return self._take(match.end())

    def _pair(self, table: Path) -> None:
        line = self.line
        path: Path = (*table, *self._keys())
        self._expect("=")
        self._record(path, line)
        self._skip(_SPACE)
        self._value(path)

    def _value(self, path: Path) -> None:
        if len(path) > MAX_DEPTH:
            raise TooMuch(self.line)
        first = self._peek()
        if first == "[":
            self._list(path)
        elif first == "{":
            self._inline_table(path)
        elif first in ('"', "'"):
            self._string()
        else:
            match = _BARE_VALUE.match(self.text, self.at)
            if not match or match.end() == self.at:
                raise _Stop
            if match.end() - self.at > MAX_BARE:
                raise TooMuch(self.line)
            self.at = match.end()

    def _string(self) -> None:
        for pattern in _STRINGS:
            match = pattern.match(self.text, self.at)
            if match:
                self._take(match.end())
                return
        raise _Stop

    def _list(self, path: Path) -> None:
        self._expect("[")
        number = 0
        while True:
            self._skip(_BLANK)
            if self._peek() == "]":
                self.at += 1
                return
            self._record((*path, number), self.line)
            self._value((*path, number))
            number += 1
            self._comma("]")

    def _inline_table(self, path: Path) -> None:
        self._expect("{")
        while True:
            self._skip(_BLANK)
            if self._peek() == "}":
                self.at += 1
                return
            self._pair(path)
            self._comma("}")

    def _comma(self, closing: str) -> None:
        self._skip(_BLANK)
        if self._peek() == ",":
            self.at += 1
        elif self._peek() != closing:
            raise _Stop


_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))")
_LETTERS = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r"}


def _unescape(raw: str) -> str:
    def one(match: re.Match[str]) -> str:
        code = match[1] or match[2]
        if code is None:
            return _LETTERS.get(match[3], match[3])
        number = int(code, 16)
        return chr(number) if number <= 0x10FFFF else ""

    return _ESCAPE.sub(one, raw)
