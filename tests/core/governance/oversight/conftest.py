from collections.abc import Awaitable, Callable

import pytest

from portal.testing.hub import fill_template


@pytest.fixture(scope="session")
def prepare_template() -> Callable[[str], Awaitable[None]]:
    """Return what fills the database: here the county with its cast, not the shell's small tree."""
    return fill_template
