"""Identity numbers as one app may know them."""

from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlmodel import col

from core.identity.models import PersonNumber
from plugin_sdk.identifiers import normalize_identity_number
from plugin_sdk.ports import Actor

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
            digest = (
                await tx.session.execute(
                    select(col(PersonNumber.digest)).where(
                        col(PersonNumber.person_id) == actor.person_id,
                        col(PersonNumber.seen),
                    )
                )
            ).scalar_one_or_none()
        return self._services.numbers.index_of(self._app, digest) if digest else None
