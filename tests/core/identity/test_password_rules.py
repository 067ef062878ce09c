"""What a new password must be, in the manner of each profile."""

from datetime import UTC, datetime, timedelta

import pytest

from core.identity import passwords
from core.identity.password_rules import PROFILES, PasswordRefused, PasswordRules, kinds_of

WORDS = ("沾化区", "yimen", "一门", "12345热线", "hotline")


async def refused(profile, password, **more):
    rules = PasswordRules(PROFILES[profile], WORDS)
    about = {"username": "zhangsan", "about": ("张三", "+8613800001234"), **more}
    try:
        kept = await rules.accept(password, **about)
    except PasswordRefused as error:
        return error.code
    assert await passwords.verify_password(kept.hash, password)
    return None


NIST = {
    "four plain words": ("lantern orbit pickle", None),
    "a sentence in Chinese": ("公用电脑登录的时候要小心一点", "password-short"),
    "a longer one": ("公用电脑登录的时候要小心一点点", None),
    "fourteen characters": ("x7#Kq2!mPz9&wL", "password-short"),
    "one character": ("aaaaaaaaaaaaaaaa", "password-common"),
    "a row of keys": ("qwertyuiopasdfgh", "password-common"),
    "a well-known one, longer": ("P@ssw0rd1234567", "password-common"),
    "the phone and a little": ("13800001234xyzab", "password-common"),
    "user name and service": ("zhangsanhotline", "password-common"),
    "the county twice": ("沾化区沾化区沾化区沾化区沾化区", "password-common"),
    "sixty-four": ("Zg4 " * 4 + "mountain river, lamp and a boat at noon, then home", None),
    "a hundred and twenty-nine": ("lantern orbit pickle " * 6 + "xyz", "password-long"),
    "the user name within": ("zhangsan lantern orbit", None),
}


@pytest.mark.parametrize("what", NIST)
async def test_length_and_a_blocklist_and_nothing_else(what):
    password, code = NIST[what]
    assert await refused("nist", password) == code


async def test_beside_a_second_factor_eight_are_enough_and_still_not_any_eight():
    assert await refused("nist", "pq7vhz2m", beside_factor=True) is None
    assert await refused("nist", "pq7vhz2", beside_factor=True) == "password-short"
    assert await refused("nist", "12345678", beside_factor=True) == "password-common"
    assert await refused("nist", "pq7vhz2m") == "password-short"


MLPS = {
    "three kinds": ("Xk7#pq2w", None),
    "two kinds": ("xk7vpq2w", "password-kinds"),
    "long but of one kind": ("lantern orbit pickle", "password-kinds"),
    "too short": ("Xk7#pq2", "password-short"),
    "what everybody takes": ("Abc12345", "password-common"),
    "the county and the year": ("Yimen@2026", "password-common"),
    "the user name": ("ZhangSan#7qKw2", "password-name"),
    "the user name backwards": ("nasgnahz#7qKw2", "password-name"),
}


@pytest.mark.parametrize("what", MLPS)
async def test_the_other_profile_asks_for_kinds_and_not_for_length(what):
    password, code = MLPS[what]
    assert await refused("mlps", password) == code


async def test_what_was_had_before_is_not_taken_again():
    earlier = [await passwords.hash_password(f"Xk7#pq2w{n}") for n in range(3)]
    assert await refused("mlps", "Xk7#pq2w1", earlier=earlier) == "password-again"
    assert await refused("mlps", "Xk7#pq2w9", earlier=earlier) is None


def test_a_password_grows_old_under_one_profile_alone():
    set_at = datetime(2026, 1, 1, tzinfo=UTC)
    assert PROFILES["mlps"].due(set_at) == set_at + timedelta(days=90)
    assert PROFILES["mlps"].due(None) is None  # who has none owes none
    assert PROFILES["nist"].due(set_at) is None
    assert kinds_of("aB3山") == 4


@pytest.mark.parametrize("profile", PROFILES)
async def test_an_invented_password_meets_the_rules(profile):
    password, _ = await PasswordRules(PROFILES[profile], WORDS).invent()
    assert await refused(profile, password) is None
