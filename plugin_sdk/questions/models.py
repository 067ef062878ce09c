"""The mixin of a question: a case that may have been asked at a meeting.

class Question(QuestionRow, Base, table=True):
    parties: ClassVar[type[CaseParty]] = QuestionParty
    entries: ClassVar[type[CaseEntry]] = QuestionEntry
"""

from uuid import UUID

from sqlalchemy import Text
from sqlmodel import Field

from plugin_sdk.cases.models import CaseRow


class QuestionRow(CaseRow):
    """A question of a resident (问). `town_id` is the unit above, which is told when it is late;
    `promised` says that its deadline is a day that was named at the meeting `meeting_id`."""

    meeting_id: UUID | None = Field(default=None, index=True)
    promised: bool = False
    town_id: UUID | None = None
    asker_name: str = Field(default="", max_length=100)
    text: str = Field(sa_type=Text)
    reply: str | None = Field(default=None, sa_type=Text)
