"""One hub on each engine for the tests of a module; what the database decides has its own."""

import pytest_asyncio

from tests.portal.oidc.relying import register, shared_hub


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(engine_kind, request, tmp_path_factory):
    async with shared_hub(engine_kind, request, tmp_path_factory) as hub:
        yield hub


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rp(hub):
    """A client of the county."""
    return await register(hub, "notes")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(hub):
    """A browser in which somebody is signed in."""
    return await hub.client_as("operator")
