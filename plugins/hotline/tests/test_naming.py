"""Who is named in a text: found however it is written, and nothing takes for ever."""

import time
from datetime import date
from unicodedata import normalize

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from stdnum.cn import ric

from plugins.hotline.naming import NOT_A_NAME, find, mobiles, possible_names, without_caller

HAN = st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5)
LATIN = st.characters(min_codepoint=ord("a"), max_codepoint=ord("z"))
NAMES = st.one_of(st.text(HAN, min_size=3, max_size=6), st.text(LATIN, min_size=3, max_size=8))
MOBILES = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True, alphabet=st.sampled_from("0123456789"))
BORN = st.dates(min_value=date(1930, 1, 1), max_value=date(2020, 12, 31))
SIGNS = st.sampled_from(["", " ", "\u3000", "-", "－", "·", ".", "．", "\u200b", "\u2060", "—"])
AROUND = st.text(st.one_of(HAN, st.sampled_from("，。！ \n")), max_size=12)


@st.composite
def spelled(draw, of):
    """Draw what is written and how: with signs between its letters, of full width or not."""
    plain = draw(of)
    wide = draw(st.booleans())
    letters = [
        chr(ord(letter) + 0xFEE0) if wide and letter.isascii() else letter for letter in plain
    ]
    gaps = [draw(SIGNS) for _ in letters[1:]]
    return plain, letters[0] + "".join(map("".join, zip(gaps, letters[1:], strict=True)))


@st.composite
def identities(draw):
    """Draw an identity number of a place that there is not."""
    stem = f"999999{draw(BORN):%Y%m%d}{draw(st.integers(1, 999)):03}"
    return stem + ric.calc_check_digit(stem + "0")


@settings(deadline=None)
@given(spelled(NAMES), AROUND, AROUND)
def test_a_caller_is_found_by_name_however_it_is_written(name, before, after):
    plain, written = name
    text = f"{before}，{written}。{after}"
    assert "caller" in {one.kind for one in find(text, plain, "")}
    assert written not in without_caller(text, plain, "")


@settings(deadline=None)
@given(spelled(MOBILES), AROUND)
def test_a_mobile_is_found_however_it_is_written(number, around):
    plain, written = number
    text = f"{around}电话{written}，{around}"
    assert "caller" in {one.kind for one in find(text, "", f"+86{plain}")}
    assert without_caller(text, "", plain) == f"{around}电话***，{around}"


@settings(deadline=None)
@given(MOBILES, st.sampled_from([" ", "-", "·", ".", "\u200b", "—", "()"]))
def test_the_mobile_of_anybody_is_found_in_groups_or_digit_by_digit(plain, sign):
    for written in (f"{plain[:3]}{sign}{plain[3:7]}{sign}{plain[7:]}", sign[0].join(plain)):
        text = f"打{normalize('NFKC', written)}找人"
        assert "mobile" in {one.kind for one in find(text, "", "")}, written
        assert plain not in without_caller(text, "", "")


@settings(deadline=None)
@given(spelled(identities()))
def test_an_identity_number_is_found_however_it_is_written(number):
    plain, written = number
    assert "identity" in {one.kind for one in find(f"本人{written}，", "", "")}
    shown = without_caller(f"本人{written}，", "", "")
    assert plain[6:14] not in "".join(one for one in normalize("NFKC", shown) if one.isalnum())


@settings(deadline=None)
@given(spelled(st.text(HAN, min_size=3, max_size=4)))
def test_what_could_be_a_name_is_seen_through_spaces_and_dots(name):
    plain, written = name
    assume(not NOT_A_NAME.search(plain))
    assert plain in possible_names(f"已告知：{written}")


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("水位高，明天再来", "高明", "水位高，明天再来"),  # two words, not a name of two letters
        ("高 明 您好", "高明", "诉求人 您好"),
        ("it can not wait", "Ann", "it can not wait"),
        ("每月1、3、5、7、9、11、13日", "", "每月1、3、5、7、9、11、13日"),
    ],
)
def test_what_is_no_name_stays(text, name, said):
    assert without_caller(text, name, "") == said


def test_numbers_are_told_in_one_spelling():
    text = "１３８－００００－５６７８、1 3 8 0 0 0 0 5 6 7 8、138（0000）5679"
    assert mobiles(text) == ["+8613800005678", "+8613800005679"]


@pytest.mark.parametrize("sign", ["·", "\u200b", " ", "-", "1 ", "王·", "1-"])
def test_no_text_and_no_name_takes_for_ever(sign):
    began = time.process_time()
    long = sign * 8000
    for name, phone in ((sign * 99 + "b", sign * 40), (sign * 300, "138" + sign * 40)):
        without_caller(long, name, phone)
        find(long, name, phone)
    mobiles(long)
    possible_names(long)
    assert time.process_time() - began < 5


def test_the_name_of_the_caller_is_taken_out_of_an_answer():
    assert without_caller("王府路已修好", "王", "") == "王府路已修好"
    said = without_caller("王阿姨，王府路已修好，打13800005678", "王秀英", "+8613800005678")
    assert said == "诉求人阿姨，王府路已修好，打***"


def test_a_name_is_found_however_it_is_written_and_none_takes_for_ever():
    """Dots, unseen signs and case are nothing; a name of nothing else is none."""
    for name, text in (
        ("阿依·古丽", "阿依古丽您好"),
        ("阿依古丽", "阿依·古丽您好"),
        ("Anna Smith", "ANNA SMITH 您好"),
        ("A\u200bnna Smith", "anna\u2060smith 您好"),
    ):
        assert without_caller(text, name, "").strip() in ("诉求人您好", "诉求人 您好"), name
    for sign in ("·", "\u200b"):  # with the gaps' own signs in it a pattern would never end
        assert without_caller(sign * 8000, sign * 99 + "b", "") == sign * 8000
