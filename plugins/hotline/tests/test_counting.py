"""Orders counted as they change are those counted from the beginning, whatever happened to them,
in whatever order the fold came, and whoever asks."""

from collections import Counter
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from hypothesis import strategies as st
from sqlalchemy import delete, select

from plugin_sdk.cases import figures as whole
from plugin_sdk.cases.counted import UNRATED, Key
from plugin_sdk.cases.revisions import count_in_tens
from plugin_sdk.cases.rollup import TIMES, Sums, spots, sums, total
from plugin_sdk.deadlines import CalendarUnknown, local_day, working_days_between
from plugin_sdk.ports import Permit, ScopeKind
from plugins.hotline.desk import desk_of
from plugins.hotline.models import Order, OrderCounted, OrderFigure
from tests.core.conftest import explore

READ = "order.read"
CELLS: Any = OrderFigure.__table__  # type: ignore[attr-defined]  # SQLModel's own
CATEGORIES = ("城乡建设/道路/坑洼", "环境保护/噪声/工地", None)
STEPS = st.tuples(
    st.sampled_from(
        ("file", "hand", "respond", "resolve", "rate", "reopen", "due", "pause", "wait", "fold")
    ),
    st.integers(0, 5),
    st.integers(0, 2),
)


class Killed(Exception):
    """The fold was killed before its transaction was over."""


class World:
    """Orders to which anything may happen, beside a list of who held each when."""

    def __init__(self, hub_app: Any, cast: Any) -> None:
        self.hub = hub_app.hub.apps.hubs["hotline"]
        self.clock = hub_app.clock
        self.desk = desk_of(self.hub)
        self.cast = cast
        self.units = [cast[name].organization_id for name in ("dispatcher", "unit", "unit2")]
        self.since = self.clock.day()
        self.held: dict[Any, list[tuple[Any, Any]]] = {}
        self.rated: dict[Any, list[tuple[str, Any]]] = {}

    async def do(self, what: str, n: int, k: int) -> None:
        """Let something happen to the order `n`, or to all."""
        if what == "wait":
            self.clock.move(hours=(5, 30, 800)[k])
        elif what == "fold":
            await self.fold(n + 1, killed=k == 0)
        else:
            async with self.hub.work(self.hub.system("test")) as work:
                await self.change(work, what, n, k)

    async def fold(self, limit: int, *, killed: bool = False) -> int:
        """Fold once."""
        folded = 0
        try:
            async with self.hub.work(self.hub.system("job figures")) as work:
                folded = await self.desk.counting.fold(work, limit)
                if killed:
                    raise Killed
        except Killed:
            return 0
        return folded

    async def change(self, work: Any, what: str, n: int, k: int) -> None:
        """Change an order as acts do, in one transaction with its mark."""
        ids = list(self.held)[-6:]
        if what == "file" or not ids:
            row = await self.desk.engine.open(
                work,
                title="路灯不亮",
                organization_id=self.units[k],
                origin=self.units[0 if n else k],
                person_id=None,
                term=None,
                channel=("web", "snap")[n % 2],
                line=("12329", None)[n % 2],
                text="路灯不亮",
            )
            self.held[row.id] = [(row.opened_at, row.organization_id)]
            return
        row = await work.get(Order, ids[n % len(ids)], permission=READ)
        now = work.now
        if what == "hand":
            row.organization_id = self.units[k]
            row.category_code, row.region_id = CATEGORIES[k], self.units[n % 3]
            self.held[row.id].append((now, row.organization_id))
        elif what == "respond":
            row.responded_at = row.responded_at or now
        elif what == "resolve":
            row.resolved_at = now
        elif what == "rate":
            if row.resolved_at is None or row.rating is not None:
                return
            row.rating, row.rated_at = k * 2 + 1, now
            self.rated.setdefault(row.id, []).append((f"rated_{row.rating}", now))
        elif what == "reopen":
            row.resolved_at = row.rating = row.rated_at = None
        elif what == "due":
            row.due_at = now + timedelta(hours=(-20, 10, 700)[k])
        elif what == "pause":
            row.paused_at = None if row.paused_at else now
        row.version += 1
        said = {"rating": str(row.rating)} if what == "rate" else {}
        await self.desk.engine._record(work, row, what, source=row.state, reason=None, data=said)

    async def check(self) -> None:
        """Compare the figures of everybody with all orders read anew."""
        while await self.fold(50):
            pass
        until = self.clock.day()
        system = self.hub.system("test")
        async with self.hub.read(system) as read:
            rows = list((await read.session.execute(read.rows(Order, permission=READ))).scalars())
            days = [timedelta(days=n) for n in (0, 3, 5, 16)]
            for first, left in ((0, 0), (1, 0), (0, 2), (1, 3)):
                since, last = self.since + days[first], until - days[left]
                if since > last:
                    continue
                await self.compare(system, None, rows, since, last)
                for kind, units in ((ScopeKind.ORGANIZATION, 1), (ScopeKind.NAMED, 2)):
                    of = self.units[1 : 1 + units] if units == 1 else self.units[:2]
                    permit = Permit(grant="g", role="r", scope=kind, organizations=tuple(of))
                    actor = msgspec.structs.replace(
                        self.cast["unit"], permits={f"hotline.{READ}": (permit,)}
                    )
                    await self.compare(actor, set(of), rows, since, last)

    async def compare(self, actor: Any, of: Any, rows: Any, since: Any, until: Any) -> None:
        """Compare what an actor reads of a period with the rows of the units `of`."""
        async with self.hub.read(actor) as read:
            for dimension in ("", "unit", "category", "line", "channel"):
                found = await sums(OrderFigure, read, dimension, since, until, READ)
                wanted = self.recount(rows, dimension, since, until, read.now, of)
                assert {v: s.counts for v, s in found.items()} == {
                    v: s.counts for v, s in wanted.items()
                }, dimension
                for value, one in found.items():
                    for name in TIMES:
                        near(one, name, wanted[value].times[name])
            whole = await total(OrderFigure, read, since, until, READ)
            wanted = self.recount(rows, "month", since, until, read.now, of)
            happened = {m: [s.counts["opened"], s.counts["resolved"]] for m, s in wanted.items()}
            assert whole.months == {m: both for m, both in happened.items() if any(both)}
            assert whole.unrated == sum(s.times[UNRATED].total() for s in wanted.values())
            wanted = self.recount(rows, "spot", since, until, read.now, of)
            opened = Counter({v: s.counts["opened"] for v, s in wanted.items() if "" not in v})
            assert await spots(OrderFigure, read, since, until, READ) == +opened

    def recount(self, rows: Any, dimension: str, since: Any, until: Any, now: Any, of: Any) -> Any:
        """Return what the figures must be, from the rows alone and another's list of holders."""
        found: dict[Any, Sums] = {}
        for row in rows:
            # a rating stays, whatever became of the outcome it was given for
            for name, moment in (*whole_of(row, now), *self.rated.get(row.id, [])):
                holder = next(
                    (unit for at, unit in reversed(self.held[row.id]) if at < moment),
                    self.held[row.id][0][1],
                )
                if not since <= local_day(moment) <= until:
                    continue
                if of is not None and not of & {holder, row.origin_organization_id}:
                    continue
                values: dict[str, Any] = {"": "", "unit": str(holder), "channel": row.channel}
                values |= {"line": row.line or "", "category": (row.category_code or "")[:4]}
                values |= {"month": f"{local_day(moment):%Y-%m}"}
                values |= {"spot": (values["category"], str(row.region_id or ""))}
                into = found.setdefault(values[dimension], Sums())
                into.counts[name] += 1
                if name == "resolved" and row.rating is None:
                    into.times[UNRATED][0] += 1
                for kind, said in (("responded", "response"), ("resolved", "resolution")):
                    if name == kind:
                        into.times[f"{said}_calendar"][
                            (moment - row.opened_at).total_seconds()
                        ] += 1
                        try:
                            days = working_days_between(row.opened_at, moment, self.hub.calendar)
                            into.times[f"{said}_working"][days] += 1
                        except CalendarUnknown:
                            pass
        return found


def whole_of(row: Any, now: Any) -> Any:
    """Yield what happened to an order, each with its moment."""
    yield "opened", row.opened_at
    if row.responded_at:
        yield "responded", row.responded_at
    if row.resolved_at:
        yield "resolved", row.resolved_at
    if row.due_at and row.due_at <= now and (row.resolved_at or not row.paused_at):
        yield "due", row.due_at
        if row.resolved_at and row.resolved_at <= row.due_at:
            yield "on_time", row.due_at


def near(found: Sums, name: str, wanted: Counter[Any]) -> None:
    """Assert that median and p90 are those of the sorted list: working days exactly, calendar
    time at most 5 % (or a minute) above."""
    values = sorted(wanted.elements())
    assert found.times[name].total() == len(values)
    for share in (0.5, 0.9):
        exact = whole.percentile(values, share)
        got = found.time(name, share)
        if exact is None or got is None or name.endswith("_working"):
            assert got == exact
        else:
            assert exact / 86400 - 1e-9 <= got <= max(exact * 1.05 + 1e-6, 60) / 86400


@pytest.fixture
async def world(hub_app):
    return World(hub_app, await hub_app.actors())


def in_tens(connection: Any) -> None:
    """Migrate the cells to tens of days."""
    with Operations.context(MigrationContext.configure(connection)):
        count_in_tens("hotline_order")


async def cells_of(connection: Any) -> list[dict[str, Any]]:
    """Return all cells, in order."""
    found = [dict(cell) for cell in (await connection.execute(select(CELLS))).mappings()]
    return sorted(found, key=lambda cell: [str(cell[name]) for name in Key._fields])


async def as_before_tens(connection: Any) -> None:
    """Bring the cells to what they were: of days and months, and of spots one for each place."""
    before = []
    for cell in await cells_of(connection):
        if cell["dimension"] == "spot":
            for n, (where, opened) in enumerate(cell["times"]["opened_at"].items()):
                more = {"opened": opened, "resolved": n, "times": {}}
                before.append({**cell, **more, "value": f"{cell['value']}|{where}"})
            more = {"opened": 0, "resolved": 3, "times": {"resolution_working": {"1": 3}}}
            before.append({**cell, **more, "value": f"{cell['value']}|x"})
            before.append({**cell, "opened": 3, "times": {}, "value": f"{cell['value']}|"})
        else:
            before.append(cell)
    await connection.execute(delete(CELLS))
    await connection.execute(CELLS.insert(), [cell for cell in before if cell["span"] != "ten"])


async def test_what_is_counted_as_it_happens_is_what_is_counted_anew(hub_app, world):
    async def check(history: Any) -> None:
        for what, n, k in history:
            await world.do(what, n, k)
        await world.check()

    await explore(st.lists(STEPS, min_size=5, max_size=30), check, 12)

    system = world.hub.system("test")
    every = await world.desk.counting.mark_all(system)
    assert every >= len(world.held)
    await world.fold(3)  # and killed there
    await world.check()
    async with hub_app.hub.services.database.migration() as connection:
        counted = await cells_of(connection)
        assert {cell["span"] for cell in counted} == {"day", "ten", "month"}
        assert any(cell["dimension"] == "spot" for cell in counted)
        await as_before_tens(connection)
        await connection.run_sync(in_tens)
        assert await cells_of(connection) == counted
        await connection.commit()
    await world.check()
    async with world.hub.work(system) as work:  # as before an app was counted at all
        await work.session.execute(delete(OrderCounted))
        await work.session.execute(delete(OrderFigure))
    assert await world.desk.counting.mark_all(system) == every
    await world.check()
