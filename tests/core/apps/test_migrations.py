"""A history is a line whose files are numbered in its order: a start reads its head there."""

from pathlib import Path

import pytest

import core
from core.apps.migrations import head_of
from core.apps.registry import folder_of, installed
from core.apps.revisions import disorder

HOUSE = {
    "core": Path(core.__path__[0]) / "migrations",
    **{point.name: (folder_of(point) or Path()) / "migrations" for point in installed()},
}


def history(folder, **revisions):
    versions = folder / "versions"
    versions.mkdir()
    for name, (revision, down) in revisions.items():
        text = f"revision = {revision!r}\ndown_revision = {down!r}\n"
        (versions / f"{name.removeprefix('_')}.py").write_text(text)
    return folder


@pytest.mark.parametrize("name", HOUSE)
def test_the_histories_of_the_house_are_in_order(name):
    assert head_of(HOUSE[name]) is not None
    assert disorder(HOUSE[name]) == []


def test_the_head_is_the_last_file(tmp_path):
    assert head_of(tmp_path) is None
    folder = history(tmp_path, _0001_a=("0001", None), _0002_b=("0002", "0001"))
    assert head_of(folder) == "0002"
    assert disorder(folder) == []


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (("two", "0001"), ["0002_b.py is revision two"]),
        (("0002", "0000"), ["0002_b.py follows 0000, not 0001"]),
    ],
)
def test_a_file_out_of_order_is_named(tmp_path, second, said):
    revisions = {"_0000_z": ("0000", None), "_0001_a": ("0001", "0000"), "_0002_b": second}
    assert disorder(history(tmp_path, **revisions)) == said
