"""A generated county: 113 units, 14,293 people, nobody of whom exists."""

import csv
import io
import random
from datetime import date, timedelta

from stdnum.cn import ric

from core.identity.arrivals import DirectoryRow, import_directory

UNITS = 113
PEOPLE = 14_293
HEADER = [
    "用户名",
    "姓名",
    "手机",
    "身份证号",
    "单位代码",
    "岗位",
    "角色",
    "原系统",
    "原系统用户编号",
]
SURNAMES = "赵钱孙李周吴郑王冯陈"
GIVEN = "子丑寅卯辰巳午未申酉"
TITLES = ("科员", "主任", "副主任", "网格员", "窗口人员")


def identity_number(n):
    """A number whose region is none (99), so that it is nobody's."""
    day = date(1960, 1, 1) + timedelta(days=n % 15_000)
    body = f"990000{day:%Y%m%d}{n // 15_000 % 1000:03}"
    return body + ric.calc_check_digit(f"{body}0")


def person(n, *, role="", units=UNITS):
    chance = random.Random(n)
    name = chance.choice(SURNAMES) + chance.choice(GIVEN) + chance.choice(GIVEN)
    return [
        f"p{n:05}",
        name,
        f"138{n:08}",
        identity_number(n),
        f"D{n % units:03}",
        TITLES[n % len(TITLES)],
        role,
        "oa",
        str(100_000 + n),
    ]


def as_csv(rows, header=HEADER, encoding="utf-8-sig"):
    out = io.StringIO(newline="")
    csv.writer(out).writerows([header, *rows])
    return out.getvalue().encode(encoding)


def as_workbook(rows, header=HEADER):
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in [header, *rows]:
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


async def build_units(tx, units=UNITS, parent="C"):
    rows = [DirectoryRow(f"D{n:03}", f"单位{n}", "unit", parent) for n in range(units)]
    await import_directory(tx, rows)
