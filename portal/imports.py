"""Running an app's `import_legacy` with a progress bar and a report of every refusal."""

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from plugin_sdk.extension import ImportReport
from plugin_sdk.tables import csv_chunks


class ImportCounts(msgspec.Struct, frozen=True):
    """What became of the rows of an import."""

    added: int
    present: int
    refused: int


async def run_import(
    hub: Any,
    app: str,
    source: Path,
    report: Path | None,
    console: Console,
    *,
    of: str = "",
    dry_run: bool = False,
) -> ImportCounts:
    """Run the import of an app to its end; refusals go to the report or the screen. `of` is the
    app that the file comes from, where the hub knows it. A `dry_run` tries each row against what
    is there now and keeps none: what one row needs of another of the same file it does not find.

    Raises `LookupError` when the app is not there or imports nothing.
    """
    if app not in hub.apps.hooks.implemented("import_legacy"):
        raise LookupError(f"{app} is not here, or imports nothing")
    own = hub.apps.hubs[app].trying() if dry_run else hub.apps.hubs[app]
    rows = hub.apps.hooks.call(app, "import_legacy", hub=own, source=source, of=of)
    outcome: Counter[str] = Counter()
    refused: list[tuple[int, str, str]] = []
    with Progress(
        TextColumn(source.name),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    ) as progress:
        task = progress.add_task("", total=None)
        row: ImportReport
        async for row in rows:
            outcome[row.outcome] += 1
            progress.update(task, advance=1, total=row.total)
            if row.outcome == "refused" and row.reason is not None:
                why = hub.catalogue.shown("zh-CN", row.reason)
                refused.append((row.line, why, row.reason.key))
    _report(refused, report, console)
    return ImportCounts(outcome["added"], outcome["present"], outcome["refused"])


def _report(refused: list[tuple[int, str, str]], path: Path | None, console: Console) -> None:
    if path is not None:
        with path.open("wb") as file:
            file.writelines(csv_chunks(("line", "reason", "code"), refused))
        return
    for line, why, _ in refused[:50]:
        console.print(f"  line {line}: {why}")
    if len(refused) > 50:
        console.print(f"  and {len(refused) - 50} more (--report FILE keeps all)")
