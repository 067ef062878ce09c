"""The kit of residents' questions (问): asked by code or at a meeting, answered in time or
escalated, asked again while that is possible, rated."""

from plugin_sdk.questions.desk import AskForm, QuestionDesk, question_routes
from plugin_sdk.questions.flow import question_flow
from plugin_sdk.questions.models import QuestionRow

__all__ = ["AskForm", "QuestionDesk", "QuestionRow", "question_flow", "question_routes"]
