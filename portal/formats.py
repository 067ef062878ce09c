"""How things are written on a page: dates, numbers, money, what is left of a deadline.

Pure functions; `lang` is `zh-CN` (or `zh`) or `en`. Moments are in UTC (or carry a zone) and
are shown in Asia/Shanghai, on a 24-hour clock.
"""

from datetime import UTC, date, datetime
from typing import Any, Final, Protocol

from plugin_sdk.times import SHANGHAI

FEWEST: Final = 5
"""A figure from fewer people is not shown."""
SMALL_SAMPLE: Final = 30
"""A figure from fewer says that its sample is small."""

_WEEKDAYS_ZH: Final = "一二三四五六日"
_WEEKDAYS_EN: Final = (
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
)  # fmt: skip
_MONTHS_EN: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August",
    "September", "October", "November", "December",
)  # fmt: skip

_SHAPES: Final = {
    "none": "",
    "days_left": "○",
    "hours_left": "◐",
    "today": "◐",
    "overdue_under_day": "▲",
    "overdue_days": "▲",
    "paused": "Ⅱ",
    "unknown": "?",
    "done_on_time": "✓",
    "done_late": "✓",
}
_TONES: Final = {
    "none": "plain",
    "days_left": "plain",
    "hours_left": "soon",
    "today": "soon",
    "overdue_under_day": "late",
    "overdue_days": "late",
    "paused": "paused",
    "unknown": "paused",
    "done_on_time": "ok",
    "done_late": "paused",
}


class Left(Protocol):
    """What is left of a deadline: `plugin_sdk.deadlines.Remaining` or `views.DeadlineView`."""

    @property
    def kind(self) -> str: ...
    @property
    def n(self) -> int | None: ...


def _en(lang: str) -> bool:
    return lang.startswith("en")


def local(moment: datetime | date) -> date:
    """Return the day of a moment in Shanghai; a plain date is itself."""
    return moment.astimezone(SHANGHAI).date() if isinstance(moment, datetime) else moment


def _today() -> date:
    return datetime.now(UTC).astimezone(SHANGHAI).date()


def day(value: datetime | date, lang: str, *, today: date | None = None) -> str:
    """Return 3月5日 (this year) or 2026年3月5日; in English 5 March or 5 March 2026."""
    d = local(value)
    same_year = d.year == (today or _today()).year
    if _en(lang):
        return f"{d.day} {_MONTHS_EN[d.month - 1]}" + ("" if same_year else f" {d.year}")
    return ("" if same_year else f"{d.year}年") + f"{d.month}月{d.day}日"


def full_day(value: datetime | date, lang: str) -> str:
    """Return the day with its year: 2026年3月5日, 5 March 2026."""
    return day(value, lang, today=date.min)


def month(value: datetime | date, lang: str) -> str:
    """Return 2026年3月, March 2026."""
    d = local(value)
    return f"{_MONTHS_EN[d.month - 1]} {d.year}" if _en(lang) else f"{d.year}年{d.month}月"


def clock(value: datetime) -> str:
    """Return 17:30."""
    return value.astimezone(SHANGHAI).strftime("%H:%M")


def moment(value: datetime, lang: str, *, today: date | None = None) -> str:
    """Return 3月5日 17:30 or 2026年3月5日 17:30; in English 5 March 2026, 17:30."""
    return day(value, lang, today=today) + (", " if _en(lang) else " ") + clock(value)


def weekday(value: datetime | date, lang: str) -> str:
    """Return 周四, Thursday."""
    n = local(value).weekday()
    return _WEEKDAYS_EN[n] if _en(lang) else "周" + _WEEKDAYS_ZH[n]


def due_day(value: datetime | date, lang: str, *, today: date | None = None) -> str:
    """Return the day of a deadline: 3月12日（周四）, Thursday 12 March."""
    text = day(value, lang, today=today)
    name = weekday(value, lang)
    return f"{name} {text}" if _en(lang) else f"{text}（{name}）"


def table_day(value: datetime | date) -> str:
    """Return 2026-03-05."""
    return local(value).isoformat()


def table_moment(value: datetime) -> str:
    """Return 2026-03-05 17:30."""
    return f"{table_day(value)} {clock(value)}"


def iso(value: datetime | date) -> str:
    """Return what the attribute `datetime` of `<time>` takes."""
    if isinstance(value, datetime):
        return value.astimezone(SHANGHAI).isoformat(timespec="minutes")
    return value.isoformat()


def day_range(
    first: datetime | date, last: datetime | date, lang: str, *, today: date | None = None
) -> str:
    """Return 3月2日至3月6日, 2 March to 6 March; the year where it is not this one."""
    a, b = local(first), local(last)
    now = today or _today()
    if a.year == b.year and a.year != now.year:
        if _en(lang):
            return f"{day(a, lang, today=a)} to {full_day(b, lang)}"
        return f"{full_day(a, lang)}至{day(b, lang, today=b)}"
    word = " to " if _en(lang) else "至"
    base = now if a.year == b.year else date.min
    return day(a, lang, today=base) + word + day(b, lang, today=base)


def relative(value: datetime, now: datetime, lang: str) -> str:
    """Return 刚刚, 3 分钟前, 5 小时前 under a day (messages alone); else the moment."""
    minutes = int((now - value).total_seconds() // 60)
    if not 0 <= minutes < 24 * 60:
        return moment(value, lang, today=local(now))
    if minutes < 1:
        return "just now" if _en(lang) else "刚刚"
    n, word, en = (minutes, "分钟", "minute") if minutes < 60 else (minutes // 60, "小时", "hour")
    return f"{n} {_plural(n, en)} ago" if _en(lang) else f"{n} {word}前"


def _plural(n: int | float, word: str) -> str:
    return word if n == 1 else word + "s"


def left(value: Left, lang: str) -> str:
    """Return what a deadline badge says, from the kind and `n` of what is left."""
    n = value.n or 0
    days, hours = _plural(n, "working day"), _plural(n, "working hour")
    zh, en = {
        "none": ("没有期限", "no deadline"),
        "unknown": ("期限待定：节假日未录入", "deadline to be set: holidays not entered"),
        "paused": ("已暂停计时", "clock paused"),
        "days_left": (f"剩 {n} 个工作日", f"{n} {days} left"),
        "today": ("今天到期", "due today"),
        "hours_left": (f"剩 {n} 小时（工作时间）", f"{n} {hours} left"),
        "overdue_under_day": ("超期不足 1 个工作日", "overdue by less than 1 working day"),
        "overdue_days": (f"超期 {n} 个工作日", f"overdue by {n} {days}"),
        "done_on_time": ("按期办结", "closed on time"),
        "done_late": ("超期办结", "closed late"),
    }[value.kind]
    return en if _en(lang) else zh


def shape(value: Left) -> str:
    """Return the shape that repeats the words of a deadline: ○ ◐ ▲ Ⅱ ? ✓."""
    return _SHAPES[value.kind]


def tone(value: Left) -> str:
    """Return the colour role that repeats them: plain, soon, late, paused or ok."""
    return _TONES[value.kind]


def number(value: int | float) -> str:
    """Return 85,760; at most two decimals, none of them needless."""
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def card_number(value: int | float, lang: str) -> str:
    """Return the figure of a card: 8.58 万 in Chinese, 85,760 in English."""
    if _en(lang) or abs(value) < 10_000:
        return number(value)
    for size, word in ((100_000_000, "亿"), (10_000, "万")):
        if abs(value) >= size:
            return f"{number(round(value / size, 2))} {word}"
    raise AssertionError


def percent(value: float | None, n: int | None, lang: str) -> str:
    """Return 95.9%（n = 1,204） of a value from 0 to 100; unknown and too few in words."""
    if n is not None and n < FEWEST:
        return suppressed(lang)
    if value is None:
        return unknown(lang)
    text = f"{value:.1f}%"
    if n is None:
        return text
    few = small_sample(n, lang)
    if _en(lang):
        return f"{text} (n = {n:,}{'; ' + few if few else ''})"
    return f"{text}（n = {n:,}{'；' + few if few else ''}）"


def small_sample(n: int | None, lang: str) -> str:
    """Return 样本少 for a figure from fewer than thirty, else nothing."""
    if n is None or n >= SMALL_SAMPLE:
        return ""
    return "small sample" if _en(lang) else "样本少"


def quantity(value: float | int | None, unit: str, lang: str) -> str:
    """Return a figure with its unit (those of `views.FigureCard`); unknown in words."""
    if value is None:
        return unknown(lang)
    text = card_number(value, lang)
    match unit:
        case "percent":
            return f"{value:.1f}%"
        case "working_days":
            return f"{text} {_plural(value, 'working day')}" if _en(lang) else f"{text} 个工作日"
        case "calendar_days":
            return f"{text} {_plural(value, 'day')}" if _en(lang) else f"{text} 天"
        case "hours":
            return f"{text} {_plural(value, 'hour')}" if _en(lang) else f"{text} 小时"
        case "people":
            return f"{text} {'person' if value == 1 else 'people'}" if _en(lang) else f"{text} 人"
        case "milliseconds":
            return f"{text} ms" if _en(lang) else f"{text} 毫秒"
        case "fen":
            return money(round(value), lang)
        case _:
            return text


def money(fen: int | None, lang: str = "zh-CN") -> str:
    """Return ¥1,234.50 from integer fen."""
    if fen is None:
        return unknown(lang)
    sign = "-" if fen < 0 else ""
    return f"{sign}¥{abs(fen) // 100:,}.{abs(fen) % 100:02d}"


def money_prose(fen: int, lang: str) -> str:
    """Return 35 万元 from integer fen; in English ¥350,000."""
    if _en(lang):
        return "¥" + number(fen // 100 if fen % 100 == 0 else fen / 100)
    yuan: int | float = fen // 100 if fen % 100 == 0 else fen / 100
    return card_number(yuan, lang) + ("元" if abs(yuan) >= 10_000 else " 元")


def number_groups(text: str) -> list[str]:
    """Return a case number or code in groups of four: 2026, 1124, 0001."""
    plain = text.replace(" ", "")
    return [plain[i : i + 4] for i in range(0, len(plain), 4)]


def case_number(text: str) -> str:
    """Return a case number in groups of four: 2026 1124 0001."""
    return " ".join(number_groups(text))


def unknown(lang: str) -> str:
    """Return the words for what was not measured."""
    return "not known" if _en(lang) else "未知"


def not_applicable(lang: str) -> str:
    """Return the words for what does not apply."""
    return "not applicable" if _en(lang) else "不适用"


def suppressed(lang: str) -> str:
    """Return the words for a figure with too few people behind it."""
    return f"too few to show (<{FEWEST})" if _en(lang) else f"人数过少不显示（<{FEWEST}）"


def value_or_words(value: Any, lang: str) -> str:
    """Return a cell of a table of figures: a number, or 未知 for None; text as it is."""
    if value is None:
        return unknown(lang)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return number(value)
