"""What a client may ask for, and what each scope lets it know of a person.

Of a person the hub holds a name, a user name, a phone, posts, and the ids under which old systems
knew them; it holds no e-mail and no postal address, so that there are no such scopes.
"""

from collections.abc import Iterable, Mapping
from typing import Final

OPENID: Final = "openid"
OFFLINE: Final = "offline_access"
CLAIMS: Final[Mapping[str, tuple[str, ...]]] = {
    OPENID: ("sub",),
    "profile": ("name", "preferred_username", "locale", "zoneinfo"),
    "phone": ("phone_number",),
    "posts": ("posts",),
    "legacy": ("legacy_id",),
}
"""The claims that a scope stands for (OpenID Connect Core, section 5.4); `posts` (岗位) and
`legacy_id` (老系统的用户号) are the hub's own."""
PERSONAL: Final = tuple(CLAIMS)
"""The scopes of sign-ins. All others are of applications, which act for themselves."""
SCOPE_OF: Final = {claim: scope for scope, claims in CLAIMS.items() for claim in claims}


def allowed(asked: Iterable[str], registered: Iterable[str]) -> list[str]:
    """Return the scopes of a sign-in that a client may have of those it asks for: what is not
    known or not registered is left out (Core, section 3.1.2.1)."""
    wanted = set(asked)
    may = set(registered)
    return [scope for scope in PERSONAL if scope in wanted and scope in may]


def claims_of(scopes: Iterable[str]) -> set[str]:
    """Return the claims that scopes stand for."""
    return {claim for scope in scopes for claim in CLAIMS.get(scope, ())}
