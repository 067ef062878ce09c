"""Which numbers of people may be published: none of fewer than five, none that gives one away.

What is published is itself a possible truth: every number in it, every remainder and every
growth is a multiple of five. So nobody can conclude from it that some group has one to four
people (ADR 0028 says why that holds, and for which tables).
"""

from collections import defaultdict
from collections.abc import Mapping

FEWEST = 5


def rounded(people: int) -> int | None:
    """Return a number of people as it may stand alone: down to a multiple of five, None under
    five. None and zero look alike, since "one to four" would be said of who is left."""
    return people - people % FEWEST if people >= FEWEST else None


def published(people: Mapping[str, int], above: Mapping[str, str | None]) -> dict[str, int]:
    """Return what may be said of places in a tree; a place that is absent is hidden.

    `people` counts each place with all below it, `above` names the place over each (None at the
    top). A place of fewer than five is hidden. Where the people of a place who are in none of
    its shown parts are one to four, its smallest part is hidden too, with all below it: they
    would be known by subtraction.
    """
    parts: defaultdict[str | None, list[str]] = defaultdict(list)
    for place, count in people.items():
        if count >= FEWEST:
            parts[above.get(place)].append(place)
    shown: dict[str, int] = {}
    waiting = parts[None]
    while waiting:
        place = waiting.pop()
        shown[place] = people[place] - people[place] % FEWEST
        below = sorted(parts[place], key=lambda part: (people[part], part))
        others = people[place] - sum(people[part] for part in below)
        waiting += below[1:] if 0 < others < FEWEST else below
    return shown
