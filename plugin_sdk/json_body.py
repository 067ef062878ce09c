"""JSON of a request, bounded in depth before it is parsed."""

from typing import Any, Final

import msgspec

from plugin_sdk.problems import Problem

MAX_JSON_DEPTH: Final = 32


def decode_json(body: bytes) -> Any:
    """Return what a body says. Raises `Problem` for what is no JSON, or nested too deep."""
    depth = deepest = 0
    in_string = escaped = False
    for byte in body:  # bounded before it is parsed: a parser's recursion is not ours to trust
        if in_string:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                in_string = False
        elif byte == 0x22:
            in_string = True
        elif byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
            if deepest > MAX_JSON_DEPTH:
                raise Problem("json-too-deep", limit=MAX_JSON_DEPTH)
        elif byte in b"]}":
            depth -= 1
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Problem("not-json") from None
