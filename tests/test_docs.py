"""What the documents say can be done can be done."""

import re
from pathlib import Path

import click
import pytest

from portal.cli import main

ROOT = Path(__file__).parent.parent
READMES = ["README.md", "README.zh-CN.md"]


def commands(group: click.Group, prefix: str = "yimen") -> set[str]:
    found = set()
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found |= commands(command, f"{prefix} {name}")
        else:
            found.add(f"{prefix} {name}")
    return found


def test_every_command_is_explained_and_every_explained_one_exists():
    text = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    named = set()
    for cell in re.findall(r"^\| `(yimen [^`]+)` \|", text, re.MULTILINE):
        words = cell.replace("\\|", "|").split()
        stem = [word for word in words if word == word.lower() and not word.startswith("[")]
        for last in stem[-1].split("|"):
            named.add(" ".join([*stem[:-1], last]))
    assert named == commands(main)


@pytest.mark.parametrize("readme", READMES)
def test_a_readme_names_targets_variables_and_files_that_exist(readme):
    text = (ROOT / readme).read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    settings = (ROOT / "core" / "settings.py").read_text(encoding="utf-8")
    for target in set(re.findall(r"\bmake ([a-z]+)", text)) - {"an"}:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for variable in set(re.findall(r"YIMEN_[A-Z_]+", text)):
        assert f'"{variable}"' in settings, variable
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / link).exists(), link


def test_links_between_documents_lead_somewhere():
    for page in [*(ROOT / "docs").rglob("*.md"), ROOT / "CONTRIBUTING.md"]:
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"
