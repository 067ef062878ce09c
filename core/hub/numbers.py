"""Identity numbers as one app may know them."""

from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlmodel import col

from core.identity.models import LegacyUser, PersonNumber
from plugin_sdk.identifiers import normalize_identity_number
from plugin_sdk.ports import Actor, LegacyPerson

if TYPE_CHECKING:
    from core.hub.service import Services


class AppNumbers:
    """`plugin_sdk.ports.Numbers` on the sealed numbers."""

    def __init__(self, services: "Services", app: str) -> None:
        self._services = services
        self._app = app

    def index(self, number: str) -> str:
        """See `plugin_sdk.ports.Numbers`."""
        return self._services.numbers.index(self._app, normalize_identity_number(number))

    async def own(self, actor: Actor) -> str | None:
        """See `plugin_sdk.ports.Numbers`."""
        if actor.person_id is None or actor.agent is not None:
            return None
        async with self._services.database.transaction() as tx:
            seen = select(col(PersonNumber.digest)).where(
                col(PersonNumber.person_id) == actor.person_id, col(PersonNumber.seen)
            )
            return self._index_of((await tx.session.execute(seen)).scalar_one_or_none())

    async def legacy(self, system: str, id: str) -> LegacyPerson | None:
        """See `plugin_sdk.ports.Numbers`."""
        row, number = LegacyUser, PersonNumber
        async with self._services.database.transaction() as tx:
            found = await tx.session.execute(
                select(col(row.person_id), col(number.digest))
                .outerjoin(number, (col(number.person_id) == col(row.person_id)) & col(number.seen))
                .where(col(row.system) == system, col(row.legacy_id) == id)
            )
            known = found.first()
        return LegacyPerson(known[0], self._index_of(known[1])) if known else None

    def _index_of(self, digest: str | None) -> str | None:
        return self._services.numbers.index_of(self._app, digest) if digest else None
