"""Sketches of people: they merge without counting anybody twice, and cannot say who.

CPC sketches of Apache DataSketches with 2^12 rows. The library brings numpy (19 MiB) and is
loaded by whoever merges first: a worker that only counts or shows never does.
"""

from collections.abc import Iterable
from typing import Any

LG_K = 12


def merged(sketches: Iterable[bytes], people: Iterable[int] = ()) -> bytes:
    """Return the sketch of everybody in some sketches and of some pseudonyms."""
    from datasketches import cpc_sketch, cpc_union

    union = cpc_union(LG_K)
    for sketch in sketches:
        if sketch:
            union.update(cpc_sketch.deserialize(sketch))
    own = cpc_sketch(LG_K)
    for pseudonym in people:
        own.update(pseudonym)
    union.update(own)
    result: Any = union.get_result()
    return bytes(result.serialize())


def people_in(sketch: bytes) -> int:
    """Return about how many people a sketch has seen: exactly, where there are few."""
    from datasketches import cpc_sketch

    estimate: float = cpc_sketch.deserialize(sketch).get_estimate()
    return round(estimate)
