"""The keys that sign what the provider says.

A new key is published an hour before it signs, so that whoever keeps the published keys for a
while knows it by then; an old one is published for a day after it signed last. Each worker knows
the keys as they stood a minute ago at most, and asks again for one it does not know.
"""

import asyncio
import json
import logging
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from joserfc.jwk import ECKey, KeyParameters, KeySet, RSAKey
from sqlalchemy import delete, func, select, update
from sqlmodel import col

from core.database import Database, Transaction
from core.identity.numbers import Numbers, SealBroken
from core.identity.provider.models import Client, SigningKey
from core.shared_state import SharedState
from plugin_sdk.data import lock_key

logger = logging.getLogger(__name__)

PUBLISHED_BEFORE: Final = timedelta(hours=1)
PUBLISHED_AFTER: Final = timedelta(days=1)
"""Longer than a sign-in lasts: what was signed last is still believed where it comes back."""
ROTATE_AFTER: Final = timedelta(days=90)
FRESH: Final = timedelta(seconds=60)
CACHE_SECONDS: Final = 600  # how long others may keep the published keys
DEFAULT: Final = "RS256"
WITHDRAWN: Final = "oidc.keys-withdrawn"
"""On which all workers are told to read the keys anew, where the old ones are withdrawn."""

PrivateKey = RSAKey | ECKey


class Known(msgspec.Struct, frozen=True):
    """A key as it stands in the database; `private` None where its seal does not open."""

    id: str
    algorithm: str
    public: dict[str, Any]
    signs_from: datetime
    gone_at: datetime | None
    private: PrivateKey | None


class Keys:
    """The signing keys as one worker knows them."""

    def __init__(
        self, database: Database, numbers: Numbers, shared: SharedState | None = None
    ) -> None:
        self._database = database
        self._numbers = numbers
        self._shared = shared
        if shared is not None:
            shared.on_hint(WITHDRAWN, self._forget)
        self._known: Sequence[Known] = ()
        self._since: datetime | None = None
        self._making = asyncio.Lock()

    def _forget(self) -> None:
        self._since = None

    def now(self) -> datetime:
        """Return the time in UTC."""
        return self._database.clock()

    async def signing(self, algorithm: str) -> Known:
        """Return the key that signs now; it is made if there is none yet."""
        for _ in range(2):
            now = self._database.clock()
            ready = [
                key
                for key in await self._current()
                if key.algorithm == algorithm and key.private and key.signs_from <= now
            ]
            if ready:
                return max(ready, key=lambda key: (key.signs_from, key.id))
            await self._make_first(algorithm)
        raise RuntimeError("a key that was made is not found")

    async def published(self) -> list[dict[str, Any]]:
        """Return the public keys (RFC 7517), the default one at least."""
        await self.signing(DEFAULT)
        return [key.public for key in await self._current()]

    async def verifying(self, kid: object) -> KeySet:
        """Return the keys that what was signed here is checked with; they are read anew where
        none is called `kid`."""
        found = await self._current()
        if kid not in {key.id for key in found}:
            found = await self._load()
        public: dict[str, Any] = {"keys": [key.public for key in found]}
        return KeySet.import_key_set(public)  # type: ignore[arg-type]  # as JSON has it

    async def rotate(self, *, at_once: bool = False) -> list[str]:
        """Make a new key of each algorithm in use; return their ids. They sign in an hour. With
        `at_once`, for a key that others may know, they sign now and the old ones are withdrawn:
        nothing these signed is believed any more."""
        async with self._database.transaction() as tx:
            used = await self._in_use(tx)
        made = [await _make(algorithm) for algorithm in sorted(used)]
        async with self._database.transaction(write=True) as tx:
            await _alone(tx)
            await self._replace(tx, made, at_once=at_once)
        await self._load()
        if at_once and self._shared is not None:
            await self._shared.hint(WITHDRAWN)
        return [str(key.kid) for key in made]

    async def keep_young(self) -> None:
        """Rotate where the newest key has signed for long, and forget keys that are gone."""
        async with self._database.transaction(write=True) as tx:
            await tx.session.execute(delete(SigningKey).where(col(SigningKey.gone_at) < tx.now))
            newest = await tx.session.execute(select(func.max(col(SigningKey.created_at))))
            made_at, now = newest.scalar(), tx.now
        if made_at is not None and made_at < now - ROTATE_AFTER:
            await self.rotate()

    async def _in_use(self, tx: Transaction) -> set[str]:
        chosen = await tx.session.execute(select(col(Client.algorithm)).distinct())
        return {DEFAULT, *chosen.scalars()}

    async def _current(self) -> Sequence[Known]:
        now = self._database.clock()
        if self._since is None or not self._since <= now < self._since + FRESH:
            return await self._load()
        return [key for key in self._known if key.gone_at is None or key.gone_at > now]

    async def _load(self) -> Sequence[Known]:
        row = SigningKey
        async with self._database.transaction() as tx:
            found = await tx.session.execute(
                select(row)
                .where(col(row.gone_at).is_(None) | (col(row.gone_at) > tx.now))
                .order_by(col(row.created_at), col(row.id))
            )
            opened = {key.id: key.private for key in self._known}
            self._known = [self._opened(key, opened.get(key.id)) for key in found.scalars()]
            self._since = tx.now
        return self._known

    def _opened(self, row: SigningKey, private: PrivateKey | None) -> Known:
        if private is None:
            try:
                private = _private(json.loads(self._numbers.open(row.sealed, _owner(row.id))))
            except SealBroken:  # sealed with another secret: it is published, and signs nothing
                logger.error("the signing key %s cannot be opened with this secret", row.id)
        return Known(row.id, row.algorithm, row.public, row.signs_from, row.gone_at, private)

    async def _make_first(self, algorithm: str) -> None:
        async with self._making:
            made = await _make(algorithm)
            async with self._database.transaction(write=True) as tx:
                await _alone(tx)
                found = await tx.session.execute(
                    select(row := SigningKey).where(
                        col(row.algorithm) == algorithm,
                        col(row.signs_from) <= tx.now,
                        col(row.gone_at).is_(None) | (col(row.gone_at) > tx.now),
                    )
                )
                there = [self._opened(key, None) for key in found.scalars()]
                if not any(key.private for key in there):
                    self._add(tx, made, tx.now)
            await self._load()

    async def _replace(self, tx: Transaction, made: Sequence[PrivateKey], *, at_once: bool) -> None:
        begins = tx.now if at_once else tx.now + PUBLISHED_BEFORE
        gone = tx.now if at_once else begins + PUBLISHED_AFTER
        await tx.session.execute(
            update(SigningKey)
            .where(col(SigningKey.gone_at).is_(None) | (col(SigningKey.gone_at) > gone))
            .values(signs_until=begins, gone_at=gone)
            .execution_options(synchronize_session=False)
        )
        for key in made:
            self._add(tx, key, begins)
        await tx.session.flush()

    def _add(self, tx: Transaction, key: PrivateKey, signs_from: datetime) -> None:
        kid = str(key.kid)
        tx.session.add(
            SigningKey(
                id=kid,
                algorithm=str(key.as_dict(private=False)["alg"]),
                public=dict(key.as_dict(private=False)),
                sealed=self._numbers.seal(json.dumps(key.as_dict(private=True)), _owner(kid)),
                created_at=tx.now,
                signs_from=signs_from,
            )
        )


async def _make(algorithm: str) -> PrivateKey:
    facts: KeyParameters = {"kid": secrets.token_urlsafe(12), "use": "sig", "alg": algorithm}

    def make() -> PrivateKey:
        if algorithm == "ES256":
            return ECKey.generate_key("P-256", facts)
        return RSAKey.generate_key(2048, facts)

    return await asyncio.to_thread(make)


def _private(jwk: dict[str, Any]) -> PrivateKey:
    return ECKey.import_key(jwk) if jwk["kty"] == "EC" else RSAKey.import_key(jwk)


async def _alone(tx: Transaction) -> None:
    """Let no other transaction change the keys until this one ends."""
    if not tx.database.sqlite:
        key = lock_key("yimen.signing-keys")
        await tx.session.execute(select(func.pg_advisory_xact_lock(key)))


def _owner(kid: str) -> str:
    return f"signing-key:{kid}"
