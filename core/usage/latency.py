"""How long answers take, as a histogram that merges by addition: four buckets an octave.

Bucket 0 holds what took under a millisecond; the last holds everything longer than a minute.
A quantile read from it is at most a fifth above the true one.
"""

from collections.abc import Mapping
from math import frexp

BUCKETS = 65
PER_OCTAVE = 4


def bucket_of(seconds: float) -> int:
    """Return the bucket of a duration."""
    milliseconds = seconds * 1000
    if milliseconds < 1:
        return 0
    mantissa, exponent = frexp(milliseconds)
    bucket = 1 + (exponent - 1) * PER_OCTAVE + int((mantissa - 0.5) * 2 * PER_OCTAVE)
    return min(bucket, BUCKETS - 1)


def upper(bucket: int) -> float:
    """Return the duration, in milliseconds, under which all of a bucket stayed."""
    if bucket == 0:
        return 1.0
    octave, step = divmod(bucket - 1, PER_OCTAVE)
    return float(2**octave) * (1 + (step + 1) / PER_OCTAVE)


def quantile(counts: Mapping[int, int], share: float) -> float | None:
    """Return the duration in milliseconds under which a share of all answers stayed; None of
    no answers."""
    total = sum(counts.values())
    if not total:
        return None
    wanted, seen = share * total, 0
    for bucket in sorted(counts):
        seen += counts[bucket]
        if seen >= wanted:
            return upper(bucket)
    return upper(max(counts))
