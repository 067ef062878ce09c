"""The three-level tree of citizens' matters (诉求分类), as it ships with the app."""

import csv
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from plugin_sdk.views import Option

SOURCE: Final = Path(__file__).parent / "data" / "categories.csv"


class Category(msgspec.Struct, frozen=True):
    """A leaf of the tree. Its code is its path, which stays the same when rows are added."""

    level1: str
    level2: str
    level3: str

    @property
    def code(self) -> str:
        """Return the code: `城乡建设/安全生产/事故处理`."""
        return f"{self.level1}/{self.level2}/{self.level3}"


@cache
def tree() -> dict[str, Category]:
    """Return every leaf by its code, in the order of the tree."""
    with SOURCE.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        leaves = [Category(*row) for row in rows]
    return {leaf.code: leaf for leaf in leaves}


@cache
def options() -> list[Option]:
    """Return the leaves as the choices of a field, grouped by the two levels above them."""
    return [
        Option(leaf.code, leaf.level3, f"{leaf.level1} / {leaf.level2}") for leaf in tree().values()
    ]
