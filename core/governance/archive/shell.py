"""What the shell holds of an app: what goes with it into the archive, and what stays.

`moved` rows are kept in the bundle, removed from the tables when the app is archived, and put
back by a restore. `copied` rows are kept in the bundle too, and stay until the app is destroyed:
what somebody may do follows the person, so that one who leaves office while the app lies in the
archive has lost it when the app comes back. Everything else stays, and why is said here of each
table; a test holds the list to the tables there are.
"""

from collections.abc import Callable
from typing import Final

import msgspec
from sqlalchemy import ColumnElement, Table

from core.access.models import Grant, Role, RolePermission
from core.database import core_metadata
from core.files.models import FileRow
from core.work.models import DraftRow, PinRow, Series, Timer, WorkItem

Of = Callable[[Table, str], ColumnElement[bool]]
"""Returns the condition for the rows of an app in a table (a described one, or the shell's)."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of an app in a table of the shell. `person` is the column that says whose one is: it
    comes back only if that person is still known, and was not erased."""

    table: str
    of: Of
    person: str | None = None


def _by_app(table: Table, app: str) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = table.c.app == app
    return condition


def _drafts(table: Table, app: str) -> ColumnElement[bool]:
    # what was begun on a public computer ends with its session, wherever the app is
    return _by_app(table, app) & table.c.session_id.is_(None)


def _pins(table: Table, app: str) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = table.c.href.startswith(f"/apps/{app}/", autoescape=True)
    return condition


def _of_role(column: str) -> Of:
    def of(table: Table, app: str) -> ColumnElement[bool]:
        condition: ColumnElement[bool] = table.c[column].startswith(f"{app}.", autoescape=True)
        return condition

    return of


MOVED: Final = (
    Held(table=str(FileRow.__tablename__), of=_by_app),
    Held(table=str(Series.__tablename__), of=_by_app),
    Held(table=str(WorkItem.__tablename__), of=_by_app, person="person_id"),
    Held(table=str(Timer.__tablename__), of=_by_app),
    Held(table=str(DraftRow.__tablename__), of=_drafts, person="person_id"),
    Held(table=str(PinRow.__tablename__), of=_pins, person="person_id"),
)
COPIED: Final = (
    Held(table=str(Role.__tablename__), of=_by_app),
    Held(table=str(RolePermission.__tablename__), of=_of_role("role")),
    Held(table=str(Grant.__tablename__), of=_of_role("role")),
)
STAYS: Final = {
    "access_consent": "a resident's own word, which ends by itself",
    "access_delegation": "the handing over of a post, whatever app it is used in",
    "access_devolution": "what a centre may accept by a document, in no app's name",
    "access_generation": "counts revocations of the whole hub",
    "access_policy_test": "an administrator's, who learns that nobody may do it any more",
    "access_request": "who asked for what, and who decided: part of the record",
    "access_revocation": "of people and sessions",
    "apps_event": "what happened to the app at run time: part of the record",
    "apps_generation": "counts changes of all apps",
    "apps_runtime": "how the door stands: closed, with its old links",
    "audit_check": "the record",
    "audit_cut": "the record",
    "audit_entry": "the record, also of what was done in the app",
    "delivery_message": "what was sent to addresses, and ends by itself",
    "governance_app": "the register",
    "governance_approval": "who agreed to destroy a bundle",
    "governance_archive": "this very archive",
    "governance_change": "the register",
    "governance_evaluation": "findings",
    "governance_feedback": "complaints about the app, and what its owner answered",
    "governance_finding": "why the app was nominated",
    "governance_measured": "what the app did while it ran",
    "governance_old_link": "old links lead on when the app is gone",
    "governance_parity": "how the merge was proven",
    "governance_reconciled": "how the merge was proven",
    "governance_standing": "where the app stands",
    "governance_step": "how it came there",
    "hub_request": "answers to what may be sent twice; they end by themselves",
    "hub_typed_element": "what a person typed last, for them alone, in whatever app",
    "identity_*": "people, organizations and sessions",
    "jobs_outbox": "what waits for the app waits until it is back",
    "jobs_periodic": "when a job is due next",
    "messages_notice": "people's messages",
    "usage_*": "what the app did while it ran, of nobody in particular",
    "work_holiday_notice": "the calendar",
}
KEPT: Final = (*MOVED, *COPIED)


def table_of(held: Held) -> Table:
    """Return the shell's own table."""
    return core_metadata.tables[held.table]


def decided(table: str) -> bool:
    """Return whether it is said of a table of the shell what becomes of its rows."""
    family = f"{table.partition('_')[0]}_*"
    return table in STAYS or family in STAYS or any(held.table == table for held in KEPT)
