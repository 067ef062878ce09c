"""What the guides name is there."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
async def test_every_page_that_a_guide_names_exists(hub_app):
    known = set((await hub_app.client().get("/openapi.json")).json()["paths"])
    for guide in DOCS.glob("*.md"):
        for path in re.findall(r"`(/[a-z][a-z/{}-]*)`", guide.read_text(encoding="utf-8")):
            assert path in known or path.startswith("/backups/"), f"{guide.name}: {path}"


def test_the_guide_explains_every_word_of_a_refusal():
    text = (DOCS / "access.md").read_text(encoding="utf-8")
    code = (DOCS.parent / "core" / "access" / "decisions.py").read_text(encoding="utf-8")
    (words,) = re.findall(r"missing: str = \"\"  # (.+)", code)
    for word in words.split(" | "):
        assert f"| `{word}` |" in text, word
