"""`yimen app new`: what the guide says works, line by line, for somebody who begins."""

import os
import re
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
import venv
from pathlib import Path

import httpx
import pytest

from plugin_sdk import manifest
from portal.scaffold import ScaffoldError, make

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "apps.md"
ID = "parking-permits"


def new(home, id=ID, folder=None, **more):
    given = {"zh": "停车“证”", "en": 'Parking "permits"', "grants": ROOT / "manifests", **more}
    return make(id, folder or home / "made", **given)


@pytest.mark.parametrize(
    ("id", "says"),
    [
        ("Parking", "kebab-case"),
        ("parking_permits", "kebab-case"),
        ("../parking", "kebab-case"),
        ("p" * 41, "at most 40"),
        ("hotline", "taken"),
        ("core", "taken"),
        ("json", "a package"),
        ("identity", "of the shell"),
        ("village", "of village-affairs"),
    ],
)
def test_an_id_that_cannot_be_is_refused_and_nothing_is_written(tmp_path, id, says):
    with pytest.raises(ScaffoldError, match=says):
        new(tmp_path, id)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten_and_names_are_as_they_were_said(tmp_path):
    made = new(tmp_path)
    asked = next(path for path in made if path.name == "manifest.toml").read_bytes()
    assert manifest.load(asked).identity.names.en == 'Parking "permits"'
    before = {path: path.read_bytes() for path in made}
    with pytest.raises(ScaffoldError, match="there already"):
        new(tmp_path)
    for wrong, field in (({"zh": " "}, "identity.names.zh"), ({"owner": "区"}, "owner")):
        with pytest.raises(ScaffoldError, match=field):
            new(tmp_path, folder=tmp_path / "other", **wrong)
    assert {path: path.read_bytes() for path in made} == before
    assert not (tmp_path / "other").exists()
    with pytest.raises(ScaffoldError, match="not the hub's repository"):
        new(tmp_path, folder=tmp_path, inside=True)


def test_inside_the_repository_it_is_as_the_house_wants_it(tmp_path):
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "plugins").mkdir()
    shutil.copy(ROOT / "plugins" / "__init__.py", tmp_path / "plugins")
    made = new(tmp_path, folder=tmp_path, inside=True)
    home = tmp_path / "plugins" / "parking_permits"
    assert {home / "requests.py", home / "tests" / "test_app.py"} < set(made)
    assert tmp_path / "manifests" / f"{ID}.toml" in made
    assert not (home / "pyproject.toml").exists()
    (tmp_path / "plugin_sdk").symlink_to(ROOT / "plugin_sdk")  # ours, in the order of imports
    for check in (["check"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *check, "--no-cache", "plugins"]
        found = subprocess.run(ruff, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert found.returncode == 0, found.stdout
    with pytest.raises(ScaffoldError, match="there already"):
        new(tmp_path, folder=tmp_path, inside=True)


class Newcomer:
    """Somebody who runs commands beside an installed hub, in a folder of their own."""

    def __init__(self, folder, env):
        self.folder, self.env = folder, env

    def __call__(self, command):
        return subprocess.run(
            ["/bin/sh", "-ec", command],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def newcomer(tmp_path):
    """Return somebody who begins an app."""
    shutil.copytree(ROOT / "manifests", tmp_path / "manifests")
    place = tmp_path / "venv"
    venv.create(place, symlinks=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = place / "lib" / version / "site-packages"
    ours = sysconfig.get_path("purelib")
    (site / "hub.pth").write_text(f"{ours}\n{ROOT}\n")  # what is installed here is installed there
    for name, module in (("yimen", "portal.cli"), ("pip", "pip"), ("pytest", "pytest")):
        script = place / "bin" / name
        script.write_text(f'#!/bin/sh\nexec "{place}/bin/python" -m {module} "$@"\n')
        script.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if name.startswith("YIMEN_TEST")}
    env = {"PATH": f"{place}/bin:/usr/bin:/bin", "HOME": str(tmp_path), "LANG": "C.UTF-8", **kept}
    env |= {"YIMEN_HOME": str(tmp_path / "home"), "COLUMNS": "160"}
    return Newcomer(tmp_path, env)


def test_the_guide_leads_to_an_app_that_answers(newcomer):
    said = ""
    for block in re.findall(r"```sh\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL):
        done = newcomer(block)
        assert done.returncode == 0, f"{block}{done.stdout}{done.stderr}"
        said += done.stdout
    assert f"{ID}.toml" in said
    assert "2 passed" in said
    assert re.search(rf"{ID}\W+enabled\W+open", said), said
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {**newcomer.env, "YIMEN_PORT": str(port)}
    served = subprocess.Popen(["yimen", "serve"], cwd=newcomer.folder, env=env)
    try:
        page = _page(f"http://127.0.0.1:{port}/about/{ID}", served)
    finally:
        served.terminate()
        served.wait(30)
    assert "停车证" in page


def _page(address, server, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            answer = httpx.get(address, headers={"accept": "text/html"})
        except httpx.TransportError:
            time.sleep(0.2)
            continue
        if answer.status_code == 200:
            return answer.text
    raise AssertionError("the hub did not show the page")
