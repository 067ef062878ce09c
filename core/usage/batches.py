"""What a worker hands over each second: deltas, under its name and a number, to count once."""

from datetime import date, datetime
from typing import Annotated

import msgspec

from core.usage.models import KINDS

MOST_CHARACTERS = 400

# what a table would refuse is no batch: it would come back for ever
Name = Annotated[str, msgspec.Meta(max_length=MOST_CHARACTERS)]
Number = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
Pseudonym = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]

Cell = tuple[Moment, Name, Name, Name, Name]
"""Minute in UTC, app, feature, organization ('' for none), channel."""


class Counted(msgspec.Struct, frozen=True, array_like=True):
    """What was added to one cell: counts in the order of `KINDS`."""

    cell: Cell
    counts: tuple[Number, ...]


class Slow(msgspec.Struct, frozen=True, array_like=True):
    """How many answers fell into a bucket of duration."""

    day: date
    app: Name
    feature: Name
    bucket: Number
    count: Number


class Reached(msgspec.Struct, frozen=True, array_like=True):
    """Pseudonyms of those who opened or completed something: they go into a sketch and are
    kept nowhere else."""

    app: Name
    period: Name
    kind: Name
    organization: Name
    pseudonyms: tuple[Pseudonym, ...]


class Outcome(msgspec.Struct, frozen=True, array_like=True):
    """What is known by now of an open session in an app; marks are only ever added."""

    session: Name
    app: Name
    organization: Name
    channel: Name
    day: date
    fruitful: bool
    attending: bool


class Exit(msgspec.Struct, frozen=True, array_like=True):
    """How often an app's answers led to another host."""

    day: date
    app: Name
    feature: Name
    host: Name
    kind: Name
    count: Number


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one worker counted from `since` to `until`, and how much it had to let go.

    An empty one says that nothing happened; `leaves` that no other will follow.
    """

    worker: Name
    sequence: Number
    since: Moment
    until: Moment
    counted: tuple[Counted, ...] = ()
    slow: tuple[Slow, ...] = ()
    reached: tuple[Reached, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    exits: tuple[Exit, ...] = ()
    lost: Number = 0
    clock_stepped: bool = False
    leaves: bool = False


def encode(batch: Batch) -> bytes:
    """Return a batch as it travels."""
    return msgspec.msgpack.encode(batch)


def decode(raw: bytes) -> Batch:
    """Return the batch that was sent. Raises `msgspec.ValidationError` or `DecodeError` for
    what is none, or whose counts are not those of this version."""
    batch = msgspec.msgpack.decode(raw, type=Batch)
    if any(len(counted.counts) != len(KINDS) for counted in batch.counted):
        raise msgspec.ValidationError("a cell does not have one count of each kind")
    return batch
