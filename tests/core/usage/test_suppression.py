"""What is published of few people: nothing, whoever subtracts what from what."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from core.usage.suppression import FEWEST, published, rounded

Tree = dict[str, str | None]
FLAT: Tree = {"county": None, "a": "county", "b": "county", "c": "county"}
DEEP: Tree = {"county": None, "a": "county", "b": "county", "a1": "a", "a2": "a"}
CHAIN: Tree = {"county": None, "a": "county", "a1": "a", "b": "county"}


def whole(own: dict[str, int], tree: Tree) -> dict[str, int]:
    """Each place with all below it, from those who are in no part of it."""
    people = dict.fromkeys(tree, 0)
    for place, count in own.items():
        at: str | None = place
        while at is not None:
            people[at] += count
            at = tree[at]
    return people


def alone(people: dict[str, int], tree: Tree) -> dict[str, int]:
    """Those of each place who are in no part of it: what its parts leave of it."""
    left = dict(people)
    for place, over in tree.items():
        if over is not None and place in people:
            left[over] -= people[place]
    return left


def worlds(places: list[str], most: int) -> Iterator[dict[str, int]]:
    """Every way in which up to `most` people may be spread over places."""
    if not places:
        yield {}
        return
    for count in range(most + 1):
        for others in worlds(places[1:], most - count):
            yield {places[0]: count, **others}


def attack(tree: Tree, inhabited: list[str], most: int) -> int:
    """Look at every table that could be published, with all that could be behind it, and try to
    conclude that some group has one to four people; return how many tables were attacked."""
    behind: dict[frozenset[tuple[str, int]], list[dict[str, int]]] = defaultdict(list)
    for own in worlds(inhabited, most):
        table = published(whole(own, tree), tree)
        behind[frozenset(table.items())].append(own)
    groups = [
        group for size in range(1, len(inhabited) + 1) for group in combinations(inhabited, size)
    ]
    for said, possible in behind.items():
        for group in groups:
            sizes = {sum(own[place] for place in group) for own in possible}
            assert not sizes <= {1, 2, 3, 4}, f"{dict(said)} tells of {group}: {sizes}"
    return len(behind)


def test_no_published_table_tells_of_one_to_four_people():
    """Groups are all unions of "those of a place who are in no part of it"."""
    assert attack(FLAT, list(FLAT), 17) > 30
    assert attack(DEEP, list(DEEP), 15) > 30


def test_not_even_to_who_knows_that_all_people_are_in_villages():
    for tree, villages in (
        (FLAT, ["a", "b", "c"]),
        (DEEP, ["a1", "a2", "b"]),
        (CHAIN, ["a1", "b"]),
    ):
        assert attack(tree, villages, 24) > 10


trees = st.integers(1, 14).flatmap(
    lambda n: st.tuples(
        *(st.tuples(st.integers(0, max(0, i - 1)), st.integers(0, 40)) for i in range(n))
    )
)


@settings(max_examples=300, deadline=None)
@given(trees)
def test_what_is_published_is_itself_a_possible_truth(drawn):
    """Then no difference of its numbers can be known to be one to four: in that truth each is a
    multiple of five, and it would have been published in the very same words."""
    names = [f"p{i:02}" for i in range(len(drawn))]
    tree: Tree = {
        name: names[over] if i else None
        for i, (name, (over, _)) in enumerate(zip(names, drawn, strict=True))
    }
    people = whole({name: own for name, (_, own) in zip(names, drawn, strict=True)}, tree)
    table = published(people, tree)
    for place, count in table.items():
        assert count == rounded(people[place])
        assert tree[place] is None or tree[place] in table, "below a hidden place all is hidden"
    left = alone(table, tree)
    assert all(count % FEWEST == 0 and count >= 0 for count in left.values())
    assert published(table, tree) == table


def test_a_second_place_is_hidden_where_one_would_be_known():
    tree: Tree = {"town": None, "a": "town", "b": "town", "c": "town"}
    assert published({"town": 40, "a": 20, "b": 10, "c": 10}, tree) == {
        "town": 40,
        "a": 20,
        "b": 10,
        "c": 10,
    }
    assert published({"town": 33, "a": 20, "b": 10, "c": 3}, tree) == {"town": 30, "a": 20}
    assert published({"town": 32, "a": 20, "b": 10}, tree) == {"town": 30, "a": 20}, "their own"
    assert published({"town": 4, "a": 4}, tree) == {}


@given(st.lists(st.integers(0, 60), min_size=2).map(sorted))
def test_a_number_that_grows_tells_of_no_few_that_came(counts):
    """Of one number, looked at as often as one likes: what is said of it may be literally so."""
    said = [rounded(count) or 0 for count in counts]
    assert all((later - earlier) % FEWEST == 0 for earlier, later in pairwise(said))
    assert [rounded(count) or 0 for count in said] == said == sorted(said)
