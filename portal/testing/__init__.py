"""What tests are given: throw-away engines and the fixtures built on them (a pytest plugin)."""

import gc

from portal.testing.browser import *  # noqa: F403  (pages in a real browser)
from portal.testing.contract import *  # noqa: F403  (app authors: state, faults, contract)
from portal.testing.engines import *  # noqa: F403  (fixtures and hooks, found by name)
from portal.testing.hub import *  # noqa: F403  (the template of `engines` is filled here)

NEW_OBJECTS = 50_000


def pytest_sessionstart() -> None:
    """Look for garbage less often (a process that builds a hub for each test makes millions of
    objects, and looking through them was a fifth of its time), and compile statements once."""
    from portal.testing.statements import share_statements

    gc.set_threshold(NEW_OBJECTS, 20, 20)
    share_statements()
