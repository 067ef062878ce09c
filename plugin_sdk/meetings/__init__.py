"""The meeting kit (会议): notice, attendance by group, questions with promises, minutes."""

from plugin_sdk.meetings.desk import MeetingDesk
from plugin_sdk.meetings.engine import Meeting, MeetingEngine
from plugin_sdk.meetings.forms import CallForm, MeetingQuestionForm
from plugin_sdk.meetings.models import MeetingRow
from plugin_sdk.meetings.routes import meeting_routes

__all__ = [
    "CallForm",
    "Meeting",
    "MeetingDesk",
    "MeetingEngine",
    "MeetingQuestionForm",
    "MeetingRow",
    "meeting_routes",
]
