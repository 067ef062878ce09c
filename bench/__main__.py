"""Measure: `python -m bench [door …] [--quick] [--write]`; without a name, all there is."""

import argparse
import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import apps, categories, county_year, decisions, layers, orders, reach, rollup
from bench import cases as hotline
from bench import findings as fit
from bench import portfolio as portfolios
from bench import tree as trees
from bench.load import Measured
from bench.site import ENGINES, ROOT, Running, Site, machine, spread

RESULTS = ROOT / "bench" / "RESULTS.md"
HEAD = Sequence[str]
Rows = list[list[str]]

console = Console(width=150)


class Report:
    """Tables on the screen, and between their marks in RESULTS.md."""

    def __init__(self) -> None:
        self.written: dict[str, str] = {}

    def table(self, name: str, title: str, head: HEAD, rows: Rows) -> None:
        """Show a table, and keep it."""
        shown = Table(*head, title=title)
        for row in rows:
            shown.add_row(*row)
        console.print(shown)
        lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
        lines += [f"| {' | '.join(row)} |" for row in rows]
        self.written[name] = f"**{title}**\n\n" + "\n".join(lines)

    def write(self, path: Path) -> None:
        """Put the tables that were made between their marks; what is said about them stays."""
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        for name, body in {"machine": machine(), **self.written}.items():
            block = f"<!-- {name} -->\n\n{body}\n\n<!-- /{name} -->"
            pattern = re.compile(f"<!-- {name} -->.*?<!-- /{name} -->", re.DOTALL)
            if pattern.search(text):
                text = pattern.sub(lambda _, block=block: block, text)  # type: ignore[misc]  # a default binds the loop's
            else:
                text += f"\n{block}\n"
        path.write_text(text, encoding="utf-8")


def alternate(
    site: Site,
    running: Mapping[str, Running],
    paths: Mapping[str, Sequence[str]],
    *,
    rounds: int,
    seconds: float,
    connections: int = 16,
) -> dict[str, list[Measured]]:
    """Return the runs of each server, taken in turn: A B C A B C …, after a warm-up."""
    found: dict[str, list[Measured]] = {name: [] for name in running}
    for name, server in running.items():
        server.wait(paths[name][0])
        site.load.run(server, paths[name], 1.0, connections)
    for _ in range(rounds):
        for name, server in running.items():
            found[name].append(site.load.run(server, paths[name], seconds, connections))
    return found


def ratios(
    of: Sequence[Measured], to: Sequence[Measured], value: Callable[[Measured], float]
) -> list[float]:
    """Return the ratio of each pair that was measured one after the other."""
    return [value(a) / value(b) for a, b in zip(of, to, strict=True)]


def throughput(measured: Measured) -> float:
    """Return requests a second."""
    return measured.throughput


def cpu(measured: Measured) -> float:
    """Return µs of the server's CPU for a request."""
    return measured.cpu_each


def row(name: str, found: Sequence[Measured], base: Sequence[Measured] | None) -> list[str]:
    """Return a row of a comparison."""
    compared = ["1", "1"]
    if base is not None:
        compared = [
            spread(ratios(found, base, throughput), "{:.3f}"),
            spread(ratios(found, base, cpu), "{:.3f}"),
        ]
    return [
        name,
        spread([m.throughput for m in found], "{:.0f}"),
        compared[0],
        spread([m.cpu_each for m in found], "{:.1f}"),
        compared[1],
        f"{statistics.median(m.p50 for m in found) * 1e3:.2f} / "
        f"{statistics.median(m.p99 for m in found) * 1e3:.2f}",
    ]


COMPARISON = ("", "requests/s", "ratio", "CPU µs/request", "ratio of CPU", "p50 / p99 ms")


def door(site: Site, report: Report, *, quick: bool) -> None:
    """The whole door against the same handler in bare Litestar."""
    paths = [apps.address(0)]
    for name in ENGINES:
        engine = site.engine(name)
        with site.server("bare") as bare, site.server("hub", engine, apps=1) as hub:
            bare.cookie = hub.cookie
            found = alternate(
                site,
                {"bare": bare, "hub": hub},
                {"bare": paths, "hub": paths},
                rounds=2 if quick else 7,
                seconds=1 if quick else 1.5,
            )
        report.table(
            f"door-{name}",
            f"The whole door, {name} (aim: ratio ≥ 0.80)",
            COMPARISON,
            [
                row("bare Litestar", found["bare"], None),
                row("through the door", found["hub"], found["bare"]),
            ],
        )
    costs = layers.run(site, quick=quick)
    report.table(
        "layers",
        "Where it goes: CPU in one process, without a server",
        ("layer", "adds µs", "total µs"),
        [[cost.name, f"{cost.adds:.1f}", spread(cost.totals, "{:.1f}")] for cost in costs],
    )
    costliest = max(costs[1:], key=lambda cost: cost.adds)
    console.print(f"costliest layer: {costliest.name}, {costliest.adds:.1f} µs")


def usage(site: Site, report: Report, *, quick: bool) -> None:
    """Usage capture on against off."""
    paths = [apps.address(0)]
    rows: Rows = []
    for name in ENGINES:
        engine = site.engine(name)
        with (
            site.server("hub", engine, apps=1, usage=False, beside=True) as off,
            site.server("hub", engine, apps=1, beside=True) as on,
        ):
            found = alternate(
                site,
                {"off": off, "on": on},
                {"off": paths, "on": paths},
                rounds=2 if quick else 7,
                seconds=1 if quick else 1.5,
            )
        rows += [
            row(f"{name}, off", found["off"], None),
            row(f"{name}, on", found["on"], found["off"]),
        ]
    report.table("usage", "Usage capture (aim: ratio ≥ 0.95)", COMPARISON, rows)


def dispatch(site: Site, report: Report, *, quick: bool) -> None:
    """The door with few and with many apps behind it."""
    counts = (4, 20, 50) if quick else (4, 100, 500)
    site.apps(max(counts))
    engine = site.engine("embedded")
    with ExitStack() as stack:
        running = {}
        for count in counts:
            server = stack.enter_context(
                site.server("hub", engine, apps=count, hotline=False, settle=True, beside=True)
            )
            every = [apps.address(number) for number in range(count)]
            site.load.run(server, every, 0.5 + count * 0.06)  # each app is built once
            running[count] = server
        for name, chosen, title in (
            ("dispatch", lambda count: 4, "the same four asked (aim: within 3 %)"),
            ("dispatch-spread", lambda count: count, "all of them asked in turn"),
        ):
            found = alternate(
                site,
                {str(count): server for count, server in running.items()},
                {
                    str(count): [apps.address(number) for number in range(chosen(count))]
                    for count in counts
                },
                rounds=2 if quick else 7,
                seconds=1 if quick else 1.5,
            )
            base = found[str(counts[0])]
            report.table(
                name,
                f"Dispatch, {title}",
                COMPARISON,
                [
                    row(f"{count} apps", found[str(count)], None if not at else base)
                    for at, count in enumerate(counts)
                ],
            )


def startup(site: Site, report: Report, *, quick: bool) -> None:
    """From nothing to the first answer of an app."""
    count = 20 if quick else 100
    site.apps(count)
    rows: Rows = []
    for name in ENGINES:
        engine = site.engine(name)
        times: dict[str, list[float]] = {"wall": [], "cpu": []}
        first = 0.0
        for number in range(3 if quick else 7):
            running = site.start("hub", engine, apps=count)
            try:
                seconds = running.wait(apps.address(count // 2))
                spent = running.cpu()
            finally:
                running.end()
            if number:
                times["wall"].append(seconds)
                times["cpu"].append(spent)
            else:
                first = seconds
        rows.append(
            [
                f"{name}, {count} apps of 5 routes",
                spread(times["wall"]),
                spread(times["cpu"]),
                f"{first:.2f}",
            ]
        )
    report.table(
        "startup",
        "Start-up: process begun → first 200 of an app's route (aim: ≤ 1.5 s)",
        ("", "seconds", "CPU seconds until then", "first time in a database"),
        rows,
    )


def memory(site: Site, report: Report, *, quick: bool) -> None:
    """What a worker and an app hold."""
    many = 20 if quick else 100
    site.apps(many)
    rows: Rows = []
    path = "/apps/hotline/orders"
    for name in ENGINES:
        held = {}
        for count in (0, many):
            with site.server("hub", site.engine(name), apps=count, settle=True) as hub:
                every = [path, *(apps.address(number) for number in range(count))]
                site.load.run(hub, every, 3 + count * 0.06)
                held[count] = hub.memory()
        each = {key: (held[many][key] - held[0][key]) / many for key in held[0]}
        for label, found, form in (
            ("the hotline alone", held[0], "{:.1f}"),
            (f"and {many} apps of 5 routes", held[many], "{:.1f}"),
            ("each app", each, "{:.2f}"),
        ):
            rows.append([f"{name}, {label}", *(form.format(found[k]) for k in held[0])])
    report.table(
        "memory",
        "Memory of a worker under load, MiB (aim: ≤ 110 for each worker)",
        ("", "resident", "proportional", "its own alone"),
        rows,
    )


def listing(site: Site, report: Report, *, quick: bool) -> None:
    """The list of cases against asyncpg and msgspec alone."""
    engine = site.engine("production")
    arguments = orders.fill(site, engine)
    path = ["/apps/hotline/orders"]
    hand: dict[str, Any] = {"query": orders.QUERY, "arguments": arguments}
    with (
        site.server("pool", engine, **hand) as by_hand,
        site.server("pool-asgi", engine, **hand) as plain,
        site.server("hub", engine) as hub,
        site.server("hub", engine, wall=False) as bare,
    ):
        found = alternate(
            site,
            {"pool": by_hand, "pool-asgi": plain, "hub": hub, "bare": bare},
            {"pool": path, "pool-asgi": path, "hub": path, "bare": path},
            rounds=2 if quick else 7,
            seconds=1.5,
            connections=8,
        )
    base = found["pool"]
    report.table(
        "list",
        "The case list: 20 of 10,000 orders, PostgreSQL (aim: ratio of CPU ≤ 2.2)",
        COMPARISON,
        [
            row("asyncpg and msgspec in bare Litestar", base, None),
            row("asyncpg and msgspec, bare ASGI", found["pool-asgi"], base),
            row("the hotline's list through the hub", found["hub"], base),
            row("the same without row-level security", found["bare"], base),
        ],
    )


def decision(site: Site, report: Report, *, quick: bool) -> None:
    """A decision, by how many grants the system holds."""
    sizes = [0, 1_000] if quick else [0, 10_000, 200_000]
    rows: Rows = []
    for name in ENGINES:
        costs = decisions.run(site, name, sizes, rounds=3 if quick else 9)
        for cost in costs:
            ratio = statistics.median(cost.warm) / statistics.median(costs[0].warm)
            rows.append(
                [
                    f"{name}, {cost.grants:,} grants",
                    spread(cost.warm),
                    f"{ratio:.2f}",
                    " / ".join(map(str, cost.asked_warm)),
                    spread(cost.miss, "{:.0f}"),
                    " / ".join(map(str, cost.asked_miss)),
                ]
            )
    report.table(
        "decision",
        "A decision (aim: < 20 µs in process, whatever the number of grants)",
        (
            "",
            "warm, CPU µs",
            "ratio",
            "asked of database / Redis",
            "on a miss, µs",
            "asked of database / Redis",
        ),
        rows,
    )


def tree(site: Site, report: Report, *, quick: bool) -> None:
    """Organizations in growing numbers, up to all villages of China."""
    sizes = (2_000, 8_000) if quick else (38_785, 155_143, trees.VILLAGES)
    rows: Rows = []
    for name in ENGINES:
        base = 0.0
        for villages in sizes:
            found = trees.run(site, name, villages)
            each = found["import"] / found["added"] * 1e6
            base = base or each
            size, county = found["county"]
            province_size, province = found["province"]
            rows.append(
                [
                    f"{name}, {found['added']:,}",
                    f"{found['import']:.1f} ({found['cpu']:.1f})",
                    f"{each:.0f} ({each / base:.2f})",
                    f"{found['memory']:.0f}",
                    f"{county * 1e3:.1f} of {size:,}",
                    f"{province * 1e3:.1f} of {province_size:,}",
                    *(
                        "-" if found[what] is None else f"{found[what] * 1e3:.0f}"
                        for what in ("move of a town", "move of a county")
                    ),
                ]
            )
    report.table(
        "tree",
        "The tree of organizations (aim: linear, and in memory that does not grow)",
        (
            "organizations",
            "import s (CPU of Python)",
            "µs each (ratio)",
            "memory MiB",
            "county's subtree ms",
            "province's subtree ms",
            "move a town ms",
            "move a county ms",
        ),
        rows,
    )


def findings(site: Site, report: Report, *, quick: bool) -> None:
    """How well findings fit what is true of drawn counties."""
    for name, seeds, parameters in (
        ("tuning", county_year.TUNING_SEEDS, county_year.TUNING),
        *(
            (f"held out, {of.name}", county_year.HELD_OUT_SEEDS, (of,))
            for of in county_year.HELD_OUT
        ),
    ):
        scores = fit.scores_of(seeds[:1] if quick else seeds, parameters)
        report.table(
            f"findings-{name.replace(', ', '-').replace(' ', '-')}",
            f"Findings, {name} (seeds {', '.join(map(str, seeds))}; aim: 0.95 each)",
            ("finding", "right", "wrong", "missed", "precision", "recall"),
            [
                [
                    kind,
                    f"{of.right}",
                    f"{of.wrong}",
                    f"{of.missed}",
                    f"{of.precision:.3f}",
                    f"{of.recall:.3f}",
                ]
                for kind, of in scores.items()
            ],
        )


def portfolio(site: Site, report: Report, *, quick: bool) -> None:
    """The portfolio of 500 apps over thirteen months, and of ten times the use."""
    report.table(
        "portfolio",
        "The portfolio over HTTP, PostgreSQL (aim: p95 ≤ 300 ms; the same with more use)",
        (
            "county",
            "cells",
            "app-days",
            "load s",
            "evaluation s",
            "CPU of the hub ms",
            "p50 / p95 ms",
            "load of the machine",
        ),
        portfolios.run(site, quick=quick),
    )


def rolled_up(site: Site, report: Report, *, quick: bool) -> None:
    """Batches of usage, from what a worker hands over to rows."""
    loads = [
        rollup.Load("one second at a time", 100_000, rollup.CELLS, 1),
        rollup.Load("ten seconds that had waited", 100_000, rollup.CELLS, 2 if quick else 10),
        rollup.Load("a thin second", 2_000, rollup.CELLS, 1),
    ]
    rows: Rows = []
    for name in ENGINES:
        for cost in rollup.run(site, name, loads, rounds=2 if quick else 4):
            rows.append(
                [
                    f"{name}, {cost.load.name}",
                    f"{cost.load.events * cost.load.seconds:,}",
                    spread(cost.by_clock, "{:,.0f}"),
                    spread(cost.by_cpu, "{:,.0f}"),
                    f"{cost.rows:.0f}",
                    f"{cost.bytes / 1024:.0f}",
                ]
            )
    report.table(
        "rollup",
        "Counting batches of four workers (aim: ≥ 100,000 events a second on one core)",
        (
            "",
            "events",
            "events a second, by the clock",
            "by the CPU of relay and database",
            "rows for 1,000 events",
            "KiB a batch",
        ),
        rows,
    )


def many_cases(site: Site, report: Report, *, quick: bool) -> None:
    """The first pages with ten thousand cases and with a million, and two hundred who file."""
    few, lots = sizes = (2_000, 20_000) if quick else (10_000, 1_000_000)
    filled = {many: hotline.fill_cases(site, many) for many in sizes}
    runs = hotline.pages_of(
        site,
        filled,
        rounds=2 if quick else 7,
        seconds=1.0 if quick else 1.5,
    )
    rows: Rows = []
    for name in hotline.PAGES:
        small, large = (runs[many][name] for many in sizes)
        rows.append(
            [
                name,
                *(
                    f"{statistics.median(m.p50 for m in of) * 1e3:.1f} / "
                    f"{spread([m.p95 * 1e3 for m in of], '{:.1f}')}"
                    for of in (small, large)
                ),
                spread(ratios(large, small, lambda m: m.p95)),
                spread(ratios(large, small, lambda m: m.p50)),
                " / ".join(
                    f"{statistics.median(m.cpu_each for m in of) / 1e3:.1f}"
                    for of in (small, large)
                ),
            ]
        )
    report.table(
        "cases",
        f"First pages with {few:,} and {lots:,} cases, PostgreSQL (aim: p95 grows ≤ 1.5 times)",
        (
            "",
            f"{few:,}: p50 / p95 ms",
            f"{lots:,}: p50 / p95 ms",
            "ratio of p95",
            "ratio of p50",
            "CPU of the hub ms",
        ),
        rows,
    )
    report.table(
        "filing",
        f"{hotline.FILERS} operators who file at once (aim: no number lost or given twice)",
        ("", "answered", "numbers", "in a row", "seconds"),
        [hotline.file_at_once(site, name) for name in ENGINES],
    )
    made = (f"{many:,} cases made in {of.seconds:.0f} s" for many, of in filled.items())
    console.print(", ".join(made))


WHAT: Mapping[str, Callable[..., None]] = {
    "door": door,
    "usage": usage,
    "dispatch": dispatch,
    "startup": startup,
    "memory": memory,
    "list": listing,
    "decision": decision,
    "tree": tree,
    "findings": findings,
    "portfolio": portfolio,
    "reach": reach.run,
    "rollup": rolled_up,
    "cases": many_cases,
    "categories": categories.run,
}


def main() -> None:
    """Measure what was asked for, or everything."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("what", nargs="*", choices=[*WHAT, []], help="all of it without")
    parser.add_argument("--quick", action="store_true", help="short runs: to try, not to quote")
    parser.add_argument("--write", action="store_true", help="put the tables into RESULTS.md")
    chosen = parser.parse_args()
    report = Report()
    console.print(machine())
    for name in chosen.what or WHAT:
        with Site() as site:
            WHAT[name](site, report, quick=chosen.quick)
        if chosen.write:
            report.write(RESULTS)


if __name__ == "__main__":
    main()
