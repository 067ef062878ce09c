"""How long units took to reply, from a legacy export of citizens' messages.

    python bench/legacy_reply_times.py FILE

Computed with the standard library alone and without any code of the hub, to check the hub's
own figures against. Calendar days are the difference of the two dates, as written; elapsed
time needs both times of day. p90 is the nearest-rank percentile.
"""

import csv
import math
import re
import statistics
import sys
from collections.abc import Sequence
from datetime import datetime

ASKED, REPLIED = "留言时间", "答复时间"
MOMENT = re.compile(r"(\d+)[/-](\d+)[/-](\d+)(?:\s+(\d+):(\d+)(?::(\d+))?)?", re.ASCII)


def read_moment(text: str) -> tuple[datetime, bool] | None:
    """Return the naive moment and whether it has a time of day; None when it is no moment."""
    found = MOMENT.fullmatch(text.strip())
    if found is None:
        return None
    parts = [int(part or 0) for part in found.groups()]
    try:
        return datetime(*parts), found[4] is not None  # type: ignore[arg-type]  # noqa: DTZ001  # as local times were written
    except ValueError:
        return None


def p90(values: Sequence[float]) -> float:
    return sorted(values)[math.ceil(0.9 * len(values)) - 1]


def main(path: str) -> None:
    days: list[int] = []
    elapsed: list[float] = []
    rows = asked_missing = replied_missing = date_only = negative_days = negative_elapsed = 0
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
        csv.field_size_limit(10_000_000)
        for row in csv.DictReader(file):
            rows += 1
            asked, replied = read_moment(row[ASKED] or ""), read_moment(row[REPLIED] or "")
            asked_missing += asked is None
            replied_missing += replied is None
            if asked is None or replied is None:
                continue
            days.append((replied[0].date() - asked[0].date()).days)
            negative_days += days[-1] < 0
            if asked[1] and replied[1]:
                elapsed.append((replied[0] - asked[0]).total_seconds() / 86_400)
                negative_elapsed += elapsed[-1] < 0
            else:
                date_only += 1
    print(f"rows                                {rows}")
    print(f"without a readable time of message  {asked_missing}")
    print(f"without a readable time of reply    {replied_missing}")
    print(f"with both                           {len(days)} ({date_only} with a date alone)")
    if days:
        print(f"calendar days: median {statistics.median(days):g}, p90 {p90(days):g}, ", end="")
        print(f"mean {statistics.mean(days):.2f}, least {min(days)}, most {max(days)}")
        print(f"  replied on the same day {days.count(0)}, before the message {negative_days}")
    if elapsed:
        print(
            f"elapsed days:  median {statistics.median(elapsed):.3f}, p90 {p90(elapsed):.3f}, ",
            end="",
        )
        print(f"n {len(elapsed)}, negative {negative_elapsed}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
