"""What the server loads in each worker process."""

from core.settings import Settings
from portal.assembly import Yimen


def application() -> Yimen:
    """Return the hub of a production worker, from the environment."""
    return Yimen(Settings.from_environment())


def demonstration() -> Yimen:
    """Return the hub of the embedded demonstration, from the environment."""
    return Yimen(Settings.from_environment(mode="demonstration"))
