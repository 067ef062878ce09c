"""Clients: registering and changing them, their secrets, disabling.

What is wrong is said when a client is registered, where somebody reads it, and never found out
by a person who cannot sign in.
"""

import re
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from urllib.parse import unquote, urlsplit
from uuid import UUID

import msgspec
from sqlalchemy import delete, select, update
from sqlmodel import col

from core.database import Transaction
from core.identity.provider import scopes
from core.identity.provider.digests import secret_digest
from core.identity.provider.issued import end_of_client
from core.identity.provider.models import Client, ClientSecret
from core.settings import LOOPBACK
from plugin_sdk.text import Text

Authentication = Literal["client_secret_basic", "client_secret_post", "none"]
Subjects = Literal["public", "pairwise"]
Algorithm = Literal["RS256", "ES256"]

CODE: Final = "authorization_code"
REFRESH: Final = "refresh_token"
CREDENTIALS: Final = "client_credentials"
GRANTS: Final = (CODE, REFRESH, CREDENTIALS)
ID: Final = re.compile(r"[a-z][a-z0-9-]{1,62}")
SCOPE: Final = re.compile(r"[a-z][a-z0-9._:-]{0,79}")
MOST_ADDRESSES: Final = 20
LONGEST_ADDRESS: Final = 500
MOST_SECRETS: Final = 2
SECRET_BYTES: Final = 32
HINT: Final = 4
OVERLAP: Final = timedelta(days=7)
"""How long a secret is still taken once there is a new one."""


Lending = Callable[[str], str | None]
"""Returns why somebody may not let an application have a scope: the code of a `ClientError`, None
where they may."""


class ClientError(ValueError):
    """A client that cannot be; `code` names the problem in the catalogues (`oidc.client.…`) and
    `field` what of it."""

    def __init__(self, code: str, field: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.field = field


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of a client: all of it, when it is registered and when it is changed."""

    name: Text
    app: str | None = None
    authentication: Authentication = "client_secret_basic"
    grants: tuple[str, ...] = (CODE, REFRESH)
    scopes: tuple[str, ...] = ("openid", "profile")
    redirect_uris: tuple[str, ...] = ()
    post_logout_uris: tuple[str, ...] = ()
    backchannel_logout_uri: str | None = None
    first_party: bool = True
    subjects: Subjects = "public"
    sector: str | None = None
    algorithm: Algorithm = "RS256"


class Registered(msgspec.Struct, frozen=True):
    """A client that was registered, and its secret, which is shown this once (None: public)."""

    id: str
    secret: str | None


class SecretFacts(msgspec.Struct, frozen=True):
    """A secret as it is listed: its last characters, and until when it is taken."""

    id: UUID
    hint: str
    created_at: datetime
    expires_at: datetime | None


async def register(
    tx: Transaction, id: str, wanted: Wanted, by: UUID | None, *, lending: Lending
) -> Registered:
    """Register a client under an id of one's choice. `lending` says which scopes of applications
    whoever does so may let it have (`core.access.bearers.why_not_lend`). Raises `ClientError`."""
    if not ID.fullmatch(id):
        raise ClientError("id", "id")
    if await find(tx, id) is not None:
        raise ClientError("id-taken", "id")
    values = _checked(wanted)
    _check_lent(wanted.scopes, (), lending)
    tx.session.add(Client(id=id, created_by=by, created_at=tx.now, **values))
    await tx.session.flush()
    return Registered(id, await _new_secret(tx, id) if _confidential(wanted) else None)


async def change(
    tx: Transaction, id: str, wanted: Wanted, version: int, *, lending: Lending
) -> int:
    """Change a client whose version is the one that was read; return the next. What it may no
    longer have is refused at its next request. `lending` says which scopes of applications may
    be added. Raises `ClientError`."""
    values = _checked(wanted)
    client = await find(tx, id)
    if client is None:
        raise ClientError("unknown")
    if _confidential(wanted) != (client.authentication != "none"):
        raise ClientError("authentication-kind", "authentication")
    _check_lent(wanted.scopes, client.scopes, lending)
    changed = await tx.session.execute(
        update(Client)
        .where(col(Client.id) == id, col(Client.version) == version)
        .values(version=version + 1, **values)
        .returning(col(Client.version))
        .execution_options(synchronize_session=False)
    )
    if (found := changed.scalar_one_or_none()) is None:
        raise ClientError("changed-meanwhile")
    return int(found)


async def find(tx: Transaction, id: str) -> Client | None:
    """Return a client, disabled or not; None for an id that is not known."""
    if not ID.fullmatch(id):  # which a database may not even be asked for
        return None
    found = await tx.session.execute(
        select(Client).where(col(Client.id) == id), execution_options={"populate_existing": True}
    )
    return found.scalar_one_or_none()


async def every(tx: Transaction, *, app: str | None = None) -> list[Client]:
    """Return all clients (of one app), by id."""
    statement = select(Client).order_by(col(Client.id))
    if app is not None:
        statement = statement.where(col(Client.app) == app)
    return list((await tx.session.execute(statement)).scalars())


async def rotate_secret(tx: Transaction, id: str) -> str:
    """Return a new secret of a client. The one before is taken for a week more, so that nobody
    is kept out while it is changed there; one from before that is not. Raises `ClientError`."""
    client = await find(tx, id)
    if client is None:
        raise ClientError("unknown")
    if client.authentication == "none":
        raise ClientError("no-secrets")
    kept = await secrets_of(tx, id)
    for old in kept[MOST_SECRETS - 1 :]:
        await drop_secret(tx, id, old.id)
    until = tx.now + OVERLAP
    await tx.session.execute(
        update(ClientSecret)
        .where(
            col(ClientSecret.client_id) == id,
            col(ClientSecret.expires_at).is_(None) | (col(ClientSecret.expires_at) > until),
        )
        .values(expires_at=until)
        .execution_options(synchronize_session=False)
    )
    return await _new_secret(tx, id)


async def secrets_of(tx: Transaction, id: str) -> list[SecretFacts]:
    """Return the secrets of a client that are taken now, newest first."""
    row = ClientSecret
    found = await tx.session.execute(
        select(col(row.id), col(row.hint), col(row.created_at), col(row.expires_at))
        .where(
            col(row.client_id) == id,
            col(row.expires_at).is_(None) | (col(row.expires_at) > tx.now),
        )
        .order_by(col(row.created_at).desc(), col(row.id).desc())
    )
    return [SecretFacts(*values) for values in found]


async def drop_secret(tx: Transaction, id: str, secret_id: UUID) -> bool:
    """Take a secret no longer, from now on; return whether it was there."""
    gone = await tx.session.execute(
        delete(ClientSecret)
        .where(col(ClientSecret.id) == secret_id, col(ClientSecret.client_id) == id)
        .returning(col(ClientSecret.id))
    )
    return gone.first() is not None


async def set_disabled(tx: Transaction, id: str, *, disabled: bool) -> None:
    """Let a client in no longer, or again. None of its tokens is good while it is disabled, and
    those that it had are not when it is let in again. Raises `ClientError`."""
    changed = await tx.session.execute(
        update(Client)
        .where(col(Client.id) == id)
        .values(disabled_at=tx.now if disabled else None)
        .returning(col(Client.id))
        .execution_options(synchronize_session=False)
    )
    if changed.first() is None:
        raise ClientError("unknown")
    if disabled:
        await end_of_client(tx, id)


def redirect_allowed(client: Client, address: str) -> bool:
    """Return whether a client may be answered at an address: one of those registered, character
    by character. The port of an address of this machine is a native app's own to choose
    (RFC 9700, section 2.1; RFC 8252, section 7.3)."""
    if address in client.redirect_uris:
        return True
    if client.authentication != "none":
        return False
    given = _any_port(address)
    return given is not None and given in {_any_port(one) for one in client.redirect_uris}


def _any_port(address: str) -> str | None:
    """Return an http address of this machine without its port; None for any other."""
    found = re.fullmatch(r"http://(127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?(/.*)?", address)
    return f"{found[1]}{found[2] or ''}" if found else None


async def _new_secret(tx: Transaction, id: str) -> str:
    secret = f"yimen_cs_{secrets.token_urlsafe(SECRET_BYTES)}"
    tx.session.add(
        ClientSecret(
            client_id=id, digest=secret_digest(secret), hint=secret[-HINT:], created_at=tx.now
        )
    )
    await tx.session.flush()
    return secret


def _confidential(wanted: Wanted) -> bool:
    return wanted.authentication != "none"


def _checked(wanted: Wanted) -> dict[str, Any]:
    """Return the columns of a client. Raises `ClientError`."""
    if not wanted.name.zh.strip() or not wanted.name.en.strip():
        raise ClientError("name", "name")
    grants, signs_in = set(wanted.grants), CODE in wanted.grants
    if not grants or grants - set(GRANTS) or (REFRESH in grants and not signs_in):
        raise ClientError("grants", "grants")
    if CREDENTIALS in grants and not _confidential(wanted):
        raise ClientError("credentials-public", "grants")
    _check_scopes(wanted.scopes, signs_in=signs_in, acts=CREDENTIALS in grants)
    if signs_in != bool(wanted.redirect_uris):
        raise ClientError("redirect-missing" if signs_in else "redirect-unused", "redirect_uris")
    public = not _confidential(wanted)
    _check_addresses("redirect_uris", wanted.redirect_uris, native=public)
    _check_addresses("post_logout_uris", wanted.post_logout_uris, native=public)
    if wanted.backchannel_logout_uri:
        _check_addresses("backchannel_logout_uri", (wanted.backchannel_logout_uri,), native=False)
    return {
        "name_zh": wanted.name.zh.strip(),
        "name_en": wanted.name.en.strip(),
        "app": wanted.app or None,
        "authentication": wanted.authentication,
        "grants": [grant for grant in GRANTS if grant in grants],
        "scopes": list(dict.fromkeys(wanted.scopes)),
        "redirect_uris": list(dict.fromkeys(wanted.redirect_uris)),
        "post_logout_uris": list(dict.fromkeys(wanted.post_logout_uris)),
        "backchannel_logout_uri": wanted.backchannel_logout_uri or None,
        "first_party": wanted.first_party,
        "subjects": wanted.subjects,
        "sector": _sector(wanted) if wanted.subjects == "pairwise" else None,
        "algorithm": wanted.algorithm,
    }


def _check_scopes(wanted: Sequence[str], *, signs_in: bool, acts: bool) -> None:
    personal = [scope for scope in wanted if scope in scopes.PERSONAL]
    own = [scope for scope in wanted if scope not in scopes.PERSONAL]
    if not all(SCOPE.fullmatch(scope) for scope in own) or scopes.OFFLINE in own:
        raise ClientError("scopes", "scopes")
    if signs_in and scopes.OPENID not in personal:
        raise ClientError("scopes-openid", "scopes")
    if (personal and not signs_in) or (own and not acts):
        raise ClientError("scopes-unused", "scopes")


def _check_lent(wanted: Sequence[str], had: Sequence[str], lending: Lending) -> None:
    """Raise `ClientError` for a scope that whoever adds it does not hold."""
    added = [scope for scope in wanted if scope not in had and scope not in scopes.PERSONAL]
    for scope in added:
        if code := lending(scope):
            raise ClientError(code, "scopes")


def _sector(wanted: Wanted) -> str:
    """Return the host that pairwise subjects are made for (Core, section 8.1)."""
    hosts = {urlsplit(address).hostname or "" for address in wanted.redirect_uris}
    if wanted.sector:
        if not re.fullmatch(r"[a-z0-9.-]{1,253}", wanted.sector):
            raise ClientError("sector", "sector")
        return wanted.sector
    if len(hosts) != 1:
        raise ClientError("sector-needed", "sector")
    return hosts.pop()


def _check_addresses(field: str, addresses: Sequence[str], *, native: bool) -> None:
    if len(addresses) > MOST_ADDRESSES:
        raise ClientError("too-many-addresses", field)
    for address in addresses:
        if not _good(address, native=native):
            raise ClientError("address", field)


def _good(address: str, *, native: bool) -> bool:
    """Return whether a client may be sent to an address: by https, or on this machine, or for a
    native app by a scheme of its own, which is a domain backwards (RFC 8252, section 7.1)."""
    if len(address) > LONGEST_ADDRESS or not address.isascii() or not address.isprintable():
        return False
    if any(character in address for character in ' \\"<>^`{|}#*'):
        return False
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018  (it raises for what is none)
    except ValueError:
        return False
    if any(part in (".", "..") for part in unquote(parts.path).split("/")):
        return False
    if parts.scheme not in ("http", "https"):
        return native and "." in parts.scheme and bool(parts.path) and not parts.netloc
    if parts.username is not None or not parts.hostname or parts.netloc != parts.netloc.lower():
        return False
    return parts.scheme == "https" or parts.hostname in LOOPBACK
