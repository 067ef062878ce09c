"""The electronic licence: a code that holds for minutes, and that everybody can check."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import delete, select
from sqlmodel import col

from plugin_sdk.codes.registry import ALPHABET
from plugin_sdk.ports import Hub, Work
from plugin_sdk.sources import Known
from plugins.traffic.binding import Binding
from plugins.traffic.models import LicenceCode, OwnLicence

LENGTH: Final = 10
MINUTES: Final = ("code_minutes", 5)
KEPT: Final = timedelta(days=1)
"""How long a code that has expired is known as such."""


class Checked(msgspec.Struct, frozen=True):
    """What a code tells: the licence as the source said last, None once it has expired."""

    expires_at: datetime
    known: Known | None


class Licences:
    """The codes of licences."""

    def __init__(self, hub: Hub, binding: Binding) -> None:
        self.hub = hub
        self.binding = binding
        self.minutes = int(hub.settings.get(*MINUTES))

    async def make(self, work: Work, licence: OwnLicence) -> tuple[str, datetime]:
        """Return a new code and when it expires; those made before it expire now."""
        mine = col(LicenceCode.licence_id) == licence.id
        statement = select(LicenceCode).where(mine, col(LicenceCode.expires_at) > work.now)
        for older in (await work.session.execute(statement)).scalars():
            older.expires_at = work.now
        code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        expires_at = work.now + timedelta(minutes=self.minutes)
        await work.add(
            LicenceCode(digest=_digest(code), licence_id=licence.id, expires_at=expires_at)
        )
        work.audit("licence.show", f"licence:{licence.id}")
        work.effect("licence.shown", f"licence:{licence.id}")
        return code, expires_at

    async def check(self, code: str) -> Checked | None:
        """Return what a code tells, None for one that never was, or was long ago."""
        async with self.hub.read(self.hub.system("check")) as read:
            statement = select(col(LicenceCode.licence_id), col(LicenceCode.expires_at)).where(
                col(LicenceCode.digest) == _digest(code.strip().upper())
            )
            found = (await read.session.execute(statement)).first()
            if found is None:
                return None
            licence_id, expires_at = found
            bound = read.rows(OwnLicence).where(col(OwnLicence.id) == licence_id)
            licence: OwnLicence | None = (await read.session.execute(bound)).scalar_one_or_none()
            if licence is None or expires_at <= read.now:
                return Checked(expires_at, None)
            asked, _ = self.binding.licence_asks(licence)
            return Checked(expires_at, await self.binding.police.engine.known(read, asked))

    async def tidy(self, work: Work) -> None:
        """Forget codes that expired long ago."""
        old = col(LicenceCode.expires_at) < work.now - KEPT
        await work.session.execute(delete(LicenceCode).where(old))


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
