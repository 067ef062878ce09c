"""Drafts as an app sees them."""

from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlmodel import col

from core.hub.models import RequestRecord
from core.work.drafts import find_draft, keep_draft, own_key
from plugin_sdk.drafts import Draft
from plugin_sdk.ports import Actor
from plugin_sdk.problems import Denied, Problem
from plugin_sdk.routes import SIGNED_IN

if TYPE_CHECKING:
    from core.hub.service import Services


class AppDrafts:
    """`plugin_sdk.ports.Drafts` for one app."""

    def __init__(self, services: "Services", app: str) -> None:
        self._services = services
        self._app = app

    async def keep(self, actor: Actor, draft: Draft) -> bool:
        """See `plugin_sdk.ports.Drafts`."""
        if actor.person_id is None:
            raise Denied(SIGNED_IN, reason="sign-in")
        if actor.agent is not None:  # drafts are the resident's own
            raise Problem("behalf-beyond", status=403)
        async with self._services.database.transaction(write=True) as tx:
            sent = select(col(RequestRecord.key)).where(
                col(RequestRecord.key) == own_key(actor.person_id, draft.key)
            )
            if (await tx.session.execute(sent)).first() is not None:
                return False  # saving was slower than sending
            await keep_draft(tx, actor.person_id, actor, draft)
        return True

    async def find(self, actor: Actor, form: str, key: str) -> Draft | None:
        """See `plugin_sdk.ports.Drafts`."""
        if actor.agent is not None:
            return None
        async with self._services.database.transaction() as tx:
            return await find_draft(tx, actor, self._app, form, key)
