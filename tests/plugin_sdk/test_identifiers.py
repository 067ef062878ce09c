import subprocess
import sys
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.cn import ric, uscc

from plugin_sdk.identifiers import (
    IdentifierError,
    Span,
    find_identity_numbers,
    find_mobiles,
    mask_credit_code,
    mask_identity_number,
    mask_name,
    mask_phone,
    normalize_credit_code,
    normalize_identity_number,
    normalize_phone,
    redact,
)

TODAY = date(2026, 3, 5)


def identity(region: str = "371603", born: str = "19620304", order: str = "123") -> str:
    stem = f"{region}{born}{order}"
    return stem + ric.calc_check_digit(stem + "0")


def credit_code(stem: str) -> str:
    return stem + uscc.calc_check_digit(stem)


ENDING_IN_X = next(
    number for n in range(999) if (number := identity(order=f"{n:03}")).endswith("X")
)
identities = st.builds(
    lambda region, born, order: identity(str(region), f"{born:%Y%m%d}", f"{order:03}"),
    st.integers(110000, 659999),
    st.dates(date(1900, 1, 1), TODAY),
    st.integers(0, 999),
)
mobiles = st.integers(13_000_000_000, 13_999_999_999).map(str)


def refusal(normalize, text: str, **options) -> str:
    with pytest.raises(IdentifierError) as refused:
        normalize(text, **options)
    assert text.strip() == "" or text not in f"{refused.value} {refused.value.params}"
    return refused.value.code


class TestIdentityNumber:
    @settings(deadline=None)
    @given(identities)
    def test_a_right_number_is_kept(self, number):
        assert normalize_identity_number(number, today=TODAY) == number

    @pytest.mark.parametrize("spell", [str.lower, lambda n: f" {n[:6]} {n[6:14]}-{n[14:]}\n"])
    def test_spaces_hyphens_and_a_small_x_are_accepted(self, spell):
        assert normalize_identity_number(spell(ENDING_IN_X)) == ENDING_IN_X

    def test_full_width_digits_are_accepted(self):
        wide = "".join(chr(ord(c) + 0xFEE0) for c in ENDING_IN_X)
        assert normalize_identity_number(wide) == ENDING_IN_X

    @settings(deadline=None)
    @given(identities, st.integers(0, 16), st.integers(1, 9))
    def test_one_wrong_digit_is_always_noticed(self, number, place, by):
        wrong = number[:place] + str((int(number[place]) + by) % 10) + number[place + 1 :]
        with pytest.raises(IdentifierError):
            normalize_identity_number(wrong, today=TODAY)

    @pytest.mark.parametrize(
        ("number", "code"),
        [
            ("", "identity-number-length"),
            (identity()[:-1], "identity-number-length"),
            ("371603620304123", "identity-number-old"),
            ("37160319620304A23X", "identity-number-format"),
            ("3716031962030412ⅫX", "identity-number-length"),
            ("٣" * 18, "identity-number-format"),
            (identity(born="20190229"), "identity-number-birth-date"),
            (identity(born="20190010"), "identity-number-birth-date"),
            (identity(born="18000101"), "identity-number-birth-date"),
            (identity(born="20260306"), "identity-number-birth-date"),
            (identity()[:-1] + "A", "identity-number-format"),
        ],
    )
    def test_a_wrong_number_is_refused_with_its_reason(self, number, code):
        assert refusal(normalize_identity_number, number, today=TODAY) == code

    def test_a_wrong_checksum_is_refused(self):
        number = identity()
        wrong = number[:-1] + ("0" if number[-1] != "0" else "1")
        assert refusal(normalize_identity_number, wrong, today=TODAY) == "identity-number-checksum"

    def test_a_place_that_was_renamed_or_is_not_listed_does_not_matter(self):
        for region in ("372324", "810000", "999999"):
            assert normalize_identity_number(identity(region))

    def test_a_birth_today_counts_by_the_day_in_shanghai(self):
        assert normalize_identity_number(identity(born="20260305"), today=TODAY)

    @settings(deadline=None)
    @given(identities)
    def test_the_mask_shows_the_first_and_last_character_only(self, number):
        assert mask_identity_number(number) == number[0] + "*" * 16 + number[-1]


class TestCreditCode:
    @pytest.mark.parametrize(
        "code",
        [
            "91110000600037341L",
            credit_code("11371603004490123"),
            credit_code("N2371603MA3CABCD1"),  # a village's economic collective
        ],
    )
    def test_a_right_code_is_kept(self, code):
        assert normalize_credit_code(f" {code[:9].lower()}-{code[9:]} ") == code

    @pytest.mark.parametrize(
        ("code", "reason"),
        [
            ("", "credit-code-length"),
            ("12345", "credit-code-length"),
            ("91110000600037341O", "credit-code-format"),
            ("9111A000600037341L", "credit-code-format"),
            ("91110000600037341M", "credit-code-checksum"),
            ("91110000600037314L", "credit-code-checksum"),
        ],
    )
    def test_a_wrong_code_is_refused_with_its_reason(self, code, reason):
        assert refusal(normalize_credit_code, code) == reason

    def test_the_mask_shows_the_first_and_last_character_only(self):
        assert mask_credit_code("91110000600037341L") == "9****************L"


class TestPhone:
    @pytest.mark.parametrize(
        ("text", "phone"),
        [
            ("13812345678", "+8613812345678"),
            (" 138 1234-5678 ", "+8613812345678"),
            ("+86 138 1234 5678", "+8613812345678"),
            ("008613812345678", "+8613812345678"),
            ("１３８１２３４５６７８", "+8613812345678"),
            ("19912345678", "+8619912345678"),
            ("0543-7321234", "+865437321234"),
            ("(0543)7321234", "+865437321234"),
            ("010-62345678", "+861062345678"),
        ],
    )
    def test_mobiles_and_landlines_have_one_spelling(self, text, phone):
        assert normalize_phone(text) == phone

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("", "phone-empty"),
            ("　", "phone-empty"),
            ("12345", "phone-short"),
            ("110", "phone-short"),
            ("95588", "phone-short"),
            ("7321234", "phone-area-code"),
            ("62345678", "phone-area-code"),
            ("400-810-8888", "phone-service"),
            ("0543-7321234 转 801", "phone-unknown"),
            ("0543-7321234 ext. 801", "phone-extension"),
            ("+852 5123 4567", "phone-foreign"),
            ("+1 202 555 0123", "phone-foreign"),
            ("1381234567", "phone-unknown"),
            ("138123456789", "phone-unknown"),
            ("12812345678", "phone-unknown"),
            ("电话没有", "phone-unknown"),
            ("9" * 400, "phone-unknown"),
        ],
    )
    def test_what_rings_nobodys_phone_is_refused_with_its_reason(self, text, code):
        assert refusal(normalize_phone, text) == code

    @settings(deadline=None)
    @given(mobiles)
    def test_the_mask_of_a_mobile_shows_three_and_four_digits(self, mobile):
        assert mask_phone(mobile) == f"{mobile[:3]}****{mobile[-4:]}"

    @pytest.mark.parametrize(
        ("text", "mask"),
        [
            ("+8613812345678", "138****5678"),
            ("0543-7321234", "0543-****234"),
            ("010-62345678", "010-****678"),
            ("021-62345678", "021-****678"),
            ("", "****"),
            ("call 李四", "****"),
            ("1381234567", "****"),
        ],
    )
    def test_what_cannot_be_read_shows_nothing(self, text, mask):
        assert mask_phone(text) == mask

    def test_the_library_is_loaded_only_when_a_phone_is_read(self):
        code = "import plugin_sdk.identifiers, sys; sys.exit('phonenumbers' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class TestName:
    @pytest.mark.parametrize(
        ("name", "mask"),
        [
            ("李兰", "李*"),
            ("李秀兰", "李*兰"),
            ("欧阳修", "欧*修"),
            ("欧阳娜娜", "欧**娜"),
            ("阿依古丽·买买提", "阿******提"),
            (" 李 兰 ", "李*"),
            ("李", "*"),
            ("", ""),
            ("John Smith", "J*** S***"),
            ("Li", "L***"),
        ],
    )
    def test_a_name_keeps_its_first_character_and_a_long_one_its_last(self, name, mask):
        assert mask_name(name) == mask


class TestFreeText:
    @settings(deadline=None)
    @given(st.text(alphabet="老张住在,。\n x-", max_size=20), identities)
    def test_a_valid_identity_number_is_found_where_it_stands(self, around, number):
        text = f"{around}号码{number}。{around}"
        start = text.index(number)
        assert find_identity_numbers(text, today=TODAY) == [Span(start, start + 18)]

    def test_spaced_and_full_width_numbers_are_found_at_their_own_place(self):
        number = identity()
        spaced = f"{number[:6]} {number[6:14]} {number[14:]}"
        wide = "".join(chr(ord(c) + 0xFEE0) for c in ENDING_IN_X)
        text = f"本人{spaced},妻{wide}。"
        assert [text[s.start : s.end] for s in find_identity_numbers(text)] == [spaced, wide]

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "编号 " + identity() + "1",
            "卡号6222021234567890123",
            identity()[:-1] + "?",
            "20240305123456789X",
        ],
    )
    def test_other_long_numbers_are_not_taken_for_one(self, text):
        assert find_identity_numbers(text) == []

    def test_a_log_line_shows_neither_number(self):
        number = identity()
        text = f"李秀兰 {number} 电话138-1234-5678,座机７３２１２３４"
        assert redact(text) == f"李秀兰 3{'*' * 16}{number[-1]} 电话138****5678,座机７３２１２３４"

    def test_a_number_with_a_slip_in_it_is_masked_in_logs_all_the_same(self):
        wrong = identity()[:-1] + ("0" if identity()[-1] != "0" else "1")
        assert find_identity_numbers(wrong) == []
        assert redact(wrong) == f"3{'*' * 16}{wrong[-1]}"

    def test_order_numbers_amounts_and_ids_stay_readable_in_logs(self):
        text = "工单202603050001,金额 123456789012 元,卡 6222021234567890123"
        assert redact(text) == text
        for id in ("019ab3c1-1381-7012-834a-0c3d5e6f7a8b", "13814012-834a-7012-834a-0c3d5e6f7a8b"):
            assert redact(id) == id
        assert redact("每月1、3、5、7、9、11、13日") == "每月1、3、5、7、9、11、13日"

    @pytest.mark.parametrize(
        "written",
        [
            *("138 1234 5678", "138·1234·5678", "138.1234.5678", "(138)1234-5678"),
            *(
                "１３８－１２３４－５６７８",
                "1 3 8 1 2 3 4 5 6 7 8",
                "1，3，8，1，2，3，4，5，6，7，8",
            ),
            *("+86 138 1234 5678", "0086-138-1234-5678", "138\u200b12345678"),
        ],
    )
    def test_a_mobile_is_found_however_it_is_written(self, written):
        (span,) = find_mobiles(f"打{written}找人")
        found = f"打{written}找人"[span.start : span.end]
        assert found.strip("(") == written.strip("(")
        assert "138****5678" in redact(f"打{written}找人")

    @settings(deadline=None)
    @given(st.text(max_size=40), mobiles, identities)
    def test_no_number_survives_redaction(self, around, mobile, number):
        shown = redact(f"{around} 电话{mobile}转{number}号 {around}")
        assert mobile not in shown
        assert number not in shown

    @settings(deadline=None)
    @given(st.text(max_size=60))
    def test_redaction_is_stable(self, text):
        assert redact(redact(text)) == redact(text)
