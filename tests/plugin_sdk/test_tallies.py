"""Tallies: equal for the same records in any order, from a database or from a file."""

from datetime import datetime

import pytest

from plugin_sdk.tables import TableError
from plugin_sdk.tallies import record, tally, tally_of_file
from plugin_sdk.times import SHANGHAI

NIGHT = datetime(2026, 1, 1, 0, 30, 5, 999999, tzinfo=SHANGHAI)
HEAD = "opened_at,number,other\n"


def test_the_order_does_not_count_and_everything_else_does(tmp_path):
    records = [record("A1", NIGHT), record("A2", NIGHT)]
    whole = tally("cases", records)
    assert tally("cases", reversed(records)) == whole
    assert tally("cases", [record("A1", NIGHT), record("A3", NIGHT)]).digest != whole.digest
    assert tally("cases", records[:1]).rows == 1
    path = tmp_path / "export.csv"
    path.write_text(f"{HEAD}2026-01-01 00:30:05,A2,x\n2026/1/1 0:30:05,A1,y\n", encoding="gb18030")
    assert tally_of_file("cases", path) == whole


@pytest.mark.parametrize("line", ["2026-01-01,A1,x\n2026-01-01,A1,x", "昨天,A1,x", "2026-01-01,,x"])
def test_a_file_that_is_not_wholly_understood_proves_nothing(tmp_path, line):
    path = tmp_path / "export.csv"
    path.write_text(f"{HEAD}{line}\n", encoding="utf-8")
    with pytest.raises(TableError) as refused:
        tally_of_file("cases", path)
    assert refused.value.code == "row-unreadable"
