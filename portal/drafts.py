"""Drafting migrations for the shell and for apps (`yimen app draft`)."""

import importlib
from pathlib import Path

from core.apps.migrations import CORE
from core.apps.registry import folder_of, installed
from core.apps.revisions import draft
from core.database import core_metadata


def draft_for(name: str, message: str) -> Path | None:
    """Write the next migration of the shell (`core`) or of an app; return its file, None
    when the models say nothing new. Raises `LookupError`."""
    if name == "core":
        rooms = ("apps", "governance", "hub")
        parts = ("lifecycle", "archive", "merging")
        for room in (
            *rooms,
            *(f"governance.{part}" for part in parts),
        ):  # with them, every room's tables
            importlib.import_module(f"core.{room}.models")
        importlib.import_module("core.hub")
        return draft("core", CORE, core_metadata, message)
    for point in installed():
        folder = folder_of(point)
        if point.name == name and folder is not None:
            models = importlib.import_module(f"{point.module}.models")
            package = name.replace("-", "_")
            return draft(package, folder / "migrations", models.Base.metadata, message)
    raise LookupError(f"no app is called {name}")
