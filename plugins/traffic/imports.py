"""Taking over the old app of the traffic police (掌上交警): its export is one file a table, and the
heading says which. A row is one unit of work, and either all of it is there afterwards or nothing.

People are known by the ids that they had there (`yimen people import`). What somebody had bound is
taken over once staff have compared their number with their card: the old app's word is no proof.
"""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from sqlmodel import col

from plugin_sdk.cases.imports import Refused
from plugin_sdk.extension import ImportReport
from plugin_sdk.tables import TableError, read_rows
from plugin_sdk.tallies import Tally, record, tally
from plugins.traffic.desk import Desk
from plugins.traffic.desk_models import Imported
from plugins.traffic.models import Handling, OwnLicence, OwnVehicle
from plugins.traffic.old_tables import TABLES
from plugins.traffic.payments_models import Payment
from plugins.traffic.takeover import USER, Table, Takeover


async def run(desk: Desk, source: Path, of: str) -> AsyncIterator[ImportReport]:
    """Yield what became of each row of a table. Raises `TableError` for a file that is none of
    the old app's."""
    table = _table_of(source)
    total = sum(1 for _ in read_rows(source, expect=table.columns))
    takeover = Takeover(desk, of, table.kind, await desk.unit())
    for line in read_rows(source, expect=table.columns):
        try:
            new = await takeover.bring_in(table, line)
        except Refused as refused:
            yield ImportReport(
                line=line.line, outcome="refused", reason=refused.reason, total=total
            )
        else:
            yield ImportReport(line=line.line, outcome="added" if new else "present", total=total)


def _table_of(source: Path) -> Table:
    for table in TABLES:
        try:
            next(iter(read_rows(source, expect=table.columns)), None)
        except TableError as error:
            if error.code != "table-columns-missing":
                raise
        else:
            return table
    raise TableError("table-columns-missing", columns=[USER])


async def tallies(desk: Desk, of: str) -> Sequence[Tally]:
    """Return what the app holds beside its cases of what came from `of`; with its own id, all of
    it. What makes a record one and dates it: the plate or file number and when it was bound, the
    violation and when it happened, the payment and when it was paid."""
    hub, own = desk.hub, of == desk.hub.app
    whole = {
        "vehicles": (OwnVehicle, OwnVehicle.plate, OwnVehicle.bound_at),
        "licences": (OwnLicence, OwnLicence.file_number, OwnLicence.bound_at),
        "violations": (Handling, Handling.number, Handling.happened_at),
        "payments": (Payment, Payment.number, Payment.paid_at),
    }
    found = []
    async with hub.read(hub.system("tallies")) as read:
        for kind, (model, number, at) in whole.items():
            if own:
                rows = read.rows(model, col(number), col(at)).where(col(at).is_not(None))
            else:
                rows = read.rows(Imported, col(Imported.number), col(Imported.at)).where(
                    col(Imported.of) == of, col(Imported.kind) == kind
                )
            result = await read.session.execute(rows)
            found.append(tally(kind, (record(*one) for one in result)))
    return found
