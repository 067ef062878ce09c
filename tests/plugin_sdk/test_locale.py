import re
from pathlib import Path

import plugin_sdk
from portal.texts import Catalogue

SDK = Path(plugin_sdk.__file__).parent
LOCALES = [SDK / "locale.toml", *sorted(SDK.glob("*/locale.toml"))]


def test_the_words_of_the_sdk_are_complete():
    catalogue = Catalogue.merge({"": LOCALES})
    assert catalogue.check() == []


def test_every_problem_the_sdk_raises_has_its_words():
    catalogue = Catalogue.merge({"": LOCALES})
    lacking = set()
    for path in SDK.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        for code in re.findall(r'(?:Problem|Conflict)\(\s*"([a-z.-]+)"', source):
            lacking |= {f"problem.{code}.{part}" for part in ("title", "detail")}
        for code in re.findall(r'field_error\(\s*\w+,\s*"([a-z-]+)"', source):
            lacking.add(f"problem.field.{code}")
        for key in re.findall(
            r'Phrase\(\s*"((?:case|registers|duties|codes|meetings|payments|appointments)'
            r'\.[a-z_.-]+)"',
            source,
        ):
            lacking.add(key)
    assert len(lacking) > 40
    assert sorted(key for key in lacking if key not in catalogue) == []
