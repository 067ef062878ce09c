"""Who did something, as it was then: the columns of a signature and what fills them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field, SQLModel

from plugin_sdk.data import UtcTime
from plugin_sdk.ports import Work


class Signed(SQLModel):
    """Who did it, for whom and in whose post, in words as they were then, and when."""

    actor_person_id: UUID | None = None
    agent_person_id: UUID | None = None
    delegator_person_id: UUID | None = None
    role: str = Field(default="", max_length=200)
    unit: str = Field(default="", max_length=200)
    at: datetime = Field(sa_type=UtcTime)

    @property
    def signers(self) -> frozenset[UUID]:
        """Return all who had a hand in it."""
        people = (self.actor_person_id, self.agent_person_id, self.delegator_person_id)
        return frozenset(person for person in people if person is not None)


def signature(work: Work) -> dict[str, Any]:
    """Return the values of the columns of `Signed` for who acts now."""
    actor = work.actor
    return {
        "actor_person_id": actor.person_id,
        "agent_person_id": actor.agent.person_id if actor.agent else None,
        "delegator_person_id": actor.delegation.person_id if actor.delegation else None,
        "role": actor.post_title,
        "unit": actor.agent.organization_name if actor.agent else actor.organization_name,
        "at": work.now,
    }
