"""Small groups in figures: which are not shown, so that nobody is found among few, nor by
subtraction from a total that is known."""

from collections.abc import Mapping
from typing import TypeVar

from plugin_sdk.cases.figures import SMALLEST_GROUP

K = TypeVar("K")


def left_out(sizes: Mapping[K, int]) -> frozenset[K]:
    """Return the groups whose sizes are not shown.

    Those under five are; then the smallest further ones, until two at least are left out that
    are five at least together, and not each of them one. A group of none says nothing of
    anybody, and is shown. Where all are left out, their total still says what one alone is.
    """
    ordered = sorted((key for key in sizes if sizes[key]), key=lambda key: (sizes[key], str(key)))
    n = sum(sizes[key] < SMALLEST_GROUP for key in ordered)
    while 0 < n < len(ordered):
        together = sum(sizes[key] for key in ordered[:n])
        if n > 1 and together >= SMALLEST_GROUP and together > n:
            break
        n += 1
    return frozenset(ordered[:n])
