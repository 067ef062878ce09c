"""An app that blocks while it is imported: the process ends and says which, the next goes on."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from core.apps.imports import SUFFIX

LOADING = """
import sys
from pathlib import Path
from core.apps.imports import ImportWatch
from core.apps.registry import load_apps
from portal.testing.apps import GRANTS, blocking_import, good_app

with ImportWatch(Path(sys.argv[1]), seconds=float(sys.argv[2])) as watch:
    for app in load_apps([good_app(), blocking_import()], GRANTS, watch):
        print(app.id, app.refusal or "loaded")
"""
SECONDS = 4.0  # beside a loaded machine's own imports


async def load(notes: Path, blocks: str) -> tuple[int, str, str]:
    """Load the good app and the blocking one in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        LOADING,
        str(notes),
        str(SECONDS),
        env={**os.environ, "YIMEN_TEST_BLOCKS": blocks},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, said = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), said.decode()


@pytest.mark.parametrize("blocks", ["sleep", "spin", "hold"])
async def test_an_import_that_never_returns_ends_the_process_and_is_refused_by_the_next(
    tmp_path, blocks
):
    code, _, said = await load(tmp_path, blocks)
    assert code != 0
    if blocks != "hold":  # then nothing but the interpreter's own timer comes to its turn
        assert "the app blocking-import stood still for 4 s while it was loaded" in said
    for _ in range(2):  # and by all that follow
        code, out, said = await load(tmp_path, blocks)
        assert code == 0, said
        good, blocking = out.splitlines()
        assert good == "good loaded"
        assert blocking.startswith("blocking-import import-blocked: stood still in ")
        assert "the app blocking-import is refused" in said


async def test_a_package_that_has_changed_is_tried_again(tmp_path):
    await load(tmp_path, "sleep")
    (note,) = tmp_path.glob(f"*{SUFFIX}")
    os.utime(note, (0, 0))  # older than the package
    code, _, _ = await load(tmp_path, "none")
    assert code == 0
    assert list(tmp_path.iterdir()) == [], "its notes are forgotten"


async def test_who_is_killed_while_loading_accuses_no_app(tmp_path):
    (tmp_path / f"999999999-x{SUFFIX}").write_text("7f00\ngood\n")
    code, out, _ = await load(tmp_path, "none")
    assert (code, out) == (0, "good loaded\nblocking-import loaded\n")
    assert list(tmp_path.iterdir()) == []
