"""The hotline with cases in growing numbers: what its first pages take, and two hundred who file.

The cases are of three years, whatever their number: a tenth of them is answered at once, the rest
is held by one of the county's units. They are made by the database itself, and so is what waits
in the inbox. The figures are those that the fold would have made of them: of the last months by the
kit's own function, of those before by repeating one of these.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import msgspec

from bench import calls
from bench.county_tables import copy
from bench.load import Measured
from bench.site import USER, Engine, Site, fill, sign_in
from core.database import Database

YEARS = 3
DAYS = YEARS * 365
COUNTED = 190
"""Of so many days, and what is before them in their month, the figures are made case by case: hot
spots are ninety days beside the ninety before."""
PAGES = {
    "case list": "/apps/hotline/orders",
    "dispatcher's queue": "/apps/hotline/dispatch",
    "duplicates proposed": "/apps/hotline/dispatch/{number}",
    "inbox": "/work",
    "figures": "/apps/hotline/figures",
    "figures by unit": "/apps/hotline/figures/unit",
    "hot spots": "/apps/hotline/figures/spots",
    "figures of checking": "/apps/hotline/checking/figures",
    **calls.PAGES,
}
"""First pages; `number` is that of an order which others are like."""
EACH = 5
"""How many orders a number has that calls."""
BUSY = frozenset({409, 503, 504})
"""Answers after which the same is sent again: it is under way, there is no room, it took long."""
FILERS = 200
PATIENCE = 1800.0
"""Seconds that a statement is given which makes a million rows."""

ORDERS = f"""
INSERT INTO hotline_order (
  id, version, organization_id, person_id, number, code, title, state, stage_entered_at, opened_at,
  held_at, origin_organization_id, due_at, due_from, due_pending, responded_at, resolved_at,
  closed_at, returns, extended, urged_by_post, reopened, rating, rated_at, imported, kind,
  category_code, region_id, place, outside_boundary, urgency, secret, channel, line, wishes_public,
  caller_name, caller_phone, text)
SELECT
  (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '70008000'
    || lpad(to_hex(n), 12, '0'))::uuid,
  5, CASE WHEN held THEN unit ELSE $2::uuid END,
  CASE WHEN n % 3 = 0 THEN md5((n % 5000)::text)::uuid END,
  to_char(at, 'YYYYMMDD') || lpad(n::text, 8, '0'), lpad((n % 1000000)::text, 6, '0'),
  '路灯不亮，夜里行走不便，请尽快安排人员检修', state, at, at, at, $2::uuid,
  at + interval '15 days', at, false,
  CASE WHEN state <> 'received' THEN at + interval '1 hour' * (1 + h % 7) END, done, done,
  0, 0, '', 0, CASE WHEN done IS NOT NULL AND h % 4 < 2 THEN 1 + h % 5 END,
  CASE WHEN done IS NOT NULL AND h % 4 < 2 THEN done + interval '1 hour' END,
  false, (ARRAY['consult', 'help', 'complaint', 'report', 'suggest'])[1 + h % 5],
  ($4::text[])[1 + h / 7 % cardinality($4::text[])],
  ($5::uuid[])[1 + h / 11 % cardinality($5::uuid[])],
  '', false, 'normal', false, (ARRAY['web', 'operator', 'snap', 'window'])[1 + h % 4],
  '12' || (300 + h / 13 % 28), false, '', '+86139' || lpad((n % ($1::int / {EACH}))::text, 8, '0'),
  repeat('路灯不亮，夜里行走不便，请尽快安排人员检修。', 3)
FROM (
  SELECT *, NOT waits AND NOT at_once AS held,
    ($3::uuid[])[1 + h / 3 % cardinality($3::uuid[])] AS unit,
    CASE WHEN waits THEN 'received' WHEN age >= took THEN 'closed'
      WHEN age < 1 THEN 'dispatched' ELSE 'processing' END AS state,
    CASE WHEN NOT waits AND age >= took THEN at + interval '1 day' * took END AS done
  FROM (
    SELECT *, n >= $1::int - 40 OR age < 0.1 AS waits,
      CASE WHEN at_once THEN 0.1 ELSE 1 + h % 25 END AS took
    FROM (
      SELECT n, now() - interval '1 day' * age AS at, age, h, h % 10 = 0 AS at_once
      FROM (
        SELECT n, ($1::int - n) * {DAYS}.0 / $1::int AS age,
          ('x' || substr(md5(n::text), 1, 7))::bit(28)::int AS h
        FROM generate_series(0, $1::int - 1) n
      ) one
    ) two
  ) three
) four
"""
PARTIES = """
INSERT INTO hotline_order_party (id, case_id, organization_id, since, opened_at, role)
SELECT gen_random_uuid(), id, origin_organization_id, opened_at, opened_at, 'origin'
FROM hotline_order
UNION ALL
SELECT gen_random_uuid(), id, organization_id, opened_at, opened_at, 'holder'
FROM hotline_order WHERE organization_id <> origin_organization_id
"""
ITEMS = """
INSERT INTO work_item (
  id, app, subject, organization_id, permission, title, title_key, label_key, params, href,
  opened_at, due_at, closed_at)
SELECT gen_random_uuid(), 'hotline', 'order:' || id, organization_id,
  'hotline.order.' || CASE WHEN organization_id = origin_organization_id THEN 'dispatch'
    WHEN state = 'dispatched' THEN 'sign' ELSE 'reply' END,
  title, NULL, 'hotline.order.state.' || state, '{}', '/apps/hotline/orders/' || number,
  opened_at, due_at, closed_at
FROM hotline_order
"""
ENROLLED = """
INSERT INTO hotline_order_counted (case_id, look_at, counted)
SELECT id, NULL, '{}' FROM hotline_order
"""
LIKE_OTHERS = """
SELECT number FROM hotline_order WHERE state = 'received' ORDER BY opened_at DESC LIMIT 1
"""
LAST = """
SELECT id, organization_id, origin_organization_id, opened_at, due_at, paused_at, responded_at,
  resolved_at, rating, rated_at, category_code, region_id, line, channel
FROM hotline_order WHERE opened_at > $1::date - interval '30 days'
"""
REPEATED = """
INSERT INTO hotline_order_figure
SELECT organization_id, dimension, span, (since - interval '1 month' * $1::int)::date, value,
  origin_id, opened, responded, resolved, due, on_time, rated_1, rated_2, rated_3, rated_4,
  rated_5, times
FROM hotline_order_figure
WHERE since >= $2 AND since < ($2::date + interval '1 month')::date
  AND extract(day FROM since) <= 28
"""


class Filled(msgspec.Struct, frozen=True):
    """A database with cases: the number of one that others are like, who is signed in, and how
    many seconds it took to fill."""

    engine: Engine
    number: str
    operator: str
    seconds: float


def fill_cases(site: Site, many: int) -> Filled:
    """Return a database of its own with so many cases."""
    url = site.fresh("production")
    began = time.perf_counter()
    cookie, operator, number = asyncio.run(_fill(url, many))
    engine = Engine(f"cases-{many}", url, None, cookie)
    return Filled(engine, number, operator, time.perf_counter() - began)


async def _fill(url: str, many: int) -> tuple[str, str, str]:
    from core.database import utc_now
    from plugin_sdk.deadlines import local_day
    from plugins.hotline.categories import tree

    cookie = await fill(url)
    first = (local_day(utc_now()) - timedelta(days=COUNTED)).replace(day=1)
    database = Database(url)
    try:
        async with database.migration() as connection:
            raw: Any = (await connection.get_raw_connection()).driver_connection
            centre = await raw.fetchval(
                "SELECT p.organization_id FROM identity_post p"
                " JOIN identity_person q ON q.id = p.person_id WHERE q.username = $1",
                USER,
            )
            found = await raw.fetch("SELECT id FROM identity_organization WHERE id <> $1", centre)
            units = [row["id"] for row in found]
            filling = (many, centre, units, list(tree()), units)
            await raw.fetch(ORDERS, *filling, timeout=PATIENCE)
            for statement in (PARTIES, ITEMS, ENROLLED):
                await raw.fetch(statement, timeout=PATIENCE)
            await calls.fill(raw, PATIENCE)
            number: str = await raw.fetchval(LIKE_OTHERS)
            rows = await raw.fetch(LAST, first, timeout=PATIENCE)
            await connection.commit()
        await _figures(database, rows, first)
        operator = await sign_in(database, calls.OPERATOR)
        async with database.migration() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            raw = (await connection.get_raw_connection()).driver_connection
            await raw.execute("VACUUM ANALYZE", timeout=PATIENCE)
    finally:
        await database.close()
    return cookie, operator, number


async def _figures(database: Database, rows: list[Any], first: date) -> None:
    """Write the cells from a day on as the fold makes them, and those of a month again for each
    before it."""
    from core.database import utc_now
    from plugin_sdk.cases.counted import COUNTS, Key, counted_of, difference
    from plugins.hotline.models import Order, OrderFigure

    now, cells = utc_now(), dict[Key, Counter[str]]()
    for row in rows:
        order = Order(**dict(row), reopened=0)
        held: list[tuple[Any, UUID]] = [(order.opened_at, order.origin_organization_id)]
        if order.organization_id != order.origin_organization_id:
            held.append((order.responded_at, order.organization_id))
        counted, _ = counted_of(order, held, (), now, _Weekdays())
        difference({}, counted, cells)

    def written() -> Any:
        for key, cell in cells.items():
            if key.since < first:
                continue
            times: dict[str, dict[str, int]] = {}
            for name, n in cell.items():
                histogram, _, step = name.partition(":")
                if step:
                    times.setdefault(histogram, {})[step] = n
            yield *key, *(cell[name] for name in COUNTS), json.dumps(times)

    await copy(database, OrderFigure, [*Key._fields, *COUNTS, "times"], written())
    month = (first + timedelta(days=45)).replace(day=1)
    async with database.migration() as connection:
        raw: Any = (await connection.get_raw_connection()).driver_connection
        for back in range(2, YEARS * 12 - COUNTED // 30):
            await raw.fetch(REPEATED, back, month, timeout=PATIENCE)
        await connection.commit()


class _Weekdays:
    """A calendar of weekdays: what is drawn asks no holiday notice."""

    def is_working_day(self, day: date) -> bool:
        """Return whether it is no weekend."""
        return day.weekday() < 5


def pages_of(
    site: Site, databases: Mapping[int, Filled], *, rounds: int, seconds: float
) -> dict[int, dict[str, list[Measured]]]:
    """Return the runs of each page on each database, one request at a time; the databases in
    turn, so that what else the machine does bears on both."""
    found: dict[int, dict[str, list[Measured]]] = {
        many: {name: [] for name in PAGES} for many in databases
    }
    with ExitStack() as stack:
        servers = {
            many: stack.enter_context(site.server("hub", of.engine))
            for many, of in databases.items()
        }

        def ask(name: str, many: int, seconds: float, *, first: bool = False) -> Measured:
            server, of = servers[many], databases[many]
            server.cookie = of.operator if name in calls.PAGES else of.engine.cookie
            path = PAGES[name].format(number=of.number)
            if first:
                server.wait(path)
            return site.load.run(server, [path], seconds, 1)

        for name in PAGES:
            for many in databases:
                ask(name, many, 0.5, first=True)
        for _ in range(rounds):
            for name in PAGES:
                for many in databases:
                    found[many][name].append(ask(name, many, seconds))
    return found


def file_at_once(site: Site, name: str) -> list[str]:
    """Return a row: two hundred operators file at the same moment, each on a connection."""
    with site.server("hub", site.engine(name)) as server:
        answers, seconds = asyncio.run(_file(f"http://127.0.0.1:{server.port}"))
    numbers = sorted(answers)
    first, last = int(numbers[0][-4:]), int(numbers[-1][-4:])
    return [
        name,
        f"{len(answers)} of {FILERS}",
        f"{len(set(numbers))} different",
        "yes" if last - first + 1 == len(numbers) else "no",
        f"{seconds:.1f}",
    ]


async def _file(address: str) -> tuple[list[str], float]:
    import httpx

    from portal.testing.hub import PASSWORD

    limits = httpx.Limits(max_connections=FILERS)
    accept = {"accept": "application/json"}
    form = {"kind": "help", "text": "路灯不亮", "caller_name": "王秀英", "phone": "13800005678"}
    async with httpx.AsyncClient(
        base_url=address, limits=limits, headers=accept, timeout=120
    ) as client:
        signing = {"username": "operator", "password": PASSWORD}
        (await client.post("/sign-in", json=signing)).raise_for_status()
        began = time.perf_counter()
        answers = await asyncio.gather(*(_filed(client, form, n) for n in range(FILERS)))
        taken = time.perf_counter() - began
    return [number for number in answers if number], taken


async def _filed(client: Any, form: dict[str, str], n: int) -> str:
    """Return the number that one who files is given. An app takes 64 requests at a time; who is
    told that it is busy, or that it took too long, sends the same again under the same key."""
    key = {"idempotency-key": f"bench-filing-{n:04}"}
    for _ in range(100):
        answer = await client.post("/apps/hotline/intake", json=form, headers=key)
        if answer.status_code == 201:
            return str(answer.json()["number"])
        if answer.status_code not in BUSY:
            return ""
        await asyncio.sleep(0.2)
    return ""
