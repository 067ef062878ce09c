"""Tables of the OpenID Provider. Secrets, codes and tokens are kept as digests alone."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Index
from sqlmodel import Field

from core.database import CoreBase
from plugin_sdk.data import UtcTime, new_id
from plugin_sdk.text import Text


class Client(CoreBase, table=True):
    """A program that is known here (RFC 6749, section 2): an app that signs people in, or an
    application that acts for itself. `app` names the linked app behind whose slot it stands.

    A first-party client belongs to the county, and nobody is asked for consent. With `pairwise`
    subjects two clients cannot tell that they know the same person.
    """

    __tablename__ = "identity_client"

    id: str = Field(primary_key=True)
    name_zh: str
    name_en: str
    app: str | None = Field(default=None, index=True)
    authentication: str  # client_secret_basic | client_secret_post | none
    grants: list[str] = Field(sa_type=JSON)  # authorization_code, refresh_token, client_credentials
    scopes: list[str] = Field(sa_type=JSON)
    redirect_uris: list[str] = Field(default_factory=list, sa_type=JSON)
    post_logout_uris: list[str] = Field(default_factory=list, sa_type=JSON)
    backchannel_logout_uri: str | None = None
    first_party: bool = True
    subjects: str = "public"  # public | pairwise
    sector: str | None = None  # the host that pairwise subjects are made for
    algorithm: str = "RS256"
    created_by: UUID | None = Field(default=None, foreign_key="identity_person.id")
    created_at: datetime = Field(sa_type=UtcTime)
    disabled_at: datetime | None = Field(default=None, sa_type=UtcTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcTime)
    version: int = 1

    @property
    def name(self) -> Text:
        """Return what the client is called."""
        return Text(zh=self.name_zh, en=self.name_en)


class ClientSecret(CoreBase, table=True):
    """A secret of a client: two at once, so that one is changed without a pause."""

    __tablename__ = "identity_client_secret"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    client_id: str = Field(foreign_key="identity_client.id", index=True, ondelete="CASCADE")
    digest: str
    hint: str  # its last characters, to tell two apart
    created_at: datetime = Field(sa_type=UtcTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcTime)


class SigningKey(CoreBase, table=True):
    """A key that signs what the provider says. It is published before it signs, and for as long
    as something it signed is believed."""

    __tablename__ = "identity_signing_key"

    id: str = Field(primary_key=True)  # kid
    algorithm: str
    public: dict[str, Any] = Field(sa_type=JSON)
    sealed: str
    created_at: datetime = Field(sa_type=UtcTime)
    signs_from: datetime = Field(sa_type=UtcTime)
    signs_until: datetime | None = Field(default=None, sa_type=UtcTime)
    gone_at: datetime | None = Field(default=None, sa_type=UtcTime)


class ClientSignIn(CoreBase, table=True):
    """One sign-in of one client: what was asked and allowed. All its tokens fall with it
    (RFC 9700, section 4.14). `session_id` is the hub's session it rests on, None for what
    outlives it; `code` the digest of the code it began with, by which a second try is known."""

    __tablename__ = "identity_client_sign_in"
    __table_args__ = (Index("ix_identity_client_sign_in_session", "session_id", "client_id"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    client_id: str = Field(foreign_key="identity_client.id", index=True, ondelete="CASCADE")
    person_id: UUID = Field(foreign_key="identity_person.id", index=True)
    session_id: str | None = None
    sid: str = Field(index=True)  # what the client knows the session by
    code: str | None = Field(default=None, unique=True)
    scopes: list[str] = Field(sa_type=JSON)
    claims: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    nonce: str | None = None
    proofs: list[str] = Field(default_factory=list, sa_type=JSON)
    proved_at: datetime = Field(sa_type=UtcTime)
    created_at: datetime = Field(sa_type=UtcTime)
    expires_at: datetime = Field(sa_type=UtcTime, index=True)
    ended_at: datetime | None = Field(default=None, sa_type=UtcTime)


class AuthorizationCode(CoreBase, table=True):
    """A code until it is redeemed: deleted by whoever redeems it first."""

    __tablename__ = "identity_authorization_code"

    digest: str = Field(primary_key=True)
    client_id: str = Field(foreign_key="identity_client.id", index=True, ondelete="CASCADE")
    person_id: UUID = Field(foreign_key="identity_person.id")
    session_id: str = Field(index=True)
    redirect_uri: str
    challenge: str
    scopes: list[str] = Field(sa_type=JSON)
    claims: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    nonce: str | None = None
    proofs: list[str] = Field(default_factory=list, sa_type=JSON)
    proved_at: datetime = Field(sa_type=UtcTime)
    expires_at: datetime = Field(sa_type=UtcTime, index=True)


class RefreshToken(CoreBase, table=True):
    """A refresh token: spent once. One that is spent again ends its whole sign-in."""

    __tablename__ = "identity_refresh_token"

    digest: str = Field(primary_key=True)
    sign_in_id: UUID = Field(
        foreign_key="identity_client_sign_in.id", index=True, ondelete="CASCADE"
    )
    expires_at: datetime = Field(sa_type=UtcTime, index=True)
    spent_at: datetime | None = Field(default=None, sa_type=UtcTime)


class AccessToken(CoreBase, table=True):
    """An access token: of a sign-in, or of an application for itself (client credentials)."""

    __tablename__ = "identity_access_token"

    digest: str = Field(primary_key=True)
    client_id: str = Field(foreign_key="identity_client.id", index=True, ondelete="CASCADE")
    sign_in_id: UUID | None = Field(
        default=None, foreign_key="identity_client_sign_in.id", index=True, ondelete="CASCADE"
    )
    scopes: list[str] = Field(sa_type=JSON)
    created_at: datetime = Field(sa_type=UtcTime)
    expires_at: datetime = Field(sa_type=UtcTime, index=True)


class ClientConsent(CoreBase, table=True):
    """What a person lets a client that is not the county's know of them."""

    __tablename__ = "identity_client_consent"

    person_id: UUID = Field(primary_key=True, foreign_key="identity_person.id")
    client_id: str = Field(
        primary_key=True, foreign_key="identity_client.id", ondelete="CASCADE", index=True
    )
    scopes: list[str] = Field(sa_type=JSON)
    given_at: datetime = Field(sa_type=UtcTime)


class SignInTrace(CoreBase, table=True):
    """What happened at one step of a sign-in by a client, for who connects it: never a secret,
    a code or a token. `client` is what was named, known here or not."""

    __tablename__ = "identity_sign_in_trace"
    __table_args__ = (Index("ix_identity_sign_in_trace_client", "client", "at"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    client: str
    at: datetime = Field(sa_type=UtcTime, index=True)
    step: str  # authorize | token | userinfo | logout | backchannel
    outcome: str  # done | refused
    error: str = ""  # the code of RFC 6749 and its kin
    reason: str = ""  # the key of the words that say what to change
    facts: dict[str, str] = Field(default_factory=dict, sa_type=JSON)


class ClientReach(CoreBase, table=True):
    """An organization in which an application may act, with all that stands below it."""

    __tablename__ = "identity_client_reach"

    client_id: str = Field(primary_key=True, foreign_key="identity_client.id", ondelete="CASCADE")
    organization_id: UUID = Field(
        primary_key=True, foreign_key="identity_organization.id", index=True
    )
    given_by: UUID | None = Field(default=None, foreign_key="identity_person.id")
    given_at: datetime = Field(sa_type=UtcTime)
