"""A hub to serve in tests of real workers: the installed apps, the good one and the bad ones.

Its settings are those of any production hub, from the environment. `YIMEN_TEST_APPS` names
the fixture apps that it has (`good,blocking`), `YIMEN_TEST_CLAIM` the seconds after which
what a killed worker had claimed is taken over, `YIMEN_TEST_IMPORT` those an app may take to
be imported, `YIMEN_TEST_LEASE` those of a lease; nothing but this module reads them.
"""

import os
import shutil
from importlib.metadata import EntryPoint
from pathlib import Path

import click
import msgspec

from core import jobs
from core.apps.registry import installed
from core.settings import Settings
from portal.assembly import Yimen
from portal.testing.apps import GRANTS, bad_apps, blocking_import, good_app


def points() -> list[EntryPoint]:
    """Return the entry points of the fixture apps that the environment names."""
    named = os.environ.get("YIMEN_TEST_APPS", "").split(",")
    known = (good_app(), *bad_apps()[:-1], blocking_import())
    return [point for point in known if point.name in named]


def settings() -> Settings:
    """Return the settings of the environment, with the grants of the fixture apps."""
    found = Settings.from_environment()
    grants = found.home / "granted"
    seconds = float(os.environ.get("YIMEN_TEST_IMPORT", found.import_seconds))
    lease = float(os.environ.get("YIMEN_TEST_LEASE", found.lease_seconds))
    return msgspec.structs.replace(
        found, grants=grants, import_seconds=seconds, lease_seconds=lease
    )


def application() -> Yimen:
    """Return the hub of one worker."""
    jobs.CLAIM_SECONDS = int(os.environ.get("YIMEN_TEST_CLAIM", jobs.CLAIM_SECONDS))
    return Yimen(settings(), points=[*installed(), *points()])


def prepare(home: Path, manifests: Path) -> None:
    """Put what the platform granted, and what the tests grant, where the workers read it."""
    granted = home / "granted"
    shutil.copytree(manifests, granted, dirs_exist_ok=True)
    shutil.copytree(GRANTS, granted, dirs_exist_ok=True)


@click.command()
def main() -> None:
    """Serve, as `yimen serve` does."""
    from portal.cli import run_server
    from portal.commands.base import settings_of

    settings_of()  # says what to set, and leaves
    run_server(settings(), "portal.testing.served:application")


if __name__ == "__main__":
    main()
