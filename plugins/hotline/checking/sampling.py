"""Drawing a sample that everybody can draw again: no generator of ours, only SHA-256.

Of each stratum those are drawn whose `sha256(seed:number)` is smallest. Who has the numbers and
the seed finds the same orders in any language.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence


def digest_of(numbers: Iterable[str]) -> str:
    """Return the SHA-256 of numbers, sorted, one a line."""
    return hashlib.sha256("\n".join(sorted(numbers)).encode()).hexdigest()


def quotas(sizes: Mapping[str, int], share: int | None, number: int | None) -> dict[str, int]:
    """Return how many are drawn of each stratum, one at least.

    With a `share` in percent it is rounded up. With a `number` the rest is dealt in proportion,
    by the largest remainder (at a tie by name); where there are more strata than that, it is one
    of each.
    """
    if share is not None:
        return {name: -(-size * share // 100) for name, size in sizes.items()}
    found = dict.fromkeys(sizes, 1)
    left = min(number or 0, sum(sizes.values())) - len(sizes)
    if left <= 0:
        return found
    spare = {name: size - 1 for name, size in sizes.items()}
    whole = sum(spare.values())
    for name, size in spare.items():
        found[name] += left * size // whole
    rest = left - sum(left * size // whole for size in spare.values())
    by_remainder = sorted(spare, key=lambda name: (-(left * spare[name] % whole), name))
    for name in by_remainder[:rest]:
        found[name] += 1
    return found


def draw(
    strata: Mapping[str, Sequence[str]], seed: str, share: int | None, number: int | None
) -> dict[str, list[str]]:
    """Return the numbers drawn of each stratum, sorted."""
    wanted = quotas({name: len(numbers) for name, numbers in strata.items()}, share, number)

    def rank(number: str) -> str:
        return hashlib.sha256(f"{seed}:{number}".encode()).hexdigest()

    return {
        name: sorted(sorted(numbers, key=rank)[: wanted[name]]) for name, numbers in strata.items()
    }
