"""What stands between a request and its code: signing in, proving it again, choosing the account,
agreeing. Where a client asks that no page be shown, it is told what would have been needed."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from core.database import Transaction
from core.identity.provider import claims, issued, scopes
from core.identity.provider.claims import Subjects, acr_meets
from core.identity.provider.models import AuthorizationCode, ClientConsent
from core.identity.provider.requests import Asked, Kept, Refused
from plugin_sdk.ports import Actor

LEEWAY: Final = timedelta(seconds=1)


class Next(StrEnum):
    """What comes next for a request."""

    SIGN_IN = "sign-in"
    PROVE = "prove"
    CHOOSE = "choose"
    OTHER = "other"
    CONSENT = "consent"
    ISSUE = "issue"


WITHOUT_PAGES: Final = {
    Next.SIGN_IN: ("login_required", "not-signed-in"),
    Next.PROVE: ("login_required", "proof-old"),
    Next.CHOOSE: ("account_selection_required", "account"),
    Next.OTHER: ("login_required", "other-account"),
    Next.CONSENT: ("consent_required", "consent"),
}
"""What a client is told that asked for `prompt=none` (Core, section 3.1.2.6)."""

LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


def proved_at(actor: Actor) -> datetime:
    """Return when somebody who is signed in last proved who they are: `auth_time`. Of who came
    through a provider that did not say when, nobody knows, and it is as long ago as can be."""
    return actor.proved_at or LONG_AGO


def decide(
    asked: Asked,
    actor: Actor,
    kept: Kept,
    agreed: Collection[str],
    subjects: Subjects,
    hinted: str | None,
    now: datetime,
) -> Next:
    """Return what comes next. `agreed` are the scopes that the person lets the client have,
    `hinted` the subject of an ID token that the client named. Raises `Refused`."""
    coming = _next(asked, actor, kept, agreed, subjects, hinted, now)
    if "none" in asked.prompts and coming is not Next.ISSUE:
        raise Refused(*WITHOUT_PAGES[coming])
    return coming


def _next(
    asked: Asked,
    actor: Actor,
    kept: Kept,
    agreed: Collection[str],
    subjects: Subjects,
    hinted: str | None,
    now: datetime,
) -> Next:
    person_id = actor.real_person_id
    if person_id is None or actor.session_id is None:
        return Next.SIGN_IN
    about = {one for one in (hinted, asked.subject) if one is not None}
    if about and about != {subjects.of(asked.client, person_id)}:
        return Next.OTHER
    if "select_account" in asked.prompts and not kept.chosen:
        return Next.CHOOSE
    proved = kept.since is not None and proved_at(actor) >= kept.since
    unmet = asked.acr and not acr_meets(actor.proofs, asked.acr)
    if unmet and proved:
        raise Refused("unmet_authentication_requirements", "acr", wanted=" ".join(asked.acr))
    old = asked.max_age is not None and now - proved_at(actor) > (
        timedelta(seconds=asked.max_age) + LEEWAY
    )
    if not proved and ("login" in asked.prompts or old or unmet):
        return Next.PROVE
    lacking = not asked.client.first_party and needed(asked) - set(agreed)
    return Next.CONSENT if lacking or "consent" in asked.prompts else Next.ISSUE


def needed(asked: Asked) -> set[str]:
    """Return the scopes that a person agrees to with a request."""
    return {*asked.scopes, *(asked.claimed & set(asked.client.scopes))}


async def issue(tx: Transaction, asked: Asked, actor: Actor) -> str:
    """Return the code for a request that somebody who is signed in answers."""
    assert actor.session_id is not None  # noqa: S101  (nothing is issued before)
    assert actor.real_person_id is not None  # noqa: S101
    # what it may ask for later is not what was agreed to now
    most = scopes.claims_of(asked.client.scopes)
    told = {place: claims.wanted(asked.claims, place, most) for place in asked.claims}
    code = AuthorizationCode(
        digest="",
        client_id=asked.client.id,
        person_id=actor.real_person_id,
        session_id=actor.session_id,
        redirect_uri=asked.to.redirect_uri,
        challenge=asked.challenge,
        scopes=asked.scopes,
        claims=told,
        nonce=asked.nonce,
        proofs=sorted(actor.proofs),
        proved_at=proved_at(actor),
        expires_at=tx.now,
    )
    return await issued.issue_code(tx, code)


async def agreed(tx: Transaction, person_id: UUID | None, client_id: str) -> list[str]:
    """Return the scopes that a person lets a client have."""
    row = ClientConsent
    found = await tx.session.execute(
        select(col(row.scopes)).where(
            col(row.person_id) == person_id, col(row.client_id) == client_id
        )
    )
    return found.scalar_one_or_none() or []


async def agree(tx: Transaction, person_id: UUID, asked: Asked) -> None:
    """Keep that a person lets a client have what it asks for, beside what it may have already."""
    may = {*needed(asked), *await agreed(tx, person_id, asked.client.id)}
    values = {"scopes": [scope for scope in scopes.PERSONAL if scope in may], "given_at": tx.now}
    dialect = sqlite if tx.database.sqlite else postgresql
    await tx.session.execute(
        dialect.insert(ClientConsent)
        .values(person_id=person_id, client_id=asked.client.id, **values)
        .on_conflict_do_update(index_elements=["person_id", "client_id"], set_=values)
    )


async def consents(tx: Transaction, person_id: UUID) -> list[ClientConsent]:
    """Return what a person lets clients have, the last given first."""
    found = await tx.session.execute(
        select(ClientConsent)
        .where(col(ClientConsent.person_id) == person_id)
        .order_by(col(ClientConsent.given_at).desc(), col(ClientConsent.client_id))
    )
    return list(found.scalars())


async def take_back(tx: Transaction, person_id: UUID, client_id: str) -> bool:
    """Let a client have nothing more of a person; return whether it was let. The sign-ins that
    it has are ended by `Provider.take_back`."""
    gone = await tx.session.execute(
        delete(ClientConsent)
        .where(col(ClientConsent.person_id) == person_id, col(ClientConsent.client_id) == client_id)
        .returning(col(ClientConsent.client_id))
        .execution_options(synchronize_session=False)
    )
    return gone.first() is not None
