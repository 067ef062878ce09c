"""Categories proposed from the text, by what the county's own dispatchers decided before."""

import asyncio
import base64
import sys
from datetime import timedelta
from typing import Final

import msgspec
from sqlalchemy import func, select, update
from sqlmodel import col

from plugin_sdk.extension import Job
from plugin_sdk.ports import Actor, Hub, Read
from plugins.hotline.dispatching.learning import LONGEST, Learnt, Weighed
from plugins.hotline.dispatching.models import CategoryModel
from plugins.hotline.dispatching.training import Example, Trained, enough
from plugins.hotline.models import Order

JOB: Final = "categories"
MOST: Final = 20_000
"""How many of the newest dispatched orders are learnt from."""
PERIOD: Final = timedelta(days=730)
DISPATCHED: Final = ("dispatched", "signed", "processing", "replied", "closed")
"""States of orders that went to a unit."""
PATIENCE: Final = 1800.0
"""Seconds that training may take."""


class Known(msgspec.Struct, frozen=True):
    """What is said of the newest model beside its proposals."""

    version: int
    examples: int
    level1: float
    accuracy: float
    baseline: float


class Categorizer:
    """The newest model of the county, loaded when it is first asked and when there is a newer."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._learnt: tuple[int, Learnt] | None = None

    async def known(self, read: Read) -> Known | None:
        """Return what there is, None before anything was learnt."""
        names = Known.__struct_fields__
        statement = select(*(col(getattr(CategoryModel, name)) for name in names))
        newest = statement.order_by(col(CategoryModel.version).desc()).limit(1)
        found = (await read.session.execute(newest)).first()
        return None if found is None else Known(*found)

    async def weigh(self, read: Read, known: Known, text: str) -> list[Weighed]:
        """Return what a text may be about."""
        if self._learnt is None or self._learnt[0] != known.version:
            statement = select(col(CategoryModel.weights))
            statement = statement.where(col(CategoryModel.version) == known.version)
            content = (await read.session.execute(statement)).scalar_one_or_none()
            if content is None:  # a newer one came in between
                return []
            self._learnt = (known.version, await asyncio.to_thread(Learnt.of, content))
        return self._learnt[1].weigh(text)

    def job(self) -> Job:
        """Return the job that learns anew each day."""
        return Job(key=JOB, run=self.learn)

    async def learn(self, actor: Actor) -> None:
        """Learn from the newest orders that people dispatched; while they are too few, nothing is
        learnt."""
        async with self.hub.read(actor) as read:
            examples = await self._examples(read)
            last = await self.known(read)
        trained = await trained_apart(examples) if enough(examples) else None
        if trained is None:
            return
        async with self.hub.work(actor) as work:
            version = last.version + 1 if last else 1
            await work.session.execute(update(CategoryModel).values(weights=None))
            work.session.add(
                CategoryModel(
                    version=version,
                    trained_at=work.now,
                    examples=trained.examples,
                    classes=trained.classes,
                    accuracy=trained.accuracy,
                    level1=trained.level1,
                    baseline=trained.baseline,
                    weights=base64.b64decode(trained.weights),
                )
            )
            work.audit("categories.learnt", f"categories:{version}", examples=trained.examples)

    async def _examples(self, read: Read) -> list[Example]:
        """Return texts with the category under which somebody dispatched them."""
        statement = read.rows(
            Order, func.substr(col(Order.text), 1, LONGEST), col(Order.category_code)
        ).where(
            col(Order.category_code).is_not(None),
            col(Order.opened_at) > read.now - PERIOD,
            col(Order.state).in_(DISPATCHED),
            col(Order.organization_id) != col(Order.origin_organization_id),
            col(Order.split_from_id).is_(None),  # parts repeat the text of the whole
        )
        newest = statement.order_by(col(Order.opened_at).desc()).limit(MOST)
        return [(text, code) for text, code in await read.session.execute(newest)]


async def trained_apart(examples: list[Example]) -> Trained | None:
    """Return what a process of its own learnt of the examples, None where they are too few.
    Raises `RuntimeError` where it failed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "plugins.hotline.dispatching.training",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            said, _ = await process.communicate(msgspec.json.encode(examples))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise RuntimeError(f"learning categories ended with {process.returncode}")
    return msgspec.json.decode(said, type=Trained | None)
