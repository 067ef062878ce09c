"""What a case is called: the first line of what was written."""

from typing import Final

TITLE: Final = 40


def title_of(text: str) -> str:
    """Return the first line of a text, without its full stop, cut to the length of a title."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    line = line.rstrip("。．.；;，,、 ") or line
    return line if len(line) <= TITLE else f"{line[: TITLE - 1]}…"
