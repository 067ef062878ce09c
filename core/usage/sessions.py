"""What became of sessions: two marks while one is open, counts when it has ended."""

from collections.abc import Sequence

import msgspec
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from core.database import Transaction
from core.usage.batches import Outcome
from core.usage.models import UsageSession


async def add(tx: Transaction, items: Sequence[Outcome]) -> None:
    """Add marks to open sessions."""
    dialect = sqlite if tx.database.sqlite else postgresql
    row = UsageSession
    for item in sorted(items, key=lambda item: (item.session, item.app)):
        insert = dialect.insert(row).values(**msgspec.structs.asdict(item))
        await tx.session.execute(
            insert.on_conflict_do_update(
                index_elements=["session", "app"],
                set_={
                    "fruitful": col(row.fruitful) | insert.excluded.fruitful,
                    "attending": col(row.attending) | insert.excluded.attending,
                },
            )
        )
