import csv
import io
import tracemalloc
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin_sdk.tables import BadRow, Limits, Row, TableError, csv_chunks, read_rows, safe_text

EXPECT = ("编号", "主题", "详情")
HEADER = "编号,主题,详情\n"


def written(header, rows) -> bytes:
    return b"".join(csv_chunks(header, rows))


@pytest.fixture
def read(tmp_path):
    def read_all(content: bytes | str, expect=EXPECT, **limits):
        path = tmp_path / "table.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return list(read_rows(path, expect=expect, limits=Limits(**limits)))

    return read_all


def row(line: int, *cells: str) -> Row:
    return Row(line, dict(zip(EXPECT, cells, strict=True)))


class TestExport:
    def test_it_is_utf8_with_bom_and_crlf(self):
        assert written(["编号", "名称"], [["1", '甲,"乙"\n丙']]) == (
            b"\xef\xbb\xbf" + '编号,名称\r\n1,"甲,""乙""\n丙"\r\n'.encode()
        )

    @pytest.mark.parametrize(
        "text",
        [
            "=1+1",
            "+86",
            "-1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\n=1",
            "  =1",
            "　＝1",
            "＋1",
            "－1",
            "＠x",
            "﹢1",
            "−1",
            "\u200b=1",
            "\ufeff-1",
            "\x00=1",
            "\x1b+1",
            "\xa0@x",
            "\ttext",
        ],
    )
    def test_a_text_that_a_spreadsheet_would_run_gets_an_apostrophe(self, text):
        assert safe_text(text).startswith("'")

    @pytest.mark.parametrize("text", ["", "甲=乙", "a-b", " 甲", "(-1)", "1-2", "'=1", "李*兰"])
    def test_any_other_text_stays_as_it_is(self, text):
        assert safe_text(text) == text

    def test_control_characters_are_removed_and_line_breaks_kept(self):
        assert safe_text("a\x00b\x07c\x7fd\x85e\r\nf\rg\th") == "abcde\nf\ng\th"

    def test_numbers_that_are_numbers_stay_numbers(self):
        cells = [-5, Decimal("-3.50"), 0.5, None, "-5", date(2026, 3, 5)]
        assert written(["a"] * 6, [cells]).splitlines()[1] == b"-5,-3.50,0.5,,'-5,2026-03-05"

    def test_a_moment_is_written_in_shanghai_time(self):
        at = datetime(2026, 3, 5, 9, 30, tzinfo=UTC)
        assert b"2026-03-05 17:30:00" in written(["at"], [[at]])

    def test_a_header_is_made_safe_too(self):
        assert written(["=x"], []) == b"\xef\xbb\xbf'=x\r\n"

    def test_a_row_that_does_not_fit_its_header_is_refused(self):
        with pytest.raises(TableError) as refused:
            written(["a", "b"], [["1", "2"], ["1"]])
        assert (refused.value.code, refused.value.params["row"]) == ("row-width", 2)

    def test_half_a_character_does_not_stop_an_export(self):
        assert written(["a"], [["\ud800"]]).endswith(b"?\r\n")

    def test_a_large_table_is_never_held_whole(self):
        chunks = csv_chunks(["n", "text"], ((n, "字" * 100) for n in range(20_000)))
        tracemalloc.start()
        total = sum(len(chunk) for chunk in chunks)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert total > 5_000_000
        assert peak < 2_000_000

    @settings(deadline=None)
    @given(st.lists(st.lists(st.text(max_size=12), min_size=2, max_size=2), max_size=5))
    def test_what_is_written_is_read_back_without_a_formula(self, rows):
        text = written(["a", "b"], rows).decode("utf-8-sig")
        back = list(csv.reader(io.StringIO(text, newline="")))[1:]
        assert back == [
            [safe_text(cell).encode("utf-8", "replace").decode() for cell in r] for r in rows
        ]
        for cell in (cell for r in back for cell in r):
            assert cell.strip()[:1] not in {"=", "+", "-", "@", "＝", "＋", "－", "＠"}


class TestImport:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    def test_both_encodings_and_line_ends_are_read(self, read, encoding, end):
        text = f"编号,主题,详情{end}1,路灯不亮,三天了{end}2,井盖,{end}"
        assert read(text.encode(encoding)) == [
            row(2, "1", "路灯不亮", "三天了"),
            row(3, "2", "井盖", ""),
        ]

    def test_lines_are_counted_over_line_breaks_inside_cells(self, read):
        assert read(HEADER + '1,甲,"一\n\n三"\n\n2,乙,"说""好"""\n3,丙,完') == [
            row(2, "1", "甲", "一\n\n三"),
            row(6, "2", "乙", '说"好"'),
            row(7, "3", "丙", "完"),
        ]

    def test_columns_may_come_in_any_order_and_beside_others(self, read):
        (only,) = read(" 详情 ,x,主题,编号\nd,1,s,n\n")
        assert only.values == {"详情": "d", "x": "1", "主题": "s", "编号": "n"}

    @pytest.mark.parametrize(
        ("content", "code", "params"),
        [
            ("", "table-empty", {}),
            ("\n\r\n", "table-empty", {}),
            ("\ufeff", "table-empty", {}),
            ("编号,主题\n", "table-columns-missing", {"columns": ["详情"]}),
            ("编号;主题;详情\n", "table-columns-missing", {"columns": list(EXPECT)}),
            ("编号,主题,详情,主题\n", "table-columns-twice", {"columns": ["主题"]}),
            (HEADER.encode("utf-16"), "table-encoding", {}),
        ],
    )
    def test_a_file_that_is_not_the_table_is_refused(self, read, content, code, params):
        with pytest.raises(TableError) as refused:
            read(content)
        assert (refused.value.code, refused.value.params) == (code, params)

    @pytest.mark.parametrize(
        ("bad", "code", "params"),
        [
            (b"1,2", "row-columns", {"found": 2, "expected": 3, "last": 3}),
            (b"1,2,3,4", "row-columns", {"found": 4, "expected": 3, "last": 3}),
            (b'1,2,"3\n4",5', "row-columns", {"found": 4, "expected": 3, "last": 4}),
            (b"1,a\0b,3", "row-nul", {"last": 3}),
            ("1,甲,".encode() + b"\xff\xfe", "row-encoding", {"last": 3}),
            (b'1,"2"x,3', "row-quotes", {"last": 3}),
            (b'1,"never closed,3', "row-quotes", {"last": 3}),
            (b'1,"never\nclosed,3', "row-quotes", {"last": 4}),
            (b'1,"a "word" in\nthe text",3', "row-quotes", {"last": 4}),
            (b"1,2," + b"x" * 51, "row-cell-too-long", {"column": "详情", "limit": 50, "last": 3}),
            (b"1,2," + b"x" * 500, "row-too-long", {"last": 3}),
        ],
    )
    @pytest.mark.parametrize("after", ["9,好,坏", '9,好,"a\nb"', '9,好,"\n\tb\n"'])
    def test_a_bad_row_is_named_and_the_rows_around_it_are_kept(
        self, read, bad, code, params, after
    ):
        content = f"{HEADER}0,前,行\n".encode() + bad + f"\n{after}\n8,后,行\n".encode()
        before, found, *rest = read(content, cell=50, row=400)
        assert before == row(2, "0", "前", "行")
        assert found == BadRow(3, code, params)
        assert [(r.line - params["last"], r.values["编号"]) for r in rest] == [
            (1, "9"),
            (after.count("\n") + 2, "8"),
        ]

    def test_every_bad_row_of_many_is_named(self, read):
        rows = read(HEADER + "1\n2,2,2\n3\n4\n")
        assert [(r.line, isinstance(r, BadRow)) for r in rows] == [
            (2, True),
            (3, False),
            (4, True),
            (5, True),
        ]

    def test_one_bad_byte_does_not_turn_a_utf8_file_into_another_encoding(self, read):
        content = b"a,b,c\n1,\xe9\xa1,x\n" + "2,中文内容,好\n3,乡镇,村\n".encode()
        codes = [getattr(r, "code", None) for r in read(content, expect=("a",))]
        assert codes == ["row-encoding", None, None]

    def test_a_gb18030_file_with_a_plain_header_is_recognised_far_into_it(self, read):
        text = "a,b,c\n" + "1,2,3\n" * 5000 + "2,中文内容,好\n"
        assert read(text.encode("gb18030"), expect=("a",))[-1].values["b"] == "中文内容"

    def test_a_hopeless_file_is_given_up(self, read):
        with pytest.raises(TableError) as refused:
            read(HEADER + "x\n" * 20, bad_rows=10)
        assert refused.value.code == "table-too-broken"

    def test_a_mark_never_closed_in_a_long_file_costs_one_row(self, read):
        text = HEADER + '1,"甲,乙\n' + "".join(f"{n},题,文\n" for n in range(5000))
        first, *rest = read(text)
        assert (first.line, first.code) == (2, "row-quotes")
        assert len(rest) == 5000

    def test_a_large_file_is_never_held_whole(self, tmp_path):
        path = tmp_path / "large.csv"
        with path.open("w", encoding="utf-8") as file:
            file.write(HEADER)
            for n in range(10_000):
                file.write(f'{n},题,"{"字" * 200}\n{"字" * 100}"\n')
            file.write("x" * 3_000_000)
        tracemalloc.start()
        count = sum(1 for _ in read_rows(path, expect=EXPECT))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert count == 10_001
        assert peak < 3_000_000

    @settings(deadline=None)
    @given(
        st.lists(
            st.lists(
                st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12),
                min_size=3,
                max_size=3,
            ),
            max_size=6,
        )
    )
    def test_what_the_standard_writer_quotes_is_read_back(self, tmp_path_factory, rows):
        path = tmp_path_factory.mktemp("csv") / "t.csv"
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file, quoting=csv.QUOTE_ALL)
            writer.writerows([EXPECT, *rows])
        back = [r for r in read_rows(path, expect=EXPECT) if isinstance(r, Row)]
        assert [list(r.values.values()) for r in back] == rows

    @settings(deadline=None)
    @given(st.binary(max_size=300))
    def test_any_bytes_give_rows_in_order_or_a_named_error(self, tmp_path_factory, body):
        path = tmp_path_factory.mktemp("csv") / "t.csv"
        path.write_bytes(HEADER.encode() + body)
        lines = [r.line for r in read_rows(path, expect=EXPECT)]
        assert lines == sorted(set(lines))
