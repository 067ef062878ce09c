"""Who acts by a token: a person or an application as an `Actor` that its scopes narrow.

A scope is an app and how far (`hotline:read`: whatever one holds in it, where nothing is changed;
`hotline:write`: everywhere) or one permission (`hotline.order.file`). A token never holds more
than its person does at that moment in that post. What is of high risk it holds only where a
scope names the very permission (`core.access.freshness`), since nobody is there to prove who
they are.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from msgspec.structs import replace
from sqlalchemy import select
from sqlmodel import col

from core.access.granting import GRANTING, everywhere
from core.access.loading import Loaded, current_generation, load_actor
from core.audit import SHELL
from core.database import Transaction
from core.identity.models import OrganizationClosure, Person
from core.identity.password_rules import PROFILES, Profile
from core.identity.provider.models import AccessToken, Client, ClientReach
from core.identity.tokens.models import ApiToken
from plugin_sdk.acting import Bearer
from plugin_sdk.ports import Actor, Permit, ScopeKind
from plugin_sdk.problems import Problem
from plugin_sdk.routes import PUBLIC, SIGNED_IN

READ: Final = "read"
WRITE: Final = "write"
GIVING: Final = frozenset(
    f"{SHELL}.{key}"
    for key in (
        *("grants.manage", "people.manage", "people.factors", "clients.manage"),
        "upstreams.manage",
    )
)
"""Permissions that no application has: by them it would give itself, or others, any right."""
OF_APPLICATIONS: Final = frozenset({"scim"})
"""Permissions of the shell that no role carries: only an application acts by them."""


class ScopeMissing(Problem):
    """The token does not reach so far (403): make one that names the scope."""

    status = 403

    def __init__(self, scope: str, code: str = "token-scope") -> None:
        challenge = f'Bearer realm="yimen", error="insufficient_scope", scope="{scope}"'
        super().__init__(code, permission=scope, headers={"WWW-Authenticate": challenge})


class NotForTokens(Problem):
    """What only a person does who is there (403): passwords, factors, sessions, tokens."""

    status = 403

    def __init__(self) -> None:
        super().__init__("token-not-here")


def covers(scopes: Iterable[str], permission: str, *, changes: bool) -> bool:
    """Return whether one of the scopes reaches a full permission key."""
    app = permission.partition(".")[0]
    whole = {f"{app}:{WRITE}"} if changes else {f"{app}:{WRITE}", f"{app}:{READ}"}
    return any(scope == permission or scope in whole for scope in scopes)


def narrowed(actor: Actor, bearer: Bearer) -> Actor:
    """Return the actor with what the bearer's scopes leave of their permits."""
    held = {
        permission: permits
        for permission, permits in actor.permits.items()
        if covers(bearer.scopes, permission, changes=bearer.changes)
    }
    return replace(actor, permits=held, bearer=bearer)


def for_request(actor: Actor, *, changes: bool) -> Actor:
    """Return the actor of a bearer as they are in one request."""
    if actor.bearer is None or not changes:
        return actor
    return narrowed(actor, replace(actor.bearer, changes=True))


async def load_token(
    tx: Transaction, token: str, profile: Profile = PROFILES["nist"]
) -> Loaded | None:
    """Return the actor of a person's token (by digest) as far as it reads, None when it is not in
    force: it is over or revoked, or its person is kept out or no longer in its post."""
    generation = await current_generation(tx)
    row = ApiToken
    found = (
        await tx.session.execute(
            select(row, Person)
            .join(Person, col(Person.id) == col(row.person_id))
            .where(
                col(row.digest) == token,
                col(row.revoked_at).is_(None),
                col(row.expires_at) > tx.now,
                col(Person.disabled_at).is_(None),
            )
        )
    ).first()
    if found is None:
        return None
    held, person = found
    actor = await load_actor(tx, person.id, person.name, held.post_id, generation=generation)
    if actor.post_id != held.post_id:
        return None
    due = profile.due(person.password_set_at)
    bearer = Bearer(digest=token, hint=held.hint, scopes=tuple(held.scopes), changes=False)
    whole = replace(
        actor,
        proofs=frozenset(held.proofs),
        language=person.language,
        owes_password=person.must_change or (due is not None and due <= tx.now),
    )
    ends = min(held.expires_at, due) if due is not None and due > tx.now else held.expires_at
    return Loaded(narrowed(whole, bearer), ends, held.used_at or held.created_at, None)


async def load_application(tx: Transaction, token: str) -> Actor | None:
    """Return the application that acts for itself by an access token (by digest), as far as it
    reads; None when it is not in force or is somebody's sign-in. It acts in the organizations it
    was given (`ClientReach`) and all below them, in none if it was given none."""
    generation = await current_generation(tx)
    row = AccessToken
    found = (
        await tx.session.execute(
            select(row, Client)
            .join(Client, col(Client.id) == col(row.client_id))
            .where(
                col(row.digest) == token,
                col(row.sign_in_id).is_(None),
                col(row.expires_at) > tx.now,
                col(Client.disabled_at).is_(None),
            )
        )
    ).first()
    if found is None:
        return None
    held, client = found
    units = await tx.session.execute(
        select(col(OrganizationClosure.descendant_id))
        .where(
            col(OrganizationClosure.ancestor_id).in_(
                select(col(ClientReach.organization_id)).where(
                    col(ClientReach.client_id) == client.id
                )
            )
        )
        .distinct()
    )
    reach = tuple(sorted(units.scalars()))
    scopes = tuple(scope for scope in held.scopes if scope in client.scopes and scope not in GIVING)
    permit = Permit(
        grant=f"client:{client.id}",
        role="application",
        scope=ScopeKind.NAMED,
        organizations=reach,
        ends=held.expires_at,
    )
    return Actor(
        name=f"{client.name_zh} ({client.id})",
        permits={permission_of(scope): (permit,) for scope in scopes} if reach else {},
        revocation=generation,
        loaded_at=tx.now,
        bearer=Bearer(
            digest=token,
            hint="",
            scopes=tuple(permission_of(scope) for scope in scopes),
            application=client.id,
            changes=False,
        ),
    )


def why_not_lend(actor: Actor, scope: str, now: datetime) -> str | None:
    """Return why somebody may not let an application act by a scope, None where they may: what
    they hold everywhere themselves, and all but what gives rights where they grant rights
    everywhere."""
    permission = permission_of(scope)
    if permission in GIVING:
        return "scopes-giving"
    if everywhere(actor, GRANTING, now) or everywhere(actor, permission, now):
        return None
    return "scopes-beyond"


def permission_of(scope: str) -> str:
    """Return the permission that a scope of an application stands for: the permission's own name;
    `scim` is short for `yimen.scim`."""
    return f"{SHELL}.{scope}" if scope in OF_APPLICATIONS else scope


def admit(actor: Actor, app: str, full: str, *, open_to_programs: bool) -> Actor:
    """Return who a bearer is on a route that names no permission; raise `ScopeMissing` or
    `NotForTokens` where they may not pass.

    Of the shell's own routes, those alone that say so are open to programs: by all others people
    change how they sign in. Beyond its scopes a token shows no more than any visitor is shown.
    """
    assert actor.bearer is not None  # noqa: S101  (the guard asks for bearers alone)
    changes = actor.bearer.changes
    reaches = covers(actor.bearer.scopes, f"{app}.", changes=changes)
    if app == SHELL and not open_to_programs and (changes or full == SIGNED_IN):
        raise NotForTokens
    if full == PUBLIC:
        return actor if reaches or open_to_programs else Actor(language=actor.language)
    if not actor.signed_in or not reaches:
        raise ScopeMissing(f"{app}:{WRITE if changes else READ}")
    return actor
