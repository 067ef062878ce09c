"""A TOML text as data with lines, and the faults that say what is wrong and where."""

import re
import tomllib
from collections.abc import Iterable
from datetime import date, datetime, time
from typing import Any

import msgspec

from plugin_sdk.manifest_lines import MAX_DEPTH, Path, TooMuch, index
from plugin_sdk.text import Text

MAX_BYTES = 256 * 1024

_POSITION = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SYNTAX = (
    ("Cannot overwrite a value", "同一个键写了两次", "the same key stands twice"),
    ("Cannot declare", "同一张表声明了两次", "the same table is declared twice"),
    ("Cannot mutate immutable", "行内表写完后又添了内容", "an inline table is added to later"),
    ("Duplicate inline table key", "同一个键写了两次", "the same key stands twice"),
    ("Unclosed array", "数组缺少右方括号", "a list lacks its closing bracket"),
    ("Unclosed inline table", "行内表缺少右花括号", "an inline table lacks its closing brace"),
    ("Unterminated string", "字符串缺少结束引号", "a string lacks its closing quote"),
    ("Expected '='", "键后缺少等号", "a key lacks its equals sign"),
    ("Expected ']", "表头缺少右方括号", "a table header lacks its closing bracket"),
    ("Expected newline", "一行写了两条", "two statements stand on one line"),
    ("Illegal character", "文字中有不可见的控制字符", "the text holds a control character"),
    ("Invalid date", "没有这一天或这一时刻", "there is no such date or time"),
)


class Fault(msgspec.Struct, frozen=True):
    """One thing wrong with a manifest: where it stands, what it is and how to mend it.

    `line` counts from 1; `field` is a dotted path such as `permissions[2].key`, empty when
    the fault lies with the file as a whole.
    """

    file: str
    line: int
    field: str
    message: Text
    remedy: Text


class FaultyText(ValueError):
    """A text that has faults; `faults` holds every one of them."""

    def __init__(self, faults: list[Fault]) -> None:
        first = faults[0]
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        super().__init__(f"{first.file}:{first.line}: {first.field} {first.message.en}{more}")
        self.faults = faults


class Source:
    """A parsed text: its `data`, and the line of every value in it."""

    def __init__(self, file: str, data: dict[str, Any], lines: dict[Path, int]) -> None:
        self.file = file
        self.data = data
        self._lines = lines

    def fault(self, path: Iterable[str | int], message: Text, remedy: Text) -> Fault:
        """Return a fault at `path`; a path that is absent stands where its parent stands."""
        whole = tuple(path)
        known = whole
        while known not in self._lines:
            known = known[:-1]
        return Fault(self.file, self._lines[known], name_of(whole), message, remedy)


def name_of(path: Iterable[str | int]) -> str:
    """Return a path as people write it: `porting.functions[3].route`."""
    name = ""
    for part in path:
        if isinstance(part, int):
            name += f"[{part}]"
        else:
            key = part if _BARE.fullmatch(part) else f'"{shorten(part)}"'
            name += f".{key}" if name else key
    return name


def shorten(value: object) -> str:
    """Return a value in at most 60 characters, to be quoted in a sentence."""
    text = value if isinstance(value, str) else repr(value)
    text = " ".join(text.split())
    return text if len(text) <= 60 else text[:59] + "…"


def read(text: str | bytes, file: str) -> Source | list[Fault]:
    """Return the parsed text, or the faults for which it cannot be parsed at all.

    Dates become ISO 8601 strings, so that `since = 2026-01-01` and `since = "2026-01-01"`
    mean the same.
    """
    decoded = _decode(text, file)
    if isinstance(decoded, Fault):
        return [decoded]
    try:
        lines = index(decoded)
        data = tomllib.loads(decoded)
    except TooMuch as error:
        message = Text(
            f"嵌套超过 {MAX_DEPTH} 层，或者数字过长",
            f"nesting goes beyond {MAX_DEPTH} levels, or a number is too long",
        )
        remedy = Text("按模式的结构来写，不必嵌套这么深", "keep to the structure of the schema")
        return [Fault(file, error.line, "", message, remedy)]
    except ValueError as error:
        return [_syntax_fault(file, decoded, str(error))]
    return Source(file, _plain(data), lines)


def _decode(text: str | bytes, file: str) -> str | Fault:
    def fault(line: int, message: Text, remedy: Text) -> Fault:
        return Fault(file, line, "", message, remedy)

    utf8 = Text("用 UTF-8（无 BOM）编码另存", "save the file as UTF-8 without a byte-order mark")
    try:
        raw = text.encode("utf-8") if isinstance(text, str) else text
        if len(raw) > MAX_BYTES:
            return fault(
                1,
                Text("文件超过 256 KiB", "the file is larger than 256 KiB"),
                Text("清单只写声明，把其余内容移走", "keep declarations only; move the rest away"),
            )
        decoded = raw.decode("utf-8")
    except UnicodeError as error:
        start = error.start if isinstance(error, UnicodeEncodeError | UnicodeDecodeError) else 0
        before = text[:start]
        breaks = before.count("\n") if isinstance(before, str) else before.count(b"\n")
        return fault(breaks + 1, Text("文件不是 UTF-8 编码", "the file is not UTF-8"), utf8)
    if decoded.startswith("\ufeff"):
        return fault(
            1, Text("文件以 BOM 开头", "the file begins with a byte-order mark (BOM)"), utf8
        )
    nul = decoded.find("\0")
    if nul >= 0:
        return fault(
            decoded.count("\n", 0, nul) + 1,
            Text("文件中有空字符(NUL)", "the file holds a NUL byte"),
            Text("删去这个字符", "delete that byte"),
        )
    return decoded


def _syntax_fault(file: str, text: str, error: str) -> Fault:
    match = _POSITION.search(error)
    last = text.rstrip("\r\n").count("\n") + 1
    line = int(match[1]) if match and match[1] else last
    detail = _POSITION.sub("", error)
    zh, en = "此处不合 TOML 语法", detail[:1].lower() + detail[1:]
    for start, zh_known, en_known in _SYNTAX:
        if detail.startswith(start):
            zh, en = zh_known, en_known
            break
    return Fault(
        file,
        line,
        "",
        Text(f"TOML 语法：{zh}", f"TOML syntax: {shorten(en)}"),
        Text("改好这一处再检查，其余问题随后列出", "mend this first; others are listed after it"),
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    return value
