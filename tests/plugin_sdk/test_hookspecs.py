"""Every hook is documented, dated and tested; the page of hooks and the code agree."""

import inspect
import re
from pathlib import Path

import pytest

from plugin_sdk import PROJECT, hookspecs

ROOT = Path(__file__).parent.parent.parent
HOOKS = {
    name: function
    for name, function in inspect.getmembers(hookspecs, inspect.isfunction)
    if hasattr(function, f"{PROJECT}_spec")
}
TESTS = [path for folder in ("tests", "plugins") for path in (ROOT / folder).rglob("test_*.py")]


def test_there_are_hooks():
    assert len(HOOKS) >= 10


@pytest.mark.parametrize("name", sorted(HOOKS))
def test_a_hook_says_what_it_returns_and_since_when(name):
    doc = inspect.getdoc(HOOKS[name]) or ""
    assert re.search(r"^since: \d+\.\d+\.\d+$", doc, re.MULTILINE), name
    assert len(doc.split("since:")[0].split()) >= 6, name


@pytest.mark.parametrize("name", sorted(HOOKS))
def test_a_hook_stands_on_the_page_of_hooks_with_its_arguments(name):
    arguments = ", ".join(inspect.signature(HOOKS[name]).parameters)
    assert f"`{name}({arguments})`" in (ROOT / "docs" / "hooks.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(HOOKS))
def test_a_hook_is_named_by_a_test(name):
    own = Path(__file__)
    assert any(name in path.read_text(encoding="utf-8") for path in TESTS if path != own), name
