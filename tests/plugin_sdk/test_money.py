import pytest

from plugin_sdk.forms import Form, validate
from plugin_sdk.money import Yuan, parse_yuan, spell_yuan
from plugin_sdk.problems import Invalid


@pytest.mark.parametrize(
    ("text", "fen"),
    [("1,234.5", 123450), ("0", 0), ("¥35", 3500), ("-0.01", -1), ("12.05", 1205)],
)
def test_yuan_become_fen_and_come_back(text, fen):
    assert parse_yuan(text) == fen
    assert parse_yuan(spell_yuan(fen) or "") == fen


@pytest.mark.parametrize("text", ["", "1.234", "12,34", "1e3", "NaN", "１２", "1 000"])
def test_what_is_no_amount_is_none(text):
    assert parse_yuan(text) is None


class Payment(Form):
    amount: Yuan
    tip: Yuan | None = None


@pytest.mark.parametrize(
    ("value", "code"),
    [("-1", "money-negative"), ("many", "money"), (12.5, "money"), ("99999999999999", "money")],
)
def test_a_form_says_what_is_wrong_with_an_amount(value, code):
    with pytest.raises(Invalid) as refused:
        validate(Payment, {"amount": value})
    assert refused.value.errors[0].message.key == f"problem.field.{code}"
    assert validate(Payment, {"amount": "12.30", "tip": ""}).amount == 1230
