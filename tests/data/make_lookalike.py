"""Make a look-alike of an old hotline's export, and say what an importer must make of it.

    python tests/data/make_lookalike.py [FOLDER]

Writes `lookalike_messages.csv` and `lookalike_expected.json`. Every sentence, name and number
is invented; the faults are those of real exports, and worse ones. The same seed gives the same
bytes. Uses the standard library alone, so that it cannot share a mistake with the importer.

A row is judged by its first fault, in this order: what the reader of tables refuses (`row-…`);
`number-empty`; `subject-empty`; `text-empty`; the time of the message, then of the reply
(`time-…`); `message-in-future`, `reply-in-future`; `reply-before-message`; a number seen before
with the same content (a duplicate, passed over) or with another (`number-used-otherwise`).
A reply without a time of day is compared by its date.
"""

import csv
import io
import json
import math
import random
import statistics
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

HEADER = ["留言编号", "留言用户", "留言主题", "留言时间", "留言详情", "答复意见", "答复时间"]
SEED = 20261124
PLAIN_ROWS = 262
FILES = ("lookalike_messages.csv", "lookalike_expected.json")

PLACES = ["青石镇", "柳湾村", "东塘街道", "白鹭小区", "南坪路", "桥头村三组", "红枫苑", "杏林镇"]
THINGS = [
    "路灯",
    "井盖",
    "自来水",
    "垃圾站",
    "公交站牌",
    "水渠",
    "健身器材",
    "危桥",
    "电线杆",
    "排污口",
]
FAULTS = ["坏了没人修", "夜里一直不亮", "堵了半个多月", "丢了盖子", "声音太大", "味道很重", "歪了"]
WISHES = [
    "请派人看看。",
    "盼早点修好。",
    "老人孩子走路不安全。",
    "问过村里,说要等。",
    "希望给个准信。",
]
UNITS = ["城管所", "水务站", "供电所", "交通站", "镇政府", "住建站"]
ANSWERS = [
    "已派人到现场查看",
    "材料已备齐,本周动工",
    "已与物业说好",
    "经核实,确有此事",
    "已更换新件",
]
CLOSES = ["感谢您的留言。", "如有不清楚,可到窗口问。", "后续情况会再告诉您。"]
SPELLINGS = ("slash", "slash", "slash", "slash", "slash", "padded", "dash", "date")


def identity_number(stem: str) -> str:
    """Return 17 digits with their check character (GB 11643, ISO 7064 MOD 11-2)."""
    total = sum(int(digit) * 2 ** (17 - place) for place, digit in enumerate(stem))
    return stem + "10X98765432"[total % 11]


# Nobody's: the region is not assigned, the bearer would be the oldest person ever; the phone is
# a carrier's own well-known service number.
IDENTITY = identity_number("37169918991231001")
PHONE = "13800138000"


def spell(moment: datetime, how: str) -> str:
    date = f"{moment.year}/{moment.month}/{moment.day}"
    return {
        "slash": f"{date} {moment.hour}:{moment:%M:%S}",
        "padded": f"{moment:%Y/%m/%d %H:%M:%S}",
        "dash": f"{moment:%Y-%m-%d %H:%M:%S}",
        "date": date,
    }[how]


class Maker:
    """Collects the bytes of the file and what is expected of each row."""

    def __init__(self) -> None:
        self.random = random.Random(SEED)
        self.number = 5000
        self.bytes = io.BytesIO()
        self.accepted: list[int] = []
        self.refused: dict[str, list[int]] = {}
        self.duplicates: list[dict[str, int]] = []
        self.noted: dict[str, list[int]] = {}
        self.reply_days: list[int] = []
        self.rows = 0
        self.longest = 0
        self.write(self.spelled(HEADER))

    @property
    def line(self) -> int:
        return self.bytes.getvalue().count(b"\n") + 1

    def write(self, record: bytes) -> None:
        self.bytes.write(record)

    @staticmethod
    def spelled(cells: list[str]) -> bytes:
        out = io.StringIO(newline="")
        csv.writer(out, lineterminator="\n").writerow(cells)
        return out.getvalue().encode()

    def text(self, sentences: int, words: list[str]) -> str:
        said = [
            self.random.choice(PLACES)
            + "的"
            + self.random.choice(THINGS)
            + self.random.choice(FAULTS)
            + ","
            + self.random.choice(words)
            for _ in range(sentences)
        ]
        if self.random.random() < 0.7:  # as the old page wrapped what people typed
            indent = "\n\t\t\t\t\t"
            return indent + indent.join(("", *said)).lstrip() + indent + "\n\t\t\t\t"
        return "　　" + "".join(said)

    def row(self, **changes: str) -> dict[str, str]:
        """Return an ordinary row, by header, with some cells given."""
        self.number += self.random.randint(1, 30)
        asked = datetime(2016, 1, 1) + timedelta(  # noqa: DTZ001  as written there
            days=self.random.randrange(1500), seconds=self.random.randrange(86_400)
        )
        replied = asked + timedelta(
            days=int(self.random.expovariate(1 / 14)), seconds=self.random.randrange(3600, 80_000)
        )
        unit = self.random.choice(UNITS)
        cells = [
            str(self.number),
            f"U{self.random.randrange(10**7):07}",
            self.random.choice(PLACES) + self.random.choice(THINGS) + self.random.choice(FAULTS),
            spell(asked, self.random.choice(SPELLINGS)),
            self.text(self.random.randint(1, 4), WISHES),
            f"您好,{unit}回复:{self.random.choice(ANSWERS)}。"
            + self.text(self.random.randint(0, 3), CLOSES),
            spell(replied, self.random.choice(SPELLINGS)),
        ]
        return dict(zip(HEADER, cells, strict=True)) | changes

    def accept(self, *notes: str, **changes: str) -> dict[str, str]:
        row = self.row(**changes)
        line = self.line
        self.accepted.append(line)
        for note in notes:
            self.noted.setdefault(note, []).append(line)
        self.longest = max(self.longest, *map(len, row.values()))
        if row["答复时间"]:
            asked, replied = (
                datetime.strptime(row[name].split()[0].replace("-", "/"), "%Y/%m/%d")  # noqa: DTZ007
                for name in ("留言时间", "答复时间")
            )
            self.reply_days.append((replied - asked).days)
        self.add(self.spelled(list(row.values())))
        return row

    def refuse(self, code: str, record: bytes | None = None, **changes: str) -> None:
        self.refused.setdefault(code, []).append(self.line)
        self.add(record or self.spelled(list(self.row(**changes).values())))

    def repeat(self, row: dict[str, str], of: int) -> None:
        self.duplicates.append({"line": self.line, "of": of})
        self.add(self.spelled(list(row.values())))

    def add(self, record: bytes) -> None:
        self.rows += 1
        self.write(record)

    def expected(self) -> dict[str, Any]:
        days = sorted(self.reply_days)
        return {
            "rows": self.rows,
            "accepted": len(self.accepted),
            "accepted_lines": self.accepted,
            "refused": dict(sorted(self.refused.items())),
            "duplicates": self.duplicates,
            "noted": dict(sorted(self.noted.items())),
            "longest_cell": self.longest,
            "reply_calendar_days": {
                "n": len(days),
                "median": statistics.median(days),
                "p90": days[math.ceil(0.9 * len(days)) - 1],
            },
        }


def broken_rows(make: Maker) -> list[Any]:
    """Return what adds each fault, to be mixed among ordinary rows."""

    def raw(spoil: Any) -> bytes:
        row = make.row(留言详情="渠水漫到路上,过不去人。", 答复意见="已疏通。")
        result: bytes = spoil(make.spelled(list(row.values())))
        return result

    def add_duplicate() -> None:
        line = make.line
        row = make.accept()
        make.accept()
        make.repeat(row, line)

    def add_reuse() -> None:
        row = make.accept()
        make.accept()
        make.refuse("number-used-otherwise", 留言编号=row["留言编号"])

    def long_text(sentences: int) -> str:
        return "".join(f"{n},{make.text(1, WISHES).strip()}" for n in range(sentences))[:7990]

    def refusing(code: str, **changes: str) -> Any:
        return lambda: make.refuse(code, None, **changes)

    def accepting(note: str, **changes: str) -> Any:
        return lambda: make.accept(note, **changes)

    def spoiling(code: str, spoil: Any) -> Any:
        return lambda: make.refuse(code, raw(spoil))

    same_day = {"留言时间": "2018/4/24 15:20:01", "答复时间": "2018/4/24"}
    unclosed = "三组围墙倒了".encode()
    return [
        *[accepting("without_reply", 答复意见="", 答复时间="")] * 6,
        *[accepting("reply_date_alone_same_day", **same_day)] * 2,
        *[
            accepting("formula_cells", 留言主题=subject)
            for subject in ("=1+1 号楼停电", "+86 打不通", "@村委会 求助", "-3 楼漏水", "＝路灯")
        ],
        accepting("identity_numbers", 留言详情=f"本人身份证{IDENTITY},电话{PHONE},请回电。"),
        accepting("identity_numbers", 答复意见=f"已按证件 {IDENTITY} 核对,电话{PHONE}。"),
        accepting("phones", 留言详情=f"请打 {PHONE[:3]} {PHONE[3:7]} {PHONE[7:]}。"),
        accepting("quotation_marks", 留言主题='门牌"八号"写错', 留言详情='写成"九号",\n应为"八号"'),
        *[lambda: make.accept("long_texts", 留言详情=long_text(400))] * 2,
        lambda: make.accept("long_texts", 答复意见=long_text(400)),
        *[add_duplicate] * 3,
        *[add_reuse] * 2,
        *[
            refusing(
                "reply-before-message", 留言时间="2019/5/9 8:00:00", 答复时间="2019/5/8 9:00:00"
            )
        ]
        * 2,
        refusing("reply-before-message", 留言时间="2019-05-09 08:00:00", 答复时间="2019/5/8"),
        refusing("message-in-future", 留言时间="2098/1/1 8:00:00", 答复时间="2098/1/9 8:00:00"),
        refusing("message-in-future", 留言时间="2098/1/1", 答复意见="", 答复时间=""),
        refusing("reply-in-future", 答复时间="2098/1/9 8:00:00"),
        refusing("time-impossible", 留言时间="2019/2/31 9:32:09"),
        refusing("time-impossible", 留言时间="2019/2/31"),
        refusing("time-impossible", 答复时间="2019/4/25 25:10:00"),
        refusing("time-out-of-range", 留言时间="1900/1/0 0:00:00"),
        refusing("time-out-of-range", 答复时间="9999-12-31 23:59:59"),
        refusing("time-unreadable", 留言时间="去年夏天"),
        refusing("time-unreadable", 留言时间="43580.39733"),
        refusing("time-empty", 留言时间=""),
        refusing("subject-empty", 留言主题=""),
        refusing("subject-empty", 留言主题=" \t　"),
        refusing("text-empty", 留言详情="\n\t\t\t\n"),
        refusing("number-empty", **dict.fromkeys(HEADER, " \t")),
        *[spoiling("row-nul", lambda row: row.replace("漫到".encode(), b"\0"))] * 2,
        *[spoiling("row-encoding", lambda row: row.replace("漫到".encode(), b"\xc3\x28\xff"))] * 2,
        *[spoiling("row-columns", lambda row: row[:-1] + b",,\n")] * 2,
        *[spoiling("row-columns", lambda row: row[: row.index(b",20")] + b"\n")] * 2,
        spoiling("row-quotes", lambda row: row.replace(b",U", b',"U' + unclosed)),
        spoiling("row-quotes", lambda row: row.replace(b",U", b',"U"' + unclosed)),
    ]


def make() -> tuple[bytes, bytes]:
    """Return the bytes of the CSV file and of the JSON file beside it."""
    maker = Maker()
    steps = [*[maker.accept] * PLAIN_ROWS, *broken_rows(maker)]
    maker.random.shuffle(steps)
    for step in steps:
        step()
    maker.accept()  # an unclosed mark shows only when a row follows
    expected = json.dumps(maker.expected(), ensure_ascii=False, indent=1) + "\n"
    return maker.bytes.getvalue(), expected.encode()


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    for name, content in zip(FILES, make(), strict=True):
        (folder / name).write_bytes(content)
