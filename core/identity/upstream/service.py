"""The providers above this hub: added, changed, shut, and as which client the hub stands there."""

import re
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import func, select, update
from sqlmodel import col

from core.database import Transaction
from core.identity.events import PersonErased
from core.identity.numbers import Numbers, SealBroken
from core.identity.upstream.discovery import ProviderError, check_address
from core.identity.upstream.flow import Relying
from core.identity.upstream.models import Upstream, UpstreamIdentity
from plugin_sdk.text import Text

KEY: Final = re.compile(r"[a-z][a-z0-9-]{1,30}")
METHODS: Final = ("client_secret_basic", "client_secret_post", "none")
KEEP_SAID: Final = timedelta(days=7)
MOST_SAID: Final = 20_000


class UpstreamError(ValueError):
    """An upstream that cannot be so; `field` names what is wrong, `code` the words for it."""

    def __init__(self, field: str, code: str) -> None:
        super().__init__(code)
        self.field = field
        self.code = code


class UpstreamFacts(msgspec.Struct, frozen=True):
    """An upstream as it is shown: never its secret."""

    id: UUID
    key: str
    name: Text
    issuer: str
    client_id: str
    authentication: str
    has_secret: bool
    scopes: tuple[str, ...]
    strong_acr: tuple[str, ...]
    rules: str
    rules_by: UUID | None
    rules_post_id: UUID | None
    provides: bool
    gives_posts: bool
    said_at: datetime | None
    disabled: bool
    version: int
    sealed: str | None


class ClientSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What an administrator says of an upstream. An empty secret leaves the one there is."""

    name: Text
    client_id: str
    authentication: str
    secret: str
    scopes: tuple[str, ...]
    strong_acr: tuple[str, ...]


async def add(
    tx: Transaction, numbers: Numbers, key: str, issuer: str, settings: ClientSettings
) -> UpstreamFacts:
    """Add an upstream. Raises `UpstreamError`."""
    if not KEY.fullmatch(key):
        raise UpstreamError("key", "upstream-key")
    try:
        check_address(issuer)
    except ProviderError as error:
        raise UpstreamError("issuer", f"upstream-{error.code}") from None
    if "?" in issuer:  # Discovery 1.0, section 3
        raise UpstreamError("issuer", "upstream-address")
    for field, taken in (
        ("key", col(Upstream.key) == key),
        ("issuer", col(Upstream.issuer) == issuer),
    ):
        if (await tx.session.execute(select(col(Upstream.id)).where(taken))).first():
            raise UpstreamError(field, "upstream-taken")
    row = Upstream(
        key=key,
        issuer=issuer,
        created_at=tx.now,
        name_zh=settings.name.zh,
        name_en=settings.name.en,
        client_id=settings.client_id,
        authentication=settings.authentication,
        scopes=list(settings.scopes),
        strong_acr=list(settings.strong_acr),
    )
    if not settings.secret and settings.authentication != "none":
        raise UpstreamError("secret", "upstream-secret")
    if settings.secret and settings.authentication != "none":
        row.sealed = numbers.seal(settings.secret, _owner(row.id))
    tx.session.add(row)
    await tx.session.flush()
    found = await by_key(tx, key)
    assert found is not None  # noqa: S101  (it was just added)
    return found


async def change(
    tx: Transaction,
    numbers: Numbers,
    upstream: UpstreamFacts,
    settings: ClientSettings,
    version: int,
) -> None:
    """Change an upstream; its issuer stays, since another issuer has other people. Raises
    `UpstreamError`: `stale` (of no field) when another has changed it meanwhile."""
    sealed = upstream.sealed
    if settings.authentication == "none":
        sealed = None
    elif settings.secret:
        sealed = numbers.seal(settings.secret, _owner(upstream.id))
    elif sealed is None:
        raise UpstreamError("secret", "upstream-secret")
    await _update(
        tx,
        upstream.id,
        version,
        name_zh=settings.name.zh,
        name_en=settings.name.en,
        client_id=settings.client_id,
        authentication=settings.authentication,
        sealed=sealed,
        scopes=list(settings.scopes),
        strong_acr=list(settings.strong_acr),
    )


async def set_rules(
    tx: Transaction,
    upstream: UpstreamFacts,
    rules: str,
    *,
    provides: bool,
    gives_posts: bool,
    by: UUID | None,
    post_id: UUID | None,
    version: int,
) -> None:
    """Keep the rules of an upstream and who answers for them. Raises `UpstreamError` (`stale`)."""
    await _update(
        tx,
        upstream.id,
        version,
        rules=rules,
        provides=provides,
        gives_posts=gives_posts,
        rules_by=by,
        rules_post_id=post_id,
    )


async def _update(tx: Transaction, id: UUID, version: int, **values: Any) -> None:
    changed = await tx.session.execute(
        update(Upstream)
        .where(col(Upstream.id) == id, col(Upstream.version) == version)
        .values(**values, version=version + 1)
        .returning(col(Upstream.id))
        .execution_options(synchronize_session=False)
    )
    if changed.first() is None:
        raise UpstreamError("", "stale")


async def switch(tx: Transaction, upstream: UpstreamFacts, *, on: bool) -> bool:
    """Shut or open the way in through an upstream; return whether that changed anything. Who is
    signed in by it stays so."""
    changed = await tx.session.execute(
        update(Upstream)
        .where(
            col(Upstream.id) == upstream.id,
            col(Upstream.disabled_at).is_not(None) if on else col(Upstream.disabled_at).is_(None),
        )
        .values(disabled_at=None if on else tx.now)
        .returning(col(Upstream.id))
        .execution_options(synchronize_session=False)
    )
    return changed.first() is not None


async def every(tx: Transaction, *, open_only: bool = False) -> list[UpstreamFacts]:
    """Return the upstreams, by key."""
    row = Upstream
    statement = select(
        *(col(row.id), col(row.key), col(row.name_zh), col(row.name_en), col(row.issuer)),
        *(col(row.client_id), col(row.authentication), col(row.scopes), col(row.strong_acr)),
        *(col(row.rules), col(row.rules_by), col(row.rules_post_id), col(row.provides)),
        *(col(row.gives_posts), col(row.said_at), col(row.disabled_at), col(row.version)),
        col(row.sealed),
    ).order_by(col(row.key))
    if open_only:
        statement = statement.where(col(row.disabled_at).is_(None))
    return [
        UpstreamFacts(
            id=one.id,
            key=one.key,
            name=Text(one.name_zh, one.name_en),
            issuer=one.issuer,
            client_id=one.client_id,
            authentication=one.authentication,
            has_secret=one.sealed is not None,
            scopes=tuple(one.scopes),
            strong_acr=tuple(one.strong_acr),
            rules=one.rules,
            rules_by=one.rules_by,
            rules_post_id=one.rules_post_id,
            provides=one.provides,
            gives_posts=one.gives_posts,
            said_at=one.said_at,
            disabled=one.disabled_at is not None,
            version=one.version,
            sealed=one.sealed,
        )
        for one in await tx.session.execute(statement)
    ]


async def by_key(tx: Transaction, key: str) -> UpstreamFacts | None:
    """Return an upstream by its name in addresses, None if there is none."""
    return next((one for one in await every(tx) if one.key == key), None)


async def linked_counts(tx: Transaction) -> dict[UUID, int]:
    """Return how many people have linked an account of each upstream."""
    found = await tx.session.execute(
        select(col(UpstreamIdentity.upstream_id), func.count()).group_by(
            col(UpstreamIdentity.upstream_id)
        )
    )
    return {id: count for id, count in found}


def relying(numbers: Numbers, upstream: UpstreamFacts, public_url: str) -> Relying:
    """Return as which client the hub stands at an upstream. Each has an address of its own to
    come back to, so that an answer of one is no answer of another (RFC 9700, section 4.4.2)."""
    secret = None
    if upstream.sealed is not None:
        try:
            secret = numbers.open(upstream.sealed, _owner(upstream.id))
        except SealBroken:
            secret = None  # sealed with another secret of the hub: the provider will refuse
    return Relying(
        key=upstream.key,
        issuer=upstream.issuer,
        client_id=upstream.client_id,
        secret=secret,
        authentication=upstream.authentication,
        scopes=upstream.scopes,
        redirect_uri=redirect_uri(upstream.key, public_url),
    )


def redirect_uri(key: str, public_url: str) -> str:
    """Return where people come back to from an upstream, which is registered there."""
    return f"{public_url}/sign-in/with/{key}/back"


async def keep_said(
    tx: Transaction,
    numbers: Numbers,
    upstream: UpstreamFacts,
    claims: dict[str, Any],
    who: UUID | None,
) -> None:
    """Keep what an upstream said last, sealed and for a week: for a dry run of rules."""
    text = msgspec.json.encode(claims).decode()
    if len(text) > MOST_SAID:
        return
    await tx.session.execute(
        update(Upstream)
        .where(col(Upstream.id) == upstream.id)
        .values(said=numbers.seal(text, _owner(upstream.id)), said_at=tx.now, said_of_person_id=who)
        .execution_options(synchronize_session=False)
    )


async def said(
    tx: Transaction, numbers: Numbers, upstream: UpstreamFacts
) -> tuple[dict[str, Any], UUID | None] | None:
    """Return what an upstream said last, and of whom, if they are known here."""
    found = await tx.session.execute(
        select(col(Upstream.said), col(Upstream.said_of_person_id)).where(
            col(Upstream.id) == upstream.id
        )
    )
    kept, who = found.one()
    if kept is None:
        return None
    try:
        claims: dict[str, Any] = msgspec.json.decode(numbers.open(kept, _owner(upstream.id)))
    except SealBroken:
        return None
    return claims, who


async def forget_said(tx: Transaction, event: PersonErased) -> None:
    """Forget what was said of a person, and that rules are theirs."""
    row = Upstream
    forgotten = {"said": None, "said_of_person_id": None, "said_at": None}
    for values, of in (
        (forgotten, col(row.said_of_person_id)),
        ({"rules_by": None, "rules_post_id": None}, col(row.rules_by)),
    ):
        await tx.session.execute(
            update(row)
            .where(of == event.person_id)
            .values(values)
            .execution_options(synchronize_session=False)
        )


async def tidy(tx: Transaction) -> None:
    """Forget what upstreams said more than a week ago."""
    await tx.session.execute(
        update(Upstream)
        .where(col(Upstream.said_at) < tx.now - KEEP_SAID)
        .values(said=None, said_of_person_id=None, said_at=None)
        .execution_options(synchronize_session=False)
    )


def _owner(id: UUID) -> str:
    return f"upstream:{id}"
