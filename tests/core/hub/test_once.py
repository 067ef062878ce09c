"""What an app makes of its hub is made once, and of another hub it is another."""

from typing import Any

from core.hub import AppHub
from tests.core.probe import APP


async def test_what_an_app_makes_of_its_hub_is_made_once_of_each(shell):
    def make(of: Any) -> list[Any]:
        return [of]

    pages: Any = None
    hub = AppHub(shell.services, APP, pages)
    assert hub.once(make) is hub.once(make)
    for there in (hub.at(hub.now()), hub.trying()):
        assert there.once(make) == [there]
        assert hub.once(make) == [hub]
