"""Numbers and arithmetic of traffic: what always holds, and the cases of the published rules."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin_sdk.identifiers import IdentifierError
from plugins.traffic import rules
from plugins.traffic.identifiers import (
    PROVINCES,
    mask_plate,
    read_file_number,
    read_plate,
    read_vin,
    vin_check_digit,
)
from plugins.traffic.rules import Inspection, Scored, Use

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
VIN_SIGNS = "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"
DAYS = st.dates(date(1990, 1, 1), date(2060, 12, 31))


@pytest.mark.parametrize(
    ("text", "plate", "kind"),
    [
        ("鲁m·12345", "鲁M12345", "ordinary"),
        ("　鲁 Ｍ－8D136 ", "鲁M8D136", "ordinary"),
        ("鲁MD12345", "鲁MD12345", "new_energy"),
        ("鲁MF1234A", None, "plate-format"),
        ("鲁M12345D", "鲁M12345D", "new_energy"),
        ("京AB1234", "京AB1234", "ordinary"),
        ("鲁M1234警", "鲁M1234警", "police"),
        ("鲁M123A学", "鲁M123A学", "training"),
        ("鲁MA123挂", "鲁MA123挂", "trailer"),
        ("粤ZA123港", "粤ZA123港", "hong_kong"),
        ("粤ZA123澳", "粤ZA123澳", "macao"),
        ("鲁MA123港", None, "plate-format"),
        ("鲁MI2345", None, "plate-format"),
        ("鲁MABCDE", None, "plate-format"),
        ("齐M12345", None, "plate-region"),
        ("", None, "plate-region"),
    ],
)
def test_plates_of_every_kind_and_of_none(text, plate, kind):
    if plate is None:
        with pytest.raises(IdentifierError) as wrong:
            read_plate(text)
        assert wrong.value.code == kind
    else:
        assert (read_plate(text).text, read_plate(text).kind) == (plate, kind)


@given(st.text(max_size=12))
def test_what_is_read_as_a_plate_is_read_so_again_and_names_a_region(text):
    try:
        plate = read_plate(text)
    except IdentifierError:
        return
    assert plate.text[0] in PROVINCES
    assert read_plate(plate.shown) == plate


@given(st.sampled_from(PROVINCES), st.sampled_from(LETTERS), st.integers(0, 99999))
def test_a_plate_of_a_region_is_one_and_its_mask_hides_it(region, city, n):
    plate = read_plate(f"{region}{city}{n:05}")
    assert plate.kind == "ordinary"
    assert mask_plate(plate.text) == f"{region}{city}·{n:05}"[:4] + "***" + str(n % 10)


@given(st.text(alphabet=VIN_SIGNS, min_size=17, max_size=17), st.integers(0, 16))
def test_a_slip_of_one_sign_in_a_vin_is_found_where_the_digit_tells(text, at):
    vin = text[:8] + vin_check_digit(text) + text[9:]
    assert read_vin(vin.lower()) == vin
    swapped = vin[:at] + ("B" if vin[at] == "A" else "A") + vin[at + 1 :]
    if vin_check_digit(swapped) != swapped[8]:
        with pytest.raises(IdentifierError):
            read_vin(swapped)


def test_vins_and_file_numbers_that_are_none():
    assert read_vin("1M8GDM9AXKP042788") == "1M8GDM9AXKP042788"  # the sample of the rule
    for wrong in ("1M8GDM9A1KP042788", "1M8GDM9AXKP04278", "1M8GDM9AXKPO42788"):
        with pytest.raises(IdentifierError):
            read_vin(wrong)
    assert read_file_number("3716 0012 3456") == "371600123456"
    for wrong in ("37160012345", "991600123456", "37160012345A"):
        with pytest.raises(IdentifierError):
            read_file_number(wrong)


@given(DAYS, st.integers(0, 12000))
def test_every_day_lies_in_one_period_and_periods_leave_no_gap(issued, after):
    day = min(issued + timedelta(days=after), date(2090, 1, 1))
    period = rules.scoring_period(issued, day)
    assert period.first <= day <= period.last
    assert 364 <= (period.last - period.first).days <= 366
    following = rules.scoring_period(issued, period.last + timedelta(days=1))
    assert following.first == period.last + timedelta(days=1)


def test_points_are_cleared_with_their_period_unless_a_fine_is_owed():
    issued = date(2016, 3, 15)
    paid = Scored(date(2026, 1, 5), 6, paid=True)
    owed = Scored(date(2026, 2, 5), 3, paid=False)
    assert rules.points_used(issued, [owed, paid], date(2026, 3, 14)) == 9
    assert rules.points_used(issued, [owed, paid], date(2026, 3, 15)) == 3
    full = Scored(date(2026, 2, 6), 12, paid=True)
    assert rules.points_used(issued, [owed, paid, full], date(2027, 4, 1)) == 21
    assert rules.points_left(21) == 0
    assert rules.scoring_period(date(2024, 2, 29), date(2025, 2, 28)).first == date(2025, 2, 28)
    with pytest.raises(ValueError, match="first issued"):
        rules.scoring_period(issued, date(2016, 3, 14))


@given(st.integers(0, 1_000_000), DAYS, st.integers(-400, 4000))
def test_a_late_fee_grows_by_three_per_cent_a_day_and_never_beyond_the_fine(fine, due, days):
    fee = rules.late_fee(fine, due, due + timedelta(days=days))
    assert 0 <= fee <= fine
    if days <= 0:
        assert fee == 0
    elif days < 33:
        assert fee == fine * 3 * days // 100
    elif days >= 34:
        assert fee == fine


def test_a_late_fee_of_the_published_case():
    decided = date(2026, 9, 1)
    assert rules.pay_by(decided) == date(2026, 9, 16)
    assert rules.late_fee(20_000, date(2026, 9, 16), date(2026, 9, 26)) == 6_000


@pytest.mark.parametrize(
    ("use", "registered", "after", "due", "kind"),
    [
        (Use.PRIVATE_CAR, "2020-09-10", "2026-09-01", "2026-09-30", Inspection.TEST),
        (Use.PRIVATE_CAR, "2024-09-10", "2026-09-01", "2026-09-30", Inspection.MARK),
        (Use.PRIVATE_CAR, "2018-09-10", "2026-09-01", "2026-09-30", Inspection.MARK),
        (Use.PRIVATE_CAR, "2016-09-10", "2026-09-01", "2026-09-30", Inspection.TEST),
        (Use.PRIVATE_CAR, "2008-05-10", "2026-09-01", "2027-05-31", Inspection.TEST),
        (Use.MOTORCYCLE, "2016-09-10", "2026-10-01", "2027-09-30", Inspection.TEST),
        (Use.COACH, "2020-01-31", "2026-01-31", "2026-07-31", Inspection.TEST),
        (Use.LORRY, "2020-01-31", "2026-01-31", "2027-01-31", Inspection.TEST),
        (Use.OTHER, "2020-02-29", "2026-02-28", "2027-02-28", Inspection.TEST),
    ],
)
def test_inspections_of_2022(use, registered, after, due, kind):
    on = rules.next_inspection(use, date.fromisoformat(registered), date.fromisoformat(after))
    assert on.isoformat() == due
    assert rules.inspection_kind(use, date.fromisoformat(registered), on) == kind
