"""The rules of the house that no linter holds."""

import re
import runpy
import subprocess
import tomllib
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent
FLOORS = ("plugin_sdk", "plugins", "core", "portal")
LINES = 400

MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home|root|Users|work)/[\w.-]")
REGISTRY = re.compile(
    r"--(?:extra-)?index-url|\"resolved\": *\"https?:|https?://\S+\.(?:whl|tgz)\b"
    r"|https?://(?:files\.pythonhosted|pypi|registry\.npmjs)\.\w+"
)
SECRET = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")


def modules(*floors):
    found = (path for floor in floors for path in (HOUSE / floor).rglob("*.py"))
    return sorted(path for path in found if "__pycache__" not in path.parts)


def name(path):
    return path.relative_to(HOUSE).as_posix()


def core_contract():
    settings = tomllib.loads((HOUSE / "pyproject.toml").read_text())
    contracts = settings["tool"]["importlinter"]["contracts"]
    return next(contract for contract in contracts if contract.get("containers") == ["core"])


def rooms_of_core():
    rooms = {path.stem for path in (HOUSE / "core").glob("*.py")} - {"__init__"}
    return rooms | {path.parent.name for path in (HOUSE / "core").glob("*/__init__.py")}


def test_a_module_stays_short_enough_to_read():
    long = {
        name(path): count
        for path in modules(*FLOORS)
        if "migrations" not in path.parts and (count := len(path.read_text().splitlines())) > LINES
    }
    assert not long, f"split by idea, at most {LINES} lines: {long}"


def test_every_room_of_core_has_its_place_in_the_layers():
    contract = core_contract()
    placed = {layer.strip("()") for layer in contract["layers"]}
    assert contract["exhaustive"]
    assert rooms_of_core() <= placed, "name the room in [tool.importlinter], and in CONTRIBUTING.md"


def test_rooms_stand_in_the_order_of_the_design():
    ground_up = [layer.strip("()") for layer in reversed(core_contract()["layers"])]
    described = re.findall(r"`(\w+)`", rooms_paragraph())
    assert ground_up == described


def rooms_paragraph():
    text = (HOUSE / "CONTRIBUTING.md").read_text()
    paragraph = re.search(r"^Rooms of `core`.*?:\s(.*?)\n\n", text, re.MULTILINE | re.DOTALL)
    assert paragraph
    return paragraph[1]


def test_models_leave_annotations_to_be_evaluated():
    lazy = [
        name(path)
        for path in modules(*FLOORS)
        if (path.name == "models.py" or path.parent.name == "models")
        and "from __future__ import annotations" in path.read_text()
    ]
    assert not lazy, f"SQLModel's Relationship cannot read lazy annotations: {lazy}"


@pytest.mark.parametrize(
    "pattern", [MACHINE_PATH, REGISTRY, SECRET], ids=["path", "registry", "key"]
)
def test_nothing_of_one_machine_is_tracked(pattern):
    found = []
    for path in tracked():
        try:
            lines = path.read_text().splitlines()
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue
        found += [f"{name(path)}:{n}" for n, line in enumerate(lines, 1) if pattern.search(line)]
    assert not found


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (MACHINE_PATH, "cd /" + "root/yimen"),
        (MACHINE_PATH, "'/" + "home/li/yimen'"),
        (REGISTRY, "--" + "index-url https://example.org/simple"),
        (REGISTRY, "https://example.org/a-1.0-py3-none-any." + "whl"),
        (SECRET, "-----BEGIN " + "RSA PRIVATE KEY-----"),
    ],
)
def test_the_patterns_find_what_they_are_for(pattern, line):
    assert pattern.search(line)


def tracked():
    """Return every file that git would publish."""
    if not (HOUSE / ".git").exists():
        pytest.skip("needs git: this is no checkout")
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard"]
    listing = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, check=True)
    return [HOUSE / entry for entry in listing.stdout.split("\0") if entry]


def test_the_table_of_lines_is_as_the_apps_are():
    lines = runpy.run_path(str(HOUSE / "docs" / "lines.py"))
    text = (HOUSE / "docs" / "apps.md").read_text(encoding="utf-8")
    assert text == lines["written"](text), "make format (or python docs/lines.py) writes it anew"
