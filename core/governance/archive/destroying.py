"""Destroying the bundle of an app; the row and its checksum stay."""

from sqlalchemy import delete
from sqlmodel import col

from core import audit
from core.access.actors import revoke
from core.access.models import Grant, Role, RolePermission
from core.governance.archive import bundle
from core.governance.archive.desk import Desk, whoever
from core.governance.archive.service import ArchiveFacts, move
from core.governance.lifecycle.service import take


async def destroy(desk: Desk, facts: ArchiveFacts) -> None:
    """Remove the bundle from the disk, then what its app's roles let anybody do, and say so."""
    desk.progress.begin("condemned", 1)
    bundle.remove(desk.archive / facts.folder)
    last = facts.approvals[-1]
    by = whoever(last.person_id, last.name)
    told = {"sha256": facts.sha256, "approved": [one.name for one in facts.approvals]}
    async with desk.database.transaction(write=True) as tx:
        of = f"{facts.app}."
        for table, condition in (
            (Grant, col(Grant.role).startswith(of, autoescape=True)),
            (RolePermission, col(RolePermission.role).startswith(of, autoescape=True)),
            (Role, col(Role.app) == facts.app),
        ):
            statement = delete(table).where(condition)
            await tx.session.execute(statement.execution_options(synchronize_session=False))
        await revoke(tx, "*")
        await take(tx, facts.app, "purge", by, name=last.name, unit=last.unit, facts=told)
        await audit.record(tx, by, audit.SHELL, "app-purged", f"app:{facts.app}", facts=told)
        await move(tx, facts, "destroyed")
    desk.progress.add(1)
