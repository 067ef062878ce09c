from datetime import date
from typing import Any, cast

import pytest

from plugin_sdk.forms import validate
from plugin_sdk.problems import Invalid
from plugin_sdk.registers import RecordForm, Register, RegisterDesk, RegisterEngine, RegisterRow

TODAY = date(2026, 3, 5)


class _Hub:
    app = "sample"


def desk(*remind):
    register = Register(
        name="lease", path="/leases", read="r", edit="e", form=RecordForm, remind=remind
    )
    return RegisterDesk(RegisterEngine(cast("Any", _Hub()), register, RegisterRow))


@pytest.mark.parametrize(
    ("starts_on", "ends_on", "state"),
    [
        (date(2026, 1, 1), None, "in_force"),
        (date(2026, 1, 1), TODAY, "ending"),
        (date(2026, 1, 1), date(2026, 3, 4), "ended"),
        (date(2026, 1, 1), date(2026, 3, 12), "ending"),
        (date(2026, 1, 1), date(2026, 3, 13), "in_force"),
        (date(2026, 3, 6), None, "future"),
        (date(2026, 3, 6), TODAY, "ending"),  # withdrawn: its last day is the one before
    ],
)
def test_a_record_is_valid_from_its_first_to_its_last_day(starts_on, ends_on, state):
    row = RegisterRow.model_construct(starts_on=starts_on, ends_on=ends_on)
    assert desk(1, 7).state(row, TODAY) == state
    assert row.valid_on(TODAY) == (state in ("in_force", "ending") and starts_on <= TODAY)


def test_a_record_that_ends_before_it_begins_is_refused():
    with pytest.raises(Invalid):
        validate(RecordForm, {"name": "x", "starts_on": "2026-03-05", "ends_on": "2026-03-04"})
