"""Finding answers by words, alike on both engines.

What is searched is kept as `plain` writes it, so that neither engine's own idea of case or width
matters, and compared by `LIKE`. A word of letters or figures, or of up to three characters, must
stand as it is; a longer run of Chinese characters is taken apart into pairs (路灯不亮: 路灯 灯不
不亮), so that a caller's sentence finds an answer that says it otherwise. An answer is found that
holds two of the parts, or the only one; the more it holds the nearer it is, and what stands in
question or keywords counts twice. Each search looks through all answers there are, part by part:
it was built for the thousands that a county keeps, not for millions.
"""

import re
import unicodedata
from typing import Any, Final

from sqlalchemy import ColumnElement, case, literal
from sqlmodel import col

from plugins.hotline.knowledge.models import KnowledgeVersion

MOST_PARTS: Final = 16
LONGEST: Final = 60
"""How many characters of a query are looked for."""
NEAREST: Final = 50
"""How many answers a search shows."""
_WORD: Final = re.compile(r"[\u3400-\u9fff]+|[^\W_]+")


def plain(text: str) -> str:
    """Return a text as it is searched: one width, one case, no spaces but single ones."""
    return " ".join(unicodedata.normalize("NFKC", text).lower().split())


def parts(query: str) -> list[str]:
    """Return what is looked for, each part once."""
    found: list[str] = []
    for word in _WORD.findall(plain(query)[:LONGEST]):
        if len(word) <= 3 or word.isascii() or not "\u3400" <= word[0] <= "\u9fff":
            found.append(word)
        else:
            found += [word[at : at + 2] for at in range(len(word) - 1)]
    return list(dict.fromkeys(found))[:MOST_PARTS]


def nearness(query: str) -> tuple[ColumnElement[bool], ColumnElement[Any]] | None:
    """Return the condition for answers that a query finds, and how near they are; None where it
    looks for nothing."""
    looked_for = parts(query)
    if not looked_for:
        return None
    held: ColumnElement[Any] = literal(0)
    near: ColumnElement[Any] = literal(0)
    for part in looked_for:
        body = col(KnowledgeVersion.body).contains(part, autoescape=True)
        heading = col(KnowledgeVersion.heading).contains(part, autoescape=True)
        held = held + case((body, 1), else_=0)
        near = near + case((heading, 1), else_=0)
    return held >= min(2, len(looked_for)), held + near
