"""Tables of people and organizations."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, Index, UniqueConstraint
from sqlmodel import Field

from core.database import CoreBase
from plugin_sdk.data import UtcTime, new_id

LEVELS = ("country", "province", "city", "county", "township", "village", "unit")


class OrganizationRow(CoreBase, table=True):
    """A division (GB/T 2260 and the statistical codes below it) or a unit within one.

    The level is a field: it is never guessed from the code.
    """

    __tablename__ = "identity_organization"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    code: str = Field(unique=True)
    name: str
    level: str = Field(index=True)
    parent_id: UUID | None = Field(default=None, foreign_key="identity_organization.id", index=True)
    created_at: datetime = Field(sa_type=UtcTime)


class OrganizationClosure(CoreBase, table=True):
    """Every ancestor of every organization, itself included (depth 0)."""

    __tablename__ = "identity_closure"

    ancestor_id: UUID = Field(primary_key=True, foreign_key="identity_organization.id")
    descendant_id: UUID = Field(
        primary_key=True, foreign_key="identity_organization.id", index=True
    )
    depth: int


class Person(CoreBase, table=True):
    """A person who can sign in. With `must_change` they can do nothing before they have chosen
    a password of their own."""

    __tablename__ = "identity_person"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    username: str = Field(unique=True)
    name: str
    phone: str | None = Field(default=None, index=True)
    password_hash: str | None = None
    password_set_at: datetime | None = Field(default=None, sa_type=UtcTime)
    must_change: bool = False
    language: str = "zh-CN"
    elder: bool = False
    demonstration: bool = False
    disabled_at: datetime | None = Field(default=None, sa_type=UtcTime)
    created_at: datetime = Field(sa_type=UtcTime)


class EarlierPassword(CoreBase, table=True):
    """A password that a person had before, where the rules say that it is not taken again."""

    __tablename__ = "identity_earlier_password"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    person_id: UUID = Field(foreign_key="identity_person.id", index=True)
    hash: str
    set_at: datetime = Field(sa_type=UtcTime)


class Post(CoreBase, table=True):
    """A post (岗位): a person in an organization, from one time to another."""

    __tablename__ = "identity_post"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    person_id: UUID = Field(foreign_key="identity_person.id", index=True)
    organization_id: UUID = Field(foreign_key="identity_organization.id", index=True)
    title: str
    starts_at: datetime = Field(sa_type=UtcTime)
    ends_at: datetime | None = Field(default=None, sa_type=UtcTime)


class SignInSession(CoreBase, table=True):
    """One sign-in on one device, what it proved (`core.identity.signing_in`) and when it last
    did; `seen_at` is roughly when it was last used. Only a digest of its secret is kept.

    `delegation_id` and `consent_id` say for whom it acts (`core.access`); when either is no
    longer in force the session acts in `post_id`, as before.
    """

    __tablename__ = "identity_session"

    id: str = Field(primary_key=True)
    person_id: UUID = Field(foreign_key="identity_person.id", index=True)
    post_id: UUID | None = Field(default=None, foreign_key="identity_post.id")
    delegation_id: UUID | None = None
    consent_id: UUID | None = None
    csrf: str
    device: str = ""
    public_computer: bool = False
    proofs: list[str] = Field(default_factory=list, sa_type=JSON)
    proved_at: datetime | None = Field(default=None, sa_type=UtcTime)
    created_at: datetime = Field(sa_type=UtcTime)
    seen_at: datetime = Field(sa_type=UtcTime)
    expires_at: datetime = Field(sa_type=UtcTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcTime)


class PendingSignIn(CoreBase, table=True):
    """A sign-in that proved one factor and still owes a second one. Only a digest of its
    secret is kept."""

    __tablename__ = "identity_pending"

    id: str = Field(primary_key=True)
    person_id: UUID = Field(foreign_key="identity_person.id", index=True)
    proofs: list[str] = Field(sa_type=JSON)
    public_computer: bool
    tries: int = 0
    expires_at: datetime = Field(sa_type=UtcTime, index=True)


class Totp(CoreBase, table=True):
    """The authenticator app of a person (RFC 6238), a factor once it is confirmed: its sealed
    key, and the step of the code that was taken last."""

    __tablename__ = "identity_totp"

    person_id: UUID = Field(primary_key=True, foreign_key="identity_person.id")
    sealed: str
    last_step: int = Field(default=0, sa_type=BigInteger)
    created_at: datetime = Field(sa_type=UtcTime)
    confirmed_at: datetime | None = Field(default=None, sa_type=UtcTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcTime)


class Passkey(CoreBase, table=True):
    """A passkey of a person (Web Authentication, level 3); ids and keys in base64url."""

    __tablename__ = "identity_passkey"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    person_id: UUID = Field(foreign_key="identity_person.id", index=True)
    credential_id: str = Field(unique=True)
    public_key: str
    sign_count: int = Field(sa_type=BigInteger)
    name: str
    transports: list[str] = Field(default_factory=list, sa_type=JSON)
    created_at: datetime = Field(sa_type=UtcTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcTime)


class RecoveryCode(CoreBase, table=True):
    """A code that stands in for a lost factor, once. Only a keyed digest is kept."""

    __tablename__ = "identity_recovery_code"

    person_id: UUID = Field(primary_key=True, foreign_key="identity_person.id")
    digest: str = Field(primary_key=True)
    created_at: datetime = Field(sa_type=UtcTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcTime)


class Challenge(CoreBase, table=True):
    """What a passkey is asked to sign, until it is answered: for what, and of whom."""

    __tablename__ = "identity_challenge"

    digest: str = Field(primary_key=True)
    purpose: str
    person_id: UUID | None = Field(default=None, foreign_key="identity_person.id", index=True)
    expires_at: datetime = Field(sa_type=UtcTime, index=True)


class KnownDevice(CoreBase, table=True):
    """A device that has signed in to an account. Only a digest of its secret is kept."""

    __tablename__ = "identity_device"
    __table_args__ = (UniqueConstraint("digest", "person_id"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    digest: str
    person_id: UUID = Field(foreign_key="identity_person.id", index=True)
    used_at: datetime = Field(sa_type=UtcTime, index=True)


class Arriving(CoreBase, table=True):
    """An organization of a directory that is being brought in; only within its transaction."""

    __tablename__ = "identity_arriving"
    __table_args__ = (Index("ix_identity_arriving_wave", "wave", "number"),)

    number: int = Field(primary_key=True)
    id: UUID
    code: str = Field(unique=True)
    name: str
    level: str
    parent_code: str = Field(index=True)
    line: int
    wave: int | None = None


class Closing(CoreBase, table=True):
    """An organization that is no more, and who carries on (撤并)."""

    __tablename__ = "identity_closing"

    organization_id: UUID = Field(primary_key=True, foreign_key="identity_organization.id")
    successor_id: UUID | None = Field(
        default=None, foreign_key="identity_organization.id", index=True
    )
    closed_at: datetime = Field(sa_type=UtcTime)
    reason: str


class PersonNumber(CoreBase, table=True):
    """The identity number (公民身份号码) of a person: sealed, and found by a keyed digest.

    One whose checksum is wrong though it is genuine names who accepted it and why. `seen`: by
    staff, who compared it with the identity card; else it is what the person says of themselves.
    """

    __tablename__ = "identity_number"

    person_id: UUID = Field(primary_key=True, foreign_key="identity_person.id")
    digest: str = Field(unique=True)
    sealed: str
    accepted_by: UUID | None = Field(default=None, foreign_key="identity_person.id")
    accepted_reason: str | None = None
    seen: bool = False
    created_at: datetime = Field(sa_type=UtcTime)


class Enterprise(CoreBase, table=True):
    """An enterprise (法人) by its unified social credit code, and its agent (经办人)."""

    __tablename__ = "identity_enterprise"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    code: str = Field(unique=True)
    name: str
    agent_id: UUID = Field(foreign_key="identity_person.id", index=True)
    accepted_by: UUID | None = Field(default=None, foreign_key="identity_person.id")
    accepted_reason: str | None = None
    created_at: datetime = Field(sa_type=UtcTime)


class LegacyUser(CoreBase, table=True):
    """The id under which a legacy system knew a person."""

    __tablename__ = "identity_legacy_user"

    system: str = Field(primary_key=True)
    legacy_id: str = Field(primary_key=True)
    person_id: UUID = Field(foreign_key="identity_person.id", index=True)
    created_at: datetime = Field(sa_type=UtcTime)


class PhoneCode(CoreBase, table=True):
    """The code that was sent to a phone last for one purpose, until it is used. Only a digest
    is kept."""

    __tablename__ = "identity_phone_code"

    phone: str = Field(primary_key=True)
    purpose: str = Field(primary_key=True)
    digest: str
    tries: int = 0
    sent_at: datetime = Field(sa_type=UtcTime)
    expires_at: datetime = Field(sa_type=UtcTime)


class PhoneProof(CoreBase, table=True):
    """That somebody had the code of a phone a moment ago, for one purpose: until it is used."""

    __tablename__ = "identity_phone_proof"

    digest: str = Field(primary_key=True)
    phone: str = Field(index=True)
    purpose: str
    expires_at: datetime = Field(sa_type=UtcTime)


class PeopleImport(CoreBase, table=True):
    """A file of people: tried (`tried`), being brought in (`running`), brought in (`done`),
    being taken back (`undoing`), taken back (`undone`).

    It is brought in by `created_by` in a post, a delegated one perhaps; nobody: the console.
    `hands` are all whose act it is: who tried it, who started it, who delegated to them.
    """

    __tablename__ = "identity_import"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    name: str
    digest: str = Field(index=True)
    state: str
    total: int
    done: int = 0
    last_line: int = 0
    may_grant: bool = False
    created_by: UUID | None = None
    post_id: UUID | None = None
    delegation_id: UUID | None = None
    hands: list[str] = Field(default_factory=list, sa_type=JSON)
    created_at: datetime = Field(sa_type=UtcTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcTime)


class PeopleImportRow(CoreBase, table=True):
    """A row of such a file: what became of it. What it said is sealed, and dropped once done."""

    __tablename__ = "identity_import_row"
    __table_args__ = (Index("ix_identity_import_row_outcome", "import_id", "outcome"),)

    import_id: UUID = Field(primary_key=True, foreign_key="identity_import.id", ondelete="CASCADE")
    line: int = Field(primary_key=True)
    username: str
    outcome: str
    does: str = ""
    reasons: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    sealed: str | None = None
    added: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
