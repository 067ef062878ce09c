"""Questions of residents, and the open meetings at which they are asked too."""

from typing import Final

from plugin_sdk.codes import CodeBook
from plugin_sdk.meetings import Meeting, MeetingDesk, MeetingEngine
from plugin_sdk.ports import Hub
from plugin_sdk.questions import QuestionDesk
from plugins.village_affairs.models import Meeting as MeetingRow
from plugins.village_affairs.models import Question

GROUPS: Final = ("party", "committee", "supervision", "representatives", "villagers")
"""党员、村两委、村务监督委员会、村民代表、其他村民。"""


def meetings_of(hub: Hub, book: CodeBook) -> MeetingDesk[MeetingRow]:
    """Return the desk of a hub's open meetings (阳光报告会), with that of its questions."""
    meeting = Meeting(
        name="meeting",
        path="/meetings",
        read="meeting.read",
        call="meeting.call",
        groups=GROUPS,
        ahead=int(hub.settings.get("meeting_notice_days", 3)),
        event="meeting.published",
        effect="meeting.published",
    )
    questions = QuestionDesk(hub, book, Question)
    return MeetingDesk(MeetingEngine(hub, meeting, MeetingRow), questions)
