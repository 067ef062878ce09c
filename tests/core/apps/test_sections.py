"""Routes in sections: each built by itself, when it is used."""

import pytest
from litestar import get

from core.apps.sections import Sections


def route(path: str):
    @get(path)
    async def handler() -> None:
        """Answer nothing."""

    return handler


class Built:
    """Notes which sections were built, and which one was asked."""

    def __init__(self, *, broken: str = "") -> None:
        self.paths: list[set[str]] = []
        self.asked: set[str] | None = None
        self.faults: list[str] = []
        self.broken = broken

    def build(self, handlers):
        paths = {path for handler in handlers for path in handler.paths}
        if self.broken in paths:
            raise ValueError("two handlers disagree")
        self.paths.append(paths)

        async def answer(scope, receive, send):
            self.asked = paths

        return answer

    def sections(self, *paths: str) -> Sections:
        return Sections([route(path) for path in paths], self.build, self.faults.append)


async def ask(sections: Sections, path: str, root: str = "") -> None:
    await sections({"path": path, "root_path": root}, None, None)


async def test_a_section_is_built_once_and_when_somebody_comes():
    built = Built()
    sections = built.sections("/", "/orders", "/orders/{id:uuid}", "/figures")
    assert built.paths == []
    for path in ("/orders", "/orders/1/accept", "//orders/", "/apps/hotline/orders/1"):
        root = "/apps/hotline" if path.startswith("/apps") else ""
        await ask(sections, path, root)
        assert built.asked == {"/orders", "/orders/{id:uuid}"}
    assert len(built.paths) == 1
    await sections.warm()
    assert len(built.paths) == 3


async def test_what_is_nowhere_is_answered_where_nothing_is():
    built = Built()
    await ask(built.sections("/orders"), "/orders.csv")
    assert built.asked == set()
    await ask(built.sections("/", "/orders"), "/orders.csv")
    assert built.asked == {"/"}


async def test_where_any_path_may_be_a_routes_own_all_is_one_section():
    built = Built()
    sections = built.sections("/{name:str}", "/orders")
    for path in ("/", "/orders", "/anything"):
        await ask(sections, path)
    assert built.paths == [{"/{name:str}", "/orders"}]


async def test_a_section_that_cannot_be_built_is_told_and_keeps_no_other():
    built = Built(broken="/orders")
    sections = built.sections("/orders", "/figures")
    await sections.warm()
    assert built.paths == [{"/figures"}]
    assert built.faults == ["build: ValueError: two handlers disagree"]
    with pytest.raises(ValueError, match="disagree"):
        await ask(sections, "/orders")
    await ask(sections, "/figures")
    assert built.asked == {"/figures"}
