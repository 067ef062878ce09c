"""Writing the rows of a merge: each is one app's, under one name."""

from typing import Any

from sqlalchemy.dialects import postgresql, sqlite

from core.database import Transaction


async def put(tx: Transaction, model: Any, key: dict[str, Any], **values: Any) -> None:
    """Write values of a row, which is added with them where there is none."""
    dialect = sqlite if tx.database.sqlite else postgresql
    added = dialect.insert(model).values(**key, **values)
    await tx.session.execute(added.on_conflict_do_update(index_elements=list(key), set_=values))


UNSIGNED: dict[str, Any] = {"waiver": "", "waived_by": None, "waived_name": "", "waived_at": None}
"""A row without a waiver."""
