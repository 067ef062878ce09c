"""What the hub says of itself in SCIM: the attributes it keeps, and no others.

A schema that named what is not kept would promise it. People have one name, one phone, and no
e-mail address that anybody checked; a group is a unit.
"""

from typing import Annotated, Any, ClassVar, Final

from pydantic import Field
from scim2_models import (
    URN,
    AuthenticationScheme,
    Bulk,
    CaseExact,
    ChangePassword,
    ComplexAttribute,
    ETag,
    Filter,
    Mutability,
    Patch,
    Reference,
    Required,
    Resource,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
    Uniqueness,
)

MOST_RESULTS: Final = 200
PAGE: Final = 100
MOST_OPERATIONS: Final = 100
MOST_MEMBERS: Final = 2000
MOST_BYTES: Final = 512 * 1024
MOST_LOOKS: Final = 20_000  # operations of a PATCH by members of its group


class Name(ComplexAttribute):
    """The name of a person, in one piece as the hub keeps it."""

    formatted: Annotated[str | None, Required.true] = None


class Phone(ComplexAttribute):
    """A phone of a person, written +8613812345678."""

    value: Annotated[str | None, Required.true, CaseExact.true] = None


class Membership(ComplexAttribute):
    """A unit in which a person holds a post."""

    value: Annotated[str | None, Mutability.read_only, CaseExact.true] = None
    ref: Annotated[Reference["Group"] | None, Mutability.read_only] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    display: Annotated[str | None, Mutability.read_only] = None


class User(Resource[Any]):
    """A person who works in an organization of the application."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:User")

    user_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    name: Annotated[Name | None, Required.true] = None
    display_name: Annotated[str | None, Mutability.read_only] = None
    # it always has a value; where a request leaves it out, it is true, or stays as it is
    active: Annotated[bool | None, Required.true] = None
    # who could change it could sign in as the person: given once, and no more
    phone_numbers: Annotated[list[Phone] | None, Mutability.immutable] = None
    groups: Annotated[list[Membership] | None, Mutability.read_only] = None

    Name: ClassVar[type[ComplexAttribute]] = Name
    PhoneNumbers: ClassVar[type[ComplexAttribute]] = Phone
    Groups: ClassVar[type[ComplexAttribute]] = Membership


class Member(ComplexAttribute):
    """A person who holds a post in a unit."""

    value: Annotated[str | None, Mutability.immutable, Required.true, CaseExact.true] = None
    ref: Annotated[Reference[User] | None, Mutability.immutable] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    type: Annotated[str | None, Mutability.immutable] = Field(None, examples=["User"])


class Group(Resource[Any]):
    """A unit, and who holds a post in it."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:Group")

    display_name: Annotated[str | None, Required.true] = None
    members: list[Member] | None = None

    Members: ClassVar[type[ComplexAttribute]] = Member


def provider() -> ScimProvider:
    """Return the description of the service."""
    config = ServiceProviderConfig(
        patch=Patch(supported=True),
        bulk=Bulk(supported=False, max_operations=0, max_payload_size=0),
        filter=Filter(supported=True, max_results=MOST_RESULTS),
        change_password=ChangePassword(supported=False),
        sort=Sort(supported=False),
        etag=ETag(supported=True),
        authentication_schemes=[
            AuthenticationScheme(
                type=AuthenticationScheme.Type.oauthbearertoken,
                name="OAuth 2.0 client credentials",
                description="An access token of the hub for the scope scim (RFC 6749, RFC 6750)",
                spec_uri=Reference("https://www.rfc-editor.org/info/rfc6750"),
                primary=True,
            )
        ],
    )
    return ScimProvider(models=[User, Group], config=config)
