"""Which groups are too small to be shown, and which go with them."""

from hypothesis import given
from hypothesis import strategies as st

from plugin_sdk.cases.suppression import left_out


def test_the_next_smallest_goes_where_the_total_would_tell():
    assert left_out({"a": 9, "b": 5, "c": 0}) == set()
    assert left_out({"a": 9, "b": 7, "c": 4}) == {"b", "c"}  # 4 would be what is left
    assert left_out({"a": 9, "b": 7, "c": 1, "d": 1}) == {"b", "c", "d"}  # 2 would
    assert left_out({"a": 9, "b": 3, "c": 4}) == {"b", "c"}  # 7 are left, of two groups
    assert left_out({"a": 2, "b": 0}) == {"a"}
    assert left_out({1: 9, **dict.fromkeys("abcde", 1)}) == {1, *"abcde"}  # five of one each
    assert left_out({}) == set()


@given(st.dictionaries(st.integers(0, 20), st.integers(0, 30), max_size=10))
def test_nothing_left_out_is_found_by_taking_what_is_shown_from_the_total(sizes):
    hidden = left_out(sizes)
    shown = {key: n for key, n in sizes.items() if key not in hidden}
    assert all(n == 0 or n >= 5 for n in shown.values())
    assert all(sizes[key] for key in hidden)
    rest = sum(sizes.values()) - sum(shown.values())
    if hidden and any(shown.values()):  # else there was nothing more to leave out
        assert rest >= 5
        smallest, largest = 1, rest - (len(hidden) - 1)  # what each may be, for all one knows
        assert smallest < largest
        assert max(sizes[key] for key in hidden) <= min(n for n in shown.values() if n)
