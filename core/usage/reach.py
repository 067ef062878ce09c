"""How many people: mergeable sketches of pseudonyms, which cannot say who."""

from collections import defaultdict
from collections.abc import Sequence

from datasketches import cpc_sketch, cpc_union
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from core.database import Transaction
from core.usage.batches import Reached
from core.usage.models import UsageReach

LG_K = 12  # an error within 1.5 % in 95 of 100 (ADR 0026)


async def add(tx: Transaction, items: Sequence[Reached]) -> None:
    """Add the people of batches to the sketches they belong to."""
    people: dict[tuple[str, str, str, str], set[int]] = defaultdict(set)
    for item in items:
        people[item.app, item.period, item.kind, item.organization].update(item.pseudonyms)
    dialect = sqlite if tx.database.sqlite else postgresql
    row = UsageReach
    for key in sorted(people):
        app, period, kind, organization = key
        found = await tx.session.execute(
            select(col(row.sketch))
            .where(
                col(row.app) == app,
                col(row.period) == period,
                col(row.kind) == kind,
                col(row.organization) == organization,
            )
            .with_for_update()
        )
        union = cpc_union(LG_K)
        if (before := found.scalar_one_or_none()) is not None:
            union.update(cpc_sketch.deserialize(before))
        sketch = cpc_sketch(LG_K)
        for pseudonym in people[key]:
            sketch.update(pseudonym)
        union.update(sketch)
        insert = dialect.insert(row).values(
            app=app,
            period=period,
            kind=kind,
            organization=organization,
            sketch=union.get_result().serialize(),
        )
        await tx.session.execute(
            insert.on_conflict_do_update(
                index_elements=["app", "period", "kind", "organization"],
                set_={"sketch": insert.excluded.sketch},
            )
        )
